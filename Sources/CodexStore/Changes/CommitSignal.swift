internal import CodexCore
internal import Foundation

/// Wakes those who wait for the next commit, of this process or another.
///
/// A commit of this process wakes them at once. For those of others, the ``CommitPoller`` looks
/// every few milliseconds whether LMDB has a newer transaction, while anybody waits.
final class CommitSignal: Sendable {
    private struct State {
        var waiters: [UInt64: CheckedContinuation<Bool, any Error>] = [:]
        var nextID: UInt64 = 0
        /// Waits that were cancelled before they began.
        var cancelled: Set<UInt64> = []
        /// The snapshot of the last wait that ended for a commit that readers may not see yet.
        var earlyID = 0
        var isPolled = false
        /// The last transaction when the poller looked.
        var polledID = 0
        var isClosed = false
        /// The last transaction, as long as the environment must not be asked.
        var pausedID: Int?
    }

    private let state = Locked(State())
    private let environment: Environment

    init(_ environment: Environment) { self.environment = environment }

    /// Waits until there is a commit after a snapshot's.
    ///
    /// - Parameter known: The transaction of a snapshot in which there was nothing new. Not what
    ///   the environment says is the last: LMDB writes a commit's meta page before it lets readers
    ///   see the commit, and a wait that began between the two would miss it.
    /// - Throws: `CancellationError`, ``CodexError/Code/closed``.
    func wait(after known: Int) async throws {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        let isEarly = try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation {
                (continuation: CheckedContinuation<Bool, any Error>) in
                add(id, continuation, known)
            }
        } onCancel: {
            let continuation = state.withLock { state in
                let waiter = state.waiters.removeValue(forKey: id)
                if waiter == nil { state.cancelled.insert(id) }
                return waiter
            }
            continuation?.resume(throwing: CancellationError())
        }
        let isAgain = state.withLock { state in
            state.cancelled.remove(id)
            guard isEarly else { return false }
            defer { state.earlyID = known }
            return state.earlyID == known
        }
        // Its process may have died in between: then the next writer lets readers see the commit.
        if isAgain { try await _Concurrency.Task.sleep(for: .milliseconds(1)) }
    }

    private func add(
        _ id: UInt64, _ continuation: CheckedContinuation<Bool, any Error>, _ known: Int
    ) {
        enum Outcome { case waits, startsPolling, cancelled, closed, news }
        let outcome = state.withLock { state -> Outcome in
            if state.isClosed { return .closed }
            if state.cancelled.remove(id) != nil { return .cancelled }
            if lastTransactionID(state) != known { return .news }
            state.waiters[id] = continuation
            if state.isPolled { return .waits }
            (state.isPolled, state.polledID) = (true, known)
            return .startsPolling
        }
        switch outcome {
        case .waits: break
        case .startsPolling: CommitPoller.add(self)
        case .cancelled: continuation.resume(throwing: CancellationError())
        case .closed: continuation.resume(throwing: StoreCore.closed)
        case .news: continuation.resume(returning: true)
        }
    }

    /// With the lock held, which closing takes: the environment is open.
    private func lastTransactionID(_ state: borrowing State) -> Int {
        if let paused = state.pausedID { return paused }
        return state.isClosed ? 0 : environment.lastTransactionID
    }

    /// Wakes those who wait if there is a commit; returns `false` if nobody waits.
    fileprivate func poll() -> Bool {
        let isNew = state.withLock { state -> Bool? in
            guard !state.isClosed, !state.waiters.isEmpty else {
                state.isPolled = false
                return nil
            }
            let last = lastTransactionID(state)
            defer { state.polledID = last }
            return last != state.polledID
        }
        // Those who are woken before they can see the commit come again at once: they know the one
        // before it.
        if isNew == true { wake() }
        return isNew != nil
    }

    private func wake() {
        let waiters = state.withLock { state in
            defer { state.waiters = [:] }
            return state.waiters.isEmpty ? nil : state.waiters
        }
        for waiter in waiters ?? [:] { waiter.value.resume(returning: false) }
    }

    /// Takes note of a commit of this process.
    func committed() { wake() }

    /// Leaves the environment alone, which is to be opened again: nothing is committed meanwhile.
    func pause() {
        state.withLock { $0.pausedID = lastTransactionID($0) }
    }

    /// Goes on with the environment as it is now.
    func resume() {
        state.withLock { $0.pausedID = nil }
        wake()
    }

    /// Refuses waits from now on; the environment may be closed when it returns.
    func close() {
        let waiters = state.withLock { state in
            defer { state.waiters = [:] }
            state.isClosed = true
            return state.waiters
        }
        for waiter in waiters { waiter.value.resume(throwing: StoreCore.closed) }
    }
}

/// Looks for commits of other processes, for all stores of this one in which somebody waits.
///
/// It has a thread of the pool only while there are such stores.
private enum CommitPoller {
    private struct State {
        var signals: [CommitSignal] = []
        var isRunning = false
    }

    private static let state = Locked(State())
    private static let intervalSeconds = 0.003

    static func add(_ signal: CommitSignal) {
        let starts = state.withLock { state in
            state.signals.append(signal)
            defer { state.isRunning = true }
            return !state.isRunning
        }
        if starts { WorkerPool.run { poll() } }
    }

    private static func poll() {
        while let signals = takeSignals() {
            // Nothing tells of a commit of another process.
            Thread.sleep(forTimeInterval: intervalSeconds)
            let waited = signals.filter { $0.poll() }
            state.withLock { $0.signals += waited }
        }
    }

    /// Takes all; `nil` ends the polling.
    private static func takeSignals() -> [CommitSignal]? {
        state.withLock { state in
            guard !state.signals.isEmpty else {
                state.isRunning = false
                return nil
            }
            defer { state.signals = [] }
            return state.signals
        }
    }
}
