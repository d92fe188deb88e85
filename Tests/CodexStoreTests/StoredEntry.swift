import CodexCore
import CodexIndex
import Testing

@testable import CodexStore

/// An entry of a tree as it is stored.
struct StoredEntry: Hashable, Sendable {
    let key: [UInt8]
    let value: [UInt8]
}

extension TransactionContext {
    /// An index of the table `samples`, also that of expiry.
    ///
    /// Of two trees of one index, it is the one that answers.
    fileprivate func sampleIndex(_ name: String) throws -> IndexHandle {
        let indexes = try catalog.table("samples").indexes
        return try #require(indexes.first { $0.plan.definition.name == name })
    }

    /// The entries of a tree, ascending.
    func storedEntries(_ tree: Tree) throws -> [StoredEntry] {
        try transaction.withCursor(tree) { cursor in
            var entries: [StoredEntry] = []
            var entry = unsafe try cursor.first()
            while let current = unsafe entry {
                let (key, value) = unsafe (Array(current.key), Array(current.value))
                entries.append(StoredEntry(key: key, value: value))
                unsafe entry = try cursor.next()
            }
            return entries
        }
    }
}

extension Store {
    /// The entries of an index of the table `samples`, ascending.
    func storedEntries(_ index: String) throws -> [StoredEntry] {
        try core.withReadContext { context in
            try context.storedEntries(try context.sampleIndex(index).tree)
        }
    }

    /// The values of the entries of an index of the table `samples`, in the order of their keys.
    func storedValues(_ index: String) throws -> [[UInt8]] {
        try storedEntries(index).map(\.value)
    }

    /// Replaces the values of an index's entries behind the store; those without a value go.
    func replaceValues(
        _ index: String, _ value: @escaping @Sendable (StoredEntry) throws -> [UInt8]?
    ) async throws {
        try await write { transaction in
            let context = transaction.context
            let tree = try context.sampleIndex(index).tree
            for entry in try context.storedEntries(tree) {
                if let new = try value(entry) {
                    try context.transaction.put(tree, entry.key, new)
                } else {
                    try context.transaction.delete(tree, entry.key)
                }
            }
            context.noteChange()
        }
    }

    /// Gives an index the entries of keys only that format 4 wrote: items without attributes.
    func writeFormerEntries(_ name: String) async throws {
        try await write { transaction in
            let context = transaction.context
            let table = try context.catalog.table("samples")
            let index = try context.sampleIndex(name)
            for entry in try context.storedEntries(index.tree) {
                let offset = try index.plan.primaryKeyOffset(entry.key.span)
                let image = try #require(try context.image(table, Array(entry.key[offset...])))
                var header = image.header
                header.version = 0
                let value = try ItemCodec.encode(
                    Item(), header: header, excluding: [], shapes: context)
                try context.transaction.put(index.tree, entry.key, value)
            }
            context.noteChange()
        }
    }

    /// Removes an item of the table `samples` behind the store; its entries stay.
    func loseItem(_ key: PrimaryKey) async throws {
        try await write { transaction in
            let context = transaction.context
            let table = try context.catalog.table("samples")
            var encoded: [UInt8] = []
            try table.plan.encode(key, into: &encoded)
            try context.transaction.delete(table.tree, encoded)
            context.noteChange()
        }
    }

    /// Expects that `verify()` finds nothing.
    func expectSound() throws {
        let report = try verify()
        #expect(report.isSound, "\(report.differences.prefix(3))")
    }
}
