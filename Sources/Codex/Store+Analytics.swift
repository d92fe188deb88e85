public import CodexCore
public import CodexStore
public import CodexWorkspace
internal import FoundationEssentials

// How the analytics are computed:
//
// 1. The first call of `runAnalytics` rebuilds all days, unless the store's days are of the present
//    rules (AnalyticsState.swift). A rebuild reads a snapshot (AnalyticsRebuild.swift). It then
//    makes the days invalid, so that the consumer waits. Many small transactions replace the days
//    (AnalyticsReplacement.swift). A last one makes them valid, and moves the consumer to the end
//    of the snapshot.
// 2. The consumer reads history, work logs, and removals of tasks and projects
//    (AnalyticsBatch.swift). Each entry changes the share of its task, which has the task's state
//    (CodexWorkspace, AnalyticsShare+History.swift). The changes of figures are added to a tally.
//    Shares that are missing are computed before the transaction (AnalyticsBases.swift). What a
//    batch needs of later changes is read ahead (AnalyticsLookahead.swift).
// 3. The same transaction adds the tally to the stored days (AnalyticsWriter.swift), and records
//    the checkpoint. If the consumer has another checkpoint later, the days are rebuilt.

extension Store {
    /// The name of the consumer that computes the analytics.
    public static let analyticsConsumer = "codexflow.analytics"

    /// Computes the analytics of CodexFlow's projects from the tasks' history and the work logs,
    /// exactly once.
    ///
    /// It runs until its task is cancelled or an error is thrown. It registers its own consumer. If
    /// the store has no analytics of the present rules, it first calls ``rebuildAnalytics()``: for
    /// a new store, for a store of an earlier release, and after the consumer was removed.
    ///
    /// An item under a key of history, work logs or analytics is ignored if it does not decode as
    /// that entity. It is also ignored if it breaks the entity's rules
    /// (``CodexFlow/Activity/validate()``).
    ///
    /// - Throws: As ``consume(_:view:batchCount:onFailure:_:)``; ``CodexError/Code/keyUnavailable``
    ///   if encrypted items cannot be read.
    public func runAnalytics() async throws { try await runAnalytics(until: .cancelled) }

    /// Computes the analytics as ``runAnalytics()`` does, up to an end.
    ///
    /// With ``ConsumptionEnd/caughtUp``, it returns once the analytics have all changes that were
    /// committed before the call.
    ///
    /// - Throws: As ``runAnalytics()``.
    public func runAnalytics(until end: ConsumptionEnd) async throws {
        while true {
            let abandoned = try await abandonedRebuild(after: Self.rebuildPatience)
            if try !hasPresentAnalytics {
                _ = try await tryToRebuild(abandoned, Self.rebuildWriteCount, {}, {})
            } else if try await consumeAnalytics(until: end) {
                return
            }
        }
    }

    /// Recomputes all analytics from the present history and work logs, and replaces the stored
    /// ones.
    ///
    /// It first lets the consumer catch up, if the stored analytics are of the present rules. The
    /// consumer continues from the end of the sums. The outcome equals that of the stream. What
    /// removed tasks contributed stays. Days of projects with neither history nor work logs stay as
    /// they are, and so do imported days without history of their own. The same holds for projects
    /// whose item is damaged. So does what a task contributed whose whole history was removed, as
    /// far as the consumer has counted it.
    ///
    /// While the days are replaced, some are new and some are old, and the consumer waits
    /// (``CodexFlow/AnalyticsReport/Progress/isRebuilding``). If the rebuild is interrupted, the
    /// next call of ``runAnalytics()`` makes another one.
    ///
    /// - Returns: The number of days.
    /// - Throws: As ``write(_:)-(_)``; ``CodexError/Code/keyUnavailable`` if encrypted items cannot
    ///   be read; `CancellationError`.
    /// - Complexity: Reads the whole table twice without blocking writers, and writes the days in
    ///   transactions of up to 100 items.
    @discardableResult
    public func rebuildAnalytics() async throws -> Int {
        try await rebuildAnalytics(writeCount: Self.rebuildWriteCount)
    }

    /// Rebuilds the analytics as ``rebuildAnalytics()`` does.
    ///
    /// - Parameters:
    ///   - writeCount: The highest number of items that a transaction writes.
    ///   - patience: How long another rebuild may be silent before this one takes over.
    ///   - beforeWrites: Called before each transaction that replaces days; for tests.
    ///   - afterReading: Called after the sums were read; for tests.
    /// - Returns: As ``rebuildAnalytics()``.
    /// - Throws: As ``rebuildAnalytics()``, and the errors of `beforeWrites` and `afterReading`.
    @discardableResult
    package func rebuildAnalytics(
        writeCount: Int, patience: Duration = Store.rebuildPatience,
        beforeWrites: @Sendable () async throws -> Void = {},
        afterReading: @Sendable () async throws -> Void = {}
    ) async throws -> Int {
        while try hasPresentAnalytics {
            do {
                if try await consumeAnalytics(until: .caughtUp) { break }
            } catch let error as CodexError where error.isHealedByRebuild {
                break
            }
        }
        while true {
            let abandoned = try await abandonedRebuild(after: patience)
            let count = try await tryToRebuild(abandoned, writeCount, beforeWrites, afterReading)
            if let count { return count }
        }
    }

    /// How far the consumer of analytics is; `nil` if there is none.
    ///
    /// - Throws: ``CodexError/Code/closed``, ``CodexError/Code/corrupted``.
    /// - Complexity: Reads the log from the checkpoint to the first change that the analytics do
    ///   not have, and about 16 MiB at most.
    public func analyticsProgress() throws -> CodexFlow.AnalyticsReport.Progress? {
        try analyticsPlace().map { try analyticsProgress(since: $0) }
    }

    /// How far the consumer is, before figures are read; `nil` if there is none.
    package func analyticsPlace() throws -> AnalyticsPlace? {
        guard let status = try analyticsStatus else { return nil }
        let (state, consumer) = try read {
            (try $0.analyticsState, try $0.consumer(Self.analyticsConsumer))
        }
        guard let consumer else { return nil }
        var progress = CodexFlow.AnalyticsReport.Progress(
            lagCommitCount: status.lagCommitCount, missingSince: nil, isTrimmed: status.isTrimmed,
            isRebuilding: !state.isPresent || !state.continues(consumer))
        progress.rebuildCount = state.generation
        return AnalyticsPlace(progress: progress, cursor: consumer.cursor)
    }

    /// The progress of figures that were read since a place: of each figure, the worse.
    ///
    /// A change after the place is missing in the figures, also if the consumer has counted it
    /// meanwhile: some of them may be from before.
    ///
    /// - Parameters:
    ///   - start: The place, which was read before the figures.
    ///   - byteCountMax: The bytes of the log that are read, approximately.
    /// - Returns: The progress.
    /// - Throws: As ``analyticsProgress()``.
    package func analyticsProgress(
        since start: AnalyticsPlace, byteCountMax: UInt64 = 16 << 20
    ) throws -> CodexFlow.AnalyticsReport.Progress {
        var (missing, isTrimmed) = (Date?.none, false)
        do {
            missing = try firstChange(
                after: start.cursor, filter: AnalyticsBatch.filter, byteCountMax: byteCountMax)
        } catch let error as CodexError where error.code == .changesTrimmed {
            isTrimmed = true
        }
        let later = try analyticsPlace()?.progress ?? start.progress
        return start.progress.worst(with: later, missingSince: missing, isTrimmed: isTrimmed)
    }
}

/// How far the consumer of analytics was at an instant, apart from the changes that are missing.
package struct AnalyticsPlace: Sendable {
    fileprivate let progress: CodexFlow.AnalyticsReport.Progress
    fileprivate let cursor: ChangeCursor
}

extension CodexError {
    /// Whether a rebuild makes valid what the consumer could not count or store.
    fileprivate var isHealedByRebuild: Bool {
        let codes: Set<Code> = [
            .changesTrimmed, .itemTooLarge, .ruleViolated, .invalidNumber, .invalidItem,
            .typeMismatch, .missingAttribute, .otherEntity,
        ]
        return codes.contains(code)
    }
}

extension Store {
    /// How long a rebuild may be silent before another one takes over.
    package static let rebuildPatience = Duration.seconds(5)
    /// The number of items that a transaction of a rebuild writes.
    private static let rebuildWriteCount = 100

    private var analyticsStatus: ConsumerStatus? {
        get throws { try consumers().first { $0.name == Self.analyticsConsumer } }
    }

    private var analyticsState: AnalyticsState {
        get throws { try read { try $0.analyticsState } }
    }

    private var hasPresentAnalytics: Bool {
        get throws { try read { try $0.hasPresentAnalytics } }
    }

    /// Runs the consumer up to an end.
    ///
    /// - Returns: Whether it is there; `false` if it was interrupted and must be run again.
    private func consumeAnalytics(until end: ConsumptionEnd) async throws -> Bool {
        let (start, last) = try read {
            (try $0.consumer(Self.analyticsConsumer)?.cursor, try $0.sequenceNumber)
        }
        guard let start else { return false }
        let removals = try AnalyticsProjectRemovals(after: start, through: last, self)
        let lookahead = AnalyticsLookahead()
        do {
            // Small batches, so that other writers do not wait for long.
            try await consume(
                Self.analyticsConsumer, batchCount: 100, until: end,
                preparedBy: {
                    try AnalyticsBases(removals.remaining(of: $1), $0, self, lookahead)
                },
                skipping: { transaction, start in
                    try AnalyticsBatch.moveCheckpoint(from: start, &transaction)
                }
            ) { transaction, changes, start, bases in
                try AnalyticsBatch.apply(
                    removals.remaining(of: changes), after: start, bases, to: &transaction)
            }
            return true
        } catch is AnalyticsBatch.Interruption {
            return false
        } catch let missed as AnalyticsLookahead.MissedHistory {
            try await invalidateAnalytics(of: missed.generation)
            return false
        } catch let leftover as AnalyticsBatch.Leftover {
            try await removeAnalytics(of: leftover.project, before: leftover.removal)
            return false
        }
    }

    /// Makes the stored days invalid, unless a rebuild has replaced them since.
    private func invalidateAnalytics(of generation: Int) async throws {
        try await write { transaction in
            var state = try transaction.analyticsState
            guard state.isPresent, state.generation == generation else { return }
            state.invalidate()
            try transaction.setAnalyticsState(state)
        }
    }

    /// Removes the analytics of a removed project, unless the consumer has passed the removal.
    ///
    /// Another program may have passed it meanwhile. The analytics then are those of a new project
    /// with the identifier. While a rebuild writes, they are left to the rebuild.
    ///
    /// - Parameters:
    ///   - project: The project.
    ///   - removal: The change that removed it.
    /// - Throws: As ``write(_:)-(_)``; ``CodexError/Code/unknownConsumer``.
    package func removeAnalytics(
        of project: CodexFlow.Project.ID, before removal: SequenceNumber
    ) async throws {
        var isDone = false
        while !isDone {
            isDone = try await write { transaction -> Bool in
                guard try transaction.analyticsState.isPresent,
                    try transaction.checkpoint(of: Self.analyticsConsumer) < removal
                else { return true }
                return try transaction.removeAnalytics(
                    of: project, upTo: AnalyticsBatch.removalCountMax)
            }
        }
    }

    /// Registers the consumer if there is none.
    ///
    /// The stored days then must be rebuilt: the new consumer would count changes again that they
    /// have.
    ///
    /// - Returns: The place after which the stored shares lack removals of tasks. It is that of the
    ///   consumer, or an earlier one, if a program has moved the consumer forward.
    private func registerAnalytics() async throws -> ChangeCursor? {
        let (state, consumer) = try read {
            (try $0.analyticsState, try $0.consumer(Self.analyticsConsumer))
        }
        if let consumer {
            guard let known = state.checkpoint, known < consumer.checkpoint else {
                return consumer.cursor
            }
            return ChangeCursor(known)
        }
        try await write { transaction in
            var state = try transaction.analyticsState
            guard state.isPresent else { return }
            state.invalidate()
            try transaction.setAnalyticsState(state)
        }
        try await addConsumer(
            Self.analyticsConsumer, after: .trimHorizon, filter: AnalyticsBatch.filter)
        return try read { try $0.consumer(Self.analyticsConsumer)?.cursor }
    }

    /// Waits while another program writes a rebuild.
    ///
    /// - Parameter patience: How long that rebuild may be silent.
    /// - Returns: The state that a rebuild left which was silent for longer; `nil` if none writes.
    /// - Throws: The errors of reading; `CancellationError`.
    private func abandonedRebuild(after patience: Duration) async throws -> AnalyticsState? {
        let clock = ContinuousClock()
        var (known, since) = (try analyticsState, clock.now)
        while known.stepCount != nil {
            if since.duration(to: clock.now) >= patience { return known }
            try await _Concurrency.Task.sleep(for: .milliseconds(20))
            let state = try analyticsState
            if state != known { (known, since) = (state, clock.now) }
        }
        return nil
    }

    /// Rebuilds the analytics, unless another rebuild begins to write meanwhile.
    ///
    /// - Returns: The number of days; `nil` if another rebuild took over.
    private func tryToRebuild(
        _ abandoned: AnalyticsState?, _ writeCount: Int,
        _ beforeWrites: @Sendable () async throws -> Void,
        _ afterReading: @Sendable () async throws -> Void
    ) async throws -> Int? {
        let generation = try analyticsState.generation
        let start = try await registerAnalytics()
        var rebuild = try read { try AnalyticsRebuild($0, self, after: start) }
        // A rebuild in between has moved the checkpoint, and changed shares.
        guard rebuild.generation == generation else { return nil }
        try await afterReading()
        // This reads most of the newer changes before the consumer must wait.
        try rebuild.readOn(self)
        guard let own = try await beginRebuild(generation, abandoned) else { return nil }
        try rebuild.readOn(self)
        if let start, try await !moveConsumerBack(to: start, own) { return nil }
        let replacement = try AnalyticsReplacement(
            rebuild, own, try schema.table(CodexFlow.table))
        var count = 0
        for start in stride(from: 0, to: replacement.writes.count, by: max(1, writeCount)) {
            let end = min(start + max(1, writeCount), replacement.writes.count)
            try _Concurrency.Task.checkCancellation()
            try await beforeWrites()
            let range = start..<end
            let stored = try await write { try replacement.perform(range, &$0) }
            if let stored { count += stored } else { return nil }
        }
        return try await endRebuild(at: rebuild.end, own) ? count : nil
    }

    /// Makes the stored days invalid, so that the consumer waits.
    ///
    /// - Parameters:
    ///   - generation: The number of rebuilds before this one.
    ///   - abandoned: The state of a rebuild from which this one takes over.
    /// - Returns: The generation of the rebuild; `nil` if another rebuild has begun.
    /// - Throws: The errors of writing.
    private func beginRebuild(
        _ generation: Int, _ abandoned: AnalyticsState?
    ) async throws -> Int? {
        try await write { transaction -> Int? in
            var state = try transaction.analyticsState
            guard state.generation == generation, state.stepCount == nil || state == abandoned
            else { return nil }
            state.begin()
            try transaction.setAnalyticsState(state)
            return state.generation
        }
    }

    /// Moves the consumer back to where it was before the snapshot, if it went on.
    ///
    /// The rebuild then makes the shares as they are in the snapshot. If it is interrupted, the
    /// next rebuild needs the removals of tasks that those shares do not have.
    ///
    /// - Returns: Whether the rebuild is in force.
    private func moveConsumerBack(
        to place: ChangeCursor, _ generation: Int
    ) async throws -> Bool {
        guard let status = try analyticsStatus, status.sequenceNumber > place.sequenceNumber else {
            return true
        }
        return try await write { transaction -> Bool in
            var state = try transaction.analyticsState
            guard state.advance(generation) else { return false }
            try transaction.setAnalyticsState(state)
            try transaction.moveConsumer(Self.analyticsConsumer, to: place)
            return true
        }
    }

    /// Makes the stored days valid, and moves the consumer to the end of the sums.
    ///
    /// - Returns: Whether the rebuild was in force.
    private func endRebuild(
        at place: ChangeCursor, _ generation: Int
    ) async throws -> Bool {
        try await write { transaction -> Bool in
            var state = try transaction.analyticsState
            guard state.advance(generation) else { return false }
            state.end()
            state.checkpoint = place.sequenceNumber
            try transaction.setAnalyticsState(state)
            try transaction.moveConsumer(
                Self.analyticsConsumer, to: place, filter: AnalyticsBatch.filter)
            return true
        }
    }
}
