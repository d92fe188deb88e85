internal import CodexCore
internal import CodexIndex

/// The change of one index that a change of an item makes.
struct EntryChange {
    let index: IndexHandle
    let oldKeys: [[UInt8]]
    let newKeys: [[UInt8]]
}

/// Stores and removes the entries of indexes for the writer's transactions.
class EntryWriter {
    private let plantedFault: PlantedFault?

    init(_ options: StoreOptions) { plantedFault = options.plantedFault }

    /// Makes the change of an index.
    ///
    /// - Parameters:
    ///   - change: The change.
    ///   - old: The item as it was.
    ///   - context: The transaction.
    ///   - value: What the entries hold; `nil` if the item is in none any more.
    func store(
        _ change: EntryChange, _ old: Image?, in context: WriteContext,
        value: () throws(CodexError) -> [UInt8]?
    ) throws(CodexError) {
        let index = change.index
        let fault = plantedFault
        for key in change.oldKeys {
            let stays = change.newKeys.contains(key)
            let isKept =
                fault == .skippedDelete && change.newKeys.isEmpty
                || fault == .missedMove && !change.newKeys.isEmpty
            if stays || isKept {
                if stays { try removeOwnChunks(index, key, old, in: context) }
                continue
            }
            try removeOwnChunks(index, key, old, in: context)
            try context.transaction.delete(index.tree, key)
        }
        guard !change.newKeys.isEmpty, let value = try value() else { return }
        try put(
            index, change.newKeys, value, in: context,
            except: { key in
                fault == .staleProjection && change.oldKeys.contains(key)
            })
    }

    /// Stores an item's index entries; `value` is the item's stored form or a projection's
    /// encoding.
    func put(
        _ index: IndexHandle, _ keys: [[UInt8]], _ value: [UInt8], in context: WriteContext,
        except isLeft: ([UInt8]) -> Bool = { _ in false }
    ) throws(CodexError) {
        let transaction = context.transaction
        // ALL entries of a large item refer to the item's own chunks, others to one set of theirs.
        let isWhole = index.plan.definition.projection == .all
        let stored =
            isWhole ? value : try transaction.storable(value, context.catalog.overflow)
        for key in keys where !isLeft(key) {
            try context.trees.put(index.tree, key, stored, in: transaction)
        }
    }

    /// Removes the chunks of an entry that has some of its own: a projection's.
    private func removeOwnChunks(
        _ index: IndexHandle, _ key: [UInt8], _ old: Image?, in context: WriteContext
    ) throws(CodexError) {
        // A projection is hardly larger than its item; most items need no look.
        guard case .include = index.plan.definition.projection,
            old?.stored.map({ $0.count > Limits.unchunkedByteCountMax / 4 }) ?? true,
            let value = unsafe try context.transaction.get(index.tree, key),
            let large = unsafe try LargeValue(value)
        else { return }
        try context.transaction.removeChunks(large, context.catalog.overflow)
    }
}
