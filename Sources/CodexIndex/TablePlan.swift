public import CodexCore

/// A table's compiled definition, which maps keys to bytes and back, and queries to ranges of keys.
///
/// A plan is pure: its inputs and outputs are bytes. It suits any ordered map from bytes to bytes;
/// the store uses it with LMDB. Any number of threads may use a plan.
///
/// ```swift
/// let table = TableDefinition(
///     "tasks", partitionKey: KeyAttribute("project"), sortKey: KeyAttribute("number", .number),
///     indexes: [
///         IndexDefinition(
///             "by-label", partitionKey: [KeyAttribute("labels")], multiValued: "labels")
///     ])
/// let plan = TablePlan(table)
/// var key: [UInt8] = []
/// try plan.encode(PrimaryKey("engine", 12), into: &key)
/// let query = TableQuery(table: "tasks", partition: ["engine"], sort: .less(100))
/// let isFound = try plan.range(of: query).contains(key)
/// ```
///
/// Values must be within DynamoDB's limits. A partition key attribute has 1 to
/// ``DynamoDBLimits/partitionKeyByteCountMax`` bytes, and a sort key attribute 1 to
/// ``DynamoDBLimits/sortKeyByteCountMax``.
public final class TablePlan: Sendable, KeyAttributeDecoder {
    /// The definition.
    public let definition: TableDefinition
    /// The names of the key attributes, which are not stored in the item's value.
    package let keyNames: [String]
    let parts: [KeyPart]
    /// The plans of the table's own indexes and, if its items can expire, of the expiry index
    /// (``IndexPlan/isExpiry``).
    public let indexes: [IndexPlan]
    package let counters: [CounterPlan]

    /// Compiles a definition.
    ///
    /// The definition is not checked; call ``Schema/validate()`` for that. Each index has the
    /// layout that its definition names, or else the default of its projection.
    ///
    /// - Parameter definition: The table.
    public convenience init(_ definition: TableDefinition) {
        self.init(definition) { $0.initialLayout }
    }

    /// Compiles a definition.
    ///
    /// - Parameters:
    ///   - definition: The table.
    ///   - layout: Returns the layout in which an index is stored.
    package init(_ definition: TableDefinition, layout: (IndexDefinition) -> IndexLayout) {
        self.definition = definition
        keyNames = definition.keyAttributes.map(\.name)
        let parts = definition.keyAttributes.enumerated().map {
            KeyPart(attribute: $0.element, isPartition: $0.offset == 0)
        }
        self.parts = parts
        indexes = definition.maintainedIndexes.map {
            IndexPlan($0, table: definition, tableParts: parts, layout: layout($0))
        }
        counters = definition.counters.map(CounterPlan.init)
    }

    /// The plan of an index of the table in a layout.
    package func plan(of index: IndexDefinition, in layout: IndexLayout) -> IndexPlan {
        IndexPlan(index, table: definition, tableParts: parts, layout: layout)
    }

    /// Appends the encoded primary key to `bytes`.
    ///
    /// - Parameters:
    ///   - key: The primary key.
    ///   - bytes: The destination. After an error it may contain a part of the key.
    /// - Throws: ``CodexError/Code/invalidKey`` for a value that is missing, superfluous, empty or
    ///   not of the table's type; ``CodexError/Code/keyTooLong`` for a value over DynamoDB's
    ///   limits.
    /// - Complexity: O(*n*) for *n* bytes.
    public func encode(_ key: PrimaryKey, into bytes: inout [UInt8]) throws(CodexError) {
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
    /// - Returns: The value, and the length of the prefix that all keys of the partition share. The
    ///   length is `nil` in a table without a sort key, where each key is a partition.
    package func partition(
        of key: Span<UInt8>
    ) throws(CodexError) -> (value: AttributeValue, byteCount: Int?) {
        let hasSortKey = parts.count > 1
        var position = 0
        let value = try OrderedKey.decode(
            parts[0].attribute.type, key, &position, isLast: !hasSortKey)
        return (value, hasSortKey ? position : nil)
    }

    /// The keys that a query selects, in the table or in the named index.
    ///
    /// The keys of a table are primary keys (``encode(_:into:)``). The keys of an index are those
    /// of its entries (``IndexPlan/entryKeys(for:primaryKey:)``). The query's filter, projection
    /// and direction have no effect.
    ///
    /// - Parameter query: The query; its table's name is not compared.
    /// - Returns: The range.
    /// - Throws: ``CodexError/Code/unknownIndex``; ``CodexError/Code/invalidKey`` for values of a
    ///   wrong type or number; ``CodexError/Code/keyTooLong``. Also
    ///   ``CodexError/Code/invalidExpression`` for a `between` whose bounds are in the wrong order,
    ///   and for a `beginsWith` of a number.
    /// - Complexity: O(*n*) for *n* bytes of the values.
    public func range(of query: TableQuery) throws(CodexError) -> KeyRange {
        guard let name = query.index else { return try KeyRange(query, plan: self, index: nil) }
        guard let index = indexes.first(where: { $0.definition.name == name && !$0.isExpiry })
        else {
            throw CodexError(.unknownIndex, "Table \(definition.name) has no index \(name).")
        }
        return try KeyRange(query, plan: self, index: index)
    }

    /// Decodes an encoded primary key.
    ///
    /// - Parameter key: The whole encoding, as ``encode(_:into:)`` writes it.
    /// - Returns: The key.
    /// - Throws: ``CodexError/Code/corrupted`` for bytes that are not such a key.
    /// - Complexity: O(*n*) for *n* bytes.
    public func primaryKey(_ key: Span<UInt8>) throws(CodexError) -> PrimaryKey {
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
