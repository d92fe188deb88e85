internal import CodexCore
internal import Dispatch

/// Decides when a builder works, who waits for it, and what follows a failure.
///
/// A failure that may pass (a full disk, for example) is retried, less and less often, and the
/// observer is told. A failure that cannot pass ends the building until a caller requests it again.
final class BuildSchedule: Sendable {
    /// The table and the part that are being built, for the observer.
    typealias Target = (table: String?, name: String?)

    private struct State {
        var isStopped = false
        var isIdle = false
        /// Counts the calls of ``wake()``, so that none is missed between looking and idling.
        var requestCount = 0
        /// Whether the alarm was signaled and no pause has received the signal yet.
        var isRung = false
        /// The number of bulk loads that wait for their indexes.
        var loadCount = 0
        /// On demand, the number of steps that may still run; `nil` is no bound.
        var restStepCount: Int?
        var target: Target = (nil, nil)
        var failure: CodexError?
        /// The number of consecutive failures.
        var failureCount = 0
        var waiters: [Waiter] = []

        /// Records that there is work; returns whether the caller must signal the alarm.
        mutating func ring() -> Bool {
            defer { isRung = true }
            return !isRung
        }
    }

    private struct Waiter {
        /// Whether it ignores failures that may pass, for some seconds.
        let isPatient: Bool
        /// The table for which it waits, as long as all the work takes only a moment; `nil` waits
        /// for all the work.
        let table: String?
        let answer: @Sendable (CodexError?) -> Void

        /// The error to answer with if the work on a target failed: none for another table.
        func failure(_ error: CodexError?, of target: Target) -> CodexError? {
            table == nil || table == target.table ? error : nil
        }

        /// Whether it waits for one table, and the target is another one.
        func isBeside(_ target: Target) -> Bool {
            guard let table, let other = target.table else { return false }
            return table != other
        }
    }

    private let observer: (@Sendable (StoreEvent) -> Void)?
    private let state = Locked(State())
    private let alarm = DispatchSemaphore(value: 0)
    private let loop = BackgroundLoop()
    /// How builds run on demand; `nil` if the loop runs them.
    private let demanded: BuildsOnDemand?

    /// After this many consecutive failures, about three seconds, the waiters get the error.
    private static let patience = 7
    /// After this many consecutive failures a step gives up, and releases the lock and the sorted
    /// keys.
    ///
    /// The cause may affect this process alone.
    private static let stepFailureCountMax = 9

    init(_ options: StoreOptions) {
        observer = options.observer
        demanded = options.parts.builds
    }

    /// Starts the passes, unless builds run on demand; the first one begins at once.
    func start(_ pass: @escaping @Sendable () -> BackgroundLoop.Next) {
        guard !isOnDemand else { return }
        loop.start(.after(.zero), pass)
    }

    /// Blocks until the passes have ended, after ``stop()``.
    func waitUntilEnded() {
        guard !isOnDemand else { return }
        loop.waitUntilEnded()
    }

    /// Ends the building after the current step.
    func stop() {
        let rings = state.withLock { state in
            state.isStopped = true
            return state.ring()
        }
        if rings { alarm.signal() }
        loop.wake()
    }

    /// Looks for work again, and retries at once after a failure.
    func wake() {
        let rings = state.withLock { state in
            state.requestCount += 1
            state.isIdle = false
            state.failure = nil
            return state.ring()
        }
        if rings { alarm.signal() }
        loop.wake()
    }

    // MARK: Waiting for it

    /// Calls `answer` when there is nothing to build, or when building fails.
    ///
    /// - Parameters:
    ///   - isPatient: Whether to ignore failures that may pass, for some seconds.
    ///   - answer: Called once, with the error of a failure. Building continues if the failure may
    ///     pass.
    func whenIdle(
        isPatient: Bool = true, _ answer: @escaping @Sendable (CodexError?) -> Void
    ) {
        add(Waiter(isPatient: isPatient, table: nil, answer: answer))
    }

    private func add(_ waiter: Waiter) {
        let isNow = state.withLock { state -> (answers: Bool, failure: CodexError?) in
            if state.isStopped { return (true, StoreCore.closed) }
            if state.isIdle { return (true, waiter.failure(state.failure, of: state.target)) }
            // No build runs before a step is demanded.
            if isOnDemand { return (true, nil) }
            state.waiters.append(waiter)
            return (false, nil)
        }
        if isNow.answers { waiter.answer(isNow.failure) }
    }

    /// Waits until the indexes and counters of a bulk load are built, in large steps.
    ///
    /// - Throws: As ``waitUntilIdle()``.
    func finishLoad() async throws {
        state.withLock { $0.loadCount += 1 }
        defer { state.withLock { $0.loadCount -= 1 } }
        try await waitUntilIdle()
    }

    /// Waits until there is nothing to build.
    ///
    /// - Throws: The error of a failure that cannot pass, or has not passed for some seconds.
    func waitUntilIdle() async throws {
        try await withCheckedThrowingContinuation {
            (continuation: CheckedContinuation<Void, any Error>) in
            whenIdle { failure in
                continuation.resume(with: failure.map { .failure($0) } ?? .success(()))
            }
        }
    }

    /// Waits until the work on a table is done, as long as all the work takes only a moment.
    ///
    /// - Parameters:
    ///   - table: The table's name.
    ///   - check: Called once the call waits. If the work takes longer, it calls
    ///     ``releaseBriefWaiters()``. So does each step of the work.
    /// - Throws: As ``waitUntilIdle()``, for a failure of the work on the table. If the work on
    ///   another table fails, the call returns.
    func waitBriefly(for table: String, _ check: @Sendable () -> Void) async throws {
        try await withCheckedThrowingContinuation {
            (continuation: CheckedContinuation<Void, any Error>) in
            add(
                Waiter(isPatient: true, table: table) { failure in
                    continuation.resume(with: failure.map { .failure($0) } ?? .success(()))
                })
            check()
        }
    }

    /// Whether a call waits only as long as all the work takes a moment.
    var hasBriefWaiters: Bool { state.withLock { $0.waiters.contains { $0.table != nil } } }

    /// Ends the waits of calls that wait only as long as all the work takes a moment.
    func releaseBriefWaiters() {
        let waiters = state.withLock { state in
            defer { state.waiters.removeAll { $0.table != nil } }
            return state.waiters.filter { $0.table != nil }
        }
        for waiter in waiters { waiter.answer(nil) }
    }

    /// Blocks until there is nothing to build, building fails, or some seconds are over.
    ///
    /// Another process may be building.
    func blockUntilIdle() {
        let idle = DispatchSemaphore(value: 0)
        whenIdle(isPatient: false) { _ in idle.signal() }
        _ = idle.wait(timeout: .now() + Self.waitMax)
    }

    private static let waitMax = DispatchTimeInterval.seconds(10)

    // MARK: Passes

    /// Whether to end after the current step.
    var isStopped: Bool {
        state.withLock { state in state.isStopped || (state.restStepCount ?? 1) <= 0 }
    }

    /// Begins a pass; returns the number of calls of ``wake()`` so far.
    func beginPass() -> Int {
        // This pass handles the signals that came before it.
        sleep(until: .now())
        return state.withLock { $0.requestCount }
    }

    /// The limit of one step in the writer.
    var limit: StepLimit {
        if let demanded { return .entries(demanded.entryCountMax) }
        return state.withLock { $0.loadCount } > 0 ? .ample : .brief()
    }

    /// Records the current target, for the observer.
    func aim(at target: Target) { state.withLock { $0.target = target } }

    /// Answers all waiters.
    func answerAll(_ failure: CodexError?) {
        let waiters = state.withLock { state in
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.answer(failure) }
    }

    /// Answers the waiters, unless the builder was woken since it looked for work.
    func idle(_ failure: CodexError?, since requestCount: Int) {
        let (waiters, target) = state.withLock { state -> ([Waiter], Target) in
            // There may be more to do.
            guard state.requestCount == requestCount else { return ([], state.target) }
            (state.isIdle, state.failure) = (true, failure)
            if failure == nil { state.failureCount = 0 }
            defer { state.waiters = [] }
            return (state.waiters, state.target)
        }
        for waiter in waiters { waiter.answer(waiter.failure(failure, of: target)) }
    }

    /// Waits until a time, a wake or a stop.
    private func sleep(until time: DispatchTime) {
        if alarm.wait(timeout: time) == .success { state.withLock { $0.isRung = false } }
    }

    // MARK: On demand

    /// Whether builds run on demand alone.
    var isOnDemand: Bool { demanded != nil }

    /// Runs a part of the work; after a number of steps, ``isStopped`` ends it.
    func bounded<R>(
        by stepCountMax: Int, _ body: () throws(CodexError) -> R
    ) throws(CodexError) -> R {
        state.withLock { $0.restStepCount = stepCountMax }
        defer { state.withLock { $0.restStepCount = nil } }
        return try body()
    }

    /// Called before each step that writes.
    func willStep() {
        guard let demanded else { return }
        demanded.willStep()
        state.withLock { state in
            if let count = state.restStepCount { state.restStepCount = count - 1 }
        }
    }

    // MARK: Failures

    /// Runs an operation that may fail for a while, and retries it.
    ///
    /// - Parameters:
    ///   - isProgress: Whether its success shows that building makes progress.
    ///   - body: The operation, which changes nothing if it throws.
    /// - Returns: The result of the body.
    /// - Throws: The body's last error, if it cannot pass, the builder was stopped, or there were
    ///   too many failures.
    func persisting<R>(
        isProgress: Bool, _ body: () throws(CodexError) -> R
    ) throws(CodexError) -> R {
        var hasFailed = false
        while true {
            do throws(CodexError) {
                let result = try body()
                if isProgress || hasFailed { state.withLock { $0.failureCount = 0 } }
                return result
            } catch {
                let (isStopped, count) = state.withLock { ($0.isStopped, $0.failureCount) }
                guard error.mayPass, !isStopped, !isOnDemand, count < Self.stepFailureCountMax
                else { throw error }
                hasFailed = true
                pause(after: error)
            }
        }
    }

    /// Waits after a failure that may pass, or until a wake or a stop.
    private func pause(after error: CodexError) {
        sleep(until: .now() + delay(after: error).dispatchInterval)
    }

    /// The time to wait after a failure that may pass: it doubles with each failure.
    ///
    /// The call reports the failure to the observer, and to the waiters that have waited for long.
    /// Waiters for another table wait no longer.
    func delay(after error: CodexError) -> Duration {
        let (count, waiters, target) = state.withLock { state -> (Int, [Waiter], Target) in
            state.failureCount += 1
            let (isLong, target) = (state.failureCount >= Self.patience, state.target)
            func ends(_ waiter: Waiter) -> Bool {
                isLong || !waiter.isPatient || waiter.isBeside(target)
            }
            defer { state.waiters.removeAll(where: ends) }
            return (state.failureCount, state.waiters.filter(ends), target)
        }
        let delay = Duration.milliseconds(Self.retryMilliseconds(count))
        report(error, retryDelay: delay)
        for waiter in waiters { waiter.answer(waiter.failure(error, of: target)) }
        return delay
    }

    /// The wait after a number of consecutive failures: 50 ms to 30 s.
    private static func retryMilliseconds(_ failureCount: Int) -> Int {
        min(50 << min(max(failureCount - 1, 0), 10), 30_000)
    }

    /// Reports a failure to the observer; without a delay there is no automatic retry.
    func report(_ error: CodexError, retryDelay: Duration?) {
        let target = state.withLock { $0.target }
        observer?(
            .buildFailed(
                table: target.table, name: target.name, code: error.code, message: error.message,
                retryDelay: retryDelay))
    }
}

extension CodexError {
    /// The codes of failures that the store or the machine may recover from.
    private static let passingCodes: Set<Code> = [
        .queueFull, .diskFull, .tooManyReaders, .outOfMemory, .limitReached, .lockTimeout,
        .inputOutput, .commitFailed, .outcomeUnknown, .storeFull, .notWritable, .filesReplaced,
    ]

    /// Whether a failed call may succeed later, although the program calls nothing else.
    var mayPass: Bool { Self.passingCodes.contains(code) && !isRefusedByLMDB }
}
