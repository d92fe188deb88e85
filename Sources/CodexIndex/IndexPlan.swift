public import CodexCore

/// A secondary index's definition, compiled: items to entries, entries to key attributes.
///
/// An entry's key is the index key's parts, each with its end, and after them the table's key as it
/// stands in the table. Its value is an encoded item of the projected attributes.
///
/// A table's plan has the plans of its indexes (``TablePlan/indexes``). To keep an index up to date,
/// take the ``entryKeys(for:primaryKey:)`` of the item as it was and as it is: those of the first that
/// the second lacks are removed, and the others are written. The caller must check whether the item
/// is of an entity of the index (``IndexDefinition/entities``), and whether a unique key is taken.
///
/// A plan may be used by any number of threads.
public final class IndexPlan: Sendable, KeyAttributeDecoder {
    /// The definition.
    public let definition: IndexDefinition
    /// The attributes that entries do not repeat in their values: all that are in their keys.
    ///
    /// The multi-valued one stands in the key element by element, and in the value whole.
    package let keyNames: [String]
    /// Whether it is the index of expiry, which finds items that are due: one that nobody queries,
    /// and that has no entry of an item which does not expire, whatever its attribute is.
    public let isExpiry: Bool
    /// The attributes that make an entry's key.
    package let indexKeyNames: [String]
    let parts: [KeyPart]
    private let tableParts: [KeyPart]
    /// The attributes that entries hold besides keys, ascending.
    private let includedNames: [String]
    private let encoder: GroupKeyEncoder

    init(_ definition: IndexDefinition, table: TableDefinition, tableParts: [KeyPart]) {
        self.definition = definition
        self.tableParts = tableParts
        if case .include(let names) = definition.projection {
            includedNames = names.sorted { ByteOrder.compare($0, $1) < 0 }
        } else {
            includedNames = []
        }
        isExpiry = definition.name == TableDefinition.expiryIndexName
        parts =
            definition.partitionKey.map { KeyPart(attribute: $0, isPartition: true) }
            + definition.sortKey.map { KeyPart(attribute: $0, isPartition: false) }
        indexKeyNames = parts.map(\.attribute.name)
        encoder = GroupKeyEncoder(
            parts: parts, multiValued: definition.multiValued, owner: "index \(definition.name)")
        keyNames =
            tableParts.map(\.attribute.name)
            + parts.map(\.attribute.name).filter { $0 != definition.multiValued }
    }

    /// The keys of the entries for `item`, ascending; none if it lacks a key attribute, one unless
    /// the index is multi-valued.
    ///
    /// - Parameters:
    ///   - item: The item, with all attributes.
    ///   - primaryKey: The item's encoded primary key (``TablePlan/encode(_:into:)``).
    /// - Returns: The keys; of a multi-valued attribute, one for each distinct element.
    /// - Throws: ``CodexError/Code/invalidKey`` for a key attribute that is empty or of the wrong
    ///   type, or one with more than ``StoreLimits/indexElementCountMax`` elements,
    ///   ``CodexError/Code/keyTooLong``.
    /// - Complexity: O(*n* log *n*) for *n* entries.
    public func entryKeys(
        for item: Item, primaryKey: [UInt8]
    ) throws(CodexError) -> [[UInt8]] {
        if isExpiry, Expiry.second(of: item[parts[0].attribute.name]) == nil { return [] }
        var keys = try encoder.keys(of: item)
        for position in keys.indices { keys[position].append(contentsOf: primaryKey) }
        return keys
    }

    /// Where the index of expiry has the entries of those items that are expired in the second
    /// `now`.
    package static func expired(at now: Int) -> KeyRange {
        /// The end of the entries of a second.
        func end(of second: Int) -> [UInt8]? {
            var key: [UInt8] = []
            OrderedKey.append(.number(Number(second)), isLast: false, to: &key)
            return KeyRange(prefix: key).upper
        }
        // Entries are ordered by the attribute, whose fractions count as the next second.
        let last = now - DynamoDBLimits.expiryIgnoredAfterSeconds - 1
        return KeyRange(lower: end(of: last) ?? [], upper: end(of: now))
    }

    /// The attributes that the entry's value holds; `nil` means the item's own encoding serves.
    ///
    /// - Parameter item: The item, with all attributes.
    /// - Returns: None for an index of keys only, the included ones, or `nil` for all.
    public func projected(_ item: Item) -> Item? {
        switch definition.projection {
        case .all: return nil
        case .keysOnly: return Item()
        case .include:
            return Item(unsorted: includedNames.compactMap { item.element(named: $0) })
        }
    }

    /// The key attributes of index and table in an entry's key.
    ///
    /// The element of a multi-valued attribute is its value only where the entry has no other.
    package func keyAttributes(
        _ key: Span<UInt8>
    ) throws(CodexError) -> [AttributeMap.Element] {
        var position = 0
        if definition.projection == .all {
            // The value has them all but the table's.
            position = try primaryKeyOffset(key)
            return try TablePlan.decode(tableParts[...], key, &position, lastIsLast: true)
        }
        var own = try TablePlan.decode(parts[...], key, &position, lastIsLast: false)
        if let name = definition.multiValued, holdsMultiValued {
            own.removeAll { ByteOrder.equal($0.name, name) }
        }
        let table = try TablePlan.decode(tableParts[...], key, &position, lastIsLast: true)
        return own + table
    }

    /// All attributes that an entry's key is made of: those of the index's key, then the table's.
    ///
    /// A multi-valued attribute is the one element that the entry is of.
    ///
    /// - Parameter key: An entry's whole key.
    /// - Returns: The attributes, in the order of the keys.
    /// - Throws: ``CodexError/Code/corrupted`` for bytes that are no such key.
    public func attributes(of key: Span<UInt8>) throws(CodexError) -> [AttributeMap.Element] {
        var position = 0
        let own = try TablePlan.decode(parts[...], key, &position, lastIsLast: false)
        return own + (try TablePlan.decode(tableParts[...], key, &position, lastIsLast: true))
    }

    /// Whether entries hold the multi-valued attribute whole.
    private var holdsMultiValued: Bool {
        switch definition.projection {
        case .all: true
        case .keysOnly: false
        case .include(let names): names.contains { $0 == definition.multiValued }
        }
    }

    /// Where the table's key starts in an entry's key: the length of the index key.
    ///
    /// - Parameter key: An entry's whole key.
    /// - Returns: The offset of the encoded primary key, in bytes.
    /// - Throws: ``CodexError/Code/corrupted`` for bytes that are no such key.
    /// - Complexity: O(*n*) for *n* bytes.
    public func primaryKeyOffset(_ key: Span<UInt8>) throws(CodexError) -> Int {
        var position = 0
        for part in parts {
            if part.attribute.type == .number {
                _ = try OrderedKey.decode(.number, key, &position, isLast: false)
                continue
            }
            // Within a part, the byte 0x00 is its end and nothing else.
            while position < key.count, key[position] != 0 { position += 1 }
            position += 1
        }
        guard position < key.count else { throw Wire.corrupted("an index entry's key is short") }
        return position
    }
}
