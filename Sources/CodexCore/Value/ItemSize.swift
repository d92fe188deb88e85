// DynamoDB's item size: see "DynamoDB item sizes and formats" in its developer guide.

extension AttributeMap {
    /// The item's size in bytes as DynamoDB counts it: UTF-8 names plus values.
    ///
    /// - Complexity: O(*n*) in the number of values at all depths.
    public var byteCount: Int {
        elements.reduce(0) { $0 + $1.name.utf8.count + $1.value.byteCount }
    }
}

extension AttributeValue {
    /// The value's size in bytes as DynamoDB counts it.
    public var byteCount: Int {
        switch self {
        case .string(let value): value.utf8.count
        case .number(let value): value.byteCount
        case .binary(let value): value.count
        case .bool, .null: 1
        // Lists and maps: 3 bytes, plus 1 byte for each element and its content.
        case .list(let values): values.reduce(3) { $0 + 1 + $1.byteCount }
        case .map(let map): 3 + map.count + map.byteCount
        case .stringSet(let set): set.members.reduce(0) { $0 + $1.utf8.count }
        case .numberSet(let set): set.members.reduce(0) { $0 + $1.byteCount }
        case .binarySet(let set): set.members.reduce(0) { $0 + $1.count }
        }
    }
}

extension Number {
    /// The number's size as DynamoDB counts it.
    ///
    /// It is one byte per two significant digits, plus one, plus one if the number is negative.
    public var byteCount: Int {
        if let integer = int64 { return Self.byteCount(of: integer) }
        // Only numbers that fit 64 bits have trailing zeros.
        return (Number.digitCount(magnitude) + 1) / 2 + 1 + (isNegative ? 1 : 0)
    }

    private static func byteCount(of integer: Int64) -> Int {
        guard integer != 0 else { return 1 }
        let digitCount = Number.digitCount(Number.strippingZeros(integer.magnitude).0)
        return (digitCount + 1) / 2 + 1 + (integer < 0 ? 1 : 0)
    }
}

extension AttributeMap {
    /// Checks all properties of an item that do not depend on its table.
    ///
    /// - Throws: ``CodexError/Code/itemTooLarge`` above 400 KB; ``CodexError/Code/invalidItem`` for
    ///   an empty or over-long attribute name, an empty set, or more than 32 levels of nesting.
    package func validate() throws(CodexError) {
        var size = 0
        for element in elements {
            size += try element.validNameByteCount()
            size += try element.value.validByteCount(depth: 0)
        }
        guard size <= DynamoDBLimits.itemByteCountMax else {
            throw CodexError(
                .itemTooLarge,
                "The item has \(size) bytes; \(DynamoDBLimits.itemByteCountMax) are allowed. "
                    + "Split it, or store large content outside of the item.")
        }
    }
}

extension AttributeMap.Element {
    /// The size of the name.
    ///
    /// - Throws: ``CodexError/Code/invalidItem`` if it is empty or too long.
    fileprivate func validNameByteCount() throws(CodexError) -> Int {
        let count = name.utf8.count
        guard count > 0, count <= DynamoDBLimits.attributeNameByteCountMax else {
            throw CodexError(
                .invalidItem,
                "An attribute name has \(count) bytes; 1 to "
                    + "\(DynamoDBLimits.attributeNameByteCountMax) "
                    + "are allowed.")
        }
        return count
    }
}

extension AttributeValue {
    /// The value's size, as ``byteCount`` counts it; one pass also checks the value.
    ///
    /// - Throws: ``CodexError/Code/invalidItem`` for an invalid name, an empty set, or too many
    ///   levels.
    fileprivate func validByteCount(depth: Int) throws(CodexError) -> Int {
        switch self {
        case .string, .number, .binary, .bool, .null: break
        case .stringSet(let set): try Self.requireMembers(set.members.count)
        case .numberSet(let set): try Self.requireMembers(set.members.count)
        case .binarySet(let set): try Self.requireMembers(set.members.count)
        case .list(let values):
            try Self.requireDepth(depth)
            var size = 3 + values.count
            for value in values { size += try value.validByteCount(depth: depth + 1) }
            return size
        case .map(let map):
            try Self.requireDepth(depth)
            var size = 3 + map.count
            for element in map.elements {
                size += try element.validNameByteCount()
                size += try element.value.validByteCount(depth: depth + 1)
            }
            return size
        }
        return byteCount
    }

    private static func requireMembers(_ count: Int) throws(CodexError) {
        guard count > 0 else {
            throw CodexError(
                .invalidItem, "A set is empty. Leave the attribute out instead of an empty set.")
        }
    }

    private static func requireDepth(_ depth: Int) throws(CodexError) {
        guard depth < DynamoDBLimits.nestingDepthMax else {
            throw CodexError(
                .invalidItem,
                "Lists and maps are nested more than \(DynamoDBLimits.nestingDepthMax) levels "
                    + "deep.")
        }
    }
}
