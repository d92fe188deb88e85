public import CodexCore

extension WriteTransaction {
    /// Moves a consumer's checkpoint to a change, in the same transaction as the change's effects.
    ///
    /// The effects and the checkpoint are committed together or not at all. So each change takes
    /// effect exactly once.
    ///
    /// - Parameters:
    ///   - consumer: The consumer's name.
    ///   - record: The last change that is done.
    ///   - expected: The expected checkpoint, which detects a second process that consumes under
    ///     the same name.
    /// - Throws: ``CodexError/Code/unknownConsumer``, ``CodexError/Code/consumerMoved``.
    public mutating func checkpoint(
        _ consumer: String, at record: ChangeRecord, expecting expected: SequenceNumber? = nil
    ) throws(CodexError) {
        if let failure = context.failure { throw failure }
        var state = try ConsumerReads(context).consumer(consumer)
        if let expected { try state.require(expected) }
        state.move(to: record)
        try context.setConsumer(try Consumer.key(consumer), state)
    }

    /// Whether another transaction of the same commit group moved a consumer's checkpoint.
    ///
    /// The writes of that transaction are not in the log yet.
    ///
    /// - Throws: ``CodexError/Code/unknownConsumer``, and the errors of reading.
    package func hasConsumerMovedInGroup(_ consumer: String) throws -> Bool {
        let state = try ConsumerReads(context).consumer(consumer)
        let committed = try context.core.withReadContext {
            try ConsumerReads($0).consumer(consumer)
        }
        return committed.sequenceNumber != state.sequenceNumber
    }

    /// Moves a consumer's checkpoint to a change, and removes its dead letters after the change.
    ///
    /// - Throws: ``CodexError/Code/unknownConsumer``, and the errors of writing.
    package func moveConsumer(_ consumer: String, to number: SequenceNumber) throws {
        let old = try ConsumerReads(context).consumer(consumer)
        let state = Consumer(
            filter: old.filter, after: number, now: context.core.options.nowMilliseconds)
        try context.deadLetters.forget(consumer, after: number)
        try context.setConsumer(try Consumer.key(consumer), state)
    }
}

extension WriteContext {
    /// The sequence number of a position.
    ///
    /// - Throws: ``CodexError/Code/invalidArgument``, ``CodexError/Code/changesTrimmed``.
    func sequenceNumber(at position: StreamPosition) throws(CodexError) -> SequenceNumber {
        switch position.kind {
        case .latest: return sequenceNumber
        case .trimHorizon: return SequenceNumber(commit: try core.oldestSequence())
        case .after(let number):
            guard number.commit <= self.position.sequence else {
                throw CommitReader.unknownCommit(number.commit, self.position.sequence)
            }
            guard number.lastWholeCommit >= (try core.oldestSequence()) else {
                throw CommitReader.trimmed(number.lastWholeCommit)
            }
            return number
        }
    }

    /// Stores a consumer's state.
    func setConsumer(_ key: [UInt8], _ state: Consumer) throws(CodexError) {
        var state = state
        state.movedAfter = position.sequence
        try setSystem(.consumers, key, try state.json())
    }
}
