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

    /// A consumer's checkpoint: changes up to it are done.
    ///
    /// - Throws: ``CodexError/Code/unknownConsumer``, and the errors of reading.
    package func checkpoint(of consumer: String) throws -> SequenceNumber {
        try ConsumerReads(context).consumer(consumer).sequenceNumber
    }

    /// Moves a consumer's checkpoint to a change, and removes its dead letters after the change.
    ///
    /// - Parameters:
    ///   - consumer: The consumer's name.
    ///   - number: The change.
    ///   - filter: The changes that it gets from now on; `nil` keeps its filter.
    /// - Throws: ``CodexError/Code/unknownConsumer``, and the errors of writing.
    package func moveConsumer(
        _ consumer: String, to number: SequenceNumber, filter: ChangeFilter? = nil
    ) throws {
        try moveConsumer(consumer, to: ChangeCursor(number), filter: filter)
    }

    /// Moves a consumer's checkpoint to a place, and removes its dead letters after it.
    ///
    /// If the place has a position in the log, the consumer reads on from there. Otherwise it reads
    /// the segment of the log from its start.
    ///
    /// - Parameters:
    ///   - consumer: The consumer's name.
    ///   - cursor: The place.
    ///   - filter: The changes that it gets from now on; `nil` keeps its filter.
    /// - Throws: ``CodexError/Code/unknownConsumer``, and the errors of writing.
    package func moveConsumer(
        _ consumer: String, to cursor: ChangeCursor, filter: ChangeFilter? = nil
    ) throws {
        let old = try ConsumerReads(context).consumer(consumer)
        let number = cursor.sequenceNumber
        let now = context.core.options.nowMilliseconds
        var state = Consumer(filter: filter ?? old.filter, after: number, now: now)
        if let position = cursor.position { state.move(to: position, number, now: now) }
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
