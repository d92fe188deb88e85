internal import CodexCore
internal import Dispatch
internal import Synchronization

/// The queue of writes and who runs them: a thread of the ``WorkerPool`` or, where nothing is
/// waiting or running, the thread of a blocking write itself, which saves two changes of threads.
///
/// The thread takes what is waiting as one group, runs the bodies in one LMDB transaction, commits
/// once, and answers all. A body that throws is undone alone; a body that breaks the LMDB
/// transaction (it changed too much, the disk is full) fails alone and the others run again.
final class WriterQueue: Sendable {
    private struct State {
        var jobs: [WriteJob] = []
        var isStopped = false
        /// The thread that runs jobs now.
        var runner: UInt?
        /// Whether a thread of the pool empties the queue, or is about to.
        var isDraining = false

        /// Says that there is something to do; returns whether a thread is to be asked for.
        mutating func wake() -> Bool {
            // Who runs jobs looks once more when it has done them.
            guard runner == nil, !isDraining else { return false }
            isDraining = true
            return true
        }
    }

    /// How a blocking write gets done.
    private enum Admission { case nested, alone, waiting }

    /// What runs of jobs keep for the next.
    ///
    /// Sendable: only the runner touches it.
    private final class RunnerState: @unchecked Sendable {
        var pipeline: CommitPipeline?
        var monitor: CommitMonitor?
        /// What the end of the queue waits for.
        var waitForOthers: (@Sendable () -> Void)?
    }

    private let core: StoreCore
    private let parts: WritableParts
    private let state = Locked(State())
    private let runnerState = RunnerState()

    init(_ core: StoreCore, _ parts: WritableParts) {
        self.core = core
        self.parts = parts
    }

    /// Begins, before the first job; `waitForOthers` waits for what uses the environment, too.
    func start(waitForOthers: @escaping @Sendable () -> Void) {
        runnerState.monitor = CommitMonitor(core)
        runnerState.waitForOthers = waitForOthers
    }

    /// Ends it once the accepted jobs are done; it closes the environment then.
    func stop() {
        let starts = state.withLock { state in
            state.isStopped = true
            return state.wake()
        }
        if starts { startDraining() }
    }

    /// Whether the calling thread is in the middle of a job, which closing waits for.
    var isInUseHere: Bool {
        let current = WorkerPool.currentThread
        return state.withLock { $0.runner == current }
    }

    /// Runs what closing waits for besides jobs: the thread of the checkpoints.
    func awaited<R>(_ body: () -> R) -> R { core.awaited(body) }

    /// Accepts a job.
    ///
    /// One of the store's own is not `limited`: it is accepted whatever number waits.
    ///
    /// - Throws: ``CodexError/Code/closed``, ``CodexError/Code/queueFull``.
    func add(_ job: WriteJob, limited: Bool = true) throws(CodexError) {
        try InheritedDescriptors.requireOwnProcess()
        let limit = core.options.maximumWaitingWrites
        let (refusal, starts) = state.withLock { state -> (CodexError?, Bool) in
            if state.isStopped { return (StoreCore.closed, false) }
            guard !limited || state.jobs.count < limit else {
                return (Self.tooManyJobs(limit), false)
            }
            state.jobs.append(job)
            return (nil, state.wake())
        }
        if let refusal { throw refusal }
        if starts { startDraining() }
    }

    private static func tooManyJobs(_ limit: Int) -> CodexError {
        CodexError(
            .queueFull,
            "\(limit) writes are waiting already. Wait for some before starting more, or write "
                + "several items in one transaction.")
    }

    /// Pins the newest state for a checkpoint, before all writes that wait.
    func pin() throws(CodexError) -> Pin {
        let answer = Answer<Pin>()
        let (isStopped, starts) = state.withLock { state in
            if state.isStopped { return (true, false) }
            state.jobs.insert(PinJob { answer.set($0) }, at: 0)
            return (false, state.wake())
        }
        if isStopped { throw StoreCore.closed }
        if starts { startDraining() }
        do {
            return try answer.wait()
        } catch {
            throw CodexError.wrapping(error)
        }
    }

    /// Takes a job out that still waits.
    func cancel(_ job: WriteJob) {
        guard job.cancel() else { return }
        state.withLock { $0.jobs.removeAll { $0 === job } }
    }

    /// Adds a job, or answers it with why it is not accepted.
    func submit(_ job: WriteJob) {
        do throws(CodexError) {
            try add(job)
        } catch {
            if job.claim() { job.finish(.failure(error)) }
        }
    }

    /// Adds a job and waits, without blocking, until it is answered.
    ///
    /// - Throws: As ``add(_:limited:)``, and what the job is answered with.
    func answer<Value: Sendable>(
        _ job: (@escaping @Sendable (Result<Value, any Error>) -> Void) -> WriteJob
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            submit(job { continuation.resume(with: $0) })
        }
    }

    /// Runs a job, or adds it, and blocks until it is answered.
    ///
    /// One of the store's own is not `limited`: it is accepted whatever number waits.
    ///
    /// - Throws: As ``add(_:limited:)``, ``CodexError/Code/nestedWrite``, and what the job is
    ///   answered with.
    func wait<Value: Sendable>(
        limited: Bool = true,
        _ job: (@escaping @Sendable (Result<Value, any Error>) -> Void) -> WriteJob
    ) throws -> Value {
        try InheritedDescriptors.requireOwnProcess()
        let answer = Answer<Value>()
        let job = job { answer.set($0) }
        let current = WorkerPool.currentThread
        let admission = state.withLock { state -> Admission in
            if state.runner == current { return .nested }
            guard state.runner == nil, state.jobs.isEmpty, !state.isStopped else { return .waiting }
            state.runner = current
            return .alone
        }
        switch admission {
        case .nested:
            throw CodexError(
                .nestedWrite,
                "A write was started inside the body of another. Use the transaction at hand.")
        case .alone:
            runJobs([job])
            let isNext = state.withLock { state in
                state.runner = nil
                return (!state.jobs.isEmpty || state.isStopped) && state.wake()
            }
            if isNext { startDraining() }
        case .waiting: try add(job, limited: limited)
        }
        return try answer.wait()
    }

    // MARK: Running

    private func startDraining() {
        WorkerPool.run { [self] in
            while let group = nextGroup() {
                if group.isEmpty { return finish() }
                runJobs(group)
                state.withLock { $0.runner = nil }
            }
        }
    }

    /// Closes the environment, once nothing uses it any more.
    private func finish() {
        runnerState.pipeline = nil
        runnerState.waitForOthers?()
        runnerState.waitForOthers = nil
        parts.checkpointer.finish()
        StoreClosing(core).finish()
        // The thread goes on with other things.
        state.withLock { $0.runner = nil }
    }

    private func runJobs(_ jobs: [WriteJob]) {
        let started = jobs.filter { $0.claim() }
        runShared(started.filter { !$0.isExclusive })
        if let last = started.last as? ExclusiveJob {
            last.finish(Result { try runAlone(last) })
        }
    }

    private func runAlone(_ job: ExclusiveJob) throws {
        guard let compaction = job as? CompactionJob else {
            return try job.runAlone(core, try pipeline())
        }
        // The file is a smaller one then.
        defer { if runnerState.monitor != nil { runnerState.monitor = CommitMonitor(core) } }
        try compaction.run(core, parts) { () throws(CodexError) in try endPipeline() }
    }

    /// Applies what the log has, and ends the pipeline with its read transaction.
    private func endPipeline() throws(CodexError) {
        let pipeline = try self.pipeline()
        try pipeline.begin()
        pipeline.abort()
        runnerState.pipeline = nil
    }

    /// Takes what is next: an empty group is the end; `nil` if somebody else goes on.
    private func nextGroup() -> [WriteJob]? {
        let current = WorkerPool.currentThread
        return state.withLock { state -> [WriteJob]? in
            guard state.runner == nil, !state.jobs.isEmpty || state.isStopped else {
                state.isDraining = false
                return nil
            }
            var group = Array(state.jobs.prefix(core.options.maximumGroupedWrites))
            // An exclusive job ends its group.
            if let first = group.firstIndex(where: \.isExclusive) {
                group.removeSubrange((first + 1)...)
            }
            state.jobs.removeFirst(group.count)
            state.runner = current
            return group
        }
    }

    private func pipeline() throws(CodexError) -> CommitPipeline {
        if let pipeline = runnerState.pipeline { return pipeline }
        let made = try CommitPipeline(core, parts.log, parts.checkpointer)
        runnerState.pipeline = made
        return made
    }

    /// Runs jobs, as many in a transaction as its record has room for.
    private func runShared(_ jobs: [WriteJob], isSecond: Bool = false) {
        var rest = jobs[...]
        while !rest.isEmpty { rest = rest.dropFirst(runGroup(rest, isSecond: isSecond)) }
    }

    /// Runs the first jobs in a transaction.
    ///
    /// - Returns: How many of them were answered, one or more.
    @discardableResult
    private func runGroup(_ jobs: ArraySlice<WriteJob>, isSecond: Bool = false) -> Int {
        let start = runnerState.monitor?.now
        let pipeline: CommitPipeline
        do throws(CodexError) {
            pipeline = try self.pipeline()
            try pipeline.begin()
        } catch {
            if error.code == .diskFull, !isSecond {
                runAgain(Array(jobs))
                return jobs.count
            }
            for job in jobs { job.finish(.failure(error)) }
            return jobs.count
        }
        var ran: [RanJob] = []
        var count = 0
        for job in jobs {
            // The others are the next group.
            if pipeline.isFull { break }
            let mark = pipeline.mark
            let sawChanges = pipeline.hasChanges
            do {
                try pipeline.run(job)
                ran.append(RanJob(job: job))
            } catch {
                if pipeline.undoChanges(to: mark) {
                    if sawChanges {
                        ran.append(RanJob(job: job, refusal: error))
                    } else {
                        job.finish(.failure(error))
                    }
                    count += 1
                    continue
                }
                // The transaction is of no use any more. Alone, a job answers for what it did
                // itself; in a group, others may have filled it: again, one by one, in order.
                pipeline.abort()
                if jobs.count == 1 {
                    job.finish(.failure(error))
                } else {
                    for other in ran.map(\.job) + jobs.dropFirst(count) { runGroup([other]) }
                }
                return jobs.count
            }
            count += 1
        }
        let changeCount = pipeline.changeCount
        finish(ran, pipeline, isSecond: isSecond)
        if let start { runnerState.monitor?.committed(since: start, changeCount: changeCount) }
        return count
    }

    /// Runs a group once more that found no room: a checkpoint lets go of replaced pages and of the
    /// log before it, and then history goes that readers need.
    private func runAgain(_ jobs: [WriteJob]) {
        _ = try? parts.checkpointer.makeRoom()
        parts.log.space.sacrificing { runShared(jobs, isSecond: true) }
    }

    /// A job whose body ran in the open transaction.
    private struct RanJob {
        let job: WriteJob
        /// What the body threw, if it did.
        ///
        /// It may rest on changes of earlier bodies, which no reader has seen. So it is the answer
        /// only if the transaction commits.
        var refusal: (any Error)?
    }

    /// Commits what jobs did, and answers them.
    private func finish(_ ran: [RanJob], _ pipeline: CommitPipeline, isSecond: Bool) {
        let jobs = ran.map(\.job)
        var answer: Result<Void, any Error> = .success(())
        // Of a commit that LMDB refused only what the log has is there.
        var isPartial = false
        if pipeline.hasChanges {
            do throws(CommitError) {
                if case .logged = try pipeline.commit() { isPartial = true }
            } catch {
                // One of them may ask for too much: again, one by one, so that it fails alone.
                if jobs.count > 1, error.cause.isOfSize, !error.isHooks {
                    for job in jobs { runGroup([job]) }
                    return
                }
                if error.cause.code == .diskFull, !isSecond, !error.isHooks {
                    return runAgain(jobs)
                }
                answer = .failure(error.cause)
            }
        } else {
            pipeline.abort()
        }
        for (job, refusal) in ran.map({ ($0.job, $0.refusal) }) {
            if case .success = answer, let refusal {
                job.finish(.failure(refusal))
            } else {
                job.finish(isPartial && !job.isLogged ? .failure(Self.notApplied) : answer)
            }
        }
    }

    private static var notApplied: CodexError {
        CodexError(
            .commitFailed,
            "The data file could not take the transaction. What the log has of it was applied again."
        )
    }
}

/// Carries a result from the writer's thread to one that waits for it.
private final class Answer<Value: Sendable>: Sendable {
    private let result = Locked<Result<Value, any Error>?>(nil)
    private let isSet = DispatchSemaphore(value: 0)

    func set(_ value: Result<Value, any Error>) {
        result.withLock { $0 = value }
        isSet.signal()
    }

    func wait() throws -> Value {
        while true {
            if let result = result.withLock({ $0 }) { return try result.get() }
            isSet.wait()
        }
    }
}
