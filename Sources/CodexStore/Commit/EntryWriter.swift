internal import CodexCore
internal import CodexIndex

/// The change of one index that follows from the change of an item.
struct EntryChange {
    let index: IndexHandle
    let oldKeys: [[UInt8]]
    let newKeys: [[UInt8]]
}

/// Stores and removes the entries of indexes for the writer's transactions.
final class EntryWriter {
    private let filter: (any MaintenanceFilter)?

    init(_ parts: StoreParts) { filter = parts.maintenance }

    /// Whether the entries of an index that keep their keys stay as they are after a change.
    ///
    /// While an index is being built, an entry may be missing.
    func keepsContent(of index: IndexHandle, _ change: Change) -> Bool {
        let isSame = index.state == nil && change.keepsContent(of: index)
        guard let filter, index.plan.layout == .references else { return isSame }
        return filter.keepsReference(isSame)
    }

    /// Makes the change of an index.
    ///
    /// - Parameters:
    ///   - change: The change.
    ///   - old: The old item.
    ///   - keepsContent: Whether the entries that keep their keys keep their content.
    ///   - context: The transaction.
    ///   - value: Returns the value of the entries; `nil` if the item has no entries any more.
    /// - Throws: The errors of `value` and of LMDB.
    func apply(
        _ change: EntryChange, _ old: Image?, keepsContent: Bool = false,
        in context: WriteContext, value: () throws(CodexError) -> [UInt8]?
    ) throws(CodexError) {
        guard let filter else {
            return try make(change, old, keepsContent: keepsContent, in: context, value: value)
        }
        let keys = filter.indexKeys(old: change.oldKeys, new: change.newKeys)
        let filtered = EntryChange(index: change.index, oldKeys: keys.old, newKeys: keys.new)
        try make(filtered, old, keepsContent: keepsContent, in: context, value: value)
    }

    private func make(
        _ change: EntryChange, _ old: Image?, keepsContent: Bool, in context: WriteContext,
        value: () throws(CodexError) -> [UInt8]?
    ) throws(CodexError) {
        let index = change.index
        for key in change.oldKeys {
            try removeOwnChunks(index, key, old, in: context)
            if !change.newKeys.contains(key) {
                try context.transaction.delete(index.tree, key)
            }
        }
        var newKeys = change.newKeys
        // Copies of an item may share chunks, which are stored again.
        if keepsContent, index.plan.layout == .references {
            newKeys.removeAll { change.oldKeys.contains($0) }
        }
        guard !newKeys.isEmpty, let value = try value() else { return }
        try put(index, newKeys, value, in: context)
    }

    /// Stores an item's index entries; `value` is a reference, the item's stored form or a
    /// projection's encoding.
    func put(
        _ index: IndexHandle, _ keys: [[UInt8]], _ value: [UInt8], in context: WriteContext
    ) throws(CodexError) {
        let transaction = context.transaction
        // Entries of projection ALL refer to the chunks of a large item. The entries of another
        // projection share one set of chunks.
        let isWhole = index.plan.definition.projection == .all
        let stored =
            isWhole ? value : try transaction.storable(value, in: index.tree)
        for key in keys {
            try context.trees.put(index.tree, key, stored, in: transaction)
        }
    }

    /// Removes the chunks of a projected entry, which it does not share with the item.
    private func removeOwnChunks(
        _ index: IndexHandle, _ key: [UInt8], _ old: Image?, in context: WriteContext
    ) throws(CodexError) {
        // A projection is hardly larger than its item, so most items need no check.
        guard index.ownsChunks,
            old?.stored.map({ $0.count > StoreLimits.unchunkedByteCountMax / 4 }) ?? true,
            let value = unsafe try context.transaction.get(index.tree, key),
            let large = unsafe try LargeValue(value)
        else { return }
        try context.transaction.removeChunks(large, of: index.tree)
    }
}
