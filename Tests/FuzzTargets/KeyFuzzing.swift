internal import CodexCore
internal import CodexIndex

extension FuzzTarget {
    /// Keys: the order of encodings is the order of values, and any bytes are decoded or refused.
    static let keys = FuzzTarget("keys", seeds: KeyFuzzing.seeds, check: KeyFuzzing.check)
}

private enum KeyFuzzing {
    private static let types: [KeyAttribute.KeyType] = [.string, .number, .binary]

    static func seeds() throws -> [[UInt8]] {
        let numbers = ["0", "1", "-1", "12.5", "9.9e125", "-1e-130", "100"]
        var seeds: [[UInt8]] = [
            // Three parts of text, number and bytes, twice.
            [2, 0, 1, 2, 1, 97, 0, 7, 2, 0, 1, 1, 98, 0, 9, 2, 1, 0],
            // Text that has to be escaped.
            [0, 0, 3, 0, 1, 2, 3, 0, 1, 1],
        ]
        for text in numbers {
            var key: [UInt8] = [0x88]
            let value = AttributeValue.number(try Number(parsing: text))
            OrderedKey.append(value, isLast: true, to: &key)
            seeds.append(key)
        }
        var key: [UInt8] = [0x86]
        OrderedKey.append("TASK\u{0}\u{1}", isLast: false, to: &key)
        OrderedKey.append(42, isLast: false, to: &key)
        OrderedKey.append(.binary([0, 1, 255]), isLast: true, to: &key)
        return seeds + [key]
    }

    static func check(_ bytes: [UInt8]) {
        var input = FuzzInput(bytes)
        let first = input.byte()
        if first & 0x80 != 0 {
            let types = (0..<Int(first & 3) + 1).map { Self.types[(Int(first >> 2) + $0) % 3] }
            return checkDecoding(input.rest, types)
        }
        let types = (0..<Int(first & 3) + 1).map { _ in Self.types[input.below(3)] }
        let left = types.map { input.keyValue($0) }
        let right = types.map { input.keyValue($0) }
        let (leftKey, rightKey) = (encoded(left), encoded(right))
        require(
            ByteOrder.compare(leftKey, rightKey).signum() == order(left, right),
            "encodings have the order of their values")
        for (values, key) in [(left, leftKey), (right, rightKey)] {
            let decoded = mustSucceed("an encoded key is decoded") { try decode(types, key) }
            require(decoded == values, "decoding gives the values")
        }
        checkPrefix(left, leftKey)
    }

    /// A key lies in the range of each of its beginnings.
    private static func checkPrefix(_ values: [AttributeValue], _ key: [UInt8]) {
        var prefix: [UInt8] = []
        for (place, value) in values.enumerated() {
            let isLast = place == values.count - 1
            switch value {
            case .string, .binary:
                var beginning = prefix
                OrderedKey.appendPrefix(value, isLast: isLast, to: &beginning)
                require(
                    KeyRange(prefix: beginning).contains(key),
                    "a key is in the range of its prefix")
            default: break
            }
            OrderedKey.append(value, isLast: isLast, to: &prefix)
        }
    }

    /// What is decoded of any bytes is decoded from its encoding too.
    private static func checkDecoding(_ key: [UInt8], _ types: [KeyAttribute.KeyType]) {
        guard let values = try? decode(types, key) else { return }
        let again = encoded(values)
        let decoded = mustSucceed("an encoded key is decoded") { try decode(types, again) }
        require(decoded == values, "decoding gives the values")
    }

    private static func encoded(_ values: [AttributeValue]) -> [UInt8] {
        var key: [UInt8] = []
        for (place, value) in values.enumerated() {
            OrderedKey.append(value, isLast: place == values.count - 1, to: &key)
        }
        return key
    }

    private static func decode(
        _ types: [KeyAttribute.KeyType], _ key: [UInt8]
    ) throws(CodexError) -> [AttributeValue] {
        var (values, position): ([AttributeValue], Int) = ([], 0)
        for (place, type) in types.enumerated() {
            let isLast = place == types.count - 1
            values.append(try OrderedKey.decode(type, key.span, &position, isLast: isLast))
        }
        require(position <= key.count, "decoding stays in the key")
        return values
    }

    /// The order of DynamoDB, part by part: -1, 0 or 1.
    private static func order(_ left: [AttributeValue], _ right: [AttributeValue]) -> Int {
        for (left, right) in zip(left, right) {
            let result =
                switch (left, right) {
                case (.string(let left), .string(let right)):
                    order(Array(left.utf8), Array(right.utf8))
                case (.binary(let left), .binary(let right)): order(left, right)
                case (.number(let left), .number(let right)):
                    left == right ? 0 : left < right ? -1 : 1
                default: 0
                }
            if result != 0 { return result }
        }
        return 0
    }

    /// The order of bytes, written down once more.
    private static func order(_ left: [UInt8], _ right: [UInt8]) -> Int {
        left == right ? 0 : left.lexicographicallyPrecedes(right) ? -1 : 1
    }
}
