internal import CodexCore
internal import CodexIndex

/// What a purge of plain values does in the writer's transactions.
extension WriteContext {
    /// Throws if a value of an encrypted field is not sealed, or may not be, in an item or a parked
    /// change.
    ///
    /// - Throws: ``CodexError/Code/valueNotSealed``; ``CodexError/Code/keyUnavailable`` if keys are
    ///   needed to tell; ``CodexError/Code/valueTampered`` for a damaged value of a store of a
    ///   format before 4, and what reading throws.
    /// - Complexity: O(*n*) in the number of items of tables with encrypted fields.
    func requireSealed() throws(CodexError) {
        try begin()
        defer { abort() }
        do {
            for table in catalog.allTables
            where table.entities.contains(where: { !$0.definition.sealed.isEmpty }) {
                try requireSealed(table)
            }
            try requireNoParkedChanges()
        } catch {
            throw CodexError.wrapping(error)
        }
    }

    private func requireSealed(_ table: TableHandle) throws {
        try transaction.withCursor(table.tree) { cursor in
            var entry = unsafe try cursor.seek([])
            while let current = unsafe entry {
                let key = unsafe Array(current.key)
                unsafe try withItem(current.value, current.key, table.plan) { bytes -> Void in
                    let number = bytes.layout.header.entityNumber
                    if number == 0 { try requireNotRaw(table, key, bytes) }
                    guard let fields = catalog.sealedFields(number) else { return }
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

    /// Throws if a consumer has parked changes, in a store with encrypted fields.
    ///
    /// Their images are what the log had. Their errors may repeat values of any item, for earlier
    /// releases kept the whole text.
    private func requireNoParkedChanges() throws {
        guard catalog.hasSealedFields else { return }
        try transaction.withCursor(catalog.consumers) { cursor in
            let entry = unsafe try cursor.seek([1])
            guard let first = unsafe entry, unsafe first.key.first == 1 else { return }
            let name = unsafe Array(first.key).dropFirst().prefix { $0 != 0 }
            throw ParkedChange.notSealed(String(decoding: name, as: UTF8.self))
        }
    }

    /// Replaces the digests of idempotency tokens that follow from plain values alone.
    ///
    /// - Throws: ``CodexError/Code/keyUnavailable``.
    func replaceAllPlainDigests() throws(CodexError) {
        while true {
            try begin()
            do {
                guard try hasPlainDigests() else { return abort() }
                try replacePlainDigests()
            } catch {
                abort()
                throw CodexError.wrapping(error)
            }
            try commit()
        }
    }

    /// Lets the log go on in a segment that has nothing of earlier ones.
    ///
    /// - Throws: ``CodexError/Code/diskFull``, and as ``begin()``.
    func renewLog() throws(CodexError) {
        try begin()
        let segment: UInt64
        do throws(CodexError) {
            segment = try log.renew(after: position)
        } catch {
            abort()
            throw error
        }
        abort()
        try moveLog(to: segment)
    }

    /// Lets consumers begin at the log's end; their checkpoints stay.
    ///
    /// For those that have read all changes, though not the commits after these (that of their own
    /// checkpoint, say): else they would be told that they missed some.
    func moveToEnd(_ names: Set<String>) throws(CodexError) {
        guard !names.isEmpty, !catalog.manifest.isFollower else { return }
        try begin()
        do throws(CodexError) {
            for name in names {
                var state = try consumer(name)
                state.move(to: position, state.sequenceNumber, now: state.milliseconds)
                try setConsumer(try ConsumerState.key(name), state)
            }
        } catch {
            abort()
            throw error
        }
        try commit()
    }
}

extension StoreCore {
    /// The consumers that have read all changes that they want.
    ///
    /// - Throws: What reading throws; one that has lost changes is none of them.
    func consumersAtEnd() throws(CodexError) -> Set<String> {
        do {
            let all = try withReader { try $0.consumers() }
            return Set(try all.filter { try isAtEnd($0.state) }.map { $0.name })
        } catch {
            throw CodexError.wrapping(error)
        }
    }

    private func isAtEnd(_ state: ConsumerState) throws(CodexError) -> Bool {
        let reader = ChangeReader(self, from: state.origin, .keysOnly, state.filter)
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

extension ParkedChange {
    fileprivate static func notSealed(_ consumer: String) -> CodexError {
        CodexError(
            .valueNotSealed,
            "The consumer \(consumer) has dead letters. Their values and errors may have plain "
                + "text of encrypted fields. Retry them (retryParkedChanges), discard them "
                + "(discardParkedChange), or remove the consumer. Then purge the store.")
    }
}
