internal import CodexCore

/// Applies a leader's records, and appends each to the store's own log.
///
/// This type checks a leader's records, and ``LogApplier`` applies them.
struct FollowerCommit {
    private let pipeline: CommitPipeline
    private let applier: LogApplier
    private var core: StoreCore { pipeline.core }
    private var context: WriteContext { pipeline.context }

    init(_ pipeline: CommitPipeline) {
        self.pipeline = pipeline
        applier = LogApplier(pipeline)
    }

    /// Applies records, and appends each to the store's own log under the leader's sequence number.
    ///
    /// One transaction applies as many as it may. Records that are already applied are skipped.
    /// Each commit is applied as a whole or not at all, and only if the items match their state on
    /// the leader.
    ///
    /// - Throws: ``CodexError/Code/notFollowing``, ``CodexError/Code/recordsMissing``,
    ///   ``CodexError/Code/diverged``, and as a write; the records before the failing one are
    ///   applied.
    func replicate(_ records: [LeaderRecord]) throws(CodexError) {
        var rest = records[...]
        var countMax = Int.max
        while !rest.isEmpty {
            try pipeline.begin()
            do throws(CodexError) {
                try dropApplied(&rest)
                guard !rest.isEmpty else { return pipeline.abort() }
                if let first = rest.first, try changesSchema(first) {
                    pipeline.abort()
                    try applySchemaChange(first)
                    rest.removeFirst()
                    continue
                }
                let batch = try apply(rest.prefix(countMax))
                guard batch.failure == nil || batch.records.isEmpty else {
                    _ = applier.takeUnsummableCounter()
                    // The next attempt has only the records before it, which are known to be valid.
                    pipeline.abort()
                    countMax = batch.records.count
                    continue
                }
                if let failure = batch.failure {
                    guard let counter = applier.takeUnsummableCounter() else { throw failure }
                    pipeline.abort()
                    try ManifestEditor(pipeline).markConflicting(counter)
                    continue
                }
                if case .logged(let refusal) = try append(batch) {
                    try pipeline.applyLogged(refusal)
                }
                rest.removeFirst(batch.records.count)
                countMax = .max
            } catch {
                if pipeline.isOpen { pipeline.abort() }
                throw error
            }
        }
    }

    /// Applies a record that changes the manifest.
    private func applySchemaChange(_ record: LeaderRecord) throws(CodexError) {
        try ManifestEditor(pipeline).commit { () throws(CodexError) in
            try attemptSchemaChange(record)
        }
    }

    private func attemptSchemaChange(
        _ record: LeaderRecord
    ) throws(CodexError) -> ManifestEditor.Attempt {
        let editor = ManifestEditor(pipeline)
        try pipeline.beginUnderSchemaLock()
        let new: Catalog
        do throws(CodexError) {
            guard try pipeline.isUnhindered() else {
                pipeline.abort()
                return .hindered
            }
            var rest = [record][...]
            try dropApplied(&rest)
            guard !rest.isEmpty else {
                // Another process has applied it.
                pipeline.abort()
                return .made(core.catalog)
            }
            new = try reportingDivergence(record) { () throws(CodexError) in
                try requireWellFormed(record)
                return try editor.put(record.record, isLeaders: true)
            }
            try putLeaderPosition(after: record)
        } catch {
            if pipeline.isOpen { pipeline.abort() }
            throw error
        }
        return editor.adopted(
            new, try append(Batch(records: [record], changeCounts: [0])))
    }

    private struct Batch {
        var records: [LeaderRecord] = []
        var changeCounts: [Int] = []
        /// The reason why the next record cannot be applied.
        var failure: CodexError?
    }

    /// The store's position in its leader's log.
    private func leaderPosition() throws(CodexError) -> LeaderPosition {
        try LeaderPosition(context.transaction, context.catalog.meta)
    }

    /// Removes applied records, and checks that the others continue from there.
    private func dropApplied(_ rest: inout ArraySlice<LeaderRecord>) throws(CodexError) {
        guard let leaderID = context.catalog.manifest.leaderID else {
            throw LeaderStreams.notFollowing
        }
        guard rest.allSatisfy({ $0.storeID == leaderID }) else {
            throw Self.diverged("are of another store than the one that it follows")
        }
        let last = try leaderPosition()
        let sequence = context.position.sequence
        while let first = rest.first, first.header.sequence <= sequence {
            if first.header.sequence == sequence, first.header.checksum != last.checksum {
                throw Self.diverged("have another commit \(sequence) than the one it has")
            }
            rest.removeFirst()
        }
        guard let first = rest.first else { return }
        guard first.header.sequence == sequence + 1 else {
            throw CodexError(
                .recordsMissing,
                "The follower has all up to commit \(sequence), and the next record is "
                    + "\(first.header.sequence). Ask the leader for the records after \(sequence).")
        }
        guard first.header.previousChecksum == last.checksum else {
            throw Self.diverged("do not go on from commit \(sequence)")
        }
    }

    /// Applies records up to a change of the manifest, or up to one that fails.
    private func apply(_ records: ArraySlice<LeaderRecord>) throws(CodexError) -> Batch {
        try applier.applying { () throws(CodexError) in try applyAll(records) }
    }

    private func applyAll(_ records: ArraySlice<LeaderRecord>) throws(CodexError) -> Batch {
        var batch = Batch()
        var checksum = try leaderPosition().checksum
        var (sequence, changeCount, byteCount) = (context.position.sequence, 0, 0)
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
                    try reportingDivergence(record) { () throws(CodexError) in
                        try requireWellFormed(record)
                        return try applier.apply(record.record)
                    })
            } catch {
                // An error of LMDB does not come from the record, unless the record is alone.
                if context.failure != nil, batch.records.isEmpty { throw error }
                batch.failure = error
                return batch
            }
            batch.records.append(record)
            checksum = record.header.checksum
            sequence += 1
            changeCount += batch.changeCounts.last ?? 0
            byteCount += record.header.recordByteCount
        }
        if let last = batch.records.last { try putLeaderPosition(after: last) }
        return batch
    }

    private static let batchByteCountMax = 16 << 20

    private func changesSchema(_ record: LeaderRecord) throws(CodexError) -> Bool {
        try reportingDivergence(record) { () throws(CodexError) in try record.record.changesSchema()
        }
    }

    private func putLeaderPosition(after record: LeaderRecord) throws(CodexError) {
        let known = max(
            try leaderPosition().lastSequence, core.leaderStreams.knownSequence)
        let position = LeaderPosition(after: record, lastSequence: known)
        try context.transaction.put(
            context.catalog.meta, LeaderPosition.key, position.bytes)
    }

    /// Appends applied records to the log and commits.
    ///
    /// - Returns: Whether LMDB committed the transaction; if not, the records must still be
    ///   applied.
    private func append(_ batch: Batch) throws(CodexError) -> CommitOutcome {
        let log = pipeline.log
        let changeCount = batch.changeCounts.reduce(0, +)
        let byteCount = batch.records.reduce(0) { $0 + $1.header.recordByteCount }
        var isAppending = false
        do throws(CodexError) {
            try pipeline.reserve(
                RoomNeed(
                    changeCount: changeCount, byteCount: byteCount,
                    treeCount: context.catalog.treeCount,
                    largestByteCount: min(byteCount, context.record.counts.largestByteCount),
                    use: .growing))
            var (end, flushed) = (context.position, context.flushedSequence)
            // It is written again below: that write then needs no more room.
            try pipeline.putPosition(end, flushed: flushed)
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
                isAppending = true
                try log.write(bytes, planned, isLast: place == batch.records.count - 1)
                (end, flushed) = (planned.position, planned.flushedSequence)
            }
            try pipeline.putPosition(end, flushed: flushed)
        } catch {
            pipeline.abort()
            throw isAppending ? error : StoreLease.refusal(before: error)
        }
        return try pipeline.commitTransaction(
            isLogged: true, changeCount: changeCount, byteCount: byteCount)
    }

    private func requireWellFormed(_ record: LeaderRecord) throws(CodexError) {
        let count = try context.transaction.statistics(context.catalog.shapes).entryCount
        try record.record.requireWellFormed(shapeCount: count)
    }

    private static func diverged(_ how: String) -> CodexError {
        CodexError(
            .diverged,
            "The records \(how). Make the follower again from a backup of its leader.")
    }

    /// Reports a record that does not fit as one of another history; other errors stay unchanged.
    private func reportingDivergence<R>(
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
