#if Remote
    /// The place of a change in a stream of DynamoDB: a decimal number of many digits.
    ///
    /// Numbers of one shard grow, and so do those of one item. Leading zeros do not count.
    public struct StreamSequenceNumber: Sendable, Hashable, Comparable, CustomStringConvertible {
        /// The digits as the service wrote them.
        public let description: String

        static let digitCountMax = 128

        /// Reads a number of 1 to 128 digits; `nil` for other text.
        public init?(_ text: String) {
            guard (1...Self.digitCountMax).contains(text.utf8.count),
                text.utf8.allSatisfy({ $0 &- UInt8(ascii: "0") < 10 })
            else { return nil }
            description = text
        }

        private var digits: Substring.UTF8View {
            description.utf8.drop { $0 == UInt8(ascii: "0") }
        }

        /// Compares values.
        public static func == (left: Self, right: Self) -> Bool {
            left.digits.elementsEqual(right.digits)
        }

        /// Hashes the value.
        public func hash(into hasher: inout Hasher) {
            for digit in digits { hasher.combine(digit) }
        }

        /// Orders numbers by their values.
        public static func < (left: Self, right: Self) -> Bool {
            let (first, second) = (left.digits, right.digits)
            guard first.count == second.count else { return first.count < second.count }
            return first.lexicographicallyPrecedes(second)
        }
    }
#endif
