internal import CodexCore
internal import CodexIndex

/// What a purge of plain values removed of a store's history.
struct PurgedHistory: Sendable {
    /// The last commit whose changes are gone.
    let sequence: UInt64
    /// How many segments of the log were removed.
    let segmentCount: Int
    /// The readers that had not read all of it.
    let readers: [String]
}

/// The part of a purge that is none of a compaction: on the writer's thread, without a transaction,
/// while no other process has the store open.
///
/// 1. Nothing in the store may be plain any more that is to be sealed.
/// 2. The log goes on in a new segment of zeros, and a checkpoint lies in it.
/// 3. All that is before it goes, and the spare, which may have been a segment.
///
/// Cut short, it leaves a store that lacks some history at most: it is done again as a whole.
struct HistoryPurge {
    private let core: StoreCore
    private let parts: WritableParts

    init(_ core: StoreCore, _ parts: WritableParts) {
        (self.core, self.parts) = (core, parts)
    }

    /// Sees that nothing is plain that is to be sealed, but for the history.
    ///
    /// - Returns: The consumers that lose nothing with that.
    /// - Throws: ``CodexError/Code/valueNotSealed``, ``CodexError/Code/keyUnavailable``,
    ///   ``CodexError/Code/valueTampered``, and what reading and writing throw.
    func prepare() throws(CodexError) -> Set<String> {
        let pipeline = try makePipeline()
        try requireSealed(pipeline)
        try replaceAllPlainDigests(pipeline)
        return try consumersAtEnd()
    }

    /// Removes the history, after a checkpoint of all that there is.
    ///
    /// - Parameter consumers: What ``prepare()`` returned.
    /// - Returns: What was removed.
    /// - Throws: ``CodexError/Code/diskFull``, and what writing and flushing throw.
    func run(_ consumers: Set<String>) throws(CodexError) -> PurgedHistory {
        let pipeline = try makePipeline()
        try renewLog(pipeline)
        try moveToEnd(consumers, pipeline)
        // From now on no recovery needs what is before the new segment.
        try parts.checkpointer.checkpointAndWait()
        return try parts.log.space.discardHistory()
    }

    /// A pipeline of its own, which must be gone before the environment is closed.
    private func makePipeline() throws(CodexError) -> CommitPipeline {
        try CommitPipeline(core, parts.log, parts.checkpointer)
    }

    // MARK: What is sealed

    /// Throws if a value of an encrypted field is not sealed, or may not be, in an item or a parked
    /// change.
    ///
    /// - Throws: ``CodexError/Code/valueNotSealed``; ``CodexError/Code/keyUnavailable`` if keys are
    ///   needed to tell; ``CodexError/Code/valueTampered`` for a damaged value of a store of a
    ///   format before 4, and what reading throws.
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
    /// Their images are what the log had. Their errors may repeat values of any item, for earlier
    /// releases kept the whole text.
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

    /// Replaces the digests of idempotency tokens that follow from plain values alone.
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

    /// Lets the log go on in a segment that has nothing of earlier ones.
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

    /// Lets consumers begin at the log's end; their checkpoints stay.
    ///
    /// For those that have read all changes, though not the commits after these (that of their own
    /// checkpoint, say): else they would be told that they missed some.
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
    /// - Throws: What reading throws; one that has lost changes is none of them.
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
    /// Throws if the value of an item's encrypted field is not sealed, or may not be.
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
    /// The first plain field of a raw item that its key's entity encrypts.
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
