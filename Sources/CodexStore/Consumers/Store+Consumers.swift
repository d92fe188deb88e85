internal import CodexCore
internal import FoundationEssentials

/// A named consumer of changes, and how far it is.
public struct ConsumerStatus: Sendable, Hashable {
    /// Its name.
    public let name: String
    /// Which changes it gets.
    public let filter: ChangeFilter
    /// Its checkpoint: changes up to this one are done.
    public let sequenceNumber: SequenceNumber
    /// How many commits came after its checkpoint, whether they concern it or not; that of the
    /// checkpoint itself does not count.
    ///
    /// Commits that its filter lets none of pass are checkpointed only now and then.
    public let lagCommitCount: UInt64
    /// How long ago the commit at its checkpoint was, or since when it is registered; zero if no
    /// commit came after it.
    public let lag: Duration
    /// How many dead letters it has.
    public let deadLetterCount: Int
    /// Whether changes after its checkpoint are not retained any more.
    public let isTrimmed: Bool
}

extension Store {
    /// Registers a consumer of changes under a name, with a checkpoint that survives restarts.
    ///
    /// If there is one of the name already, it is left as it is; its filter must be the same.
    ///
    /// - Parameters:
    ///   - name: The name, 1 to 255 bytes.
    ///   - position: Where it begins.
    ///   - filter: Which changes it gets.
    /// - Throws: ``CodexError/Code/invalidArgument`` if the name is taken with another filter, or
    ///   for a sequence number that the store has not reached, ``CodexError/Code/changesTrimmed``,
    ///   and as ``write(_:)-(_)``.
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

    /// The consumers, by name, and how far they are.
    ///
    /// - Throws: ``CodexError/Code/closed``, ``CodexError/Code/corrupted``.
    /// - Complexity: O(*n* + *m*) for *n* consumers with *m* dead letters, of which it looks at
    ///   the keys alone.
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
            // The commit that moved the checkpoint follows what it says, if none came between.
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

    /// The changes after a consumer's checkpoint that its filter lets pass, and then those that
    /// come.
    ///
    /// The checkpoint stays where it is until ``WriteTransaction/checkpoint(_:at:expecting:)``
    /// moves it.
    ///
    /// - Returns: A sequence that never ends by itself; each iterator begins at the checkpoint as
    ///   it is then.
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

    /// Puts a consumer's checkpoint where `position` is, back or forth.
    ///
    /// Dead letters after it are forgotten: the consumer gets them again.
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

    /// Lets a consumer start over from the items as they are.
    ///
    /// `body` builds its effects from what the transaction reads, and the checkpoint is put
    /// after everything that it can see, in one transaction. Its dead letters are forgotten.
    ///
    /// This is how a consumer goes on that fell off the end of the log
    /// (``CodexError/Code/changesTrimmed``). For more items than a transaction should read, read
    /// them in a snapshot (``read(_:)``), write what follows from them in as many transactions as
    /// it takes, and then reset the consumer to the snapshot's ``Snapshot/sequenceNumber``: what is
    /// done twice then must do no harm.
    ///
    /// - Throws: ``CodexError/Code/unknownConsumer``, and as ``write(_:)-(_)``.
    public func rebuildConsumer(
        _ name: String, _ body: @escaping @Sendable (inout WriteTransaction) throws -> Void
    ) async throws {
        try await write { transaction in
            let context = transaction.context
            var state = try ConsumerReads(context).consumer(name)
            try body(&transaction)
            // What the dead letters had is in the items that the body read.
            try context.deadLetters.forget(name)
            state.move(
                to: context.position, context.sequenceNumber,
                now: context.core.options.nowMilliseconds
            )
            try context.setConsumer(try Consumer.key(name), state)
        }
    }
}
