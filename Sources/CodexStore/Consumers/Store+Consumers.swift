public import CodexCore
internal import FoundationEssentials

/// The status of a named consumer of changes.
public struct ConsumerStatus: Sendable, Hashable {
    /// The consumer's name.
    public let name: String
    /// The changes that it gets.
    public let filter: ChangeFilter
    /// Its checkpoint: changes up to this one are done.
    public let sequenceNumber: SequenceNumber
    /// The number of commits after its checkpoint, whether they concern it or not.
    ///
    /// The commit that moved the checkpoint does not count, if it came directly after. Commits
    /// without a matching change move the checkpoint only occasionally.
    public let lagCommitCount: UInt64
    /// The time since the commit at its checkpoint, or since its registration.
    ///
    /// It is zero if no commit came after it.
    public let lag: Duration
    /// The number of its dead letters.
    public let deadLetterCount: Int
    /// Whether changes after its checkpoint are no longer retained.
    public let isTrimmed: Bool
}

extension Store {
    /// Registers a consumer of changes under a name, with a checkpoint that survives restarts.
    ///
    /// If a consumer of this name exists, it stays unchanged; its filter must be the same.
    ///
    /// - Parameters:
    ///   - name: The name, 1 to 255 bytes.
    ///   - position: The position after which it starts.
    ///   - filter: The changes that it gets.
    /// - Throws: ``CodexError/Code/invalidArgument`` if the name is taken with another filter, or
    ///   for a sequence number that the store has not reached; ``CodexError/Code/unknownTable`` or
    ///   ``CodexError/Code/unknownEntity`` for a name in the filter that the store has never had;
    ///   ``CodexError/Code/changesTrimmed``, and as ``write(_:)-(_)``.
    public func addConsumer(
        _ name: String, after position: StreamPosition = .latest, filter: ChangeFilter = .all
    ) async throws {
        try await write { transaction in
            let context = transaction.context
            let key = try Consumer.key(name)
            if unsafe try context.transaction.get(context.catalog.consumers, key) != nil {
                guard try ConsumerReads(context).consumer(name).filter == filter else {
                    throw CodexError(
                        .invalidArgument,
                        "There is a consumer of that name with another filter. Remove it first.")
                }
                return
            }
            try filter.requireKnown(context)
            let state = Consumer(
                filter: filter, after: try context.sequenceNumber(at: position),
                now: context.core.options.nowMilliseconds)
            try context.setConsumer(key, state)
        }
    }

    /// Removes a consumer, its checkpoint and its dead letters.
    ///
    /// - Throws: ``CodexError/Code/unknownConsumer``, and as ``write(_:)-(_)``.
    public func removeConsumer(_ name: String) async throws {
        try await write { transaction in
            let context = transaction.context
            _ = try ConsumerReads(context).consumer(name)
            try context.deadLetters.forget(name)
            try context.setSystem(.consumers, try Consumer.key(name), nil)
        }
    }

    /// The statuses of all consumers, by name.
    ///
    /// - Throws: ``CodexError/Code/closed``, ``CodexError/Code/corrupted``.
    /// - Complexity: O(*n* + *m*) for *n* consumers with *m* dead letters, of which it reads only
    ///   the keys.
    public func consumers() throws -> [ConsumerStatus] {
        try core.withReadContext { try consumers($0) }
    }

    func consumers(_ context: ReadContext) throws -> [ConsumerStatus] {
        let last = try context.storedPosition().sequence
        let all = try ConsumerReads(context).consumers()
        guard !all.isEmpty else { return [] }
        let oldest = try core.oldestSequence()
        let now = core.options.nowMilliseconds
        return try all.map { name, state in
            // The commit that moved the checkpoint comes directly after the checkpoint, if none
            // came between.
            let seen = state.movedAfter == state.commit ? state.commit + 1 : state.commit
            let lag = last - min(last, seen)
            let milliseconds = lag == 0 ? 0 : now - min(now, state.milliseconds)
            return ConsumerStatus(
                name: name, filter: state.filter, sequenceNumber: state.sequenceNumber,
                lagCommitCount: lag,
                lag: .milliseconds(Int(milliseconds)),
                deadLetterCount: try ConsumerReads(context).deadLetterCount(of: name),
                isTrimmed: state.readSequence < oldest)
        }
    }

    /// The changes after a consumer's checkpoint that pass its filter, and then each new one.
    ///
    /// The checkpoint stays until ``WriteTransaction/checkpoint(_:at:expecting:)`` moves it.
    ///
    /// - Returns: A sequence that only an error ends; each iterator starts at the checkpoint at
    ///   that time.
    /// - Throws: ``CodexError/Code/unknownConsumer``, ``CodexError/Code/closed``.
    public func changes(
        for consumer: String, view: StreamView = .newAndOldImages
    ) throws -> Changes {
        let state = try core.withReadContext { try ConsumerReads($0).consumer(consumer) }
        let core = core
        return Changes(core, view, state.filter) {
            try core.withReadContext { try ConsumerReads($0).consumer(consumer) }.startingPoint
        }
    }

    /// Moves a consumer's checkpoint to a position, back or forward.
    ///
    /// Dead letters after it are removed, because the consumer gets those changes again.
    ///
    /// - Throws: ``CodexError/Code/unknownConsumer``, ``CodexError/Code/changesTrimmed``,
    ///   ``CodexError/Code/invalidArgument`` for a sequence number that the store has not reached,
    ///   and as ``write(_:)-(_)``.
    public func resetConsumer(_ name: String, to position: StreamPosition) async throws {
        try await write { transaction in
            let context = transaction.context
            let old = try ConsumerReads(context).consumer(name)
            let now = context.core.options.nowMilliseconds
            var state = Consumer(
                filter: old.filter, after: try context.sequenceNumber(at: position), now: now)
            if case .latest = position.kind {
                state.move(to: context.position, state.sequenceNumber, now: now)
            }
            try context.deadLetters.forget(name, after: state.sequenceNumber)
            try context.setConsumer(try Consumer.key(name), state)
        }
    }

    /// Lets a consumer start over from the present items.
    ///
    /// `body` derives its effects from the transaction's reads. The same transaction moves the
    /// checkpoint after everything that the body can see, and removes the consumer's dead letters.
    ///
    /// This is the way to continue after ``CodexError/Code/changesTrimmed``. If there are more
    /// items than a transaction should read, read them in a snapshot (``read(_:)``). Write the
    /// derived items in several transactions, and then reset the consumer to the snapshot's
    /// ``Snapshot/sequenceNumber``. The consumer may then repeat some effects, which must do no
    /// harm.
    ///
    /// - Throws: ``CodexError/Code/unknownConsumer``, and as ``write(_:)-(_)``.
    public func rebuildConsumer(
        _ name: String, _ body: @escaping @Sendable (inout WriteTransaction) throws -> Void
    ) async throws {
        try await write { transaction in
            let context = transaction.context
            var state = try ConsumerReads(context).consumer(name)
            try body(&transaction)
            // The items that the body read include the changes of the dead letters.
            try context.deadLetters.forget(name)
            state.move(
                to: context.position, context.sequenceNumber,
                now: context.core.options.nowMilliseconds
            )
            try context.setConsumer(try Consumer.key(name), state)
        }
    }
}
