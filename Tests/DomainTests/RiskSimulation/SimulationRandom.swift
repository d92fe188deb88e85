import TestSupport

/// The random choices of a simulated project; the same seed gives the same project everywhere.
///
/// It uses the bits of the generator directly: the algorithm of Swift's `Double.random` may change
/// with the toolchain.
struct SimulationRandom {
    private var bits: SplitMix

    init(seed: UInt64) { bits = SplitMix(seed: seed) }

    /// A number from 0 up to 1.
    mutating func unit() -> Double { Double(bits.next() >> 11) * 0x1p-53 }

    /// A number from 0 up to `count`.
    mutating func among(_ count: Int) -> Int { min(count - 1, Int(unit() * Double(count))) }

    mutating func between(_ low: Double, _ high: Double) -> Double {
        low + (high - low) * unit()
    }

    /// Whether something with the probability happens.
    mutating func chance(_ probability: Double) -> Bool { unit() < probability }

    /// A number with mean 0 and deviation 1: the sum of twelve uniform ones, less 6.
    mutating func normal() -> Double {
        var sum = 0.0
        for _ in 0..<12 { sum += unit() }
        return sum - 6
    }
}
