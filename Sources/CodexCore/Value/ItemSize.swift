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
        for element in elements {
            try element.validateName()
            try element.value.validate(depth: 0)
        }
        let size = byteCount
        guard size <= DynamoDBLimits.itemByteCountMax else {
            throw CodexError(
                .itemTooLarge,
                "The item has \(size) bytes; \(DynamoDBLimits.itemByteCountMax) are allowed. "
                    + "Split it, or store large content outside of the item.")
        }
    }
}

extension AttributeMap.Element {
    fileprivate func validateName() throws(CodexError) {
        let count = name.utf8.count
        guard count > 0, count <= DynamoDBLimits.attributeNameByteCountMax else {
            throw CodexError(
                .invalidItem,
                "An attribute name has \(count) bytes; 1 to "
                    + "\(DynamoDBLimits.attributeNameByteCountMax) "
                    + "are allowed.")
        }
    }
}

extension AttributeValue {
    fileprivate func validate(depth: Int) throws(CodexError) {
        switch self {
        case .string, .number, .binary, .bool, .null: return
        case .stringSet(let set): try Self.requireMembers(set.members.count)
        case .numberSet(let set): try Self.requireMembers(set.members.count)
        case .binarySet(let set): try Self.requireMembers(set.members.count)
        case .list(let values):
            try Self.requireDepth(depth)
            for value in values { try value.validate(depth: depth + 1) }
        case .map(let map):
            try Self.requireDepth(depth)
            for element in map.elements {
                try element.validateName()
                try element.value.validate(depth: depth + 1)
            }
        }
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
