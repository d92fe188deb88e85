internal import CodexCore
internal import FoundationEssentials
internal import Synchronization

/// What a consumer does about a change that it fails on.
public struct ConsumerFailurePolicy: Sendable, Hashable {
    /// How often a change is tried in all, 1 or more.
    public var attemptCount: Int
    /// How long it waits before the second attempt; before each further one twice as long.
    public var delay: Duration
    /// Whether a change that keeps failing is parked, with its error, and the consumer goes on;
    /// else it ends with the error.
    public var parks: Bool
    /// Most changes that the consumer has parked, 1 or more.
    ///
    /// If it fails on one more, it ends with ``CodexError/Code/tooManyParked``. Its checkpoint
    /// stays before that change, so that nothing is lost. Processes that consume under one name
    /// should have the same: a consumer that parks goes by its own.
    public var maximumParkedCount: Int

    /// The ``maximumParkedCount`` unless another is given.
    public static let defaultMaximumParkedCount = 10_000

    /// Creates a policy.
    public init(
        attemptCount: Int = 3, delay: Duration = .milliseconds(100), parks: Bool = false,
        maximumParkedCount: Int = ConsumerFailurePolicy.defaultMaximumParkedCount
    ) {
        self.attemptCount = attemptCount
        self.delay = delay
        self.parks = parks
        self.maximumParkedCount = maximumParkedCount
    }

    /// Ends with the error of a change that fails three times.
    public static let stop = ConsumerFailurePolicy()
    /// Parks a change that fails three times, and goes on.
    public static let park = ConsumerFailurePolicy(parks: true)

    func validate() throws(CodexError) {
        guard attemptCount >= 1, maximumParkedCount >= 1 else {
            throw CodexError(
                .invalidArgument,
                "The attempts of a change, and the dead letters of a consumer, are at least 1.")
        }
    }
}

/// The error of a consumer's body: it concerns a change, not the store.
struct BodyFailure: Error {
    let error: any Error
}

extension Store {
    /// Hands a consumer's changes to `body`, batch by batch, each in a write transaction that moves
    /// its checkpoint too: what the body writes happens exactly once for each change, however often
    /// processes are killed.
    ///
    /// It never ends by itself: cancel the task. Several processes may consume under one name; each
    /// change still takes effect once.
    ///
    /// ```swift
    /// try await store.addConsumer("totals", filter: ChangeFilter(entities: ["task"]))
    /// try await store.consume("totals") { transaction, changes in
    ///     for change in changes { … }
    /// }
    /// ```
    ///
    /// - Parameters:
    ///   - consumer: The consumer's name.
    ///   - view: Which images the changes have.
    ///   - batchCount: About how many changes a transaction gets, 1 or more; commits are not torn
    ///     apart, but where a change fails.
    ///   - policy: What to do about a change that `body` throws for. A batch that fails is tried
    ///     again change by change.
    ///   - body: Gets the changes, in order. As any body of a write it may run again, and should
    ///     have no effects but on the transaction. What it writes is in the stream too: filter it
    ///     out, or it consumes itself for ever.
    /// - Throws: `CancellationError`; ``CodexError/Code/unknownConsumer``,
    ///   ``CodexError/Code/changesTrimmed``; what `body` threw, if it is not parked;
    ///   ``CodexError/Code/tooManyParked``; as ``write(_:)-(_)``.
    public func consume(
        _ consumer: String, view: StreamView = .newAndOldImages, batchCount: Int = 100,
        onFailure policy: ConsumerFailurePolicy = .stop,
        _ body: @escaping @Sendable (inout WriteTransaction, [ChangeRecord]) throws -> Void
    ) async throws {
        guard batchCount >= 1 else {
            throw CodexError(.invalidArgument, "A batch has at least 1 change.")
        }
        try policy.validate()
        let parkable = ParkableConsumer(store: self, name: consumer)
        try await parkable.consume(view: view, batchCount: batchCount) { consumption, batch, done in
            let once = ExactlyOnce(consumption: consumption, policy: policy, body: body)
            try await once.handle(batch, from: done)
        }
    }
}

/// A named consumer, and what all ways of consuming have in common.
struct ParkableConsumer {
    let store: Store
    let name: String

    /// Consumes until something throws, from the checkpoint on; again from there if somebody moves
    /// it.
    ///
    /// - Parameters:
    ///   - view: Which images the changes have.
    ///   - batchCount: About how many changes `handle` gets at once.
    ///   - handle: Gets changes, and where the checkpoint is; it moves the checkpoint to the last
    ///     of them.
    /// - Throws: What reading, writing and `handle` throw, and `CancellationError`.
    func consume(
        view: StreamView, batchCount: Int,
        _ handle: (Consumption, [ChangeRecord], SequenceNumber) async throws -> Void
    ) async throws {
        while true {
            let state = try store.core.withReader { try $0.consumer(name) }
            let consumption = Consumption(store: store, name: name, filter: state.filter)
            let reader = ChangeReader(store.core, from: state.origin, view, state.filter)
            do {
                try await consumption.run(reader, state, batchCount, handle)
            } catch let failure as BodyFailure {
                throw failure.error
            } catch CodexError.Code.consumerMoved {
                // Another process did that; this one goes on from where it is now.
                continue
            }
        }
    }
}

/// A consumer at work.
struct Consumption {
    let store: Store
    let name: String
    /// The filter that the changes passed; a consumer that has another by now has moved.
    let filter: ChangeFilter

    /// Commits that concern the consumer in nothing are checkpointed once so much log was read.
    private static let skippedByteCountMax: UInt64 = 1 << 20

    /// Consumes until something throws.
    fileprivate func run(
        _ reader: ChangeReader, _ state: ConsumerState, _ batchCount: Int,
        _ handle: (Consumption, [ChangeRecord], SequenceNumber) async throws -> Void
    ) async throws {
        var done = state.sequenceNumber
        var segment = state.segment
        while true {
            try _Concurrency.Task.checkCancellation()
            let batch = try reader.read(batchCount)
            guard let last = batch.last else {
                // Not to stay in a segment that may be removed, either.
                if let place = reader.place, reader.skippedByteCount > 0,
                    reader.skippedByteCount > Self.skippedByteCountMax || place.segment != segment
                {
                    done = try await skip(to: place, from: done)
                    segment = place.segment
                    reader.forgetSkipped()
                    continue
                }
                if let end = reader.endID {
                    try requirePlace(done)
                    try await store.core.commits.wait(after: end)
                }
                continue
            }
            try await handle(self, batch, done)
            done = last.sequenceNumber
            segment = last.commit.start.segment
        }
    }

    private func skip(
        to place: LogPosition, from done: SequenceNumber
    ) async throws -> SequenceNumber {
        try await store.write { transaction in
            var state = try transaction.context.consumer(name)
            try requireFilter(state)
            try state.require(done)
            state.move(to: place, now: store.core.options.milliseconds)
            try transaction.context.setConsumer(try ConsumerState.key(name), state)
            return state.sequenceNumber
        }
    }

    /// Throws if the consumer was reset, removed or registered anew meanwhile.
    private func requirePlace(_ done: SequenceNumber) throws {
        let state = try store.core.withReader { try $0.consumer(name) }
        try requireFilter(state)
        try state.require(done)
    }

    private func requireFilter(_ state: ConsumerState) throws(CodexError) {
        guard state.filter == filter else {
            throw CodexError(
                .consumerMoved, "The consumer was registered again with another filter.")
        }
    }

    /// Moves the checkpoint with whatever else `body` writes.
    func checkpoint(
        at last: ChangeRecord, from done: SequenceNumber,
        _ body: @escaping @Sendable (inout WriteTransaction) throws -> Void = { _ in }
    ) async throws {
        try await store.write { transaction in
            try requireFilter(transaction.context.consumer(name))
            try transaction.checkpoint(name, at: last, expecting: done)
            try body(&transaction)
        }
    }

    /// Parks a change that keeps failing, and goes past it.
    ///
    /// - Throws: ``CodexError/Code/tooManyParked``; the checkpoint stays where it is then.
    func park(
        _ change: ChangeRecord, _ error: any Error, _ policy: ConsumerFailurePolicy,
        from done: SequenceNumber
    ) async throws {
        let parked = ParkedChange(
            change: change, error: error, attemptCount: policy.attemptCount,
            hidesValues: store.core.catalog.hasSealedFields)
        try await checkpoint(at: change, from: done) { transaction in
            try transaction.context.park(
                parked, of: name, countMax: policy.maximumParkedCount)
        }
    }
}

/// Consuming in write transactions that move the checkpoint too.
private struct ExactlyOnce {
    let consumption: Consumption
    let policy: ConsumerFailurePolicy
    let body: @Sendable (inout WriteTransaction, [ChangeRecord]) throws -> Void

    /// Hands over a batch; if that fails, change by change.
    func handle(_ batch: [ChangeRecord], from done: SequenceNumber) async throws {
        do {
            try await commit(batch, from: done)
        } catch is BodyFailure {
            var previous = done
            for change in batch {
                try await commitAlone(change, from: previous)
                previous = change.sequenceNumber
            }
        }
    }

    private func commit(_ batch: [ChangeRecord], from done: SequenceNumber) async throws {
        guard let last = batch.last else { return }
        try await consumption.checkpoint(at: last, from: done) { transaction in
            do {
                try body(&transaction, batch)
            } catch {
                // A full disk, say, is not the change's fault.
                if let failure = transaction.context.failure { throw failure }
                throw BodyFailure(error: error)
            }
        }
    }

    /// Tries one change as often as the policy says, and then parks it or throws.
    private func commitAlone(_ change: ChangeRecord, from done: SequenceNumber) async throws {
        var delay = policy.delay.bounded
        var attempt = 1
        while true {
            do {
                return try await commit([change], from: done)
            } catch let failure as BodyFailure {
                if attempt == policy.attemptCount {
                    guard policy.parks else { throw failure }
                    return try await consumption.park(change, failure.error, policy, from: done)
                }
            }
            try await _Concurrency.Task.sleep(for: delay)
            delay = delay.doubled
            attempt += 1
        }
    }
}
