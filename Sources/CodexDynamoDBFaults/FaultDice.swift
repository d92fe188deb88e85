/// A generator of choices from a seed: the same seed gives the same choices.
///
/// It is Steele, Lea and Flood's SplitMix64. The choices below do not use the standard library's
/// algorithms, which may differ between its releases.
struct FaultDice: Sendable {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// Creates the generator of one of several rules.
    init(seed: UInt64, rule: Int) {
        var dice = FaultDice(seed: seed &+ UInt64(truncatingIfNeeded: rule))
        state = dice.next()
    }

    /// A number of 64 bits.
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// A fraction from 0 up to 1, without 1.
    mutating func fraction() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// A number from 0 up to `count`, without `count`, which is above zero.
    mutating func below(_ count: Int) -> Int {
        Int(next().multipliedFullWidth(by: UInt64(max(1, count))).high)
    }

    /// Some of the places below `count`.
    mutating func places(_ wanted: Int, of count: Int) -> Set<Int> {
        var places = Array(0..<max(0, count))
        for index in 0..<min(max(0, wanted), places.count) {
            places.swapAt(index, index + below(places.count - index))
        }
        return Set(places.prefix(max(0, wanted)))
    }
}
