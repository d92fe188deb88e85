public import CodexCore
internal import CodexIndex
internal import Synchronization

extension Store {
    /// Stores many items, in transactions of several thousand each: the fast way to fill a table.
    ///
    /// Items replace present ones with the same keys. Items that come sorted by their keys are
    /// appended, so that pages are full and the table has its least size. If the table is empty,
    /// its indexes and counters are not maintained during the load. They are built at the end, from
    /// sorted keys. Until then their reads fail with ``CodexError/Code/indexNotReady``, and unique
    /// indexes are checked only then. A load that is killed leaves its committed batches, and the
    /// next program that opens the store builds the indexes.
    ///
    /// - Parameters:
    ///   - table: The table's name.
    ///   - batchCount: The number of items in a transaction, 1 or more.
    ///   - next: Returns the next item, and `nil` at the end. It is called for a batch while the
    ///     batch before is being written: its reads of the table may not see that one.
    /// - Returns: The number of stored items.
    /// - Throws: ``CodexError/Code/indexNotReady`` if a unique index found equal keys (all items
    ///   are stored; see ``duplicates(ofIndex:in:limit:)``), the errors of `next`, and as
    ///   ``WriteTransaction/put(_:in:condition:returning:)``. Earlier batches stay stored, and up
    ///   to two batches that `next` returned are not.
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
        let beginning = try await beginLoading(table)
        // A demanded build runs on the threads that demand it.
        let reading =
            builder.schedule.isOnDemand ? nil : beginning.flatMap { loadReading(of: table, $0) }
        do {
            // The next batch is gathered while this one is written. Meanwhile, the keys of the
            // batches before are read and sorted on another thread.
            var batch = try Self.batch(of: batchCount, next)
            while !batch.isEmpty {
                let items = batch
                async let written: Void = write { transaction in
                    for item in items { try transaction.put(item, in: table) }
                }
                async let read: Void = Self.readOnWorker(reading) { $0.readOn() }
                let following = Result { try Self.batch(of: batchCount, next) }
                try await written
                await read
                count += items.count
                batch = try following.get()
            }
        } catch {
            if let beginning { await endLoading(table, beginning.lock, builder) }
            throw error
        }
        if let beginning {
            await Self.readOnWorker(reading) { $0.finish(for: builder) }
            defer { builder.loadedKeys.withLock { $0 = nil } }
            await endLoading(table, beginning.lock, builder)
            try await builder.schedule.finishLoad()
            try requireReady(try core.catalog.table(table).plan.definition)
        }
        return count
    }

    /// The begin of a load into an empty table.
    private struct LoadBeginning {
        /// Keeps other processes from building.
        let lock: FileLock
        /// The number of changes of items in the log when the table was empty.
        let changeCount: UInt64
    }

    /// The reading of a load's keys; `nil` if the build must read the table after the load.
    private func loadReading(of table: String, _ beginning: LoadBeginning) -> LoadReading? {
        guard let handle = try? core.catalog.table(table) else { return nil }
        return LoadReading(core, handle, after: beginning.changeCount)
    }

    /// Runs a blocking part of the reading on another thread.
    private static func readOnWorker(
        _ reading: LoadReading?, _ body: @escaping @Sendable (LoadReading) -> Void
    ) async {
        guard let reading else { return }
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            WorkerPool.run {
                body(reading)
                continuation.resume()
            }
        }
    }

    /// The next items, up to the number and the bytes of one transaction.
    private static func batch(of count: Int, _ next: () throws -> Item?) throws -> [Item] {
        var (batch, byteCount): ([Item], Int) = ([], 0)
        while batch.count < count, byteCount < loadByteCountMax, let item = try next() {
            batch.append(item)
            byteCount += item.byteCount
        }
        return batch
    }

    /// The bytes of items that end a batch.
    private static let loadByteCountMax = 16 << 20

    /// Suspends the maintenance of an empty table's indexes; `nil` if the load must maintain them.
    private func beginLoading(_ table: String) async throws -> LoadBeginning? {
        let handle = try core.catalog.table(table)
        guard !(handle.indexes.isEmpty && handle.counters.isEmpty),
            // A process that builds or loads already holds the lock and continues.
            let lock = try FileLock(Builder.lockName, in: core.directory)
        else { return nil }
        let (tree, number, meta) = (handle.tree, handle.number, core.catalog.meta)
        let firstChangeCount = Locked<UInt64?>(nil)
        try await changeManifest { manifest, transaction throws(CodexError) in
            guard manifest.tables[table]?.number == number, try transaction.count(tree) == 0 else {
                return false
            }
            manifest.tables[table]?.beginLoading()
            let changeCount = try LogPosition(transaction, meta).changeCount
            firstChangeCount.withLock { $0 = changeCount }
            return true
        }
        return firstChangeCount.withLock { $0 }.map { LoadBeginning(lock: lock, changeCount: $0) }
    }

    /// Requests the build of the table's indexes and counters.
    private func endLoading(_ table: String, _ lock: FileLock, _ builder: Builder) async {
        // If it fails (the queue may be full), the builder does it, because it finds the lock free.
        try? await changeManifest { manifest, _ in
            manifest.tables[table]?.endLoading()
            return true
        }
        lock.release()
        builder.schedule.wake()
    }
}
