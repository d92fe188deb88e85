public import CodexCore
internal import FoundationEssentials

// How a consumer gets its changes:
//
// 1. `run` reads the consumer's checkpoint (Consumer.swift), and starts a reader there.
// 2. The reader returns the next batch of changes that pass the filter
//    (Changes/ChangeReader.swift). It ends at the newest commit that is applied.
// 3. The loop passes the batch to a closure, `handle`, which moves the checkpoint past it. There
//    are two of them. `consume` runs a body in the write transaction that also moves the
//    checkpoint. `deliverChanges` calls the handler of events first, and then moves the checkpoint.
// 4. A change that keeps failing becomes a dead letter in the transaction that moves the checkpoint
//    past it (DeadLetters.swift). If the policy does not allow that, the loop ends with the error.
// 5. At the end of the log, the loop waits for the next commit (Changes/CommitSignal.swift). With
//    an end (ConsumptionEnd.swift), it returns once it has read all commits up to that end.
// 6. If the checkpoint is not where the loop left it, another process has moved it. The loop starts
//    again at step 1.

extension Store {
    /// Calls `body` with a consumer's changes, batch by batch, in transactions that move its
    /// checkpoint.
    ///
    /// Each write transaction has the body's writes and the new checkpoint. So the body's writes
    /// take effect exactly once for each change, even if processes are killed. The call does not
    /// end by itself: cancel the task, or use
    /// ``consume(_:view:batchCount:onFailure:until:_:)``. Several processes may consume under one
    /// name, and each change still takes effect once.
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
    ///   - view: The images that the changes have.
    ///   - batchCount: The approximate number of changes in a transaction, 1 or more. Only a failed
    ///     change splits a commit.
    ///   - policy: The reaction to a change for which `body` throws. A batch that fails is retried
    ///     change by change.
    ///   - body: Gets the changes, in order. As any body of a write it may run again, and should
    ///     have no effects outside of the transaction. The stream has its writes, too: exclude them
    ///     by the filter, or the consumer gets its own writes forever.
    /// - Throws: `CancellationError`; ``CodexError/Code/unknownConsumer``,
    ///   ``CodexError/Code/changesTrimmed``; an error of `body`, if the policy keeps no dead
    ///   letter; ``CodexError/Code/tooManyDeadLetters``; as ``write(_:)-(_)``.
    public func consume(
        _ consumer: String, view: StreamView = .newAndOldImages, batchCount: Int = 100,
        onFailure policy: ConsumerFailurePolicy = .stop,
        _ body: @escaping @Sendable (inout WriteTransaction, [ChangeRecord]) throws -> Void
    ) async throws {
        try await consume(
            consumer, view: view, batchCount: batchCount, onFailure: policy, until: .cancelled,
            body)
    }

    /// Consumes as ``consume(_:view:batchCount:onFailure:_:)`` does, up to an end.
    ///
    /// With ``ConsumptionEnd/caughtUp``, the call returns once the changes of all commits that
    /// existed at its start are done. It does not wait for later commits, and may consume some of
    /// them. This suits programs that run from time to time, and tests:
    ///
    /// ```swift
    /// try await store.consume("totals", until: .caughtUp) { transaction, changes in
    ///     for change in changes { … }
    /// }
    /// ```
    ///
    /// If the consumer's filter excludes all those changes, `body` is not called, and the
    /// checkpoint may stay.
    ///
    /// - Parameters:
    ///   - consumer: The consumer's name.
    ///   - view: The images that the changes have.
    ///   - batchCount: The approximate number of changes in a transaction, 1 or more.
    ///   - policy: The reaction to a change for which `body` throws. A change that becomes a dead
    ///     letter is done.
    ///   - end: The end of the call.
    ///   - body: Gets the changes, in order.
    /// - Throws: As ``consume(_:view:batchCount:onFailure:_:)``.
    public func consume(
        _ consumer: String, view: StreamView = .newAndOldImages, batchCount: Int = 100,
        onFailure policy: ConsumerFailurePolicy = .stop, until end: ConsumptionEnd,
        _ body: @escaping @Sendable (inout WriteTransaction, [ChangeRecord]) throws -> Void
    ) async throws {
        guard batchCount >= 1 else {
            throw CodexError(.invalidArgument, "A batch has at least 1 change.")
        }
        try policy.validate()
        let last = try end.commit(in: core)
        try await ConsumerLoop.run(
            self, consumer, view, batchCount, until: last
        ) { loop, batch, done in
            try await loop.commit(batch, from: done, policy) { transaction, changes, _ in
                try body(&transaction, changes)
            }
        }
    }

    /// Consumes as ``consume(_:view:batchCount:onFailure:until:_:)`` does, with reads of each batch
    /// before its transaction.
    ///
    /// - Parameters:
    ///   - consumer: The consumer's name.
    ///   - batchCount: The approximate number of changes in a transaction.
    ///   - end: The end of the call.
    ///   - prepare: Gets each batch before its transaction, with a snapshot in which it reads what
    ///     the body needs. The snapshot may be newer than the batch.
    ///   - skip: Called in each transaction that moves the checkpoint past commits without matching
    ///     changes, with the checkpoint before it.
    ///   - body: Gets the changes, the checkpoint before them, and what was read. If a batch fails,
    ///     it gets the changes one by one, with what was read for the whole batch.
    /// - Throws: As ``consume(_:view:batchCount:onFailure:_:)``, and the errors of `prepare`.
    package func consume<Prepared: Sendable>(
        _ consumer: String, batchCount: Int, until end: ConsumptionEnd,
        preparedBy prepare:
            @escaping @Sendable (borrowing Snapshot, [ChangeRecord]) throws -> Prepared,
        skipping skip:
            @escaping @Sendable (inout WriteTransaction, SequenceNumber) throws -> Void,
        _ body:
            @escaping @Sendable (
                inout WriteTransaction, [ChangeRecord], SequenceNumber, Prepared
            ) throws -> Void
    ) async throws {
        let last = try end.commit(in: core)
        try await ConsumerLoop.run(
            self, consumer, .newAndOldImages, batchCount, until: last, skipping: skip
        ) { loop, batch, done in
            // It waits for the end of a compaction, as the other reads of a consumer do.
            let prepared = try core.withReadContext { try prepare(Snapshot($0), batch) }
            try await loop.commit(batch, from: done, .stop) { transaction, changes, start in
                try body(&transaction, changes, start, prepared)
            }
        }
    }

    /// Calls `deliver` with a consumer's changes, one after the other, at least once each.
    ///
    /// It continues from the consumer's checkpoint until its task is cancelled or a call throws.
    /// Use it in one process at a time. After a crash, the changes after the checkpoint come again.
    ///
    /// - Parameters:
    ///   - consumer: The consumer's name.
    ///   - policy: The reaction to a change for which `deliver` returns an error.
    ///   - deliver: Gets each change with both images, in the order of the commits. It returns the
    ///     error of a change that keeps failing. An error that it throws ends the delivery.
    /// - Throws: `CancellationError`; ``CodexError/Code/unknownConsumer``,
    ///   ``CodexError/Code/changesTrimmed``; an error that `deliver` returned, if the policy keeps
    ///   no dead letter; ``CodexError/Code/tooManyDeadLetters``; as ``write(_:)-(_)``.
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

/// A running consumer: the one loop for all ways to consume.
struct ConsumerLoop {
    let store: Store
    let name: String
    /// The filter of the changes.
    ///
    /// A consumer that now has another filter was registered again.
    let filter: ChangeFilter
    /// Runs in each transaction that moves the checkpoint past commits without matching changes.
    let onSkip: Skip

    /// What runs in such a transaction; it gets the checkpoint before it.
    typealias Skip = @Sendable (inout WriteTransaction, SequenceNumber) throws -> Void

    /// The bytes of commits without matching changes after which the loop moves the checkpoint.
    private static let skippedByteCountMax: UInt64 = 1 << 20

    /// Consumes from the checkpoint up to an end, or until a call throws.
    ///
    /// If another process moves the checkpoint, the loop continues from there.
    ///
    /// - Parameters:
    ///   - store: The store.
    ///   - name: The consumer's name.
    ///   - view: The images that the changes have.
    ///   - batchCount: The approximate number of changes in one call of `handle`.
    ///   - last: The commit whose changes are the last; `nil` for no end.
    ///   - skip: Runs in each transaction that moves the checkpoint past commits without matching
    ///     changes.
    ///   - handle: Gets changes and the present checkpoint; it moves the checkpoint to the last
    ///     change.
    /// - Throws: The errors of reading, writing and `handle`, and `CancellationError`.
    static func run(
        _ store: Store, _ name: String, _ view: StreamView, _ batchCount: Int,
        until last: UInt64? = nil, skipping skip: @escaping Skip = { _, _ in },
        _ handle: (ConsumerLoop, [ChangeRecord], SequenceNumber) async throws -> Void
    ) async throws {
        while true {
            let state = try store.core.withReadContext { try ConsumerReads($0).consumer(name) }
            let loop = ConsumerLoop(
                store: store, name: name, filter: state.filter, onSkip: skip)
            let reader = ChangeReader(store.core, from: state.startingPoint, view, state.filter)
            do {
                return try await loop.run(reader, state, batchCount, until: last, handle)
            } catch let failure as BodyFailure {
                throw failure.error
            } catch CodexError.Code.consumerMoved {
                continue
            }
        }
    }

    /// Passes on batch after batch up to an end, or until a call throws.
    private func run(
        _ reader: ChangeReader, _ state: Consumer, _ batchCount: Int, until lastCommit: UInt64?,
        _ handle: (ConsumerLoop, [ChangeRecord], SequenceNumber) async throws -> Void
    ) async throws {
        var done = state.sequenceNumber
        var segment = state.segment
        // Without an end, there is always a next commit.
        var isOver: Bool { lastCommit.map { reader.commit >= $0 } ?? false }
        if let lastCommit, done.lastWholeCommit >= lastCommit { return }
        while true {
            try _Concurrency.Task.checkCancellation()
            let batch = try reader.read(batchCount)
            guard let last = batch.last else {
                // The checkpoint must also leave a segment that may be removed.
                if let position = reader.position, reader.skippedByteCount > 0,
                    reader.skippedByteCount > Self.skippedByteCountMax
                        || position.segment != segment
                {
                    done = try await skip(to: position, from: done)
                    segment = position.segment
                    reader.forgetSkipped()
                    continue
                }
                // If another process moved the checkpoint back, not all changes are done.
                if isOver { return try requireCheckpoint(done) }
                if let end = reader.endID {
                    try requireCheckpoint(done)
                    try await store.core.commits.wait(after: end)
                }
                continue
            }
            try await handle(self, batch, done)
            done = last.sequenceNumber
            segment = last.commit.start.segment
            if isOver { return }
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
            try onSkip(&transaction, done)
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

    /// Moves the checkpoint and runs `body` in one transaction.
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

    /// Makes a change that keeps failing a dead letter, and moves the checkpoint past it.
    ///
    /// - Throws: The failure if the policy keeps no dead letters;
    ///   ``CodexError/Code/tooManyDeadLetters``. In both cases the checkpoint stays.
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

    /// A body of ``Store/consume(_:view:batchCount:onFailure:_:)``, which also gets the checkpoint
    /// before the changes.
    typealias Body =
        @Sendable (inout WriteTransaction, [ChangeRecord], SequenceNumber) throws -> Void

    /// Runs `body` in the transaction that moves the checkpoint; after a failure, change by change.
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
    /// - Returns: The error of the body; `nil` if it succeeded.
    private func commit(
        _ batch: [ChangeRecord], from done: SequenceNumber, _ body: @escaping Body
    ) async throws -> (any Error)? {
        guard let last = batch.last else { return nil }
        do {
            try await checkpoint(at: last, from: done) { transaction in
                do {
                    try body(&transaction, batch, done)
                } catch {
                    // An error of the transaction, such as a full disk, does not come from the
                    // change.
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

    /// Calls `deliver` for each change, and moves the checkpoint to the last of them.
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
                    // The changes before it were handled, and must not come again.
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

/// A consumer's reaction to a change that fails.
public struct ConsumerFailurePolicy: Sendable, Hashable {
    /// The total number of attempts for a change, 1 or more.
    public var attemptCount: Int
    /// The wait before the second attempt; it doubles before each further one.
    public var delay: Duration
    /// Whether a change that keeps failing becomes a dead letter, and the consumer continues.
    ///
    /// Otherwise the consumer ends with the error.
    public var keepsDeadLetters: Bool
    /// The maximum number of the consumer's dead letters, 1 or more.
    ///
    /// If one more change fails, the consumer ends with ``CodexError/Code/tooManyDeadLetters``. Its
    /// checkpoint stays before that change, so that no change is lost. Processes that consume under
    /// one name should have the same value, because each process applies its own.
    public var maximumDeadLetters: Int

    /// The default of ``maximumDeadLetters``.
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
    /// Makes a change that fails three times a dead letter, and continues.
    public static let deadLetter = ConsumerFailurePolicy(keepsDeadLetters: true)

    func validate() throws(CodexError) {
        guard attemptCount >= 1, maximumDeadLetters >= 1 else {
            throw CodexError(
                .invalidArgument,
                "The attempts of a change, and the dead letters of a consumer, are at least 1.")
        }
    }

    /// Runs `body` until it succeeds or has used all attempts, with the policy's waits.
    ///
    /// - Returns: The error of the last attempt; `nil` if one succeeded.
    /// - Throws: `CancellationError` if the task is cancelled.
    package func attempt(_ body: () async throws -> Void) async throws -> (any Error)? {
        try await repeated {
            try _Concurrency.Task.checkCancellation()
            do {
                try await body()
                return nil
            } catch {
                // A cancellation error from the body itself is a failure like any other.
                try _Concurrency.Task.checkCancellation()
                return error
            }
        }
    }

    /// Calls `body` until it returns no failure or has used all attempts, with the policy's waits.
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
