internal import CodexCore
internal import FoundationEssentials
internal import Synchronization

/// What a consumer does about a change that it fails on.
public struct ConsumerFailurePolicy: Sendable, Hashable {
    /// How often a change is tried in all, 1 or more.
    public var attemptCount: Int
    /// How long it waits before the second attempt; before each further one twice as long.
    public var delay: Duration
    /// Whether a change that keeps failing is parked, with its error, and the consumer goes on; else
    /// it ends with the error.
    public var parks: Bool

    /// Creates a policy.
    public init(
        attemptCount: Int = 3, delay: Duration = .milliseconds(100), parks: Bool = false
    ) {
        self.attemptCount = attemptCount
        self.delay = delay
        self.parks = parks
    }

    /// Ends with the error of a change that fails three times.
    public static let stop = ConsumerFailurePolicy()
    /// Parks a change that fails three times, and goes on.
    public static let park = ConsumerFailurePolicy(parks: true)
}

/// The error of a consumer's body: it concerns a change, not the store.
private struct BodyFailure: Error {
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
    ///   - body: Gets the changes, in order. As any body of a write it may run again, and should have
    ///     no effects but on the transaction. What it writes is in the stream too: filter it out, or
    ///     it consumes itself for ever.
    /// - Throws: `CancellationError`; ``CodexError/Code/unknownConsumer``,
    ///   ``CodexError/Code/changesTrimmed``; what `body` threw, if it is not parked; as
    ///   ``write(_:)-(_)``.
    public func consume(
        _ consumer: String, view: StreamView = .newAndOldImages, batchCount: Int = 100,
        onFailure policy: ConsumerFailurePolicy = .stop,
        _ body: @escaping @Sendable (inout WriteTransaction, [ChangeRecord]) throws -> Void
    ) async throws {
        guard batchCount >= 1, policy.attemptCount >= 1 else {
            throw CodexError(
                .invalidArgument, "A batch has at least 1 change, and a change 1 attempt.")
        }
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

    /// Consumes until something throws, from the checkpoint on; again from there if somebody moves it.
    ///
    /// - Parameters:
    ///   - view: Which images the changes have.
    ///   - batchCount: About how many changes `handle` gets at once.
    ///   - handle: Gets changes, and where the checkpoint is; it moves the checkpoint to the last of
    ///     them.
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
                .consumerMoved, "The consumer was registered anew with another filter.")
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
    func park(
        _ change: ChangeRecord, _ error: any Error, _ attemptCount: Int,
        from done: SequenceNumber
    ) async throws {
        let parked = ParkedChange(
            change: change, error: String(describing: error), attemptCount: attemptCount)
        try await checkpoint(at: change, from: done) { transaction in
            try transaction.context.setSystem(.consumers, parked.key(name), parked.bytes)
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
        var delay = policy.delay
        var attempt = 1
        while true {
            do {
                return try await commit([change], from: done)
            } catch let failure as BodyFailure {
                if attempt == policy.attemptCount {
                    guard policy.parks else { throw failure }
                    return try await consumption.park(change, failure.error, attempt, from: done)
                }
            }
            try await _Concurrency.Task.sleep(for: delay)
            delay *= 2
            attempt += 1
        }
    }
}

/// A change that a consumer kept failing on, kept with its error until somebody sees to it.
///
/// It has the change's images itself: the log may forget them.
public struct ParkedChange: Sendable {
    /// The change.
    public let change: ChangeRecord
    /// What the consumer's body threw, as text.
    ///
    /// It may contain user data, as the body's errors may.
    public let error: String
    /// How often it was tried.
    public let attemptCount: Int

    static func prefix(_ consumer: String) -> [UInt8] { [1] + consumer.utf8 + [0] }

    static func key(_ consumer: String, _ number: SequenceNumber) -> [UInt8] {
        prefix(consumer) + BigEndian.bytes(number.commit) + BigEndian.bytes(number.ordinal)
    }

    func key(_ consumer: String) -> [UInt8] { Self.key(consumer, change.sequenceNumber) }

    /// Attempts, time and error, and the change's entry as the log has it.
    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        Wire.append(UInt64(attemptCount), to: &bytes)
        Wire.append(change.commit.header.milliseconds, to: &bytes)
        Wire.append(error, to: &bytes)
        let (entry, log) = (change.entry, change.commit.bytes)
        LogBody.appendItem(
            table: entry.table, key: Array(log[entry.key]), old: entry.old.map { Array(log[$0]) },
            new: entry.new.map { Array(log[$0]) }, isExpiry: entry.isExpiry, isSilent: false,
            to: &bytes)
        return bytes
    }

    init(change: ChangeRecord, error: String, attemptCount: Int) {
        self.change = change
        self.error = error
        self.attemptCount = attemptCount
    }

    init(
        _ bytes: [UInt8], _ number: SequenceNumber, _ view: StreamView, _ tables: LoggedTables
    ) throws(CodexError) {
        var position = 0
        attemptCount = Int(clamping: try Wire.integer(bytes.span, &position))
        let milliseconds = try Wire.integer(bytes.span, &position)
        error = try Wire.text(bytes.span, &position)
        guard case .item(let entry) = try LogBody.entry(bytes, &position) else {
            throw Wire.corrupted("a parked change")
        }
        let header = LogRecordHeader(
            bodyByteCount: 0, previousChecksum: 0, sequence: number.commit, incarnation: 0,
            flushedSequence: 0, milliseconds: milliseconds)
        let record = LogRecord(header: header, bytes: bytes, body: 0..<bytes.count)
        change = ChangeRecord(
            sequenceNumber: number, commit: LoggedCommit(record, .none, tables), entry: entry,
            view: view)
    }
}

extension Store {
    /// The changes that a consumer has parked, the oldest first.
    ///
    /// - Parameters:
    ///   - consumer: The consumer's name.
    ///   - view: Which images the changes have.
    ///   - limit: Most to return.
    /// - Returns: The changes, with what they failed with.
    /// - Throws: ``CodexError/Code/unknownConsumer``, ``CodexError/Code/closed``.
    public func parkedChanges(
        of consumer: String, view: StreamView = .newAndOldImages, limit: Int = 1000
    ) throws -> [ParkedChange] {
        let tables = core.loggedTables
        let entries = try core.withReader { context in
            _ = try context.consumer(consumer)
            return try context.entries(of: ParkedChange.prefix(consumer), limit: limit)
        }
        return try entries.map { entry in
            let number = entry.key.suffix(12)
            return try ParkedChange(
                entry.value,
                SequenceNumber(
                    commit: BigEndian.integer(number.prefix(8)) ?? 0,
                    ordinal: UInt32(number.suffix(4).reduce(0) { $0 << 8 | UInt64($1) })),
                view, tables)
        }
    }

    /// Tries parked changes again, each in a transaction that also takes it from the parked ones.
    ///
    /// - Parameters:
    ///   - consumer: The consumer's name.
    ///   - view: Which images the changes have.
    ///   - body: As for ``consume(_:view:batchCount:onFailure:_:)``, with one change. They come out
    ///     of order: other changes of the same item may be done already.
    /// - Returns: How many succeeded, and how many failed again and stay parked.
    /// - Throws: ``CodexError/Code/unknownConsumer``, and as ``write(_:)-(_)``.
    @discardableResult
    public func retryParkedChanges(
        of consumer: String, view: StreamView = .newAndOldImages,
        _ body: @escaping @Sendable (inout WriteTransaction, ChangeRecord) throws -> Void
    ) async throws -> (successCount: Int, failureCount: Int) {
        var counts = (successCount: 0, failureCount: 0)
        for parked in try parkedChanges(of: consumer, view: view, limit: .max) {
            try _Concurrency.Task.checkCancellation()
            do {
                let isDone = try await write { transaction in
                    let context = transaction.context
                    let key = parked.key(consumer)
                    // Another process may have been faster.
                    guard try context.isParked(key) else { return false }
                    try context.setSystem(.consumers, key, nil)
                    do {
                        try body(&transaction, parked.change)
                    } catch {
                        throw BodyFailure(error: error)
                    }
                    return true
                }
                if isDone { counts.successCount += 1 }
            } catch let failure as BodyFailure {
                if try await parkAgain(parked, failure.error, of: consumer) {
                    counts.failureCount += 1
                }
            }
        }
        return counts
    }

    /// Keeps a parked change that failed once more, with its new error.
    ///
    /// - Returns: Whether it is still parked.
    @discardableResult
    func parkAgain(
        _ parked: ParkedChange, _ error: any Error, of consumer: String
    ) async throws -> Bool {
        let again = ParkedChange(
            change: parked.change, error: String(describing: error),
            attemptCount: parked.attemptCount + 1)
        return try await write { transaction in
            let context = transaction.context
            let key = again.key(consumer)
            // Meanwhile another process may have succeeded with it, or given it up.
            guard try context.isParked(key) else { return false }
            try context.setSystem(.consumers, key, again.bytes)
            return true
        }
    }

    /// Gives up a parked change.
    ///
    /// - Returns: Whether it was parked.
    /// - Throws: ``CodexError/Code/unknownConsumer``, and as ``write(_:)-(_)``.
    @discardableResult
    public func discardParkedChange(
        _ number: SequenceNumber, of consumer: String
    ) async throws -> Bool {
        try await write { transaction in
            let context = transaction.context
            _ = try context.consumer(consumer)
            let key = ParkedChange.key(consumer, number)
            guard try context.isParked(key) else { return false }
            try context.setSystem(.consumers, key, nil)
            return true
        }
    }
}

extension WriteContext {
    /// Whether a change is parked under `key`.
    fileprivate func isParked(_ key: [UInt8]) throws(CodexError) -> Bool {
        unsafe try transaction.get(catalog.consumers, key) != nil
    }

    /// Forgets what a consumer has parked, all or what comes after a change.
    func forgetParked(_ consumer: String, after number: SequenceNumber? = nil) throws {
        let kept = number.map { ParkedChange.key(consumer, $0) } ?? []
        for entry in try entries(of: ParkedChange.prefix(consumer))
        where ByteOrder.compare(kept, entry.key) < 0 {
            try setSystem(.consumers, entry.key, nil)
        }
    }
}
