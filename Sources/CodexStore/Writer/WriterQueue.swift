internal import CodexCore
internal import Dispatch
internal import Synchronization

/// The queue of writes and the one thread that runs them.
///
/// The thread takes what is waiting as one group, runs the bodies in one LMDB transaction, commits
/// once, and answers all. A body that throws is undone alone; a body that breaks the LMDB
/// transaction (it changed too much, the disk is full) fails alone and the others run again.
final class WriterQueue: Sendable {
    private struct State {
        var jobs: [WriteJob] = []
        var isStopped = false
        var threadID: UInt?
    }

    private let core: StoreCore
    private let state = Locked(State())
    /// Signalled when jobs arrive where there were none, and at the stop.
    private let arrival = DispatchSemaphore(value: 0)

    init(_ core: StoreCore) { self.core = core }

    func start() {
        WorkerThread.start("codex.writer") { [self] in
            state.withLock { $0.threadID = WorkerThread.current }
            run()
            core.finishClosing()
        }
    }

    /// Lets the thread end once the accepted jobs are done; it closes the environment then.
    func stop() {
        state.withLock { $0.isStopped = true }
        arrival.signal()
    }

    /// Accepts a job.
    ///
    /// - Throws: ``CodexError/Code/closed``, ``CodexError/Code/queueFull``.
    func add(_ job: WriteJob) throws(CodexError) {
        let limit = core.options.waitingWriteCountMax
        let refusal = state.withLock { state -> CodexError? in
            if state.isStopped { return StoreCore.closed }
            guard state.jobs.count < limit else {
                return CodexError(
                    .queueFull,
                    "\(limit) writes are waiting already. Wait for some before starting more, or "
                        + "write several items in one transaction.")
            }
            state.jobs.append(job)
            return nil
        }
        if let refusal { throw refusal }
        arrival.signal()
    }

    /// Takes a job out that still waits.
    func cancel(_ job: WriteJob) {
        guard job.cancel() else { return }
        state.withLock { $0.jobs.removeAll { $0 === job } }
    }

    /// Refuses a blocking write from inside of a body, which would wait for itself.
    func requireOutside() throws(CodexError) {
        guard state.withLock({ $0.threadID }) != WorkerThread.current else {
            throw CodexError(
                .nestedWrite,
                "A write was started inside the body of another. Use the transaction at hand.")
        }
    }

    // MARK: The thread

    private func run() {
        var context: WriteContext?
        while let group = nextGroup() {
            let started = group.filter { $0.claim() }
            if !started.isEmpty { runGroup(started, &context) }
        }
    }

    private func nextGroup() -> [WriteJob]? {
        while true {
            let (group, isStopped) = state.withLock { state -> ([WriteJob], Bool) in
                let group = Array(state.jobs.prefix(core.options.groupCountMax))
                state.jobs.removeFirst(group.count)
                return (group, state.isStopped)
            }
            if !group.isEmpty { return group }
            if isStopped { return nil }
            arrival.wait()
        }
    }

    private func begin(_ context: inout WriteContext?) throws(CodexError) -> WriteContext {
        if let context {
            try context.begin()
            return context
        }
        let made = try WriteContext(core)
        context = made
        return made
    }

    private func runGroup(_ jobs: [WriteJob], _ shared: inout WriteContext?) {
        let context: WriteContext
        do throws(CodexError) {
            context = try begin(&shared)
        } catch {
            for job in jobs { job.finish(.failure(error)) }
            return
        }
        var done: [WriteJob] = []
        for (position, job) in jobs.enumerated() {
            let mark = context.mark
            do {
                try job.run(context)
                if let failure = context.failure { throw failure }
                done.append(job)
            } catch {
                if context.failure == nil, (try? context.rollBack(to: mark)) != nil {
                    job.finish(.failure(error))
                    continue
                }
                // The transaction is of no use any more. Alone, a job answers for what it did
                // itself; in a group, others may have filled it: again, one by one, in order.
                context.abort()
                guard jobs.count > 1 else { return job.finish(.failure(error)) }
                for other in done + jobs[position...] { runGroup([other], &shared) }
                return
            }
        }
        finish(done, context)
    }

    private func finish(_ jobs: [WriteJob], _ context: WriteContext) {
        var outcome: Result<Void, any Error> = .success(())
        if context.hasChanges {
            do throws(CodexError) {
                try context.commit()
            } catch {
                outcome = .failure(error)
            }
        } else {
            context.abort()
        }
        for job in jobs { job.finish(outcome) }
    }
}
