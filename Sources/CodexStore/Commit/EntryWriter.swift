internal import CodexCore
internal import CodexIndex

/// The change of one index that a change of an item makes.
struct EntryChange {
    let index: IndexHandle
    let oldKeys: [[UInt8]]
    let newKeys: [[UInt8]]
}

/// Stores and removes the entries of indexes for the writer's transactions.
final class EntryWriter {
    private let filter: (any MaintenanceFilter)?

    init(_ parts: StoreParts) { filter = parts.maintenance }

    /// Makes the change of an index.
    ///
    /// - Parameters:
    ///   - change: The change.
    ///   - old: The item as it was.
    ///   - context: The transaction.
    ///   - value: What the entries hold; `nil` if the item is in none any more.
    /// - Throws: What `value` and LMDB throw.
    func apply(
        _ change: EntryChange, _ old: Image?, in context: WriteContext,
        value: () throws(CodexError) -> [UInt8]?
    ) throws(CodexError) {
        guard let filter else { return try make(change, old, in: context, value: value) }
        let keys = filter.indexKeys(old: change.oldKeys, new: change.newKeys)
        let filtered = EntryChange(index: change.index, oldKeys: keys.old, newKeys: keys.new)
        try make(filtered, old, in: context, value: value)
    }

    private func make(
        _ change: EntryChange, _ old: Image?, in context: WriteContext,
        value: () throws(CodexError) -> [UInt8]?
    ) throws(CodexError) {
        let index = change.index
        for key in change.oldKeys {
            try removeOwnChunks(index, key, old, in: context)
            if !change.newKeys.contains(key) {
                try context.transaction.delete(index.tree, key)
            }
        }
        guard !change.newKeys.isEmpty, let value = try value() else { return }
        try put(index, change.newKeys, value, in: context)
    }

    /// Stores an item's index entries; `value` is the item's stored form or a projection's
    /// encoding.
    func put(
        _ index: IndexHandle, _ keys: [[UInt8]], _ value: [UInt8], in context: WriteContext
    ) throws(CodexError) {
        let transaction = context.transaction
        // ALL entries of a large item refer to the item's own chunks, others to one set of theirs.
        let isWhole = index.plan.definition.projection == .all
        let stored =
            isWhole ? value : try transaction.storable(value, context.catalog.overflow)
        for key in keys {
            try context.trees.put(index.tree, key, stored, in: transaction)
        }
    }

    /// Removes the chunks of an entry that has some of its own: a projection's.
    private func removeOwnChunks(
        _ index: IndexHandle, _ key: [UInt8], _ old: Image?, in context: WriteContext
    ) throws(CodexError) {
        // A projection is hardly larger than its item; most items need no look.
        guard case .include = index.plan.definition.projection,
            old?.stored.map({ $0.count > StoreLimits.unchunkedByteCountMax / 4 }) ?? true,
            let value = unsafe try context.transaction.get(index.tree, key),
            let large = unsafe try LargeValue(value)
        else { return }
        try context.transaction.removeChunks(large, context.catalog.overflow)
    }
}
