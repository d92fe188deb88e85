internal import Synchronization

/// Runs changes of tables one after another, in the order in which they ask.
///
/// A change checks the table and its record, and then changes both in several transactions. Changes
/// of one service do not come between them. Those of other services and processes may, so each
/// transaction checks the change again.
final class TableChanges: Sendable {
    private struct State {
        /// Whether a change runs.
        var isBusy = false
        /// The changes that wait, the oldest first.
        var waiting: [(id: UInt64, continuation: CheckedContinuation<Void, any Error>)] = []
        var lastID: UInt64 = 0
    }

    private let state = Mutex(State())

    /// Runs a change once all earlier ones have ended.
    ///
    /// - Parameter body: The change, which must not run another one.
    /// - Returns: What `body` returns.
    /// - Throws: `CancellationError` if the task is cancelled while it waits, and as `body`.
    func run<Value>(_ body: () async throws -> Value) async throws -> Value {
        try await begin()
        defer { end() }
        return try await body()
    }

    private func begin() async throws {
        let id = state.withLock { state -> UInt64 in
            state.lastID += 1
            return state.lastID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation {
                (continuation: CheckedContinuation<Void, any Error>) in
                wait(id, continuation)
            }
        } onCancel: {
            cancel(id)
        }
    }

    private enum Outcome { case begins, waits, isCancelled }

    private func wait(_ id: UInt64, _ continuation: CheckedContinuation<Void, any Error>) {
        let outcome = state.withLock { state -> Outcome in
            // A task that is cancelled after this calls `cancel(_:)`, which finds it waiting.
            if _Concurrency.Task.isCancelled { return .isCancelled }
            if state.isBusy {
                state.waiting.append((id, continuation))
                return .waits
            }
            state.isBusy = true
            return .begins
        }
        switch outcome {
        case .begins: continuation.resume()
        case .waits: break
        case .isCancelled: continuation.resume(throwing: CancellationError())
        }
    }

    private func cancel(_ id: UInt64) {
        let waiter = state.withLock { state -> CheckedContinuation<Void, any Error>? in
            guard let place = state.waiting.firstIndex(where: { $0.id == id }) else { return nil }
            return state.waiting.remove(at: place).continuation
        }
        waiter?.resume(throwing: CancellationError())
    }

    /// Lets the next change begin.
    private func end() {
        let next = state.withLock { state -> CheckedContinuation<Void, any Error>? in
            guard !state.waiting.isEmpty else {
                state.isBusy = false
                return nil
            }
            return state.waiting.removeFirst().continuation
        }
        next?.resume()
    }
}
