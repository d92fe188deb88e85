package import CodexCore

/// A secondary index's definition, compiled: items to entries, entries to key attributes.
///
/// An entry's key is the index key's parts, each with its end, and after them the table's key as it
/// stands in the table. Its value is an encoded item of the projected attributes.
package final class IndexPlan: KeyAttributeDecoder {
    package let definition: IndexDefinition
    /// The attributes that entries do not repeat in their values: all that are in their keys.
    package let keyNames: [String]
    let parts: [KeyPart]
    private let tableParts: [KeyPart]
    private let owner: String

    init(_ definition: IndexDefinition, table: TableDefinition, tableParts: [KeyPart]) {
        self.definition = definition
        self.tableParts = tableParts
        parts =
            definition.partitionKey.map { KeyPart(attribute: $0, isPartition: true) }
            + definition.sortKey.map { KeyPart(attribute: $0, isPartition: false) }
        keyNames = tableParts.map(\.attribute.name) + parts.map(\.attribute.name)
        owner = "index \(definition.name)"
    }

    /// The key of the entry for `item`, or `nil` if the index has none for it.
    ///
    /// - Throws: ``CodexError/Code/invalidKey`` for a key attribute that is empty or of the wrong
    ///   type, ``CodexError/Code/keyTooLong``.
    package func entryKey(
        for item: Item, primaryKey: [UInt8]
    ) throws(CodexError) -> [UInt8]? {
        guard var key = try indexKey(of: item) else { return nil }
        key.append(contentsOf: primaryKey)
        try KeyPart.requireFits(key, owner: owner)
        return key
    }

    /// The encoded index key alone: what all entries of equal index keys begin with.
    package func indexKey(of item: Item) throws(CodexError) -> [UInt8]? {
        var key: [UInt8] = []
        var isComplete = true
        for part in parts {
            guard let value = item[part.attribute.name] else {
                isComplete = false
                continue
            }
            // A wrong type refuses the write even where another part is missing.
            try part.validate(value, owner: owner)
            OrderedKey.append(value, isLast: false, to: &key)
        }
        return isComplete ? key : nil
    }

    /// The attributes that the entry's value holds; `nil` means the item's own encoding serves.
    package func projected(_ item: Item) -> Item? {
        switch definition.projection {
        case .all: return nil
        case .keysOnly: return Item()
        case .include(let names):
            var projected = Item()
            for name in names { projected[name] = item[name] }
            return projected
        }
    }

    /// The key attributes of index and table in an entry's key.
    package func keyAttributes(
        _ key: Span<UInt8>
    ) throws(CodexError) -> [AttributeMap.Element] {
        var position = 0
        let own = try TablePlan.decode(parts[...], key, &position, lastIsLast: false)
        let table = try TablePlan.decode(tableParts[...], key, &position, lastIsLast: true)
        return own + table
    }

    /// Where the table's key starts in an entry's key.
    package func primaryKeyOffset(_ key: Span<UInt8>) throws(CodexError) -> Int {
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
