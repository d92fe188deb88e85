internal import CodexCore

// How a write is committed. `Docs/Architecture.md` and `Docs/Durability.md` number the steps alike.
//
// 1. Begin (`begin`). The writer waits while too many pages of the data file cannot be reused. One
//    LMDB write transaction begins: LMDB's lock lets one process write at a time. The store must
//    accept writes. If the pages of the last checkpoint are not kept from reuse, the transaction
//    ends, a checkpoint is made, and the step begins again. If the log has a record that the data
//    file lacks, the log is applied first, in the same way.
// 2. Run the bodies (`run`). `WriterQueue` runs the bodies of a group, one after another, in the
//    transaction. All changes of items go through `ItemMaintenance.apply`: it changes the item, its
//    index entries and the counters.
// 3. Record. Each change is appended to the commit's record (`RecordBuilder`), and its undo entry
//    to the `UndoLog`. Nothing is in the log yet.
// 4. Finish the record (`commit`). The host's hook may refuse. New shapes are added to the record.
// 5. Make room (`reserve`). The data file must have room for all pages that LMDB may write: once a
//    record is in the log, it must be possible to apply it.
// 6. Plan (`LogWriter.plan`). The record gets its place, number and checksum. If the segment is
//    full, a new one begins. The log's new end is put into the transaction, so that the data file
//    names the last record that it includes.
// 7. Append (`LogWriter.write`). The record is written to the log.
// 8. Flush, if each commit must be flushed. From here on the write is committed: a recovery applies
//    it.
// 9. Commit to LMDB (`commitTransaction`). Readers see the write. The data file is not flushed
//    here: the next checkpoint does that.
// 10. Answer. Readers of changes are woken, and `WriterQueue` answers the group's writes.
//
// The effects of a failed step:
//
// - Begin: all writes of the group fail with the error. If a flush failed, that is `writesRefused`,
//   since no body has run. If the disk is full, a checkpoint releases pages and history, and the
//   group runs once more.
// - A body throws: its changes are undone (`undoChanges`), and only it fails. If an earlier body of
//   the group changed something, the answer waits for the commit. If the commit fails, its error is
//   the answer: the body may have seen changes that were lost. If LMDB failed, the transaction
//   ends, and the group's bodies run again one by one. A body that fails alone fails.
// - The hook, the room, or the plan fails: the transaction ends without effect, and the whole group
//   gets the error. If the error is about size, the writes run again one by one, so that only the
//   write that is too large fails. If the disk is full, the group runs once more, as above. After a
//   refusal by the hook, nothing runs again. If a flush failed, for example of a segment that the
//   plan began, the error is `writesRefused`: the record was not written.
// - The append or the flush fails: it is unknown whether the record is on stable storage. The
//   transaction ends, the store refuses writes (`StoreLease.refusingWritesOnFailure`), and the
//   error is `outcomeUnknown`. The next opening decides by the content of the log.
// - LMDB refuses the transaction though the log has its record: the record is applied from the log,
//   up to three times (`applyLogged`). If that succeeds, the write does; otherwise the error is
//   `outcomeUnknown`, and the next write or opening applies it. Steps of a build, which are not in
//   the log, fail with `commitFailed`.
// - The process is killed: before step 7, nothing of the write is there. After it, the next writer
//   or the recovery of the next opening applies the record.
//
// `ManifestEditor` changes the schema, `LogApplier` applies the log, and `FollowerCommit` a
// leader's records, each with the same transactions.

/// The writer's transactions, from begin to commit.
///
/// Only the writer's thread uses it. While a store is opened, that is the thread that opens it.
final class CommitPipeline {
    let core: StoreCore
    /// The context that bodies work with.
    let context: WriteContext
    let log: LogWriter
    let checkpointer: Checkpointer
    /// Whether a transaction is open.
    private(set) var isOpen = false
    /// A read transaction without a snapshot, to count the pages that commits replaced.
    private let counter: Transaction
    private var transactionCount = 0

    /// The number of commits after which the slots of killed readers are cleared.
    private static let readerCheckInterval = 256
    private static let applyAttemptMax = 3

    /// Makes a pipeline without a transaction.
    init(_ core: StoreCore, _ log: LogWriter, _ checkpointer: Checkpointer) throws(CodexError) {
        // The catalog comes first: a transaction knows only handles that were opened before it
        // began.
        let catalog = core.catalog
        counter = try core.environment.begin(readOnly: true)
        counter.reset()
        self.core = core
        self.log = log
        self.checkpointer = checkpointer
        context = WriteContext(core, counter, catalog)
    }

    deinit { counter.abort() }

    // MARK: Begin

    /// Begins a transaction that may write.
    ///
    /// The commits of all processes are applied, and the pages of the last checkpoint are kept.
    ///
    /// - Throws: ``CodexError/Code/writesRefused``, also if a flush fails before the transaction
    ///   begins, and the other errors of redo and of checkpoints.
    func begin() throws(CodexError) {
        do throws(CodexError) {
            while try !attemptBegin() {}
        } catch {
            throw StoreLease.refusal(before: error)
        }
    }

    /// Begins a transaction that may write, or takes the step that must precede it.
    ///
    /// - Returns: Whether the transaction is open.
    private func attemptBegin() throws(CodexError) -> Bool {
        checkpointer.waitForRoom()
        if checkpointer.needsRoom { try checkpointer.checkpointNow() }
        try beginRaw()
        do throws(CodexError) {
            switch try missingPrerequisite() {
            case nil: return true
            case .pin:
                endTransaction()
                try checkpointer.checkpointNow()
            case .log:
                abort()
                try LogApplier(self).applyRest()
            }
            return false
        } catch {
            if isOpen { abort() }
            throw error
        }
    }

    private enum Prerequisite { case pin, log }

    /// The step that must precede the writes of the transaction; `nil` if there is none.
    private func missingPrerequisite() throws(CodexError) -> Prerequisite? {
        try core.lease.requireWritable()
        guard try hasPin() else { return .pin }
        return try log.hasMore(after: context.position) ? .log : nil
    }

    /// Whether the pages of the last checkpoint are kept while the transaction writes.
    func hasPin() throws(CodexError) -> Bool { try checkpointer.hasPin(context.transaction) }

    /// Begins a transaction, without applying the log or making a checkpoint.
    func beginRaw() throws(CodexError) {
        context.clear()
        while true {
            if context.catalog !== core.catalog { context.catalog = core.catalog }
            try beginTransaction()
            do throws(CodexError) {
                if try isOutdated() {
                    // Another process changed the schema. Only the next transaction can use
                    // databases that are opened now.
                    endTransaction()
                    try core.refreshCatalog()
                    continue
                }
                return try context.readState()
            } catch {
                if isOpen { endTransaction() }
                throw error
            }
        }
    }

    /// Begins a transaction that changes the manifest; the catalog stays the last transaction's.
    ///
    /// The caller holds the core's schema lock, and no transaction is open.
    func beginUnderSchemaLock() throws(CodexError) {
        context.clear()
        try beginTransaction()
        do throws(CodexError) {
            try context.readPosition()
        } catch {
            abort()
            throw error
        }
    }

    /// Whether the transaction may change the manifest at once.
    ///
    /// If not, ``begin()`` must run first, outside of the schema lock. It also takes over another
    /// process's change of the schema.
    func isUnhindered() throws(CodexError) -> Bool {
        guard try !isOutdated() else { return false }
        return try missingPrerequisite() == nil
    }

    private func beginTransaction() throws(CodexError) {
        context.transaction = try core.environment.begin(readOnly: false)
        isOpen = true
    }

    /// Whether another process changed the manifest since the catalog was made.
    private func isOutdated() throws(CodexError) -> Bool {
        let catalog = context.catalog
        return try Catalog.storedGeneration(context.transaction, catalog.meta)
            != catalog.generation
    }

    // MARK: Run

    /// The current place in the transaction.
    var mark: WriteContext.Mark { context.mark }

    /// Whether the transaction changed anything.
    var hasChanges: Bool { context.undo.hasChanges }

    /// The number of changes of items in the transaction.
    var changeCount: Int { context.record.counts.changeCount }

    /// Whether the transaction accepts no further body.
    var isFull: Bool { context.record.byteCount >= StoreLimits.commitGroupByteCountMax }

    /// Runs a body in the transaction.
    ///
    /// - Throws: The error of the body, or the error that made the transaction unusable.
    func run(_ job: WriteJob) throws {
        try job.run(context)
        // The body may have caught the failure.
        if let failure = context.failure { throw failure }
    }

    /// Undoes the changes of a body that threw.
    ///
    /// - Returns: `false` if the transaction is unusable.
    func undoChanges(to mark: WriteContext.Mark) -> Bool {
        context.failure == nil && (try? context.rollBack(to: mark)) != nil
    }

    // MARK: Commit

    /// Commits the group to the log, and then to LMDB, which makes it visible.
    ///
    /// - Returns: Whether LMDB took the transaction itself, or it was applied from the log.
    /// - Throws: ``CodexError/Code/outcomeUnknown`` if it is unknown whether the commit will be
    ///   there; after any other error, it is not there.
    func commit() throws(CommitError) -> CommitOutcome {
        var isHooks = false
        do throws(CodexError) {
            do throws(CodexError) {
                if !context.record.isEmpty, context.catalog.manifest.isFollower {
                    throw LeaderStreams.following
                }
                isHooks = true
                try runHook()
                isHooks = false
                try context.recordShapes()
            } catch {
                abort()
                throw error
            }
            let outcome = try commitRecord()
            // A record in the log is committed: it is applied from there.
            if case .logged(let refusal) = outcome { try applyLogged(refusal) }
            return outcome
        } catch {
            throw CommitError(cause: error, isHooks: isHooks)
        }
    }

    private func runHook() throws(CodexError) {
        do {
            try core.options.parts.beforeCommit?()
        } catch {
            throw CodexError.wrapping(error)
        }
    }

    /// Commits the transaction with its record, or without a record if it has no entries.
    ///
    /// - Returns: Whether LMDB took the transaction; if not, the record must still be applied.
    func commitRecord() throws(CodexError) -> CommitOutcome {
        core.options.reached(.bodiesRun)
        let isLogged = !context.record.isEmpty
        let changeCount = context.record.counts.changeCount
        var isAppending = false
        do throws(CodexError) {
            let need = RoomNeed(
                of: context.record, addsEntries: context.undo.addsEntries,
                treeCount: context.catalog.treeCount)
            try reserve(need)
            core.options.reached(.roomReserved)
            if isLogged {
                let (position, flushed) = (context.position, context.flushedSequence)
                let planned = try log.plan(
                    &context.record.bytes, after: position, flushed: flushed,
                    changeCount: changeCount, need.use)
                try putPosition(planned.position, flushed: planned.flushedSequence)
                isAppending = true
                try log.write(context.record.bytes, planned)
            }
        } catch {
            abort()
            throw isAppending ? error : StoreLease.refusal(before: error)
        }
        return try commitTransaction(
            isLogged: isLogged, changeCount: changeCount, byteCount: context.record.byteCount)
    }

    /// Reserves room for the commit in the data file.
    func reserve(_ need: RoomNeed) throws(CodexError) {
        let (catalog, transaction) = (context.catalog, context.transaction)
        try checkpointer.reserve(need) { () throws(CodexError) in
            try catalog.treePageCounts(transaction)
        }
    }

    /// Stores the position at which the log ends once the transaction is committed.
    func putPosition(_ position: LogPosition, flushed: UInt64) throws(CodexError) {
        try LogPosition.put(
            position.bytes(flushed: flushed), context.transaction, context.catalog.meta)
    }

    /// Commits the LMDB transaction, whose records are in the log.
    ///
    /// - Returns: Whether LMDB took it; if not, the records must still be applied.
    /// - Throws: The errors of LMDB, for a transaction without a record.
    func commitTransaction(
        isLogged: Bool, changeCount: Int, byteCount: Int
    ) throws(CodexError) -> CommitOutcome {
        isOpen = false
        do throws(CodexError) {
            try context.transaction.commit()
        } catch {
            forget()
            guard isLogged else { throw full(error) }
            return .logged(refusal: full(error))
        }
        core.options.reached(.committed)
        checkpointer.committed(changeCount: changeCount, byteCount: byteCount, counter)
        checkpointer.writeEnded()
        core.commits.committed()
        transactionCount += 1
        if transactionCount % Self.readerCheckInterval == 0 { core.environment.clearDeadReaders() }
        return .complete
    }

    /// LMDB reports EIO for a write that a full disk cut short.
    private func full(_ error: CodexError) -> CodexError {
        guard error.code == .inputOutput, core.directory.device.isFull else { return error }
        return CodexError.diskFull(error.cause)
    }

    // MARK: The log

    /// Applies the log's record of a transaction that LMDB refused.
    func applyLogged(_ refusal: CodexError) throws(CodexError) {
        var last = refusal
        for _ in 0..<Self.applyAttemptMax {
            do throws(CodexError) {
                return try LogApplier(self).applyRest()
            } catch {
                last = full(error)
            }
        }
        throw CodexError(
            .outcomeUnknown,
            "The write is in the log but the data file could not follow (\(last.code)); it will be "
                + "there as soon as a write or the next opening can apply it.", cause: last)
    }

    /// Commits the applied records up to `position`, without appending them.
    ///
    /// - Parameters:
    ///   - position: The position of the log after the commit.
    ///   - flushed: The last record on stable storage; by default, the last one up to `position`.
    ///   - byteCount: The bytes of the records.
    /// - Throws: The errors of LMDB.
    func commitApplied(
        _ position: LogPosition, flushed: UInt64? = nil, byteCount: Int = 0
    ) throws(CodexError) {
        do throws(CodexError) {
            let before = min(context.position.changeCount, position.changeCount)
            let changeCount = Int(clamping: position.changeCount - before)
            try reserve(
                RoomNeed(
                    changeCount: changeCount, byteCount: byteCount,
                    treeCount: context.catalog.treeCount, largestByteCount: byteCount,
                    use: .redoing))
            try putPosition(position, flushed: flushed ?? position.sequence)
            isOpen = false
            try context.transaction.commit()
            checkpointer.committed(changeCount: changeCount, byteCount: byteCount, counter)
            checkpointer.writeEnded()
        } catch {
            if isOpen { endTransaction() }
            forget()
            throw full(error)
        }
    }

    /// Continues the log in a new segment.
    func moveLog(to segment: UInt64) throws(CodexError) {
        try beginRaw()
        do throws(CodexError) {
            guard try hasPin() else {
                throw Wire.corrupted("the checkpoint's pages are not kept")
            }
        } catch {
            abort()
            throw error
        }
        var moved = context.position
        moved.segment = segment
        moved.offset = UInt64(LogSegmentHeader.byteCount)
        try commitApplied(moved)
    }

    // MARK: End without effect

    /// Ends the transaction without effect.
    func abort() {
        endTransaction()
        forget()
    }

    private func endTransaction() {
        isOpen = false
        context.transaction.abort()
    }

    private func forget() {
        checkpointer.writeEnded()
        context.forgetChanges()
    }
}
