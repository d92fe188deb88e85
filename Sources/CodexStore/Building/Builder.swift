internal import CodexCore
internal import Dispatch

/// Builds new indexes and counters and empties removed ones, in the background and in steps that
/// other writes pass between.
///
/// One process at a time builds, whoever has the lock file; if it is killed, another goes on where
/// it was. Progress is kept in the transaction that makes it.
///
/// - An index is maintained by all writes from the moment it is there, so its build only adds the
///   entries that items have which were there before: sorted, so that the tree is filled in order.
/// - A counter's build walks the items in key order; writes maintain it for items up to where it
///   is.
/// - Items of earlier formats are walked in key order, too, and their undecided values decided.
///
/// What fails and may pass by itself (a full disk, say) is tried again, less and less often, and
/// the observer is told. What cannot pass ends the building until somebody asks for it again.
final class Builder: Sendable {
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
        /// The numbers of the tables with values that this process's keys did not decide.
        var undecidableTables: Set<Int> = []
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

    let core: StoreCore
    private let writer: WriterQueue
    private let state = Locked(State())
    private let alarm = DispatchSemaphore(value: 0)
    private let loop = BackgroundLoop()

    /// The lock of the one process that builds.
    static let lockName = "build.lock"
    /// Tables up to this size are built when the store is opened, before it is used.
    static let smallItemCount = 10_000
    /// How often is looked whether another process's build has ended.
    private static let lockInterval = Duration.milliseconds(500)
    /// After so many failures in a row, those who wait are told: three seconds of them.
    private static let patience = 7
    /// After so many failures in a row a step is given up, and with it the lock and what was
    /// sorted: the trouble may be this process's alone.
    private static let stepFailureCountMax = 9

    init(_ core: StoreCore, _ writer: WriterQueue) {
        self.core = core
        self.writer = writer
    }

    func start() {
        loop.start { [self] in core.awaited { pass() } }
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

    /// Whether what is to be built is done in a moment.
    func hasLittleToDo() -> Bool {
        let catalog = core.catalog
        let undecided = undecidedTables(catalog)
        guard catalog.hasWork || !undecided.isEmpty,
            !catalog.allTables.contains(where: \.isLoading), !hasMuchToEmpty
        else { return false }
        return (catalog.allTables.filter(\.hasWork) + undecided).allSatisfy(isSmall)
    }

    /// Whether emptying what removed tables left takes longer than anybody who adds something would
    /// wait.
    var hasMuchToEmpty: Bool { !core.catalog.droppedTrees.allSatisfy { isSmall($0.tree) } }

    /// Whether a table is built in a moment.
    func isSmall(_ table: TableHandle) -> Bool { isSmall(table.tree) }

    private func isSmall(_ tree: Tree) -> Bool {
        let count = try? core.withReader { try $0.transaction.count(tree) }
        return count.map { $0 <= Self.smallItemCount } ?? false
    }

    // MARK: Passes

    var isStopped: Bool { state.withLock { $0.isStopped } }

    private enum Outcome {
        case done
        /// Another process builds, which may end without it.
        case busy
        case failed(CodexError)
    }

    private func pass() -> BackgroundLoop.Next {
        // What rang before this pass is heard.
        sleep(until: .now())
        let requestCount = state.withLock { $0.requestCount }
        let outcome = work()
        if isStopped {
            answerAll(StoreCore.closed)
            return .never
        }
        switch outcome {
        case .done: idle(nil, since: requestCount)
        case .busy: return .after(Self.lockInterval)
        case .failed(let error) where error.mayPass: return .after(delay(after: error))
        case .failed(let error):
            report(error, retryDelay: nil)
            idle(error, since: requestCount)
        }
        return .whenWoken
    }

    /// Does what is to be done.
    private func work() -> Outcome {
        while !isStopped {
            do throws(CodexError) {
                aim(at: (nil, nil))
                let catalog = try core.refreshCatalog()
                guard catalog.hasWork || !undecidedTables(catalog).isEmpty else { return .done }
                guard let lock = try FileLock(Self.lockName, in: core.directory) else {
                    return .busy
                }
                try withExtendedLifetime(lock) { () throws(CodexError) in
                    try step(try core.refreshCatalog())
                }
            } catch  where error.code == .unknownTable {
                // It was removed meanwhile.
                continue
            } catch {
                return .failed(error)
            }
        }
        return .busy
    }

    /// The tables with values to decide; those that wait for keys are looked at once, if there are
    /// some.
    func undecidedTables(_ catalog: Catalog) -> [TableHandle] {
        let hasKeys = core.options.sealer != nil
        let tried = state.withLock { $0.undecidableTables }
        return catalog.allTables.filter { table in
            switch table.undecided {
            case nil: false
            case .unread: true
            case .waiting: hasKeys && !tried.contains(table.number)
            }
        }
    }

    /// Takes note that this process's keys do not decide all values of a table.
    func noteUndecidable(_ table: Int) {
        state.withLock { state in _ = state.undecidableTables.insert(table) }
    }

    /// Says what is done next, for the observer.
    func aim(at target: Target) { state.withLock { $0.target = target } }

    private func answerAll(_ failure: CodexError?) {
        let waiters = state.withLock { state in
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.answer(failure) }
    }

    /// Answers those who wait, unless it was woken since it looked.
    private func idle(_ failure: CodexError?, since requestCount: Int) {
        let isIdle = state.withLock { state in
            // There may be more to do.
            guard state.requestCount == requestCount else { return false }
            (state.isIdle, state.failure) = (true, failure)
            if failure == nil { state.failureCount = 0 }
            return true
        }
        if isIdle { answerAll(failure) }
    }

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
    private func delay(after error: CodexError) -> Duration {
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

    private func report(_ error: CodexError, retryDelay: Duration?) {
        let target = state.withLock { $0.target }
        core.options.observer?(
            .buildFailed(
                table: target.table, name: target.name, code: error.code, message: error.message,
                retryDelay: retryDelay))
    }

    // MARK: Reading and writing

    /// How much a step in the writer does.
    var limit: StepLimit { state.withLock { $0.loadCount } > 0 ? .ample : .brief() }

    /// Does a part of a build in a transaction; the log need not have it.
    func write<Value: Sendable>(
        _ body: @escaping @Sendable (WriteContext) throws -> Value
    ) throws(CodexError) -> Value {
        try persisting(isProgress: true) { () throws(CodexError) -> Value in
            do {
                return try writer.wait(limited: false) { answer in
                    ClosureJob(
                        isLogged: false, { transaction in try body(transaction.context) },
                        answer: answer)
                }
            } catch {
                throw CodexError.wrapping(error)
            }
        }
    }

    /// Changes the manifest, unless `body` returns that nothing is to be changed.
    func changeManifest(
        afterCheckpoint: Bool = false,
        _ body: @escaping @Sendable (inout Manifest, Transaction) throws(CodexError) -> Bool
    ) throws(CodexError) {
        try persisting(isProgress: true) { () throws(CodexError) -> Void in
            do {
                try writer.wait(limited: false) {
                    ManifestJob(body, afterCheckpoint: afterCheckpoint, answer: $0)
                }
            } catch {
                throw CodexError.wrapping(error)
            }
        }
    }

    /// Runs `body` with a snapshot; what it throws is not tried again.
    func reading<R>(_ body: (ReadContext) throws -> R) throws(CodexError) -> R {
        let context = try persisting(isProgress: false) { () throws(CodexError) in
            try core.takeReader()
        }
        defer { core.returnReader(context) }
        do {
            return try body(context)
        } catch {
            throw CodexError.wrapping(error)
        }
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
