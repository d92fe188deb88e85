internal import CodexCore
internal import CodexIndex

/// An encrypted field with values that are not encrypted.
public struct PlainField: Sendable, Hashable {
    /// The table's name.
    public let table: String
    /// The entity's name.
    public let entity: String
    /// The field's name.
    public let name: String
    /// The number of the entity's items with such a value: `reseal()` encrypts it.
    public internal(set) var itemCount = 0
    /// The number of raw items under the entity's keys with such a value.
    ///
    /// They were stored before the schema named the entity.
    /// ``Store/migrate(_:batchCount:progress:)`` makes them items of the entity, and encrypts the
    /// field.
    public internal(set) var rawItemCount = 0
}

extension Store {
    /// The fields that the schema encrypts and that have unencrypted values.
    ///
    /// The values were stored before the schema named the field, or were written without the store.
    /// Values that an earlier format left undecided count, too (`Docs/Format.md`).
    ///
    /// - Returns: The fields, by table, entity and name; none if all values are encrypted.
    /// - Throws: ``CodexError/Code/closed``, and the errors of reading.
    /// - Complexity: O(*n*) in the number of items of tables with encrypted fields.
    public func plainFields() throws -> [PlainField] {
        try core.withReadContext { context in
            var fields: [PlainField] = []
            for table in context.catalog.allTables {
                fields += try context.plainFields(of: table)
            }
            return fields.sorted {
                ($0.table, $0.entity, $0.name) < ($1.table, $1.entity, $1.name)
            }
        }
    }
}

/// The counts of plain values in a table.
private struct PlainFieldCounts {
    private struct FieldID: Hashable {
        let entity: Int
        let name: String
    }

    private var fields: [FieldID: PlainField] = [:]

    var all: [PlainField] { Array(fields.values) }

    /// Adds an item of an entity, or a raw one under its keys.
    mutating func add(_ item: Item, _ entity: EntityBinding, isRaw: Bool) {
        let definition = entity.definition
        for name in definition.sealed {
            guard let element = item.element(named: name), element.seal != .sealed else { continue }
            let id = FieldID(entity: entity.number, name: name)
            var field =
                fields[id]
                ?? PlainField(table: definition.table, entity: definition.name, name: name)
            if isRaw { field.rawItemCount += 1 } else { field.itemCount += 1 }
            fields[id] = field
        }
    }
}

extension ReadContext {
    /// The encrypted fields of a table that have unencrypted values.
    fileprivate func plainFields(of table: TableHandle) throws -> [PlainField] {
        guard table.entities.contains(where: { !$0.definition.sealed.isEmpty }) else { return [] }
        var counts = PlainFieldCounts()
        try transaction.withCursor(table.tree) { cursor in
            var entry = unsafe try cursor.first()
            while let current = unsafe entry {
                let key = unsafe Array(current.key)
                unsafe try withItem(current.value, current.key, table.plan) { bytes -> Void in
                    let number = bytes.layout.header.entityNumber
                    guard let owner = try entity(number, key, table),
                        !owner.definition.sealed.isEmpty
                    else { return }
                    counts.add(try bytes.item(), owner, isRaw: number == 0)
                }
                unsafe entry = try cursor.next()
            }
        }
        return counts.all
    }

    /// The entity of an item; for a raw item, the entity of its key.
    private func entity(
        _ number: Int, _ key: [UInt8], _ table: TableHandle
    ) throws(CodexError) -> EntityBinding? {
        guard number == 0 else { return table.entities.first { $0.number == number } }
        return table.entity(of: try table.plan.primaryKey(key.span))
    }
}
