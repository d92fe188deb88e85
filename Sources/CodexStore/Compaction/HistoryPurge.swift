internal import CodexCore
internal import CodexIndex

/// The history that a purge of plain values removed.
struct PurgedHistory: Sendable {
    /// The last commit whose changes were removed.
    let sequence: UInt64
    /// The number of removed segments of the log.
    let segmentCount: Int
    /// The readers that had not read all of the history.
    let readers: [String]
}

/// The part of a purge that a plain compaction does not have.
///
/// It runs on the writer's thread, without a transaction, while no other process has the store
/// open.
///
/// 1. It checks that no value is plain that must be sealed.
/// 2. The log continues in a new segment of zeros, and a checkpoint is made in it.
/// 3. All earlier segments are removed, and the spare one, which may have been a segment.
///
/// An interrupted purge leaves a store that lacks some history at most: another call runs it again
/// as a whole.
struct HistoryPurge {
    private let core: StoreCore
    private let parts: WritableParts

    init(_ core: StoreCore, _ parts: WritableParts) {
        (self.core, self.parts) = (core, parts)
    }

    /// Checks that no value outside of the history is plain that must be sealed.
    ///
    /// - Returns: The consumers that lose no change by the purge.
    /// - Throws: ``CodexError/Code/valueNotSealed``, ``CodexError/Code/keyUnavailable``,
    ///   ``CodexError/Code/valueTampered``, and the errors of reading and writing.
    func prepare() throws(CodexError) -> Set<String> {
        let pipeline = try makePipeline()
        try requireSealed(pipeline)
        try replaceAllPlainDigests(pipeline)
        return try consumersAtEnd()
    }

    /// Removes the history, after a checkpoint of the whole state.
    ///
    /// - Parameter consumers: The result of ``prepare()``.
    /// - Returns: The removed history.
    /// - Throws: ``CodexError/Code/diskFull``, and the errors of writing and flushing.
    func run(_ consumers: Set<String>) throws(CodexError) -> PurgedHistory {
        let pipeline = try makePipeline()
        try renewLog(pipeline)
        try moveToEnd(consumers, pipeline)
        // From now on recovery needs no earlier segment.
        try parts.checkpointer.checkpointAndWait()
        return try parts.log.space.discardHistory()
    }

    /// A separate pipeline, which must end before the environment is closed.
    private func makePipeline() throws(CodexError) -> CommitPipeline {
        try CommitPipeline(core, parts.log, parts.checkpointer)
    }

    // MARK: Sealed values

    /// Throws if a value of an encrypted field is not certainly sealed, in an item or a dead
    /// letter.
    ///
    /// - Throws: ``CodexError/Code/valueNotSealed``; ``CodexError/Code/keyUnavailable`` if the
    ///   check needs keys; ``CodexError/Code/valueTampered`` for a damaged value of a store of a
    ///   format before 4, and the errors of reading.
    /// - Complexity: O(*n*) in the number of items of tables with encrypted fields.
    private func requireSealed(_ pipeline: CommitPipeline) throws(CodexError) {
        try pipeline.begin()
        defer { pipeline.abort() }
        let context = pipeline.context
        do {
            for table in context.catalog.allTables
            where table.entities.contains(where: { !$0.definition.sealed.isEmpty }) {
                try requireSealed(table, context)
            }
            try requireNoDeadLetters(context)
        } catch {
            throw CodexError.wrapping(error)
        }
    }

    private func requireSealed(_ table: TableHandle, _ context: WriteContext) throws {
        try context.transaction.withCursor(table.tree) { cursor in
            var entry = unsafe try cursor.seek([])
            while let current = unsafe entry {
                let key = unsafe Array(current.key)
                unsafe try context.withItem(current.value, current.key, table.plan) {
                    bytes -> Void in
                    let number = bytes.layout.header.entityNumber
                    if number == 0 { try requireNotRaw(table, key, bytes) }
                    guard let fields = context.catalog.sealedFields(number) else { return }
                    try fields.requireSealed(try bytes.item(), core.options)
                }
                unsafe entry = try cursor.next()
            }
        }
    }

    /// Throws if a raw item has a field that is encrypted in the entity to which its key belongs.
    private func requireNotRaw(
        _ table: TableHandle, _ key: [UInt8], _ bytes: ItemBytes
    ) throws(CodexError) {
        let primaryKey = try table.plan.primaryKey(key.span)
        if let name = table.openField(ofRaw: try bytes.item(), primaryKey) {
            throw .rawValueNotSealed(name)
        }
    }

    /// Throws if a consumer has dead letters, in a store with encrypted fields.
    ///
    /// Their images come from the log. Their errors may repeat values of any item, because earlier
    /// releases stored the whole text.
    private func requireNoDeadLetters(_ context: WriteContext) throws {
        let catalog = context.catalog
        guard catalog.hasSealedFields else { return }
        try context.transaction.withCursor(catalog.consumers) { cursor in
            let entry = unsafe try cursor.seek([1])
            guard let first = unsafe entry, unsafe first.key.first == 1 else { return }
            let name = unsafe Array(first.key).dropFirst().prefix { $0 != 0 }
            throw DeadLetter.notSealed(String(decoding: name, as: UTF8.self))
        }
    }

    /// Replaces the digests of idempotency tokens that depend on plain values alone, without a key.
    ///
    /// - Throws: ``CodexError/Code/keyUnavailable``.
    private func replaceAllPlainDigests(_ pipeline: CommitPipeline) throws(CodexError) {
        while true {
            try pipeline.begin()
            do {
                guard try TokenKeys.hasPlainDigests(in: pipeline.context) else {
                    return pipeline.abort()
                }
                try TokenKeys(pipeline.context).replacePlainDigests()
            } catch {
                pipeline.abort()
                throw CodexError.wrapping(error)
            }
            try commit(pipeline)
        }
    }

    private func commit(_ pipeline: CommitPipeline) throws(CodexError) {
        do throws(CommitError) {
            _ = try pipeline.commit()
        } catch {
            throw error.cause
        }
    }

    /// Continues the log in a segment without bytes of earlier ones.
    ///
    /// - Throws: ``CodexError/Code/diskFull``, and as ``CommitPipeline/begin()``.
    private func renewLog(_ pipeline: CommitPipeline) throws(CodexError) {
        try pipeline.begin()
        let segment: UInt64
        do throws(CodexError) {
            segment = try pipeline.log.renew(after: pipeline.context.position)
        } catch {
            pipeline.abort()
            throw error
        }
        pipeline.abort()
        try pipeline.moveLog(to: segment)
    }

    /// Moves consumers to the log's end; their checkpoints stay.
    ///
    /// These consumers have read all changes, but not the later commits, such as that of their own
    /// checkpoint. Without the move, they would get an error that they missed some.
    private func moveToEnd(
        _ names: Set<String>, _ pipeline: CommitPipeline
    ) throws(CodexError) {
        let context = pipeline.context
        guard !names.isEmpty, !context.catalog.manifest.isFollower else { return }
        try pipeline.begin()
        do throws(CodexError) {
            for name in names {
                var state = try ConsumerReads(context).consumer(name)
                state.move(to: context.position, state.sequenceNumber, now: state.milliseconds)
                try context.setConsumer(try Consumer.key(name), state)
            }
        } catch {
            pipeline.abort()
            throw error
        }
        try commit(pipeline)
    }

    /// The consumers that have read all changes that they want.
    ///
    /// - Throws: The errors of reading. A consumer that has lost changes is not an error, and not
    ///   in the result.
    private func consumersAtEnd() throws(CodexError) -> Set<String> {
        do {
            let all = try core.withReadContext { try ConsumerReads($0).consumers() }
            return Set(try all.filter { try isAtEnd($0.state) }.map { $0.name })
        } catch {
            throw CodexError.wrapping(error)
        }
    }

    private func isAtEnd(_ state: Consumer) throws(CodexError) -> Bool {
        let reader = ChangeReader(core, from: state.startingPoint, .keysOnly, state.filter)
        do throws(CodexError) {
            while true {
                guard try reader.read(1).isEmpty else { return false }
                if reader.endID != nil { return true }
            }
        } catch  where error.code == .changesTrimmed {
            return false
        }
    }
}

extension SealedFields {
    /// Throws if the value of an item's encrypted field is not certainly sealed.
    fileprivate func requireSealed(_ item: Item, _ options: StoreOptions) throws(CodexError) {
        for name in names {
            guard let field = item.element(named: name), field.seal != .sealed else { continue }
            if field.seal == .plain { throw .valueNotSealed(name) }
            switch try verdict(on: field, key(of: item), options) {
            case .damaged: throw .valueTampered(name)
            default: throw CodexError.keyUnavailable(name)
            }
        }
    }
}

extension TableHandle {
    /// The first unsealed field of a raw item that its key's entity encrypts.
    func openField(ofRaw item: Item, _ key: PrimaryKey) -> String? {
        guard let entity = entity(of: key) else { return nil }
        return entity.definition.sealed.first { name in
            item.element(named: name).map { $0.seal != .sealed } ?? false
        }
    }
}

extension CodexError {
    fileprivate static func rawValueNotSealed(_ name: String) -> CodexError {
        CodexError(
            .valueNotSealed,
            "A raw item has a plain value in \(name), which the entity of its key encrypts. Run "
                + "migrate(_:) for that entity, without "
                + "StoreOptions.requiresSealedFields, then purge the store.")
    }
}

extension DeadLetter {
    fileprivate static func notSealed(_ consumer: String) -> CodexError {
        CodexError(
            .valueNotSealed,
            "The consumer \(consumer) has dead letters. Their values and errors may have plain "
                + "text of encrypted fields. Retry them (retryDeadLetters), discard them "
                + "(discardDeadLetter), or remove the consumer. Then purge the store.")
    }
}
