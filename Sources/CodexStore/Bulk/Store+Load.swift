public import CodexCore
internal import CodexIndex
internal import Synchronization

extension Store {
    /// Stores many items, in transactions of some thousand each: the fast way to fill a table.
    ///
    /// Items replace those with their keys. Sorted by their keys they are appended: pages are
    /// filled, and the table is as small as it can be. If the table is empty, its indexes and
    /// counters are not maintained meanwhile but built at the end, sorted; until then they refuse
    /// to be read (``CodexError/Code/indexNotReady``), and unique ones are checked only then. A load
    /// that is killed leaves what it had committed, and the next program that opens the store
    /// builds the indexes for it.
    ///
    /// - Parameters:
    ///   - table: The table's name.
    ///   - batchCount: How many items a transaction stores, 1 or more.
    ///   - next: Gives the items one by one, and `nil` at the end. It is asked for a batch while the one
    ///     before is being written: what it reads of the table need not have that one.
    /// - Returns: How many items were stored.
    /// - Throws: ``CodexError/Code/indexNotReady`` if a unique index found equal keys (all items are
    ///   stored; see ``duplicates(ofIndex:in:limit:)``), whatever `next` throws, and as
    ///   ``WriteTransaction/put(_:in:condition:returning:)``; batches before stay stored, and up to
    ///   two that were given are not.
    @discardableResult
    public nonisolated(nonsending) func load(
        into table: String, batchCount: Int = 5000, _ next: () throws -> Item?
    ) async throws -> Int {
        guard batchCount >= 1 else {
            throw CodexError(.invalidArgument, "A batch of a load has at least 1 item.")
        }
        let builder = try requireBuilder()
        _ = try core.catalog.table(table)
        var count = 0
        let lock = try await beginLoading(table)
        do {
            // A batch is gathered while the one before is written.
            var batch = try Self.batch(of: batchCount, next)
            while !batch.isEmpty {
                let items = batch
                async let written: Void = write { transaction in
                    for item in items { try transaction.put(item, in: table) }
                }
                let following = Result { try Self.batch(of: batchCount, next) }
                try await written
                count += items.count
                batch = try following.get()
            }
        } catch {
            if let lock { await endLoading(table, lock, builder) }
            throw error
        }
        if let lock {
            await endLoading(table, lock, builder)
            try await builder.schedule.finishLoad()
            try requireReady(try core.catalog.table(table).plan.definition)
        }
        return count
    }

    /// The next items, as many as a transaction stores.
    private static func batch(of count: Int, _ next: () throws -> Item?) throws -> [Item] {
        var (batch, byteCount): ([Item], Int) = ([], 0)
        while batch.count < count, byteCount < loadByteCountMax, let item = try next() {
            batch.append(item)
            byteCount += item.byteCount
        }
        return batch
    }

    /// Items of this size in a batch end it.
    private static let loadByteCountMax = 16 << 20

    /// Puts off the maintenance of an empty table's indexes; `nil` if that is not to be.
    private func beginLoading(_ table: String) async throws -> FileLock? {
        let handle = try core.catalog.table(table)
        guard !(handle.indexes.isEmpty && handle.counters.isEmpty),
            // Whoever builds or loads already goes on with it.
            let lock = try FileLock(Builder.lockName, in: core.directory)
        else { return nil }
        let (tree, number) = (handle.tree, handle.number)
        let isEmpty = Locked(false)
        try await changeManifest { manifest, transaction throws(CodexError) in
            guard manifest.tables[table]?.number == number, try transaction.count(tree) == 0 else {
                return false
            }
            manifest.tables[table]?.beginLoading()
            isEmpty.withLock { $0 = true }
            return true
        }
        return isEmpty.withLock { $0 } ? lock : nil
    }

    /// Lets the table's indexes and counters be built.
    private func endLoading(_ table: String, _ lock: FileLock, _ builder: Builder) async {
        // If it fails (the queue may be full), the builder does it, which finds the lock free.
        try? await changeManifest { manifest, _ in
            manifest.tables[table]?.endLoading()
            return true
        }
        lock.release()
        builder.schedule.wake()
    }
}
