internal import CodexCore
internal import Dispatch
internal import Synchronization

/// What a store has in addition that is open for writing.
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
    /// What is received from a leader.
    let leaderStreams = LeaderStreams()
    /// Held from before a transaction begins that opens databases until it has ended: it guards
    /// LMDB's table of handles. (The number is there since the thread sanitizer takes an empty
    /// value for the lock beside it.)
    let schemaLock = Locked(0)

    struct State {
        var catalog: Catalog
        var readers = SnapshotPool()
        var retired = RetiredHandles()
        /// The threads in ``awaited(_:)``, each as often as it is there.
        var awaitedThreads: [UInt] = []
        var isClosed = false
        var isFinished = false
        /// Whether readers ask ``ReaderGate/admit(waits:)``: the store is closed, or it is being
        /// compacted.
        var isBarred = false
        var barrier = ReaderBarrier.none
        /// Those who wait for the end of a compaction.
        var waiting: [DispatchSemaphore] = []
        var caches: [WeakFollower] = []
    }
    struct WeakFollower {
        weak var follower: CacheFollower?
    }
    let state: Locked<State>
    /// All contexts of readers, idle or in use.
    let contexts = Locked<[ReadContext]>([])
    let readerAging = BackgroundLoop()
    /// Signalled when readers are barred and the last one ended.
    let lastReaderEnded = DispatchSemaphore(value: 0)
    /// Signalled once the environment is closed.
    let finished = DispatchSemaphore(value: 0)

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

    /// Takes over a catalog; with the schema lock held.
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
                    adopt(new)
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

    /// What keeps readers out during a compaction.
    var gate: ReaderGate { ReaderGate(self) }

    // MARK: Handles

    /// Runs `body` while no other thread opens handles of databases.
    func withSchemaLock<R>(_ body: () throws(CodexError) -> R) throws(CodexError) -> R {
        let result = schemaLock.withLock { _ in
            Result { () throws(CodexError) in try body() }
        }
        return try result.get()
    }

    /// Closes the handles of databases that were removed, as far as no reader can use them.
    ///
    /// Outside of transactions of the calling thread.
    func closeRetiredHandles() throws(CodexError) {
        guard state.withLock({ !$0.retired.isEmpty }) else { return }
        let result = schemaLock.withLock { _ in
            Result { () throws(CodexError) in
                // No thread of this process writes meanwhile; a reader needs no handle that is
                // retired.
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
}
