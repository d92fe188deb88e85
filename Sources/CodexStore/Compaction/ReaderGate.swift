internal import CodexCore
internal import Dispatch

/// The barrier that keeps readers out of a store during its compaction.
enum ReaderBarrier {
    /// There is no barrier.
    case none
    /// A compaction waits for the present readers.
    case draining
    /// A compaction copies the data file.
    case copying
    /// The environment is closed until it is opened on the new file.
    case detached
    /// The environment could not be opened again.
    case failed(CodexError)

    /// Whether no reader may use the environment.
    var isDetached: Bool {
        switch self {
        case .detached, .failed: true
        case .none, .draining, .copying: false
        }
    }
}

/// The readers of a store during a compaction: users' reads are refused, and the store's own reads
/// wait.
struct ReaderGate {
    private let core: StoreCore
    private var state: Locked<StoreCore.State> { core.state }

    init(_ core: StoreCore) { self.core = core }

    private static let compacting = CodexError(
        .inUse, "The store is being compacted. Try again in a moment.")

    /// The error with which readers are refused.
    var refusal: CodexError { state.withLock { Self.refusal($0) } }

    private static func refusal(_ state: StoreCore.State) -> CodexError {
        if case .failed(let error) = state.barrier { return error }
        return state.isClosed ? StoreCore.closed : compacting
    }

    /// Counts a reader that begins while readers are barred.
    ///
    /// - Parameter waits: Whether to wait for the end of a compaction.
    /// - Throws: ``CodexError/Code/closed``, ``CodexError/Code/inUse``.
    func admit(waits: Bool) throws(CodexError) {
        while true {
            let alarm = DispatchSemaphore(value: 0)
            // The compaction waits for the outer reader of a nested one.
            let isNested = core.isInUseHere
            let outcome = state.withLock { state -> Result<Bool, CodexError> in
                if state.isClosed { return .failure(Self.refusal(state)) }
                let isAdmitted: Bool
                switch state.barrier {
                case .none: isAdmitted = true
                case .draining: isAdmitted = isNested
                case .copying, .detached: isAdmitted = false
                case .failed(let error): return .failure(error)
                }
                if isAdmitted {
                    state.readers.activeCount += 1
                } else if waits {
                    state.waiting.append(alarm)
                } else {
                    return .failure(Self.compacting)
                }
                return .success(isAdmitted)
            }
            if try outcome.get() { return }
            alarm.wait()
        }
    }

    /// The maximum wait of a compaction for the present readers.
    private static let drainLimit = DispatchTimeInterval.milliseconds(500)

    /// Bars readers, and waits until there are none.
    ///
    /// - Throws: ``CodexError/Code/inUse`` if a snapshot stays open; readers are admitted then.
    func barReaders() throws(CodexError) {
        setBarrier(.draining)
        core.endHeldSnapshots()
        let deadline = DispatchTime.now() + Self.drainLimit
        while true {
            let isFree = state.withLock { state in
                guard state.readers.activeCount == 0 else { return false }
                state.barrier = .copying
                return true
            }
            if isFree { return }
            if core.lastReaderEnded.wait(timeout: deadline) == .timedOut {
                admitReaders()
                throw CodexError(
                    .inUse,
                    "A snapshot of the store is open in this process, or a backup or an archive is "
                        + "being made. Let that end, then compact the store.")
            }
        }
    }

    /// Admits readers again, unless the environment is closed.
    func admitReaders() {
        guard !state.withLock({ $0.barrier.isDetached }) else { return }
        setBarrier(.none)
    }

    private func setBarrier(_ barrier: ReaderBarrier) {
        let waiting = state.withLock { state in
            state.barrier = barrier
            defer { state.waiting = [] }
            switch barrier {
            case .none: state.isBarred = state.isClosed
            case .draining, .copying, .detached, .failed: state.isBarred = true
            }
            return state.waiting
        }
        // They check the barrier again.
        for alarm in waiting { alarm.signal() }
    }

    // MARK: The environment

    /// Ends all use of the environment, after ``barReaders()``.
    func detachEnvironment() {
        let idle = state.withLock { state in
            state.barrier = .detached
            for cache in state.caches { cache.follower?.setPaused(true) }
            defer { state.readers.idle = [] }
            return state.readers.idle
        }
        for context in idle { context.abort() }
        core.commits.pause()
    }

    /// Permits the use of the reopened environment.
    func attachEnvironment() {
        core.commits.resume()
        state.withLock { state in
            state.barrier = .copying
            for cache in state.caches where !state.isClosed { cache.follower?.setPaused(false) }
        }
    }

    /// Refuses all further use, because the environment could not be opened again.
    ///
    /// - Returns: The error that all users get.
    func refuse(after cause: CodexError) -> CodexError {
        core.schemaLock.withLock { _ in core.environment.close() }
        let error = CodexError(
            .closed,
            "The store was compacted, and could not be opened again (\(cause.code)). Nothing is "
                + "lost. Close it, and open it again.", cause: cause)
        setBarrier(.failed(error))
        core.commits.close()
        return error
    }
}
