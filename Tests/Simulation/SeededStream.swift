/// A stream of chance from a seed: SplitMix64, and bounds that do not depend on the standard
/// library.
///
/// `TestSupport` has the same generator, but it links the testing library, which a program cannot.
package struct SeededStream: Sendable {
    /// What a stream decides: each has its own numbers, so that one does not disturb the others.
    package enum Purpose: UInt64, Sendable {
        /// Which commands there are.
        case program = 1
        /// Which process runs next.
        case schedule
        /// Which calls fail.
        case faults
        /// What a disk keeps of unflushed writes.
        case disk
        /// The text of attributes.
        case text
        /// How many commands may begin after a failure.
        case grace
    }

    private var state: UInt64

    /// Creates a stream.
    ///
    /// - Parameters:
    ///   - seed: The seed of the history.
    ///   - purpose: What the stream decides.
    package init(seed: UInt64, _ purpose: Purpose) {
        state = Self.mixed(seed &+ purpose.rawValue &* 0xD6E8_FEB8_6659_FD93)
    }

    private static func mixed(_ number: UInt64) -> UInt64 {
        var mixed = number
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// The next number.
    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return Self.mixed(state)
    }

    /// A number from 0 up to `count`, which is at least 1.
    package mutating func below(_ count: Int) -> Int { Int(next() % UInt64(max(1, count))) }

    /// A number of a range.
    package mutating func number(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + below(range.upperBound - range.lowerBound + 1)
    }

    /// Whether an event happens that has a chance of `percent` in 100.
    package mutating func chance(_ percent: Int) -> Bool { below(100) < percent }

    /// One of the elements, of which there is at least one.
    package mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[below(elements.count)]
    }

    /// One of the elements, each as likely as its weight.
    package mutating func pick<Element>(weighted elements: [(weight: Int, element: Element)])
        -> Element
    {
        var rest = below(elements.reduce(0) { $0 + $1.weight })
        for (weight, element) in elements {
            if rest < weight { return element }
            rest -= weight
        }
        return elements[elements.count - 1].element
    }

    /// Text that does not compress well: letters of base 64.
    package mutating func text(_ byteCount: Int) -> String {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(byteCount)
        while bytes.count < byteCount {
            var word = next()
            for _ in 0..<min(10, byteCount - bytes.count) {
                bytes.append(letters[Int(word & 63)])
                word >>= 6
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
