internal import CodexCore
internal import Dispatch
internal import Synchronization

/// Keeps the pace of one backup between its parts, and ends it when its task is cancelled.
///
/// One thread at a time works on the backup. Any thread may cancel it.
final class BackupPacer: Sendable {
    private struct State {
        /// The monotonic time when the present part began.
        var start: Duration
        /// The newest transaction at that time; `nil` for the first part.
        var transactionID: Int?
    }

    private let pace: BackupPace
    private let clock: @Sendable () -> Duration
    private let lastTransactionID: @Sendable () -> Int
    /// Waits for a time, or until the signal.
    private let wait: @Sendable (Duration, DispatchSemaphore) -> Void
    private let state: Locked<State>
    private let isCancelled = Atomic(false)
    private let cancellation = DispatchSemaphore(value: 0)

    /// Begins the first part.
    ///
    /// - Parameters:
    ///   - pace: The pace.
    ///   - clock: The monotonic clock.
    ///   - lastTransactionID: Returns the number of the newest transaction of any process. It is
    ///     called at the end of a part, while the store is open.
    ///   - wait: Waits for a time, or until the signal.
    init(
        _ pace: BackupPace, clock: @escaping @Sendable () -> Duration,
        lastTransactionID: @escaping @Sendable () -> Int,
        wait: @escaping @Sendable (Duration, DispatchSemaphore) -> Void = { time, signal in
            _ = signal.wait(timeout: .now() + time.dispatchInterval)
        }
    ) {
        self.pace = pace
        self.clock = clock
        self.lastTransactionID = lastTransactionID
        self.wait = wait
        state = Locked(State(start: clock()))
    }

    /// Ends the backup at its next part.
    func cancel() {
        isCancelled.store(true, ordering: .releasing)
        cancellation.signal()
    }

    /// Throws if the backup was cancelled.
    ///
    /// - Throws: ``CodexError/Code/cancelled``.
    func requireNotCancelled() throws(CodexError) {
        guard isCancelled.load(ordering: .acquiring) else { return }
        throw CodexError(.cancelled, "The task was cancelled, and there is no backup.")
    }

    /// Ends a part: pauses as the pace requires, and begins the next one.
    ///
    /// - Parameter byteCount: The bytes of the part.
    /// - Throws: ``CodexError/Code/cancelled``.
    func pause(after byteCount: Int) throws(CodexError) {
        try requireNotCancelled()
        let (now, transactionID) = (clock(), lastTransactionID())
        let duration = state.withLock { state in
            let isBusy = state.transactionID.map { $0 != transactionID } ?? false
            state.transactionID = transactionID
            return pace.pause(after: now - state.start, byteCount: byteCount, isBusy: isBusy)
        }
        if duration > .zero {
            wait(duration, cancellation)
            try requireNotCancelled()
        }
        let start = clock()
        state.withLock { $0.start = start }
    }
}
