internal import CodexCore
internal import CodexIndex
internal import Dispatch
internal import Synchronization

/// Builds new indexes and counters and empties removed ones, in the background and in steps that
/// other writes pass between.
///
/// One process at a time builds, whoever has the lock file; if it is killed, another goes on where
/// it was. Progress is kept in the transaction that makes it.
///
/// - An index is maintained by all writes from the moment it is there, so its build only adds the
///   entries that items have which were there before: sorted, so that the tree is filled in order.
/// - A counter's build walks the items in key order; writes maintain it for items up to where it is.
final class Builder: Sendable {
    private struct State {
        var isStopped = false
        var isIdle = false
        /// Counts the calls of ``wake()``, so that none is missed between looking and idling.
        var requestCount = 0
        /// How many bulk loads wait for their indexes.
        var loadCount = 0
        var failure: CodexError?
        var waiters: [@Sendable (CodexError?) -> Void] = []
    }

    private let core: StoreCore
    private let writer: WriterQueue
    private let state = Locked(State())
    private let alarm = DispatchSemaphore(value: 0)
    private let ended = DispatchSemaphore(value: 0)

    /// Tables up to this size are built when the store is opened, before it is used.
    static let smallItemCount = 10_000
    /// Keys that are handed to the writer at once.
    private static let batchCount = 20_000
    /// How many items one snapshot of a build sees, so that it keeps few pages from reuse.
    private static let snapshotItemCount = 20_000
    /// How often is looked whether another process's build has ended.
    private static let retryInterval = DispatchTimeInterval.milliseconds(500)

    init(_ core: StoreCore, _ writer: WriterQueue) {
        self.core = core
        self.writer = writer
    }

    func start() {
        WorkerThread.start("codex.builder") { [self] in
            run()
            ended.signal()
        }
    }

    /// Blocks until the thread ended, after ``stop()``.
    func waitUntilEnded() { ended.wait() }

    /// Lets the thread end after the step it is at.
    func stop() {
        state.withLock { $0.isStopped = true }
        alarm.signal()
    }

    /// Looks for work again.
    func wake() {
        state.withLock { state in
            state.requestCount += 1
            state.isIdle = false
            state.failure = nil
        }
        alarm.signal()
    }

    /// Calls `answer` when nothing is to be built, or building failed.
    func whenIdle(_ answer: @escaping @Sendable (CodexError?) -> Void) {
        let isNow = state.withLock { state -> (answers: Bool, failure: CodexError?) in
            if state.isStopped { return (true, StoreCore.closed) }
            if state.isIdle { return (true, state.failure) }
            state.waiters.append(answer)
            return (false, nil)
        }
        if isNow.answers { answer(isNow.failure) }
    }

    /// Waits until what a bulk load left is built, in ample steps.
    ///
    /// - Throws: What building failed with.
    func finishLoad() async throws {
        state.withLock { $0.loadCount += 1 }
        defer { state.withLock { $0.loadCount -= 1 } }
        try await waitUntilIdle()
    }

    /// Waits until nothing is to be built.
    ///
    /// - Throws: What building failed with.
    func waitUntilIdle() async throws {
        try await withCheckedThrowingContinuation {
            (continuation: CheckedContinuation<Void, any Error>) in
            whenIdle { failure in
                continuation.resume(with: failure.map { .failure($0) } ?? .success(()))
            }
        }
    }

    /// Blocks until nothing is to be built, or building failed, or some seconds are over: another
    /// process may be building.
    func blockUntilIdle() {
        let idle = DispatchSemaphore(value: 0)
        whenIdle { _ in idle.signal() }
        _ = idle.wait(timeout: .now() + Self.waitMax)
    }

    private static let waitMax = DispatchTimeInterval.seconds(10)

    /// Whether what is to be built is done in a moment.
    func hasLittleToDo() -> Bool {
        let catalog = core.catalog
        guard catalog.hasWork, !catalog.allTables.contains(where: \.isLoading),
            !hasMuchToEmpty
        else { return false }
        return catalog.allTables.filter(\.hasWork).allSatisfy(isSmall)
    }

    /// Whether emptying what removed tables left takes longer than anybody who adds something would wait.
    var hasMuchToEmpty: Bool { !core.catalog.droppedTrees.allSatisfy { isSmall($0.tree) } }

    /// Whether a table is built in a moment.
    func isSmall(_ table: TableHandle) -> Bool { isSmall(table.tree) }

    private func isSmall(_ tree: Tree) -> Bool {
        let count = try? core.withReader { try $0.transaction.count(tree) }
        return count.map { $0 <= Self.smallItemCount } ?? false
    }

    // MARK: The thread

    private var isStopped: Bool { state.withLock { $0.isStopped } }

    private func run() {
        while true {
            let requestCount = state.withLock { $0.requestCount }
            var failure: CodexError?
            var isDone = true
            do throws(CodexError) {
                isDone = try work()
            } catch  where error.code == .unknownTable {
                // It was removed meanwhile.
                continue
            } catch {
                failure = error
            }
            if isDone || failure != nil || isStopped { becomeIdle(failure, requestCount) }
            if isStopped { return }
            // Undone work is another process's, which may end without it.
            if isDone || failure != nil {
                alarm.wait()
            } else {
                _ = alarm.wait(timeout: .now() + Self.retryInterval)
            }
        }
    }

    private func becomeIdle(_ failure: CodexError?, _ requestCount: Int) {
        let (waiters, answer) = state.withLock { state in
            // Woken meanwhile: there may be more to do, and the alarm was signalled.
            guard state.isStopped || state.requestCount == requestCount else {
                return ([@Sendable (CodexError?) -> Void](), CodexError?.none)
            }
            let answer = state.isStopped ? StoreCore.closed : failure
            defer { state.waiters = [] }
            state.isIdle = true
            state.failure = answer
            return (state.waiters, answer)
        }
        for waiter in waiters { waiter(answer) }
    }

    /// Does what is to be done; returns whether nothing is left.
    private func work() throws(CodexError) -> Bool {
        while !isStopped {
            let catalog = try core.refreshCatalog()
            guard catalog.hasWork else { return true }
            guard let lock = try FileLock(core.path + "/build.lock") else { return false }
            try withExtendedLifetime(lock) { () throws(CodexError) in
                try step(try core.refreshCatalog())
            }
        }
        return false
    }

    /// Does one thing that is to be done.
    private func step(_ catalog: Catalog) throws(CodexError) {
        for table in catalog.allTables {
            // Whoever loaded is gone: it would have the lock.
            if table.isLoading {
                return try changeManifest { manifest, _ in
                    manifest.endLoading(table.name)
                    return true
                }
            }
            let indexes = table.indexes.filter { $0.state == .building }
            if !indexes.isEmpty { return try build(table, indexes) }
            if let counter = table.counters.first(where: { $0.state == .building }) {
                return try build(table, counter)
            }
        }
        // What is waited for comes first.
        for table in catalog.allTables {
            if let retired = table.retired.first { return try empty(table, retired) }
        }
        if let dropped = catalog.droppedTrees.first { return try empty(dropped) }
    }

    // MARK: Steps in the writer

    private func limit() -> StepLimit {
        state.withLock { $0.loadCount } > 0 ? .ample : .brief()
    }

    private func write<Value: Sendable>(
        _ body: @escaping @Sendable (WriteContext) throws -> Value
    ) throws(CodexError) -> Value {
        do {
            return try writer.wait { answer in
                ClosureJob({ transaction in try body(transaction.context) }, answer: answer)
            }
        } catch {
            throw CodexError.wrapping(error)
        }
    }

    private func changeManifest(
        afterCheckpoint: Bool = false,
        _ body: @escaping @Sendable (inout Manifest, Transaction) throws(CodexError) -> Bool
    ) throws(CodexError) {
        do {
            try writer.wait { ManifestJob(body, afterCheckpoint: afterCheckpoint, answer: $0) }
        } catch {
            throw CodexError.wrapping(error)
        }
    }

    /// Ends the building of a part: it is ready, or its keys conflict.
    private func finish(
        _ table: TableHandle, _ part: String, _ state: Manifest.BuildState?
    ) throws(CodexError) {
        let (name, number) = (table.name, table.number)
        // The log does not have what a build adds: the checkpoint must, before the log says that it
        // is complete.
        try changeManifest(afterCheckpoint: true) { manifest, _ in
            // Not another table of its name, that came since.
            guard manifest.tables[name]?.number == number,
                manifest.state(part, of: name) == .building
            else { return false }
            manifest.setState(state, part, of: name)
            manifest.forgetPosition(part, of: name)
            return true
        }
    }

    // MARK: Indexes

    /// Builds all indexes of a table that are to be: its items are read once.
    private func build(_ table: TableHandle, _ indexes: [IndexHandle]) throws(CodexError) {
        var done: [[UInt8]] = []
        for index in indexes {
            done.append(try position(WriteContext.positionKey(table, index.part)))
        }
        guard let (keys, sequence) = try sortedKeys(table, indexes, after: done) else { return }
        for (index, keys) in zip(indexes, keys) { try insert(keys, of: sequence, table, index) }
    }

    /// Adds entries; `sequence` is the commit that all of them were read at, if it was one.
    private func insert(
        _ sorted: SortedKeys, of sequence: UInt64?, _ table: TableHandle, _ index: IndexHandle
    ) throws(CodexError) {
        let positionKey = WriteContext.positionKey(table, index.part)
        var keys = sorted
        var next = try keys.next()
        while let first = next {
            if isStopped { return }
            var batch = [first]
            next = try keys.next()
            while let key = next, batch.count < Self.batchCount {
                batch.append(key)
                next = try keys.next()
            }
            var rest = batch[...]
            while !rest.isEmpty {
                if isStopped { return }
                let keys = rest
                let limit = limit()
                let count = try write { context in
                    try context.insertMissing(
                        keys, of: sequence, table, index.part, positionKey, limit)
                }
                guard let count else { return }
                rest = rest.dropFirst(count)
            }
        }
        let conflicts =
            index.plan.definition.isUnique
            ? try reading { try $0.duplicates(index, limit: 1).isEmpty == false } : false
        try finish(table, index.part, conflicts ? .conflicting : nil)
    }

    private func position(_ key: [UInt8]) throws(CodexError) -> [UInt8] {
        try reading { context in
            let stored = unsafe try context.transaction.get(context.catalog.meta, key)
            return unsafe stored.map { unsafe Array($0) } ?? []
        }
    }

    private func reading<R>(_ body: (ReadContext) throws -> R) throws(CodexError) -> R {
        do {
            return try core.withReader(body)
        } catch {
            throw CodexError.wrapping(error)
        }
    }

    /// The entry keys that the table's items have in indexes, after those that are done, and the commit
    /// that all were read at, if nobody wrote meanwhile; `nil` if the builder was stopped.
    private func sortedKeys(
        _ table: TableHandle, _ indexes: [IndexHandle], after done: [[UInt8]]
    ) throws(CodexError) -> (keys: [SortedKeys], sequence: UInt64?)? {
        var sequences: Set<UInt64> = []
        var sorters = indexes.map { _ in
            KeySorter(
                directory: core.path,
                byteCountMax: KeySorter.defaultByteCountMax / indexes.count)
        }
        var last: [UInt8] = []
        while true {
            if isStopped { return nil }
            var count = 0
            try reading { context in
                sequences.insert(try context.storedPosition().sequence)
                try context.transaction.withCursor(table.tree) { cursor in
                    var entry = unsafe try cursor.seek(last.isEmpty ? [] : last + [0])
                    while let current = unsafe entry, count < Self.snapshotItemCount {
                        count += 1
                        last = unsafe Array(current.key)
                        try unsafe context.withItem(current.value, current.key, table.plan) {
                            bytes in
                            for (position, index) in indexes.enumerated() {
                                // An item that has no valid key (it was stored before the index was
                                // there) has no entry; verify() lists it.
                                let keys = try? context.entryKeys(index, last, bytes)
                                for key in keys ?? []
                                where ByteOrder.compare(done[position], key) < 0 {
                                    try sorters[position].add(key)
                                }
                            }
                        }
                        unsafe entry = try cursor.next()
                    }
                }
            }
            guard count < Self.snapshotItemCount else { continue }
            var sorted: [SortedKeys] = []
            for sorter in sorters { sorted.append(try sorter.sorted()) }
            return (sorted, sequences.count == 1 ? sequences.first : nil)
        }
    }

    // MARK: Counters

    private func build(_ table: TableHandle, _ counter: CounterHandle) throws(CodexError) {
        while !isStopped {
            let goesOn: Bool
            do throws(CodexError) {
                let limit = limit()
                goesOn = try write { try $0.countOn(table, counter.part, limit) }
            } catch {
                // A sum that does not fit is the definition's fault; others are built all the same.
                guard error.code == .invalidNumber else { throw error }
                return try finish(table, counter.part, .conflicting)
            }
            if !goesOn { return try finish(table, counter.part, nil) }
        }
    }

    // MARK: Removed ones

    private func empty(
        _ table: TableHandle, _ retired: (part: Manifest.Retired, tree: Tree)
    ) throws(CodexError) {
        let (name, number, part) = (table.name, table.number, retired.part)
        try empty(
            retired.tree, part,
            isDue: { context in
                // Not another table of its name, that came since.
                let table = try context.catalog.table(name)
                return table.number == number && table.retired.contains { $0.part == part }
            }
        ) { manifest in
            guard manifest.tables[name]?.number == number else { return false }
            manifest.forget(part, of: name)
            return true
        }
    }

    private func empty(_ dropped: DroppedTree) throws(CodexError) {
        let (number, part) = (dropped.number, dropped.part)
        try empty(
            dropped.tree, part,
            isDue: { context in
                context.catalog.droppedTrees.contains { $0.number == number && $0.part == part }
            }
        ) { manifest in
            manifest.forget(part, ofDropped: number)
            return true
        }
    }

    /// Empties a tree in steps, each of which looks whether that is still to be done: another process may have
    /// ended it, and the tree be used again.
    private func empty(
        _ tree: Tree, _ part: Manifest.Retired,
        isDue: @escaping @Sendable (WriteContext) throws -> Bool,
        _ forget: @escaping @Sendable (inout Manifest) -> Bool
    ) throws(CodexError) {
        while !isStopped {
            let limit = limit()
            let isEmpty = try write { context in
                guard try isDue(context) else { return true }
                return try context.empty(tree, ownsChunks: part.ownsChunks, limit)
            }
            guard isEmpty else { continue }
            return try changeManifest(afterCheckpoint: true) { manifest, _ in forget(&manifest) }
        }
    }
}
