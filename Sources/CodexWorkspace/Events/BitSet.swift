/// A set of small numbers.
///
/// All sets that are combined with each other are made for numbers below the same limit.
struct BitSet: Sendable, Hashable {
    /// The numbers below 64.
    ///
    /// Most patterns have no others, and such a set allocates no memory.
    private var low: UInt64 = 0
    /// The other numbers, 64 a word.
    private var high: [UInt64]

    /// Creates an empty set for numbers below `limit`.
    init(below limit: Int) { high = Array(repeating: 0, count: max(0, (limit - 1) / 64)) }

    /// The set of all numbers below `limit`.
    static func all(below limit: Int) -> BitSet {
        var set = BitSet(below: limit)
        for number in 0..<limit { set.insert(number) }
        return set
    }

    var isEmpty: Bool { low == 0 && high.allSatisfy { $0 == 0 } }

    func contains(_ number: Int) -> Bool {
        let word = number < 64 ? low : high[number / 64 - 1]
        return word >> UInt64(number % 64) & 1 == 1
    }

    mutating func insert(_ number: Int) {
        let bit: UInt64 = 1 << UInt64(number % 64)
        if number < 64 { low |= bit } else { high[number / 64 - 1] |= bit }
    }

    func isSuperset(of other: BitSet) -> Bool {
        other.low & ~low == 0 && high.indices.allSatisfy { other.high[$0] & ~high[$0] == 0 }
    }

    mutating func formUnion(_ other: BitSet) {
        low |= other.low
        for index in high.indices { high[index] |= other.high[index] }
    }

    mutating func formIntersection(_ other: BitSet) {
        low &= other.low
        for index in high.indices { high[index] &= other.high[index] }
    }

    mutating func subtract(_ other: BitSet) {
        low &= ~other.low
        for index in high.indices { high[index] &= ~other.high[index] }
    }
}
