public import CodexCore

/// A secondary index's compiled definition, which maps items to entries and entries to key
/// attributes.
///
/// An entry's key is the parts of the index key, each with its terminator, followed by the encoded
/// primary key. Its value depends on the layout: in ``IndexLayout/copies``, it is an encoded item
/// of the projected attributes. In ``IndexLayout/references``, it has no attributes, and a query
/// reads the item under the primary key.
///
/// A table's plan has the plans of its indexes (``TablePlan/indexes``). To update an index, compute
/// ``entryKeys(for:primaryKey:)`` of the old and the new item. Remove the old keys that the new
/// item lacks, and write the others. The caller must check whether the item belongs to an entity of
/// the index (``IndexDefinition/entities``), and whether a unique key is taken.
///
/// Any number of threads may use a plan.
public final class IndexPlan: Sendable, KeyAttributeDecoder {
    /// The definition.
    public let definition: IndexDefinition
    /// How the entries are stored, which the definition need not say.
    public let layout: IndexLayout
    /// The attributes that entries do not repeat in their values, because their keys contain them.
    ///
    /// A multi-valued attribute is not among them: a key contains one element, and the value the
    /// whole attribute.
    package let keyNames: [String]
    /// Whether this is the expiry index, which finds expired items.
    ///
    /// Queries cannot use it. It has no entry for an item that does not expire, even if the item
    /// has the attribute.
    public let isExpiry: Bool
    /// Whether the table's key has all attributes of the index key.
    package let isOfTableKey: Bool
    /// The attributes that form an entry's key.
    package let indexKeyNames: [String]
    let parts: [KeyPart]
    private let tableParts: [KeyPart]
    /// The attributes that queries return in addition to keys, ascending; none if they return all.
    private let includedNames: [String]
    /// The attributes among them that no key of an entry has.
    package let projectedNames: [String]
    private let encoder: GroupKeyEncoder

    init(
        _ definition: IndexDefinition, table: TableDefinition, tableParts: [KeyPart],
        layout: IndexLayout
    ) {
        self.definition = definition
        self.layout = layout
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
        isOfTableKey = parts.allSatisfy { part in
            tableParts.contains { ByteOrder.equal($0.attribute.name, part.attribute.name) }
        }
        encoder = GroupKeyEncoder(
            parts: parts, multiValued: definition.multiValued, owner: "index \(definition.name)")
        let multiValued = definition.multiValued.map(ExactName.init(_:))
        let keyNames =
            tableParts.map(\.attribute.name)
            + parts.map(\.attribute.name).filter { ExactName($0) != multiValued }
        self.keyNames = keyNames
        projectedNames = includedNames.filter { name in
            !keyNames.contains { ByteOrder.equal($0, name) }
        }
    }

    /// The keys of the entries for `item`, ascending.
    ///
    /// There are none if the item lacks a key attribute. There is at most one unless the index is
    /// multi-valued.
    ///
    /// - Parameters:
    ///   - item: The item, with all attributes.
    ///   - primaryKey: The item's encoded primary key (``TablePlan/encode(_:into:)``).
    /// - Returns: The keys; with a multi-valued attribute, one for each distinct element.
    /// - Throws: ``CodexError/Code/invalidKey`` for a key attribute that is empty, of the wrong
    ///   type, or with more than ``StoreLimits/indexElementCountMax`` elements;
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

    /// The range of the expiry index with the items that have expired in the second `now`.
    package static func expired(at now: Int) -> KeyRange {
        /// The end of the entries of a second.
        func end(of second: Int) -> [UInt8]? {
            var key: [UInt8] = []
            OrderedKey.append(.number(Number(second)), isLast: false, to: &key)
            return KeyRange(prefix: key).upper
        }
        // Entries are ordered by the attribute, and a fraction counts as the next second.
        let last = now - DynamoDBLimits.expiryIgnoredAfterSeconds - 1
        return KeyRange(lower: end(of: last) ?? [], upper: end(of: now))
    }

    /// The attributes of the entry's value; `nil` means that the value is the item's own encoding.
    ///
    /// - Parameter item: The item, with all attributes.
    /// - Returns: An empty item for an entry that refers to its item; for one that copies it, the
    ///   included attributes, or `nil` for all.
    public func projected(_ item: Item) -> Item? {
        guard layout == .copies else { return Item() }
        switch definition.projection {
        case .all: return nil
        case .keysOnly: return Item()
        case .include:
            return Item(unsorted: includedNames.compactMap { item.element(named: $0) })
        }
    }

    /// The key attributes of the index and the table in an entry's key.
    ///
    /// The element of a multi-valued attribute is included only if the entry does not hold the
    /// attribute.
    package func keyAttributes(
        _ key: Span<UInt8>
    ) throws(CodexError) -> [AttributeMap.Element] {
        var position = 0
        if definition.projection == .all {
            // The value has all of them except the table's key attributes.
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

    /// All attributes in an entry's key: those of the index key, then those of the table's key.
    ///
    /// A multi-valued attribute has the one element of the entry as its value.
    ///
    /// - Parameter key: An entry's whole key.
    /// - Returns: The attributes, in the order of the keys.
    /// - Throws: ``CodexError/Code/corrupted`` for bytes that are not such a key.
    public func attributes(of key: Span<UInt8>) throws(CodexError) -> [AttributeMap.Element] {
        var position = 0
        let own = try TablePlan.decode(parts[...], key, &position, lastIsLast: false)
        return own + (try TablePlan.decode(tableParts[...], key, &position, lastIsLast: true))
    }

    /// Whether entries hold the whole multi-valued attribute.
    private var holdsMultiValued: Bool {
        switch definition.projection {
        case .all: true
        case .keysOnly: false
        case .include(let names):
            names.contains { ExactName($0) == definition.multiValued.map(ExactName.init(_:)) }
        }
    }

    /// The offset of the table's key in an entry's key, which is the length of the index key.
    ///
    /// - Parameter key: An entry's whole key.
    /// - Returns: The offset of the encoded primary key, in bytes.
    /// - Throws: ``CodexError/Code/corrupted`` for bytes that are not such a key.
    /// - Complexity: O(*n*) for *n* bytes.
    public func primaryKeyOffset(_ key: Span<UInt8>) throws(CodexError) -> Int {
        var position = 0
        for part in parts {
            if part.attribute.type == .number {
                _ = try OrderedKey.decode(.number, key, &position, isLast: false)
                continue
            }
            // Within a part, the byte 0x00 occurs only as its terminator.
            while position < key.count, key[position] != 0 { position += 1 }
            position += 1
        }
        guard position < key.count else { throw Wire.corrupted("an index entry's key is short") }
        return position
    }
}
