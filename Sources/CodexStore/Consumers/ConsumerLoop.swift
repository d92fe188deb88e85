internal import CodexCore
internal import FoundationEssentials

// How a consumer gets its changes:
//
// 1. `run` reads the consumer's checkpoint (Consumer.swift), and begins a reader there.
// 2. The reader gives the next batch of changes that pass the filter (Changes/ChangeReader.swift).
//    It ends at the newest commit that is applied.
// 3. The loop hands the batch to a closure, `handle`, which moves the checkpoint past it. There are
//    two of them. `consume` runs a body in the write transaction that moves the checkpoint too.
//    `deliverChanges` calls the handler of events first, and moves the checkpoint then.
// 4. A change that keeps failing becomes a dead letter in the transaction that moves the checkpoint
//    past it (DeadLetters.swift). If the policy does not allow that, the loop ends with the error.
// 5. At the end of the log, the loop waits for the next commit (Changes/CommitSignal.swift).
// 6. If the checkpoint is not where the loop left it, another process has moved it. The loop begins
//    again at step 1.

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
    ///   ``CodexError/Code/changesTrimmed``; what `body` threw, if it is not kept as a dead letter;
    ///   ``CodexError/Code/tooManyDeadLetters``; as ``write(_:)-(_)``.
    public func consume(
        _ consumer: String, view: StreamView = .newAndOldImages, batchCount: Int = 100,
        onFailure policy: ConsumerFailurePolicy = .stop,
        _ body: @escaping @Sendable (inout WriteTransaction, [ChangeRecord]) throws -> Void
    ) async throws {
        guard batchCount >= 1 else {
            throw CodexError(.invalidArgument, "A batch has at least 1 change.")
        }
        try policy.validate()
        try await ConsumerLoop.run(self, consumer, view, batchCount) { loop, batch, done in
            try await loop.commit(batch, from: done, policy, body)
        }
    }

    /// Hands a consumer's changes to `deliver`, one after the other, at least once each.
    ///
    /// It goes on from the consumer's checkpoint until its task is cancelled or something throws, in
    /// one process at a time. After a crash, the changes after the checkpoint come again.
    ///
    /// - Parameters:
    ///   - consumer: The consumer's name.
    ///   - policy: What to do about a change that `deliver` returns an error for.
    ///   - deliver: Gets each change with both images, in the order of the commits. It returns the
    ///     error of a change that keeps failing. What it throws ends the delivery.
    /// - Throws: `CancellationError`; ``CodexError/Code/unknownConsumer``,
    ///   ``CodexError/Code/changesTrimmed``; what `deliver` returned, if it is not kept as a dead
    ///   letter; ``CodexError/Code/tooManyDeadLetters``; as ``write(_:)-(_)``.
    package func deliverChanges(
        to consumer: String, onFailure policy: ConsumerFailurePolicy,
        _ deliver: (ChangeRecord) async throws -> (any Error)?
    ) async throws {
        try policy.validate()
        try await ConsumerLoop.run(self, consumer, .newAndOldImages, 100) { loop, batch, done in
            try await loop.deliver(batch, from: done, policy, deliver)
        }
    }
}

/// A consumer at work: the one loop of all ways to consume.
struct ConsumerLoop {
    let store: Store
    let name: String
    /// The filter that the changes passed.
    ///
    /// A consumer with another one was registered again.
    let filter: ChangeFilter

    /// Commits that concern the consumer in nothing are checkpointed once so much log was read.
    private static let skippedByteCountMax: UInt64 = 1 << 20

    /// Consumes from the checkpoint on until something throws.
    ///
    /// If another process moves the checkpoint, it goes on from there.
    ///
    /// - Parameters:
    ///   - store: The store.
    ///   - name: The consumer's name.
    ///   - view: Which images the changes have.
    ///   - batchCount: About how many changes `handle` gets at once.
    ///   - handle: Gets changes, and where the checkpoint is; it moves the checkpoint to the last
    ///     of them.
    /// - Throws: What reading, writing and `handle` throw, and `CancellationError`.
    static func run(
        _ store: Store, _ name: String, _ view: StreamView, _ batchCount: Int,
        _ handle: (ConsumerLoop, [ChangeRecord], SequenceNumber) async throws -> Void
    ) async throws {
        while true {
            let state = try store.core.withReadContext { try ConsumerReads($0).consumer(name) }
            let loop = ConsumerLoop(store: store, name: name, filter: state.filter)
            let reader = ChangeReader(store.core, from: state.startingPoint, view, state.filter)
            do {
                try await loop.run(reader, state, batchCount, handle)
            } catch let failure as BodyFailure {
                throw failure.error
            } catch CodexError.Code.consumerMoved {
                continue
            }
        }
    }

    /// Hands over batch after batch until something throws.
    private func run(
        _ reader: ChangeReader, _ state: Consumer, _ batchCount: Int,
        _ handle: (ConsumerLoop, [ChangeRecord], SequenceNumber) async throws -> Void
    ) async throws {
        var done = state.sequenceNumber
        var segment = state.segment
        while true {
            try _Concurrency.Task.checkCancellation()
            let batch = try reader.read(batchCount)
            guard let last = batch.last else {
                // Not to stay in a segment that may be removed, either.
                if let position = reader.position, reader.skippedByteCount > 0,
                    reader.skippedByteCount > Self.skippedByteCountMax
                        || position.segment != segment
                {
                    done = try await skip(to: position, from: done)
                    segment = position.segment
                    reader.forgetSkipped()
                    continue
                }
                if let end = reader.endID {
                    try requireCheckpoint(done)
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
        to position: LogPosition, from done: SequenceNumber
    ) async throws -> SequenceNumber {
        try await store.write { transaction in
            var state = try ConsumerReads(transaction.context).consumer(name)
            try requireFilter(state)
            try state.require(done)
            state.move(to: position, now: store.core.options.nowMilliseconds)
            try transaction.context.setConsumer(try Consumer.key(name), state)
            return state.sequenceNumber
        }
    }

    /// Throws if the consumer was reset, removed or registered again meanwhile.
    private func requireCheckpoint(_ done: SequenceNumber) throws {
        let state = try store.core.withReadContext { try ConsumerReads($0).consumer(name) }
        try requireFilter(state)
        try state.require(done)
    }

    private func requireFilter(_ state: Consumer) throws(CodexError) {
        guard state.filter == filter else {
            throw CodexError(
                .consumerMoved, "The consumer was registered again with another filter.")
        }
    }

    /// Moves the checkpoint with what `body` writes.
    private func checkpoint(
        at last: ChangeRecord, from done: SequenceNumber,
        _ body: @escaping @Sendable (inout WriteTransaction) throws -> Void = { _ in }
    ) async throws {
        try await store.write { transaction in
            try requireFilter(ConsumerReads(transaction.context).consumer(name))
            try transaction.checkpoint(name, at: last, expecting: done)
            try body(&transaction)
        }
    }

    /// Makes a change that keeps failing a dead letter, and goes past it.
    ///
    /// - Throws: The failure if the policy keeps no dead letters.
    ///   ``CodexError/Code/tooManyDeadLetters``; the checkpoint stays where it is then.
    private func keepAsDeadLetter(
        _ change: ChangeRecord, _ error: any Error, _ policy: ConsumerFailurePolicy,
        from done: SequenceNumber
    ) async throws {
        guard policy.keepsDeadLetters else { throw BodyFailure(error: error) }
        let letter = DeadLetter(
            change: change, error: error, attemptCount: policy.attemptCount,
            hidesValues: store.core.catalog.hasSealedFields)
        try await checkpoint(at: change, from: done) { transaction in
            try transaction.context.deadLetters.add(
                letter, of: name, countMax: policy.maximumDeadLetters)
        }
    }

    // MARK: Exactly once

    /// A body of ``Store/consume(_:view:batchCount:onFailure:_:)``.
    typealias Body = @Sendable (inout WriteTransaction, [ChangeRecord]) throws -> Void

    /// Runs `body` in the transaction that moves the checkpoint; if that fails, change by change.
    fileprivate func commit(
        _ batch: [ChangeRecord], from done: SequenceNumber, _ policy: ConsumerFailurePolicy,
        _ body: @escaping Body
    ) async throws {
        guard try await commit(batch, from: done, body) != nil else { return }
        var previous = done
        for change in batch {
            let start = previous
            let failure = try await policy.repeated {
                try await commit([change], from: start, body)
            }
            if let failure { try await keepAsDeadLetter(change, failure, policy, from: start) }
            previous = change.sequenceNumber
        }
    }

    /// Runs `body` once.
    ///
    /// - Returns: What the body threw; `nil` if it succeeded.
    private func commit(
        _ batch: [ChangeRecord], from done: SequenceNumber, _ body: @escaping Body
    ) async throws -> (any Error)? {
        guard let last = batch.last else { return nil }
        do {
            try await checkpoint(at: last, from: done) { transaction in
                do {
                    try body(&transaction, batch)
                } catch {
                    // A full disk, say, is not the change's fault.
                    if let failure = transaction.context.failure { throw failure }
                    throw BodyFailure(error: error)
                }
            }
            return nil
        } catch let failure as BodyFailure {
            return failure.error
        }
    }

    // MARK: At least once

    /// Hands changes to `deliver`, and moves the checkpoint to the last of them.
    fileprivate func deliver(
        _ batch: [ChangeRecord], from done: SequenceNumber, _ policy: ConsumerFailurePolicy,
        _ deliver: (ChangeRecord) async throws -> (any Error)?
    ) async throws {
        var done = done
        for (index, change) in batch.enumerated() {
            if let failure = try await deliver(change) {
                do {
                    try await keepAsDeadLetter(change, failure, policy, from: done)
                } catch let error as CodexError where error.code == .tooManyDeadLetters {
                    // Those before it were handled, and need not come again.
                    if index > 0, done < batch[index - 1].sequenceNumber {
                        try await checkpoint(at: batch[index - 1], from: done)
                    }
                    throw error
                }
                done = change.sequenceNumber
            } else if index == batch.count - 1 {
                try await checkpoint(at: change, from: done)
            }
        }
    }
}

/// The error of a consumer's body: it concerns a change, not the store.
struct BodyFailure: Error {
    let error: any Error
}

/// What a consumer does about a change that it fails on.
public struct ConsumerFailurePolicy: Sendable, Hashable {
    /// How often a change is tried in all, 1 or more.
    public var attemptCount: Int
    /// How long it waits before the second attempt; before each further one twice as long.
    public var delay: Duration
    /// Whether a change that keeps failing becomes a dead letter, and the consumer goes on;
    /// else it ends with the error.
    public var keepsDeadLetters: Bool
    /// Most dead letters of the consumer, 1 or more.
    ///
    /// If it fails on one more, it ends with ``CodexError/Code/tooManyDeadLetters``. Its checkpoint
    /// stays before that change, so that nothing is lost. Processes that consume under one name
    /// should have the same: each process uses its own.
    public var maximumDeadLetters: Int

    /// The ``maximumDeadLetters`` unless another is given.
    public static let defaultMaximumDeadLetters = 10_000

    /// Creates a policy.
    public init(
        attemptCount: Int = 3, delay: Duration = .milliseconds(100), keepsDeadLetters: Bool = false,
        maximumDeadLetters: Int = ConsumerFailurePolicy.defaultMaximumDeadLetters
    ) {
        self.attemptCount = attemptCount
        self.delay = delay
        self.keepsDeadLetters = keepsDeadLetters
        self.maximumDeadLetters = maximumDeadLetters
    }

    /// Ends with the error of a change that fails three times.
    public static let stop = ConsumerFailurePolicy()
    /// Makes a change that fails three times a dead letter, and goes on.
    public static let deadLetter = ConsumerFailurePolicy(keepsDeadLetters: true)

    func validate() throws(CodexError) {
        guard attemptCount >= 1, maximumDeadLetters >= 1 else {
            throw CodexError(
                .invalidArgument,
                "The attempts of a change, and the dead letters of a consumer, are at least 1.")
        }
    }

    /// Runs `body` until it succeeds, as often as the policy says, and waits in between.
    ///
    /// - Returns: What the last attempt threw; `nil` if one succeeded.
    /// - Throws: `CancellationError` if the task is cancelled.
    package func attempt(_ body: () async throws -> Void) async throws -> (any Error)? {
        try await repeated {
            try _Concurrency.Task.checkCancellation()
            do {
                try await body()
                return nil
            } catch {
                // What the body itself calls cancelled is a failure as any other.
                try _Concurrency.Task.checkCancellation()
                return error
            }
        }
    }

    /// Calls `body` until it returns no failure, as often as the policy says; waits in between.
    ///
    /// - Returns: The failure of the last attempt; `nil` if one succeeded.
    fileprivate func repeated(
        _ body: () async throws -> (any Error)?
    ) async throws -> (any Error)? {
        var wait = delay.bounded
        var attempt = 1
        while true {
            guard let failure = try await body() else { return nil }
            if attempt == attemptCount { return failure }
            try await _Concurrency.Task.sleep(for: wait)
            wait = wait.doubled
            attempt += 1
        }
    }
}
