internal import CodexCore

/// Applying a leader's records.
extension WriteContext {
    /// Applies records, as many in a transaction as may be, and appends each to the store's own log
    /// under the leader's sequence number.
    ///
    /// Those that are applied already are skipped. Each commit is applied as a whole or not at all,
    /// and only if it finds the items as it did on the leader.
    ///
    /// - Throws: ``CodexError/Code/notFollowing``, ``CodexError/Code/recordsMissing``,
    ///   ``CodexError/Code/diverged``, and as a write; the records before the one that fails are
    ///   applied.
    func replicate(_ records: [LeaderRecord]) throws(CodexError) {
        var rest = records[...]
        var countMax = Int.max
        while !rest.isEmpty {
            try begin()
            do throws(CodexError) {
                try dropApplied(&rest)
                guard !rest.isEmpty else { return abort() }
                if let first = rest.first, try changesSchema(first) {
                    abort()
                    try core.replicateManifest(self, first)
                    rest.removeFirst()
                    continue
                }
                let batch = try apply(rest.prefix(countMax))
                guard batch.failure == nil || batch.records.isEmpty else {
                    _ = takeOverflow()
                    // Those before it alone, which are known to be good.
                    abort()
                    countMax = batch.records.count
                    continue
                }
                if let failure = batch.failure {
                    guard let counter = takeOverflow() else { throw failure }
                    abort()
                    try core.setConflicting(counter, self)
                    continue
                }
                try commit(batch)
                rest.removeFirst(batch.records.count)
                countMax = .max
            } catch {
                if isOpen { abort() }
                throw error
            }
        }
    }

    /// Applies a record that changes the manifest; with the core's schema lock held.
    ///
    /// - Returns: The catalog; `nil` if something is to be done first that ``begin()`` does.
    func replicateManifest(_ record: LeaderRecord) throws(CodexError) -> Catalog? {
        guard try beginUnlessHindered() else { return nil }
        let new: Catalog
        do throws(CodexError) {
            guard try !isOutdated() else {
                abort()
                return nil
            }
            var rest = [record][...]
            try dropApplied(&rest)
            guard !rest.isEmpty else {
                // By another process.
                abort()
                return core.catalog
            }
            new = try fitting(record) { () throws(CodexError) in
                try requireWellFormed(record.record)
                return try applyManifest(of: record.record, isLeaders: true)
            }
            try putPosition(after: record)
        } catch {
            if isOpen { abort() }
            throw error
        }
        try commit(Batch(records: [record], changeCounts: [0]), appliesAfterFailure: false)
        catalog = new
        return new
    }

    private struct Batch {
        var records: [LeaderRecord] = []
        var changeCounts: [Int] = []
        /// Why the next one cannot be applied.
        var failure: CodexError?
    }

    /// Takes out what is applied, and sees that the rest goes on from there.
    private func dropApplied(_ rest: inout ArraySlice<LeaderRecord>) throws(CodexError) {
        guard let leaderID = catalog.manifest.leaderID else { throw StoreCore.notFollowing }
        guard rest.allSatisfy({ $0.storeID == leaderID }) else {
            throw Self.diverged("are of another store than the one that it follows")
        }
        let last = try leaderPosition()
        while let first = rest.first, first.header.sequence <= position.sequence {
            if first.header.sequence == position.sequence, first.header.checksum != last.checksum {
                throw Self.diverged("have another commit \(position.sequence) than the one it has")
            }
            rest.removeFirst()
        }
        guard let first = rest.first else { return }
        guard first.header.sequence == position.sequence + 1 else {
            throw CodexError(
                .recordsMissing,
                "The follower has all up to commit \(position.sequence), and the next record is "
                    + "\(first.header.sequence). Ask the leader for the records after \(position.sequence)."
            )
        }
        guard first.header.previousChecksum == last.checksum else {
            throw Self.diverged("do not go on from commit \(position.sequence)")
        }
    }

    /// Applies records up to a change of the manifest, or to one that cannot be applied.
    private func apply(_ records: ArraySlice<LeaderRecord>) throws(CodexError) -> Batch {
        isRedoing = true
        defer { isRedoing = false }
        var batch = Batch()
        var checksum = try leaderPosition().checksum
        var (sequence, changeCount, byteCount) = (position.sequence, 0, 0)
        for record in records {
            guard changeCount < core.options.redoneChangeCountMax,
                byteCount < Self.batchByteCountMax
            else { break }
            do throws(CodexError) {
                guard record.header.sequence == sequence + 1 else {
                    throw CodexError(
                        .recordsMissing,
                        "Record \(record.header.sequence) came after record \(sequence). Ask the leader "
                            + "for the records after \(sequence).")
                }
                guard record.header.previousChecksum == checksum else {
                    throw Self.diverged("do not go on from commit \(sequence)")
                }
                if try changesSchema(record) { break }
                batch.changeCounts.append(
                    try fitting(record) { () throws(CodexError) in
                        try requireWellFormed(record.record)
                        return try redo(record.record)
                    })
            } catch {
                // What LMDB refuses is not the record's fault, unless it is alone.
                if failure != nil, batch.records.isEmpty { throw error }
                batch.failure = error
                return batch
            }
            batch.records.append(record)
            checksum = record.header.checksum
            sequence += 1
            changeCount += batch.changeCounts.last ?? 0
            byteCount += record.header.recordByteCount
        }
        if let last = batch.records.last { try putPosition(after: last) }
        return batch
    }

    private static let batchByteCountMax = 16 << 20

    private func changesSchema(_ record: LeaderRecord) throws(CodexError) -> Bool {
        try fitting(record) { () throws(CodexError) in try Self.changesSchema(record.record) }
    }

    private func putPosition(after record: LeaderRecord) throws(CodexError) {
        let known = max(
            try leaderPosition().lastSequence, core.knownLeaderSequence.withLock { $0 })
        let position = LeaderPosition(after: record, lastSequence: known)
        try transaction.put(catalog.meta, LeaderPosition.key, position.bytes)
    }

    /// Appends applied records to the log and commits.
    private func commit(_ batch: Batch, appliesAfterFailure: Bool = true) throws(CodexError) {
        let changeCount = batch.changeCounts.reduce(0, +)
        let byteCount = batch.records.reduce(0) { $0 + $1.header.recordByteCount }
        do throws(CodexError) {
            try reserve(changeCount: changeCount, byteCount: byteCount, .growing)
            // Once more below: then it needs no more room.
            try transaction.put(
                catalog.meta, LogPosition.key, position.bytes(flushed: flushedSequence))
            var (end, flushed) = (position, flushedSequence)
            let known = flushed
            let lastSequence = try leaderPosition().lastSequence
            for (place, record) in batch.records.enumerated() {
                var bytes = [UInt8](repeating: 0, count: LogRecordHeader.byteCount)
                bytes += record.record.bytes[record.record.body]
                LogBody.appendSystem(
                    .meta, key: LeaderPosition.key,
                    value: LeaderPosition(after: record, lastSequence: lastSequence).bytes,
                    to: &bytes)
                let planned = try log.plan(
                    &bytes, after: end, flushed: known, changeCount: batch.changeCounts[place],
                    milliseconds: record.header.milliseconds)
                try log.write(bytes, planned, isLast: place == batch.records.count - 1)
                (end, flushed) = (planned.position, planned.flushedSequence)
            }
            try transaction.put(catalog.meta, LogPosition.key, end.bytes(flushed: flushed))
        } catch {
            abort()
            throw error
        }
        try commitTransaction(
            isLogged: true, appliesAfterFailure: appliesAfterFailure, changeCount: changeCount,
            byteCount: byteCount)
    }

    // MARK: Hostile records

    /// Throws unless what a record changes besides items is what a leader changes.
    private func requireWellFormed(_ record: LogRecord) throws(CodexError) {
        guard !record.body.isEmpty, record.header.milliseconds < 1 << 62 else {
            throw Wire.corrupted("a record of the log")
        }
        let isSchemaChange = try Self.changesSchema(record)
        var shapeID = try transaction.statistics(catalog.shapes).entryCount
        try LogBody.forEach(record) { entry throws(CodexError) in
            guard case .system(let space, let keyRange, let value) = entry else {
                if case .item(let item) = entry, isSchemaChange || item.key.isEmpty {
                    throw Wire.corrupted("an item in the log")
                }
                return
            }
            guard (1..<LongKey.pieceByteCount).contains(keyRange.count) else {
                throw Wire.corrupted("a key in the log")
            }
            let key = Array(record.bytes[keyRange])
            switch space {
            case .meta where !isSchemaChange && key == DigestKey.key:
                guard let value else { throw Wire.corrupted("the key of idempotency tokens") }
                _ = try DigestKey(Array(record.bytes[value]))
            case .meta:
                guard isSchemaChange || key == LeaderPosition.key && value != nil else {
                    throw Wire.corrupted("an entry of the log")
                }
            case .shapes:
                // Never one that items refer to.
                guard let value, shapeID < Limits.shapeCountMax,
                    key == ShapeRegistry.key(UInt32(shapeID))
                else {
                    throw Wire.corrupted("the numbers of shapes in the log")
                }
                _ = try Shape(id: UInt32(shapeID), encoded: Array(record.bytes[value]).span)
                shapeID += 1
            case .tokens, .consumers:
                // What goes may have any form: it was there before this was checked.
                guard let value else { return }
                try Self.requireWellFormed(space, key, Array(record.bytes[value]))
            }
        }
    }

    /// Throws unless an entry of `tokens` or `consumers` has the form of one: a key that is none
    /// would stop whatever walks them.
    private static func requireWellFormed(
        _ space: SystemSpace, _ key: [UInt8], _ value: [UInt8]
    ) throws(CodexError) {
        if space == .consumers { return try ConsumerState.requireWellFormed(key, value) }
        guard RememberedToken.isEntry(key, value) else {
            throw Wire.corrupted("an idempotency token in the log")
        }
    }

    private static func diverged(_ how: String) -> CodexError {
        CodexError(
            .diverged,
            "The records \(how). Make the follower again from a backup of its leader.")
    }

    /// Says of what a record does not fit that it is another history's; what else fails is as it
    /// is.
    private func fitting<R>(
        _ record: LeaderRecord, _ body: () throws(CodexError) -> R
    ) throws(CodexError) -> R {
        do throws(CodexError) {
            return try body()
        } catch  where error.code == .corrupted {
            throw CodexError(
                .diverged,
                "The leader's record of commit \(record.header.sequence) does not fit what the "
                    + "follower has, and was not applied. Make the follower again from a backup of "
                    + "its leader.",
                cause: error)
        }
    }
}

extension StoreCore {
    /// Applies a leader's record that changes the manifest, outside of any transaction.
    fileprivate func replicateManifest(
        _ context: WriteContext, _ record: LeaderRecord
    ) throws(CodexError) {
        try changeCatalog(context) { () throws(CodexError) in try context.replicateManifest(record)
        }
    }
}
