import CodexIndex

@testable import CodexCore
@testable import CodexStore

/// Items with values that no program can write, as somebody with access to the file could.
enum PlantedItem {
    /// Stores an item of CodexFlow's table as it is: nothing of it is sealed or judged.
    static func put(_ item: Item, _ store: Store) async throws {
        try await store.write { transaction in try put(item, transaction.context) }
    }

    private static func put(_ item: Item, _ context: WriteContext) throws {
        let table = try context.catalog.table(CodexFlow.table)
        let primaryKey = try table.plan.definition.primaryKey(of: item)
        var key: [UInt8] = []
        try table.plan.encode(primaryKey, into: &key)
        let old = try context.image(table, key)
        let new = try context.writes.replacing(table, primaryKey, old, with: item)
        let change = Change(table: table, key: key, old: old, new: new)
        for bytes in try context.items.apply([change], isUndo: true) {
            context.noteItem(change, bytes)
        }
    }
}
