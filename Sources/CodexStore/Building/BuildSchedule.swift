internal import CodexCore
internal import Dispatch

/// When a builder works, who waits for it, and what comes after a failure.
///
/// What fails and may pass by itself (a full disk, say) is tried again, less and less often, and
/// the observer is told. What cannot pass ends the building until it is asked for again.
final class BuildSchedule: Sendable {
    /// What is at work, for the observer.
    typealias Target = (table: String?, name: String?)

    private struct State {
        var isStopped = false
        var isIdle = false
        /// Counts the calls of ``wake()``, so that none is missed between looking and idling.
        var requestCount = 0
        /// Whether the alarm was rung since a pause last heard it.
        var isRung = false
        /// How many bulk loads wait for their indexes.
        var loadCount = 0
        var target: Target = (nil, nil)
        var failure: CodexError?
        /// How many failures there were in a row.
        var failureCount = 0
        var waiters: [Waiter] = []

        /// Says that there is something to do; returns whether the alarm is to be signalled.
        mutating func ring() -> Bool {
            defer { isRung = true }
            return !isRung
        }
    }

    private struct Waiter {
        /// Whether it lets pass for some seconds what may pass.
        let isPatient: Bool
        let answer: @Sendable (CodexError?) -> Void
    }

    private let observer: (@Sendable (StoreEvent) -> Void)?
    private let state = Locked(State())
    private let alarm = DispatchSemaphore(value: 0)
    private let loop = BackgroundLoop()

    /// After so many failures in a row, those who wait are told: three seconds of them.
    private static let patience = 7
    /// After so many failures in a row a step is given up, and with it the lock and what was
    /// sorted: the trouble may be this process's alone.
    private static let stepFailureCountMax = 9

    init(_ observer: (@Sendable (StoreEvent) -> Void)?) { self.observer = observer }

    /// Begins; the first pass is at once.
    func start(_ pass: @escaping @Sendable () -> BackgroundLoop.Next) {
        loop.start(.after(.zero), pass)
    }

    /// Blocks until it ended, after ``stop()``.
    func waitUntilEnded() { loop.waitUntilEnded() }

    /// Ends it after the step it is at.
    func stop() {
        let rings = state.withLock { state in
            state.isStopped = true
            return state.ring()
        }
        if rings { alarm.signal() }
        loop.wake()
    }

    /// Looks for work again, and tries at once what failed.
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

    /// Calls `answer` when nothing is to be built, or building failed.
    ///
    /// - Parameters:
    ///   - isPatient: Whether failures that may pass do not count for some seconds.
    ///   - answer: Called once, with what building failed with; it goes on all the same if that may
    ///     pass.
    func whenIdle(
        isPatient: Bool = true, _ answer: @escaping @Sendable (CodexError?) -> Void
    ) {
        let isNow = state.withLock { state -> (answers: Bool, failure: CodexError?) in
            if state.isStopped { return (true, StoreCore.closed) }
            if state.isIdle { return (true, state.failure) }
            state.waiters.append(Waiter(isPatient: isPatient, answer: answer))
            return (false, nil)
        }
        if isNow.answers { answer(isNow.failure) }
    }

    /// Waits until what a bulk load left is built, in ample steps.
    ///
    /// - Throws: As ``waitUntilIdle()``.
    func finishLoad() async throws {
        state.withLock { $0.loadCount += 1 }
        defer { state.withLock { $0.loadCount -= 1 } }
        try await waitUntilIdle()
    }

    /// Waits until nothing is to be built.
    ///
    /// - Throws: What building fails with, if it cannot pass or has not passed for some seconds.
    func waitUntilIdle() async throws {
        try await withCheckedThrowingContinuation {
            (continuation: CheckedContinuation<Void, any Error>) in
            whenIdle { failure in
                continuation.resume(with: failure.map { .failure($0) } ?? .success(()))
            }
        }
    }

    /// Blocks until nothing is to be built, or building failed, or some seconds are over: another
    /// process may be building.
    func blockUntilIdle() {
        let idle = DispatchSemaphore(value: 0)
        whenIdle(isPatient: false) { _ in idle.signal() }
        _ = idle.wait(timeout: .now() + Self.waitMax)
    }

    private static let waitMax = DispatchTimeInterval.seconds(10)

    // MARK: Passes

    var isStopped: Bool { state.withLock { $0.isStopped } }

    /// Begins a pass; returns how often the builder was woken.
    func beginPass() -> Int {
        // What rang before this pass is heard.
        sleep(until: .now())
        return state.withLock { $0.requestCount }
    }

    /// How much a step in the writer does.
    var limit: StepLimit { state.withLock { $0.loadCount } > 0 ? .ample : .brief() }

    /// Says what is done next, for the observer.
    func aim(at target: Target) { state.withLock { $0.target = target } }

    /// Answers all who wait.
    func answerAll(_ failure: CodexError?) {
        let waiters = state.withLock { state in
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.answer(failure) }
    }

    /// Answers those who wait, unless it was woken since it looked.
    func idle(_ failure: CodexError?, since requestCount: Int) {
        let isIdle = state.withLock { state in
            // There may be more to do.
            guard state.requestCount == requestCount else { return false }
            (state.isIdle, state.failure) = (true, failure)
            if failure == nil { state.failureCount = 0 }
            return true
        }
        if isIdle { answerAll(failure) }
    }

    /// Waits until a time, or until it is woken or stopped.
    private func sleep(until time: DispatchTime) {
        if alarm.wait(timeout: time) == .success { state.withLock { $0.isRung = false } }
    }

    // MARK: Failures

    /// Does something that may fail for a while; it is tried again some times.
    ///
    /// - Parameters:
    ///   - isProgress: Whether its success says that building goes on.
    ///   - body: Changes nothing if it throws.
    /// - Returns: What the body returns.
    /// - Throws: What the body throws in the end.
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
                guard error.mayPass, !isStopped, count < Self.stepFailureCountMax else {
                    throw error
                }
                hasFailed = true
                pause(after: error)
            }
        }
    }

    /// Waits after a failure that may pass, or until it is woken or stopped.
    private func pause(after error: CodexError) {
        sleep(until: .now() + delay(after: error).dispatchInterval)
    }

    /// How long to wait after a failure that may pass: twice as long each time.
    ///
    /// It tells the observer, and those who have waited for long.
    func delay(after error: CodexError) -> Duration {
        let (count, waiters) = state.withLock { state -> (Int, [Waiter]) in
            state.failureCount += 1
            let isLong = state.failureCount >= Self.patience
            let told = state.waiters.filter { isLong || !$0.isPatient }
            state.waiters = state.waiters.filter { !isLong && $0.isPatient }
            return (state.failureCount, told)
        }
        let delay = Duration.milliseconds(Self.retryMilliseconds(count))
        report(error, retryDelay: delay)
        for waiter in waiters { waiter.answer(error) }
        return delay
    }

    /// How long to wait after so many failures in a row: 50 ms to 30 s.
    private static func retryMilliseconds(_ failureCount: Int) -> Int {
        min(50 << min(max(failureCount - 1, 0), 10), 30_000)
    }

    /// Tells the observer of a failure; without a delay it is not tried again by itself.
    func report(_ error: CodexError, retryDelay: Duration?) {
        let target = state.withLock { $0.target }
        observer?(
            .buildFailed(
                table: target.table, name: target.name, code: error.code, message: error.message,
                retryDelay: retryDelay))
    }
}

extension CodexError {
    /// What the store or the machine may get over by itself.
    private static let passingCodes: Set<Code> = [
        .queueFull, .diskFull, .tooManyReaders, .outOfMemory, .limitReached, .lockTimeout,
        .inputOutput, .commitFailed, .outcomeUnknown, .storeFull, .notWritable, .filesReplaced,
    ]

    /// Whether what failed may succeed later though nothing else is called.
    var mayPass: Bool { Self.passingCodes.contains(code) && !isRefusedByLMDB }
}
