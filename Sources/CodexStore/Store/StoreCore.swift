internal import CodexCore
internal import Dispatch
internal import Synchronization

/// What a store that is open for writing has besides.
struct WritableParts: Sendable {
    let log: LogWriter
    let checkpointer: Checkpointer
    /// What opening it redid; `nil` if others had it open.
    let recovery: RecoveryReport?
}

/// Everything behind a ``Store``: what is open, and who may still use it.
final class StoreCore: Sendable {
    /// The store's directory, held.
    let directory: Directory
    let environment: Environment
    let options: StoreOptions
    let lease: StoreLease
    let logDirectory: LogDirectory
    /// Wakes readers of changes.
    let commits: CommitSignal
    /// The last commit that a leader said it has, in what this process received of it.
    let knownLeaderSequence = Locked<UInt64>(0)
    /// Held from before a transaction begins that opens databases until it has ended: it guards
    /// LMDB's table of handles. (The number is there since the thread sanitizer takes an empty
    /// value for the lock beside it.)
    let schemaLock = Locked(0)

    struct State {
        var catalog: Catalog
        var idle: [ReadContext] = []
        /// The fewest idle readers since ``ageReaders()`` looked.
        var leastIdleCount = 0
        var isAging = false
        var activeReaderCount = 0
        var epochs = ReaderEpochs()
        var retired = RetiredHandles()
        /// The threads in ``awaited(_:)``, each as often as it is there.
        var awaitedThreads: [UInt] = []
        var isClosed = false
        var isFinished = false
        /// Whether readers ask ``admit(waits:)``: the store is closed, or it is being compacted.
        var isBarred = false
        var barrier = ReaderBarrier.none
        /// Those who wait for the end of a compaction.
        var waiting: [DispatchSemaphore] = []
        var caches: [WeakFollower] = []
        /// What is received from leaders now.
        var buffers: [RecordBuffer] = []
    }
    struct WeakFollower {
        weak var follower: CacheFollower?
    }
    let state: Locked<State>
    /// All contexts of readers, idle or in use.
    private let contexts = Locked<[ReadContext]>([])
    private let readerAging = BackgroundLoop()
    /// Signalled once the environment is closed.
    private let finished = DispatchSemaphore(value: 0)

    init(
        directory: Directory, logDirectory: LogDirectory, environment: Environment,
        catalog: Catalog, lease: StoreLease, options: StoreOptions
    ) {
        self.directory = directory
        self.logDirectory = logDirectory
        self.environment = environment
        self.options = options
        self.lease = lease
        commits = CommitSignal(environment)
        state = Locked(State(catalog: catalog))
        readerAging.start(.whenWoken) { [weak self] in self?.ageReaders() ?? .never }
    }

    /// Told whenever this process learns of a schema with something to build or to empty.
    let workArrived = Locked<(@Sendable () -> Void)?>(nil)

    private func take(_ catalog: Catalog) {
        let isNew = state.withLock { state in
            guard state.catalog !== catalog else { return false }
            state.retired.retire(state.catalog, for: catalog)
            state.catalog = catalog
            return true
        }
        if isNew, catalog.hasWork { workArrived.withLock { $0 }?() }
    }

    private struct Decoding {
        // It refers to this core.
        weak var tables: LoggedTables?
    }
    private let decoding = Locked(Decoding())

    /// What decoding the log's changes needs; one for all readers.
    var loggedTables: LoggedTables {
        decoding.withLock { decoding in
            if let tables = decoding.tables { return tables }
            let made = LoggedTables(self)
            decoding.tables = made
            return made
        }
    }

    // MARK: The catalog

    /// The newest catalog that this process knows.
    var catalog: Catalog { state.withLock { $0.catalog } }

    /// The catalog of the manifest as it is now: another process may have changed it.
    @discardableResult
    func refreshCatalog() throws(CodexError) -> Catalog {
        let result = schemaLock.withLock { _ in
            Result { () throws(CodexError) in
                let current = catalog
                let transaction = try environment.begin(readOnly: true)
                do throws(CodexError) {
                    let stored = try Catalog.storedGeneration(transaction, current.meta)
                    let new = stored == current.generation ? current : try Catalog(transaction)
                    // An abort would close the handles that were opened.
                    try transaction.commit()
                    take(new)
                    return new
                } catch {
                    transaction.abort()
                    throw error
                }
            }
        }
        // Where nothing writes, no other thread would do it.
        if options.isReadOnly { try closeRetiredHandles() }
        return try result.get()
    }

    /// Changes the manifest in a transaction of its own, durably.
    ///
    /// On the writer's thread, outside of its transactions.
    func changeManifest(
        _ context: WriteContext,
        _ body: (inout Manifest, Transaction) throws(CodexError) -> Bool
    ) throws(CodexError) {
        try changeCatalog(context) { () throws(CodexError) in try context.changeManifest(body) }
    }

    /// Takes over the catalog that `body` makes and commits; it is called again as long as it makes
    /// none, since something is to be done first.
    func changeCatalog(
        _ context: WriteContext, _ body: () throws(CodexError) -> Catalog?
    ) throws(CodexError) {
        while true {
            // What others left is applied, and a checkpoint made, outside of the lock.
            try context.begin()
            context.abort()
            do throws(CodexError) {
                if try changed(body) { return }
            } catch {
                guard context.isPending else { throw error }
                return try context.applyAfterFailure(error)
            }
        }
    }

    /// Applies a record of the log that changes the manifest.
    func redoManifest(
        _ context: WriteContext, _ record: LogRecord, _ end: LogPosition
    ) throws(CodexError) {
        _ = try changed { () throws(CodexError) in try context.redoManifest(record, end) }
    }

    /// Takes a counter out of use whose sum does not fit: what it has is of no use until it is
    /// tried again.
    func setConflicting(_ counter: DatabaseID, _ context: WriteContext) throws(CodexError) {
        while true {
            let isDone = try changed { () throws(CodexError) in
                try context.setConflicting(counter)
            }
            if isDone { return }
            try context.checkpointer.checkpointNow()
        }
    }

    /// Takes over the catalog that `body` makes in a transaction; returns whether it made one.
    private func changed(
        _ body: () throws(CodexError) -> Catalog?
    ) throws(CodexError) -> Bool {
        let result = schemaLock.withLock { _ in
            Result { () throws(CodexError) in
                guard let catalog = try body() else { return false }
                take(catalog)
                return true
            }
        }
        return try result.get()
    }

    /// Writes the manifest of a store that nobody else can have open, and opens what it names.
    static func store(
        _ manifest: Manifest, _ transaction: Transaction
    ) throws(CodexError) -> Catalog {
        guard let meta = try transaction.open(Catalog.metaName, create: true) else {
            throw CodexError(.corrupted, "The store has no manifest. Restore from a backup.")
        }
        let generation = try Catalog.storedGeneration(transaction, meta) + 1
        for entry in try manifest.entries(generation: generation) {
            try transaction.set(meta, entry.key, entry.value)
        }
        return try Catalog(manifest, generation: generation, transaction, create: true)
    }

    // MARK: Readers

    /// Lends a context with a fresh snapshot.
    @inline(__always)
    func withReader<R>(_ body: (ReadContext) throws -> R) throws -> R {
        let context = try takeReader()
        defer { returnReader(context) }
        return try body(context)
    }

    /// Runs `body` without a snapshot; the environment stays open meanwhile.
    func whileOpen<R>(_ body: () throws(CodexError) -> R) throws(CodexError) -> R {
        try InheritedDescriptors.requireOwnProcess()
        let isBarred = state.withLock { state in
            if !state.isBarred { state.activeReaderCount += 1 }
            return state.isBarred
        }
        if isBarred { try admit(waits: true) }
        defer { readerEnded(nil, nil) }
        return try awaited(body)
    }

    /// Takes a context with a fresh snapshot, to be returned.
    ///
    /// - Parameter waits: Whether to wait for the end of a compaction, which refuses all others.
    /// - Returns: The context.
    /// - Throws: ``CodexError/Code/closed``, ``CodexError/Code/inUse``,
    ///   ``CodexError/Code/tooManyReaders``, and what reading throws.
    func takeReader(waits: Bool = true) throws(CodexError) -> ReadContext {
        try InheritedDescriptors.requireOwnProcess()
        let limit = options.maximumSnapshotCount
        let (idle, isBarred, isFull, entered) = state.withLock {
            state -> (ReadContext?, Bool, Bool, Int) in
            if state.isBarred { return (nil, true, false, 0) }
            if state.activeReaderCount >= limit { return (nil, false, true, 0) }
            state.activeReaderCount += 1
            let idle = state.idle.popLast()
            state.leastIdleCount = min(state.leastIdleCount, state.idle.count)
            return (idle, false, false, state.epochs.enter())
        }
        if isFull { throw tooManySnapshots }
        var epoch = entered
        if isBarred {
            try admit(waits: waits)
            epoch = state.withLock { $0.epochs.enter() }
        }
        do throws(CodexError) {
            guard let idle else {
                try environment.requireReaderSlot()
                // The catalog first: a transaction knows only handles opened before it began.
                let catalog = catalog
                let context = ReadContext(self, try environment.begin(readOnly: true), catalog)
                do throws(CodexError) {
                    try context.synchronize()
                } catch {
                    context.abort()
                    throw error
                }
                contexts.withLock { $0.append(context) }
                context.epoch = epoch
                context.thread.store(WorkerPool.currentThread, ordering: .relaxed)
                return context
            }
            do throws(CodexError) {
                try idle.renew()
                try idle.synchronize()
            } catch {
                // The slot is as it was, without a snapshot: keep it for the next reader.
                idle.reset()
                state.withLock { $0.idle.append(idle) }
                throw error
            }
            idle.epoch = epoch
            idle.thread.store(WorkerPool.currentThread, ordering: .relaxed)
            return idle
        } catch {
            readerEnded(nil, epoch)
            throw error
        }
    }

    func returnReader(_ context: ReadContext) {
        context.thread.store(0, ordering: .relaxed)
        context.reset()
        let isKept = readerEnded(context, context.epoch)
        if !isKept {
            // Its slot is free for others then, before anybody takes it that the reader is gone.
            context.abort()
            readerEnded(nil, context.epoch)
        }
    }

    /// Counts a reader that ended, and keeps its context for another one.
    ///
    /// - Returns: `false`, and nothing is counted, if there are enough contexts.
    @discardableResult
    private func readerEnded(_ context: ReadContext?, _ epoch: Int?) -> Bool {
        let (isKept, isLast, ages) = state.withLock { state -> (Bool, Bool, Bool) in
            if let context {
                if state.idle.count >= Self.idleCountMax { return (false, false, false) }
                state.idle.append(context)
            }
            state.activeReaderCount -= 1
            if let epoch { state.epochs.leave(epoch) }
            return (true, state.isBarred && state.activeReaderCount == 0, state.startsAging())
        }
        if isLast { lastReaderEnded.signal() }
        if ages { readerAging.wake(after: ReaderAging.interval) }
        return isKept
    }

    /// Most contexts that wait for readers: each has a reader slot.
    private static let idleCountMax = 64

    private var tooManySnapshots: CodexError {
        CodexError(
            .tooManyReaders,
            "\(options.maximumSnapshotCount) snapshots of the store at \(directory.path) are open in "
                + "this process. Hold fewer at once, or raise StoreOptions.maximumSnapshotCount.")
    }

    // MARK: Handles

    /// Closes the handles of databases that were removed, as far as no reader can use them.
    ///
    /// Outside of transactions of the calling thread.
    func closeRetiredHandles() throws(CodexError) {
        guard state.withLock({ !$0.retired.isEmpty }) else { return }
        let result = schemaLock.withLock { _ in
            Result { () throws(CodexError) in
                // Nobody in this process writes meanwhile; a reader needs no handle that is
                // retired.
                let lock = try environment.begin(readOnly: options.isReadOnly)
                defer { lock.abort() }
                let closable = state.withLock { $0.retired.takeClosable(&$0.epochs) }
                for database in closable { environment.closeDatabase(database) }
            }
        }
        try result.get()
    }

    let lastReaderEnded = DispatchSemaphore(value: 0)

    /// Forgets a context that is gone.
    func remove(_ context: ReadContext) {
        contexts.withLock { contexts in contexts.removeAll { $0 === context } }
    }

    // MARK: Caches

    /// Takes note of a cache, which is to end before the environment is closed.
    func add(_ follower: CacheFollower) {
        let isClosed = state.withLock { state in
            state.caches.removeAll { $0.follower == nil }
            state.caches.append(WeakFollower(follower: follower))
            if state.barrier.isDetached { follower.setPaused(true) }
            return state.isClosed
        }
        if isClosed { follower.close() }
    }

    // MARK: Following

    /// Takes note of what is received from a leader, which ends when the store is closed or
    /// promoted.
    func add(_ buffer: RecordBuffer) {
        let isClosed = state.withLock { state in
            state.buffers.append(buffer)
            return state.isClosed
        }
        if isClosed { buffer.finish(Self.closed) }
    }

    /// Forgets what is received no more.
    func remove(_ buffer: RecordBuffer) {
        state.withLock { state in state.buffers.removeAll { $0 === buffer } }
    }

    /// Ends all following.
    func endFollowing(_ error: CodexError) {
        for buffer in state.withLock({ $0.buffers }) { buffer.finish(error) }
    }

    // MARK: Closing

    static var closed: CodexError {
        CodexError(.closed, "The store was closed. Open it again.")
    }

    static var following: CodexError {
        CodexError(
            .following,
            "The store is a follower. Write to its leader, or promote this store (`promote()`) to "
                + "replace the leader.")
    }

    /// Runs what closing waits for besides readers: a thread of the store, or a long task.
    func awaited<R, Failure: Error>(_ body: () throws(Failure) -> R) throws(Failure) -> R {
        let thread = WorkerPool.currentThread
        state.withLock { $0.awaitedThreads.append(thread) }
        defer {
            state.withLock { state in
                if let place = state.awaitedThreads.lastIndex(of: thread) {
                    state.awaitedThreads.remove(at: place)
                }
            }
        }
        return try body()
    }

    /// Whether the calling thread is in the middle of what closing waits for.
    var isInUseHere: Bool {
        let thread = WorkerPool.currentThread
        let isReading = contexts.withLock { contexts in
            contexts.contains { $0.thread.load(ordering: .relaxed) == thread }
        }
        return isReading || state.withLock { $0.awaitedThreads.contains(thread) }
    }

    /// Whether any reader is at work.
    var hasReaders: Bool { state.withLock { $0.activeReaderCount > 0 } }

    /// Refuses readers from now on; returns whether this call was the first.
    func beginClosing() -> Bool {
        let isFirst = state.withLock { state in
            defer { (state.isClosed, state.isBarred) = (true, true) }
            return !state.isClosed
        }
        if isFirst {
            OpenStores.markClosing(directory.identity)
            endFollowing(Self.closed)
        }
        return isFirst
    }

    /// Waits for running readers and closes the environment.
    ///
    /// Called once, after the writer ended.
    func finishClosing() {
        while state.withLock({ $0.activeReaderCount > 0 }) { lastReaderEnded.wait() }
        let idle = state.withLock { state in
            defer { state.idle = [] }
            return state.idle
        }
        contexts.withLock { $0 = [] }
        for context in idle { context.abort() }
        commits.close()
        for cache in state.withLock({ $0.caches }) { cache.follower?.close() }
        closeEnvironment()
        OpenStores.leave(directory.identity)
        state.withLock { $0.isFinished = true }
        finished.signal()
    }

    /// Closes LMDB's environment and lets go of the lease, with the gate held: the last to close
    /// ends LMDB's locks, which nobody must be about to use.
    private func closeEnvironment() {
        // Without it (no descriptors left, say) closing goes on all the same.
        let gate = try? StoreLease.gate(
            directory, isReadOnly: options.isReadOnly, within: options.lockTimeout)
        environment.close()
        if gate != nil, !options.isReadOnly, (try? lease.takeAlone()) == true,
            (try? lease.requireFiles()) != nil
        {
            try? DataFile.giveBackReserve(directory)
        }
        lease.release()
        gate?.release()
    }

    /// Waits until ``finishClosing()`` is done; any number of callers may.
    func waitUntilFinished() {
        if state.withLock({ $0.isFinished }) { return }
        finished.wait()
        finished.signal()
    }
}
