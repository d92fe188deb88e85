internal import CodexCore
internal import Foundation

/// Wakes the tasks that wait for the next commit of any process.
///
/// A commit of this process wakes them at once. For commits of other processes, the
/// ``CommitPoller`` checks every few milliseconds whether LMDB has a newer transaction, while a
/// task waits.
final class CommitSignal: Sendable {
    private struct State {
        var waiters: [UInt64: CheckedContinuation<Bool, any Error>] = [:]
        var nextID: UInt64 = 0
        /// Waits that were cancelled before they began.
        var cancelled: Set<UInt64> = []
        /// The snapshot of the last wait that ended for a commit that readers may not see yet.
        var earlyID = 0
        var isPolled = false
        /// The last transaction at the poller's last check.
        var polledID = 0
        var isClosed = false
        /// The last transaction, while the environment must not be used.
        var pausedID: Int?
    }

    private let state = Locked(State())
    private let environment: Environment

    init(_ environment: Environment) { self.environment = environment }

    /// Waits until there is a commit after that of a snapshot.
    ///
    /// - Parameter known: The transaction of a snapshot in which there was nothing new. The
    ///   environment's last transaction would be wrong: LMDB writes a commit's meta page before it
    ///   makes the commit visible to readers. A wait that began between the two would miss the
    ///   commit.
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
        // The committing process may have died in between: the next writer then makes the commit
        // visible.
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

    /// Requires the lock, which closing takes too: so the environment is open.
    private func lastTransactionID(_ state: borrowing State) -> Int {
        if let paused = state.pausedID { return paused }
        return state.isClosed ? 0 : environment.lastTransactionID
    }

    /// Wakes the waiters if there is a commit; returns `false` if there are none.
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
        // A waiter that cannot see the commit yet waits again at once, with the transaction before
        // it.
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

    /// Records a commit of this process.
    func committed() { wake() }

    /// Stops the use of the environment until it is reopened: there are no commits meanwhile.
    func pause() {
        state.withLock { $0.pausedID = lastTransactionID($0) }
    }

    /// Continues with the reopened environment.
    func resume() {
        state.withLock { $0.pausedID = nil }
        wake()
    }

    /// Refuses waits from now on; the environment may be closed after the call.
    func close() {
        let waiters = state.withLock { state in
            defer { state.waiters = [:] }
            state.isClosed = true
            return state.waiters
        }
        for waiter in waiters { waiter.value.resume(throwing: StoreCore.closed) }
    }
}

/// Checks for commits of other processes, for all stores of this process that have a waiter.
///
/// It uses a thread of the pool only while there are such stores.
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
            // No event reports a commit of another process.
            Thread.sleep(forTimeInterval: intervalSeconds)
            let waited = signals.filter { $0.poll() }
            state.withLock { $0.signals += waited }
        }
    }

    /// Takes all signals; `nil` ends the polling.
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
