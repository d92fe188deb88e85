internal import CodexCore
internal import Dispatch
internal import Synchronization

/// The snapshots of a process: the number of open ones, and the idle read transactions.
///
/// Each transaction, idle or in use, has a reader slot of LMDB's lock file. A snapshot takes an
/// idle transaction and renews it, which needs no system call. ``StoreCore`` has the pool in its
/// state, which the state's lock guards.
struct SnapshotPool {
    /// Contexts without a snapshot, which wait for the next reader.
    var idle: [ReadContext] = []
    /// The smallest number of idle contexts since the last call of ``StoreCore/ageReaders()``.
    var leastIdleCount = 0
    /// Whether the aging of idle contexts is under way.
    var isAging = false
    /// The number of active readers, including those without a snapshot.
    var activeCount = 0
    var epochs = ReaderEpochs()

    /// The maximum number of idle contexts: each has a reader slot.
    static let idleCountMax = 64
}

extension StoreCore {
    /// Passes a context with a fresh snapshot to `body`.
    @inline(__always)
    func withReadContext<R>(_ body: (ReadContext) throws -> R) throws -> R {
        let context = try acquireReadContext()
        defer { releaseReadContext(context) }
        return try body(context)
    }

    /// Takes a context with a fresh snapshot, which the caller must return.
    ///
    /// - Parameter waits: Whether to wait for the end of a compaction, which refuses readers that
    ///   do not wait.
    /// - Returns: The context.
    /// - Throws: ``CodexError/Code/closed``, ``CodexError/Code/inUse``,
    ///   ``CodexError/Code/tooManyReaders``, and the errors of reading.
    func acquireReadContext(waits: Bool = true) throws(CodexError) -> ReadContext {
        try InheritedDescriptors.requireOwnProcess()
        let limit = options.maximumSnapshots
        let (idle, isBarred, isFull, entered) = state.withLock {
            state -> (ReadContext?, Bool, Bool, Int) in
            if state.isBarred { return (nil, true, false, 0) }
            if state.readers.activeCount >= limit { return (nil, false, true, 0) }
            state.readers.activeCount += 1
            let idle = state.readers.idle.popLast()
            state.readers.leastIdleCount = min(
                state.readers.leastIdleCount, state.readers.idle.count)
            return (idle, false, false, state.readers.epochs.enter())
        }
        if isFull { throw tooManySnapshots }
        var epoch = entered
        if isBarred {
            try gate.admit(waits: waits)
            epoch = state.withLock { $0.readers.epochs.enter() }
        }
        do throws(CodexError) {
            guard let idle else {
                try environment.requireReaderSlot()
                // The catalog comes first: a transaction knows only handles that were opened before
                // it began.
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
                // The slot has no snapshot, as before: keep it for the next reader.
                idle.reset()
                state.withLock { $0.readers.idle.append(idle) }
                throw error
            }
            idle.epoch = epoch
            idle.thread.store(WorkerPool.currentThread, ordering: .relaxed)
            return idle
        } catch {
            readEnded(nil, epoch)
            throw error
        }
    }

    /// Ends the snapshot of a context, and keeps the context for the next reader.
    func releaseReadContext(_ context: ReadContext) {
        context.thread.store(0, ordering: .relaxed)
        context.reset()
        let isKept = readEnded(context, context.epoch)
        if !isKept {
            // Its slot becomes free before the reader counts as ended.
            context.abort()
            readEnded(nil, context.epoch)
        }
    }

    /// Counts a reader that ended, and keeps its context for another reader.
    ///
    /// - Returns: `false` if there are enough contexts; then nothing is counted.
    @discardableResult
    private func readEnded(_ context: ReadContext?, _ epoch: Int?) -> Bool {
        let (isKept, isLast, ages) = state.withLock { state -> (Bool, Bool, Bool) in
            if let context {
                if state.readers.idle.count >= SnapshotPool.idleCountMax {
                    return (false, false, false)
                }
                state.readers.idle.append(context)
            }
            state.readers.activeCount -= 1
            if let epoch { state.readers.epochs.leave(epoch) }
            return (
                true, state.isBarred && state.readers.activeCount == 0,
                state.readers.startsAging()
            )
        }
        if isLast { lastReaderEnded.signal() }
        if ages { readerAging.wake(after: ReaderAging.interval) }
        return isKept
    }

    /// Forgets a context that was aborted.
    func remove(_ context: ReadContext) {
        contexts.withLock { contexts in contexts.removeAll { $0 === context } }
    }

    /// Runs `body` without a snapshot; the environment stays open meanwhile.
    func whileOpen<R>(_ body: () throws(CodexError) -> R) throws(CodexError) -> R {
        try InheritedDescriptors.requireOwnProcess()
        let isBarred = state.withLock { state in
            if !state.isBarred { state.readers.activeCount += 1 }
            return state.isBarred
        }
        if isBarred { try gate.admit(waits: true) }
        defer { readEnded(nil, nil) }
        return try awaited(body)
    }

    private var tooManySnapshots: CodexError {
        CodexError(
            .tooManyReaders,
            "\(options.maximumSnapshots) snapshots of the store at \(directory.path) are open in "
                + "this process. Hold fewer at once, or raise StoreOptions.maximumSnapshots.")
    }
}
