internal import CodexCore
internal import Dispatch
internal import Synchronization

/// The queue of writes, and the thread that runs them.
///
/// A thread of the ``WorkerPool`` runs the writes. If no write waits or runs, the thread of a
/// blocking write runs that write itself, which saves two thread switches.
///
/// The thread takes the waiting writes as one group. It runs the bodies in one LMDB transaction,
/// commits once, and answers all. A body that throws is undone alone. A body that breaks the LMDB
/// transaction (it changed too much, the disk is full) fails alone, and the others run again.
final class WriterQueue: Sendable {
    private struct State {
        var jobs: [WriteJob] = []
        var isStopped = false
        /// The thread that runs jobs now.
        var runner: UInt?
        /// Whether a thread of the pool runs the queue's jobs, or is about to.
        var isDraining = false

        /// Reports that there is work; returns whether the caller must start a thread.
        mutating func wake() -> Bool {
            // The thread that runs jobs checks the queue again at the end.
            guard runner == nil, !isDraining else { return false }
            isDraining = true
            return true
        }
    }

    /// The way in which a blocking write runs.
    private enum Admission { case nested, alone, waiting }

    /// The state that one run of jobs leaves for the next.
    ///
    /// Sendable: only the runner touches it.
    private final class RunnerState: @unchecked Sendable {
        var pipeline: CommitPipeline?
        var monitor: CommitMonitor?
        /// Waits for the other users of the environment, at the end of the queue.
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

    /// Starts the queue, before the first job.
    ///
    /// `waitForOthers` waits for the other users of the environment.
    func start(waitForOthers: @escaping @Sendable () -> Void) {
        runnerState.monitor = CommitMonitor(core)
        runnerState.waitForOthers = waitForOthers
    }

    /// Stops the queue: once the accepted jobs are done, it closes the environment.
    func stop() {
        let starts = state.withLock { state in
            state.isStopped = true
            return state.wake()
        }
        if starts { startDraining() }
    }

    /// Whether the calling thread runs a job, for which closing waits.
    var isInUseHere: Bool {
        let current = WorkerPool.currentThread
        return state.withLock { $0.runner == current }
    }

    /// Runs work that closing waits for: the thread of the checkpoints.
    func awaited<R>(_ body: () -> R) -> R { core.awaited(body) }

    /// Accepts a job.
    ///
    /// An internal job of the store is not `limited`: it is accepted with any number of waiting
    /// jobs.
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
    func pin() throws(CodexError) -> PinnedState {
        let answer = Answer<PinnedState>()
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

    /// Removes a job that still waits, and answers it with `cancelled`.
    func cancel(_ job: WriteJob) {
        guard job.cancel() else { return }
        state.withLock { $0.jobs.removeAll { $0 === job } }
    }

    /// Adds a job, or answers it with the reason why it is not accepted.
    func submit(_ job: WriteJob) {
        do throws(CodexError) {
            try add(job)
        } catch {
            if job.claim() { job.finish(.failure(error)) }
        }
    }

    /// Adds a job and waits, without blocking, until it is answered.
    ///
    /// - Throws: As ``add(_:limited:)``, and the error of the job.
    func answer<Value: Sendable>(
        _ job: (@escaping @Sendable (Result<Value, any Error>) -> Void) -> WriteJob
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            submit(job { continuation.resume(with: $0) })
        }
    }

    /// Runs a job, or adds it, and blocks until it is answered.
    ///
    /// An internal job of the store is not `limited`: it is accepted with any number of waiting
    /// jobs.
    ///
    /// - Throws: As ``add(_:limited:)``, ``CodexError/Code/nestedWrite``, and the error of the job.
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

    /// Closes the environment, once it has no users any more.
    private func finish() {
        runnerState.pipeline = nil
        runnerState.waitForOthers?()
        runnerState.waitForOthers = nil
        parts.checkpointer.finish()
        StoreClosing(core).finish()
        // The thread goes on with other work.
        state.withLock { $0.runner = nil }
    }

    private func runJobs(_ jobs: [WriteJob]) {
        let started = jobs.filter { $0.claim() }
        let shared = started.filter { !$0.isExclusive }
        // Without room for that, the jobs run all the same: deletions make room, and a job that
        // stores an item runs again.
        if !shared.isEmpty { raiseFormat() }
        runShared(shared)
        if let last = started.last as? ExclusiveJob {
            last.finish(Result { try runAlone(last) })
        }
    }

    private var isOfEarlierFormat: Bool { core.catalog.manifest.isOfEarlierFormat }

    /// Raises the store's format, which an opening on a full disk left as it was, if there is room.
    private func raiseFormat() {
        guard isOfEarlierFormat else { return }
        try? ManifestEditor(try pipeline()).edit { manifest, _ throws(CodexError) in
            FormatUpgrade.bringUpToDate(&manifest)
        }
    }

    private func runAlone(_ job: ExclusiveJob) throws {
        guard let compaction = job as? CompactionJob else {
            return try job.runAlone(core, try pipeline())
        }
        // After the compaction, the file is smaller.
        defer { if runnerState.monitor != nil { runnerState.monitor = CommitMonitor(core) } }
        try compaction.run(core, parts) { () throws(CodexError) in try endPipeline() }
    }

    /// Applies the log, and ends the pipeline with its read transaction.
    private func endPipeline() throws(CodexError) {
        let pipeline = try self.pipeline()
        try pipeline.begin()
        pipeline.abort()
        runnerState.pipeline = nil
    }

    /// Takes the next group of jobs.
    ///
    /// An empty group is the end of the queue. `nil` means that another thread goes on, or that no
    /// job waits.
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

    /// Runs jobs in transactions, each with as many jobs as its record has room for.
    ///
    /// - Parameters:
    ///   - jobs: The jobs.
    ///   - isSecond: Whether the jobs ran before, and found the disk full.
    private func runShared(_ jobs: [WriteJob], isSecond: Bool = false) {
        var rest = jobs[...]
        while !rest.isEmpty { rest = rest.dropFirst(runGroup(rest, isSecond: isSecond)) }
    }

    /// Runs the first jobs in a transaction.
    ///
    /// - Returns: The number of jobs that were answered, one or more.
    @discardableResult
    private func runGroup(_ jobs: ArraySlice<WriteJob>, isSecond: Bool) -> Int {
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
        let (count, end) = runBodies(jobs, pipeline, &ran, isSecond: isSecond)
        switch end {
        case .open: break
        case .broken:
            // Other jobs may have filled the transaction, and nothing of them is committed.
            if jobs.count > 1 { runEach(&ran, jobs.dropFirst(count), isSecond: isSecond) }
            return jobs.count
        case .withoutFormat:
            let unanswered = ran.map(\.job) + jobs.dropFirst(count)
            ran = []
            runAgain(unanswered)
            return jobs.count
        }
        let changeCount = pipeline.changeCount
        finish(&ran, pipeline, isSecond: isSecond)
        if let start { runnerState.monitor?.committed(since: start, changeCount: changeCount) }
        return count
    }

    /// Runs the bodies of the first jobs in the open transaction.
    ///
    /// A job that fails alone is answered: its changes are undone, and it saw no others.
    ///
    /// - Parameters:
    ///   - jobs: The jobs.
    ///   - pipeline: The pipeline, with an open transaction.
    ///   - ran: Gets the jobs whose answers need the commit.
    ///   - isSecond: As for ``runShared(_:isSecond:)``.
    /// - Returns: The number of bodies that ended, and the state of the transaction. If it is
    ///   unusable, and the next job is the only one, that job is answered.
    private func runBodies(
        _ jobs: ArraySlice<WriteJob>, _ pipeline: CommitPipeline, _ ran: inout [RanJob],
        isSecond: Bool
    ) -> (count: Int, end: BodiesEnd) {
        var count = 0
        for job in jobs {
            // The other jobs form the next group.
            if pipeline.isFull { break }
            let mark = pipeline.mark
            let sawChanges = pipeline.hasChanges
            do {
                try pipeline.run(job)
                ran.append(RanJob(job: job))
            } catch {
                if !isSecond, isOfEarlierFormat, (error as? CodexError)?.code == .diskFull {
                    pipeline.abort()
                    return (count, .withoutFormat)
                }
                guard pipeline.undoChanges(to: mark) else {
                    pipeline.abort()
                    if jobs.count == 1 { job.finish(.failure(error)) }
                    return (count, .broken)
                }
                if sawChanges {
                    ran.append(RanJob(job: job, refusal: error))
                } else {
                    job.finish(.failure(error))
                }
            }
            count += 1
        }
        return (count, .open)
    }

    /// The state of a transaction after the bodies of its jobs.
    private enum BodiesEnd {
        /// It is open.
        case open
        /// A body made it unusable, and it has ended.
        case broken
        /// A body needs the present format, for which there was no room, and it has ended.
        case withoutFormat
    }

    /// Runs jobs again whose transaction was not committed, each in its own transaction, in order.
    ///
    /// - Parameters:
    ///   - ran: The jobs whose bodies ran, and which are removed from the array. Their errors end
    ///     first: an error may hold memory that counts in the budget of its body.
    ///   - rest: The jobs after them.
    ///   - isSecond: As for ``runShared(_:isSecond:)``.
    private func runEach(
        _ ran: inout [RanJob], _ rest: ArraySlice<WriteJob> = [], isSecond: Bool
    ) {
        let jobs = ran.map(\.job) + rest
        ran = []
        for job in jobs { runGroup([job], isSecond: isSecond) }
    }

    /// Runs a group again that found no room.
    ///
    /// A checkpoint releases replaced pages and the log before it. Then history is deleted that
    /// readers of changes need, unless all jobs are steps of a build: a build waits for room.
    private func runAgain(_ jobs: [WriteJob]) {
        _ = try? parts.checkpointer.makeRoom()
        guard jobs.contains(where: \.isLogged) else { return runShared(jobs, isSecond: true) }
        parts.log.space.sacrificing {
            raiseFormat()
            runShared(jobs, isSecond: true)
        }
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

    /// Commits the changes of jobs, and answers the jobs.
    ///
    /// - Parameters:
    ///   - ran: The jobs, which are removed from the array if they run again.
    ///   - pipeline: The pipeline, with an open transaction.
    ///   - isSecond: As for ``runShared(_:isSecond:)``.
    private func finish(_ ran: inout [RanJob], _ pipeline: CommitPipeline, isSecond: Bool) {
        var answer: Result<Void, any Error> = .success(())
        // If LMDB refused the commit, only the changes in the log are there.
        var isPartial = false
        if pipeline.hasChanges {
            do throws(CommitError) {
                if case .logged = try pipeline.commit() { isPartial = true }
            } catch {
                // One of the jobs may be too large: they run again one by one, so that only it
                // fails.
                if ran.count > 1, error.cause.isOfSize, !error.isHooks {
                    return runEach(&ran, isSecond: isSecond)
                }
                if error.cause.code == .diskFull, !isSecond, !error.isHooks {
                    let jobs = ran.map(\.job)
                    ran = []
                    return runAgain(jobs)
                }
                answer = .failure(error.cause)
            }
        } else {
            pipeline.abort()
        }
        for entry in ran {
            if case .success = answer, let refusal = entry.refusal {
                entry.job.finish(.failure(refusal))
            } else {
                let isLost = isPartial && !entry.job.isLogged
                entry.job.finish(isLost ? .failure(Self.notApplied) : answer)
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

/// Carries a result from the writer's thread to a thread that waits for it.
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
