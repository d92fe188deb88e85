import CDurablePeers
import Foundation

/// The generator that the peers in C have too.
struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 { durable_next(&state) }

    mutating func below(_ bound: Int) -> Int { durable_below(&state, bound) }

    /// A number from 0 up to 1.
    mutating func fraction() -> Double { Double(next() >> 11) / Double(1 << 53) }
}

/// Zipf's distribution over 0 ..< `count`: number *k* comes (*k* + 1)^-0.99 times as often as 0.
///
/// The method of Gray et al., "Quickly Generating Billion-Record Synthetic Databases" (SIGMOD 1994),
/// with YCSB's constant.
struct Zipfian: Sendable {
    private static let theta = 0.99
    let count: Int
    private let zeta: Double
    private let eta: Double

    /// - Complexity: O(`count`).
    init(_ count: Int) {
        self.count = count
        zeta = (1...count).reduce(0.0) { $0 + pow(Double($1), -Self.theta) }
        let two = 1 + pow(2, -Self.theta)
        eta = (1 - pow(2 / Double(count), 1 - Self.theta)) / (1 - two / zeta)
    }

    func next(_ random: inout SplitMix64) -> Int {
        let u = random.fraction()
        let scaled = u * zeta
        if scaled < 1 { return 0 }
        if scaled < 1 + pow(0.5, Self.theta) { return 1 }
        let value = Double(count) * pow(eta * u - eta + 1, 1 / (1 - Self.theta))
        return min(count - 1, Int(value))
    }
}

/// Fowler, Noll and Vo's hash (FNV-1a) of a number's bytes, with which YCSB scatters its keys.
func scattered(_ number: Int) -> UInt64 {
    var (hash, rest) = (UInt64(0xCBF2_9CE4_8422_2325), UInt64(number))
    for _ in 0..<8 {
        hash = (hash ^ (rest & 0xFF)) &* 0x100_0000_01B3
        rest >>= 8
    }
    return hash
}
