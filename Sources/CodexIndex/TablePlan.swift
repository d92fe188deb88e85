package import CodexCore

/// A table's definition, compiled: keys to bytes and back.
package final class TablePlan: KeyAttributeDecoder {
    package let definition: TableDefinition
    /// The names of the key attributes, which are not stored in the item's value.
    package let keyNames: [String]
    let parts: [KeyPart]
    /// The table's own indexes and, if its items expire, the one of expiry.
    package let indexes: [IndexPlan]
    package let counters: [CounterPlan]

    package init(_ definition: TableDefinition) {
        self.definition = definition
        keyNames = definition.keyAttributes.map(\.name)
        let parts = definition.keyAttributes.enumerated().map {
            KeyPart(attribute: $0.element, isPartition: $0.offset == 0)
        }
        self.parts = parts
        indexes = definition.maintainedIndexes.map {
            IndexPlan($0, table: definition, tableParts: parts)
        }
        counters = definition.counters.map(CounterPlan.init)
    }

    /// Appends the encoded primary key to `bytes`.
    ///
    /// - Throws: ``CodexError/Code/invalidKey``, ``CodexError/Code/keyTooLong`` for a value over
    ///   DynamoDB's limits.
    package func encode(_ key: PrimaryKey, into bytes: inout [UInt8]) throws(CodexError) {
        let owner = definition.name
        try parts[0].validate(key.partition, owner: owner)
        OrderedKey.append(key.partition, isLast: parts.count == 1, to: &bytes)
        switch (parts.count, key.sort) {
        case (1, nil): break
        case (2, let sort?):
            try parts[1].validate(sort, owner: owner)
            OrderedKey.append(sort, isLast: true, to: &bytes)
        case (1, _?):
            throw CodexError(.invalidKey, "Table \(owner) has no sort key, but the key has one.")
        default:
            throw CodexError(
                .invalidKey, "The key lacks a value for \(keyNames[1]), the sort key of \(owner).")
        }
    }

    /// The second, counted from 1970, at which an item expires; `nil` if it never does.
    package func expiry(of item: Item) -> Int? {
        guard let name = definition.timeToLive else { return nil }
        return Expiry.second(of: item[name])
    }

    /// The key attributes in an encoded primary key.
    package func keyAttributes(
        _ key: Span<UInt8>
    ) throws(CodexError) -> [AttributeMap.Element] {
        var position = 0
        return try Self.decode(parts[...], key, &position, lastIsLast: true)
    }

    /// The partition key in an encoded primary key.
    ///
    /// - Returns: Also the length of what all keys of the partition begin with; `nil` in a table
    ///   without a sort key, where each key is a partition.
    package func partition(
        of key: Span<UInt8>
    ) throws(CodexError) -> (value: AttributeValue, byteCount: Int?) {
        let hasSortKey = parts.count > 1
        var position = 0
        let value = try OrderedKey.decode(
            parts[0].attribute.type, key, &position, isLast: !hasSortKey)
        return (value, hasSortKey ? position : nil)
    }

    /// The primary key in its encoding.
    package func primaryKey(_ key: Span<UInt8>) throws(CodexError) -> PrimaryKey {
        let values = try keyAttributes(key)
        return PrimaryKey(values[0].value, values.count > 1 ? values[1].value : nil)
    }

    static func decode(
        _ parts: ArraySlice<KeyPart>, _ key: Span<UInt8>, _ position: inout Int, lastIsLast: Bool
    ) throws(CodexError) -> [AttributeMap.Element] {
        var elements: [AttributeMap.Element] = []
        elements.reserveCapacity(parts.count)
        for (offset, part) in parts.enumerated() {
            let isLast = lastIsLast && offset == parts.count - 1
            let value = try OrderedKey.decode(part.attribute.type, key, &position, isLast: isLast)
            elements.append(.init(name: part.attribute.name, value: value))
        }
        guard !lastIsLast || position == key.count else {
            throw Wire.corrupted("bytes are left after a key")
        }
        return elements
    }
}
