internal import CodexCore
internal import Dispatch
internal import Synchronization

/// The additional parts of a store that is open for writing.
struct WritableParts: Sendable {
    let log: LogWriter
    let checkpointer: Checkpointer
    /// The report of the recovery at the opening; `nil` if other processes had the store open.
    let recovery: RecoveryReport?
}

/// The shared state behind a ``Store``: its open resources, and their users.
final class StoreCore: Sendable {
    /// The store's directory, which is held open.
    let directory: Directory
    let environment: Environment
    let options: StoreOptions
    let lease: StoreLease
    let logDirectory: LogDirectory
    /// The Swift types that this process uses.
    let types: KnownTypes
    /// Wakes readers of changes.
    let commits: CommitSignal
    /// The streams from a leader.
    let leaderStreams = LeaderStreams()
    /// Guards LMDB's table of handles.
    ///
    /// It is held from before the begin of a transaction that opens databases until its end. (It
    /// has a number since the thread sanitizer confuses an empty value with the lock beside it.)
    let schemaLock = Locked(0)

    struct State {
        var catalog: Catalog
        var readers = SnapshotPool()
        var retired = RetiredHandles()
        /// The threads in ``awaited(_:)``, one entry for each call.
        var awaitedThreads: [UInt] = []
        var isClosed = false
        var isFinished = false
        /// Whether readers must call ``ReaderGate/admit(waits:)``, since the store is closed or
        /// being compacted.
        var isBarred = false
        var barrier = ReaderBarrier.none
        /// The semaphores of the threads that wait for the end of a compaction.
        var waiting: [DispatchSemaphore] = []
        var caches: [WeakFollower] = []
    }
    struct WeakFollower {
        weak var follower: CacheFollower?
    }
    let state: Locked<State>
    /// All contexts of readers, idle or in use.
    let contexts = Locked<[ReadContext]>([])
    /// The snapshots that stay open between reads.
    let heldSnapshots = Locked<[WeakHeldSnapshot]>([])
    let readerAging = BackgroundLoop()
    /// Signalled when readers are barred and the last one ended.
    let lastReaderEnded = DispatchSemaphore(value: 0)
    /// Signalled once the environment is closed.
    let finished = DispatchSemaphore(value: 0)

    init(
        directory: Directory, logDirectory: LogDirectory, environment: Environment,
        catalog: Catalog, lease: StoreLease, options: StoreOptions, types: KnownTypes
    ) {
        self.directory = directory
        self.logDirectory = logDirectory
        self.environment = environment
        self.options = options
        self.lease = lease
        self.types = types
        commits = CommitSignal(environment)
        state = Locked(State(catalog: catalog))
        readerAging.start(.whenWoken) { [weak self] in self?.ageReaders() ?? .never }
    }

    /// Called when this process takes over a schema with parts to build or to empty.
    let workArrived = Locked<(@Sendable () -> Void)?>(nil)

    /// Takes over a catalog; the caller holds the schema lock.
    func adopt(_ catalog: Catalog) {
        let isNew = state.withLock { state in
            guard state.catalog !== catalog else { return false }
            state.retired.retire(state.catalog, for: catalog)
            state.catalog = catalog
            return true
        }
        if isNew, catalog.hasWork { workArrived.withLock { $0 }?() }
    }

    private struct Decoding {
        // The reference is weak, since `LoggedTables` refers to this core.
        weak var tables: LoggedTables?
    }
    private let decoding = Locked(Decoding())

    /// The tables that decoding the log's changes needs, shared by all readers.
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

    /// The catalog of the current manifest, which another process may have changed.
    @discardableResult
    func refreshCatalog() throws(CodexError) -> Catalog {
        let result = schemaLock.withLock { _ in
            Result { () throws(CodexError) in
                let current = catalog
                let transaction = try environment.begin(readOnly: true)
                do throws(CodexError) {
                    let stored = try Catalog.storedGeneration(transaction, current.meta)
                    let new =
                        stored == current.generation
                        ? current : try Catalog(transaction, known: current)
                    // An abort would close the handles that were opened.
                    try transaction.commit()
                    adopt(new)
                    return new
                } catch {
                    transaction.abort()
                    throw error
                }
            }
        }
        // In a read-only store, no other thread closes them.
        if options.isReadOnly { try closeRetiredHandles() }
        return try result.get()
    }

    /// The gate that keeps readers out during a compaction.
    var gate: ReaderGate { ReaderGate(self) }

    // MARK: Handles

    /// Runs `body` while no other thread opens handles of databases.
    func withSchemaLock<R>(_ body: () throws(CodexError) -> R) throws(CodexError) -> R {
        let result = schemaLock.withLock { _ in
            Result { () throws(CodexError) in try body() }
        }
        return try result.get()
    }

    /// Closes the handles of removed databases that no reader can use.
    ///
    /// The calling thread must have no open transaction.
    func closeRetiredHandles() throws(CodexError) {
        guard state.withLock({ !$0.retired.isEmpty }) else { return }
        let result = schemaLock.withLock { _ in
            Result { () throws(CodexError) in
                // No thread of this process writes meanwhile, and no reader needs a retired handle.
                let lock = try environment.begin(readOnly: options.isReadOnly)
                defer { lock.abort() }
                let closable = state.withLock { $0.retired.takeClosable(&$0.readers.epochs) }
                for database in closable { environment.closeDatabase(database) }
            }
        }
        try result.get()
    }

    // MARK: Caches

    /// Adds a cache, which must end before the environment is closed.
    func add(_ follower: CacheFollower) {
        let isClosed = state.withLock { state in
            state.caches.removeAll { $0.follower == nil }
            state.caches.append(WeakFollower(follower: follower))
            if state.barrier.isDetached { follower.setPaused(true) }
            return state.isClosed
        }
        if isClosed { follower.close() }
    }

    // MARK: Closing

    static var closed: CodexError {
        CodexError(.closed, "The store was closed. Open it again.")
    }

    /// Runs work for which closing waits: a thread of the store, or a long task.
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

    /// Whether the calling thread runs work for which closing waits.
    var isInUseHere: Bool {
        let thread = WorkerPool.currentThread
        let isReading = contexts.withLock { contexts in
            contexts.contains { $0.thread.load(ordering: .relaxed) == thread }
        }
        return isReading || state.withLock { $0.awaitedThreads.contains(thread) }
    }
}
