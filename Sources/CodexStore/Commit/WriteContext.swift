package import CodexCore
internal import CodexIndex

/// The context of the writer's transactions.
///
/// Used by the writer's thread only (while a store is opened, by the thread that opens it).
package final class WriteContext: TransactionContext, ShapeInterner {
    private var registry = ShapeRegistry()
    private var shapeCountAtBegin = 0
    /// The commit's record in the log as far as it is known: room for its header, then its entries.
    private var record = WriteContext.emptyRecord
    /// The bytes of that.
    var recordByteCount: Int { record.count }
    private var undo: [UndoEntry] = []
    private(set) var changeCount = 0
    /// By how many bytes the items that changed are larger now.
    var growth = 0
    var systemChangeCount = 0
    /// The bytes of all that was written.
    var newByteCount = 0
    /// The bytes of the largest entry that was written.
    var largestByteCount = 0
    /// By how many bytes the entries are larger now that no item explains.
    var systemGrowth = 0
    /// How many of them streams will have.
    private var streamedCount: UInt32 = 0
    /// Where the log ends as the transaction sees it.
    private(set) var position = LogPosition.none
    /// Up to where the log is on the medium, as the transaction sees it.
    private(set) var flushedSequence: UInt64 = 0
    /// Whether the log is being applied: what it says is put down as it is.
    var isRedoing = false
    /// The counter with a sum that does not fit, which a redo met: on the leader, or when the
    /// commit was made, it was not maintained.
    private var overflow: DatabaseID?
    /// The failure that made the LMDB transaction useless; the group is run again without its
    /// culprit.
    private(set) var failure: CodexError?
    /// Up to where the counters that are being built include the items, by tree.
    var positions: [DatabaseID: BuildPosition] = [:]
    /// By the numbers of databases.
    var streaks: [Streak] = []
    /// A read transaction without a snapshot, to look at what commits replaced.
    private let counter: Transaction
    let log: LogWriter
    let checkpointer: Checkpointer

    /// What undoing one change needs.
    private enum UndoEntry {
        /// An item's change: where its entry in the record begins.
        case item(start: Int)
        /// What a system entry was before.
        case system(SystemSpace, key: [UInt8], old: [UInt8]?, start: Int)
        /// A system entry that was removed unread: it cannot be put back.
        case unread
    }

    private static let emptyRecord = [UInt8](repeating: 0, count: LogRecordHeader.byteCount)

    /// Makes a context without a transaction.
    init(_ core: StoreCore, _ log: LogWriter, _ checkpointer: Checkpointer) throws(CodexError) {
        // The catalog first: a transaction knows only handles that were opened before it began.
        let catalog = core.catalog
        counter = try core.environment.begin(readOnly: true)
        counter.reset()
        self.log = log
        self.checkpointer = checkpointer
        super.init(core, counter, catalog)
    }

    deinit { counter.abort() }

    /// Begins a transaction that may write: everybody's commits are applied, and the pages of the
    /// last checkpoint are kept.
    ///
    /// - Throws: ``CodexError/Code/writesRefused``, and what redoing and checkpoints throw.
    func begin() throws(CodexError) {
        while true {
            checkpointer.waitForRoom()
            if checkpointer.needsRoom { try checkpointer.checkpointNow() }
            try beginRaw()
            do throws(CodexError) {
                switch try obstacle() {
                case nil: return
                case .pin:
                    endTransaction()
                    try checkpointer.checkpointNow()
                case .log:
                    abort()
                    try redoRest()
                }
            } catch {
                if isOpen { abort() }
                throw error
            }
        }
    }

    enum Obstacle { case pin, log }

    /// What must be done before the transaction may write; `nil` if nothing.
    private func obstacle() throws(CodexError) -> Obstacle? {
        try core.lease.requireWritable()
        guard try checkpointer.hasPin(transaction) else { return .pin }
        return try log.hasMore(after: position) ? .log : nil
    }

    /// Begins a transaction, whatever others left.
    func beginRaw() throws(CodexError) {
        failure = nil
        forgetUndo()
        while true {
            if catalog !== core.catalog { catalog = core.catalog }
            transaction = try core.environment.begin(readOnly: false)
            isOpen = true
            do throws(CodexError) {
                if try isOutdated() {
                    // Another process changed the schema. Databases opened from now on are for the
                    // next transaction.
                    endTransaction()
                    try core.refreshCatalog()
                    continue
                }
                try readPosition()
                try registry.refresh(transaction, catalog.shapes)
                shapeCountAtBegin = registry.count
                positions = [:]
                if catalog.hasWork { try readPositions() }
                return
            } catch {
                if isOpen { endTransaction() }
                throw error
            }
        }
    }

    private func readPosition() throws(CodexError) {
        let bytes = try storedPositionBytes()
        position = try LogPosition(bytes)
        flushedSequence = LogPosition.flushedSequence(bytes)
    }

    /// Whether a transaction is open.
    private(set) var isOpen = false
    /// Whether the host's hook, and not the store, refused the last commit.
    private(set) var hookFailed = false

    private func endTransaction() {
        isOpen = false
        transaction.abort()
    }

    /// Whether another process changed the manifest since the catalog was made.
    func isOutdated() throws(CodexError) -> Bool {
        try Catalog.storedGeneration(transaction, catalog.meta) != catalog.generation
    }

    package func intern(_ names: StoredNames) throws(CodexError) -> UInt32? {
        // A follower's numbers are its leader's.
        let mayAdd = !isRedoing && !catalog.manifest.isFollower
        return try registry.intern(names, transaction, catalog.shapes, mayAdd: mayAdd)
    }

    /// Whether the transaction changed anything.
    private(set) var hasChanges = false

    /// Remembers a change that is not one of an item, and that no failed body leaves behind.
    ///
    /// - Parameter addsEntries: Whether it makes the store larger.
    func noteChange(addsEntries: Bool = false) {
        hasChanges = true
        if addsEntries { self.addsEntries = true }
    }

    /// Whether entries were added that the log does not have.
    var addsEntries = false

    /// Makes a change that was checked: whatever fails now leaves it half made, and nothing more
    /// can be done in this transaction.
    func noting<R>(_ body: () throws(CodexError) -> R) throws(CodexError) -> R {
        do throws(CodexError) {
            return try body()
        } catch {
            failure = error
            throw error
        }
    }

    // MARK: Undo

    /// A place in the transaction to go back to.
    struct Mark {
        fileprivate let undoCount: Int
        fileprivate let hadChanges: Bool
    }

    var mark: Mark { Mark(undoCount: undo.count, hadChanges: hasChanges) }

    /// Takes note of an item's change that was made; `new` is its stored form.
    func record(_ change: Change, _ new: [UInt8]?) {
        hasChanges = true
        changeCount += 1
        undo.append(.item(start: record.count))
        let isSilent = change.leavesAttributes(new)
        if !isSilent { streamedCount += 1 }
        newByteCount += new?.count ?? 0
        largestByteCount = max(largestByteCount, new?.count ?? 0)
        growth += (new?.count ?? 0) - (change.old?.stored?.count ?? 0)
        LogBody.appendItem(
            table: change.table.number, key: change.key, old: change.old?.stored, new: new,
            isExpiry: change.isExpiry, isSilent: isSilent, to: &record)
    }

    /// The last change that the transaction sees, others' of its group and its own included.
    var sequenceNumber: SequenceNumber {
        streamedCount == 0
            ? SequenceNumber(commit: position.sequence)
            : SequenceNumber(commit: position.sequence + 1, ordinal: streamedCount - 1)
    }

    /// Puts or deletes what no item explains, and takes note of it.
    func setSystem(
        _ space: SystemSpace, _ key: [UInt8], _ value: [UInt8]?
    ) throws(CodexError) {
        let database = catalog.database(space)
        try noting { () throws(CodexError) in
            let old = unsafe try transaction.get(database, key).map { unsafe Array($0) }
            undo.append(.system(space, key: key, old: old, start: record.count))
            systemChangeCount += 1
            newByteCount += value?.count ?? 0
            largestByteCount = max(largestByteCount, value?.count ?? 0)
            systemGrowth += (value?.count ?? 0) - (old?.count ?? 0)
            LogBody.appendSystem(space, key: key, value: value, to: &record)
            try transaction.set(database, key, value)
        }
        hasChanges = true
    }

    /// Deletes what no item explains, whatever it was: for large entries, and many.
    ///
    /// A body that throws after it cannot be undone alone: the others of its group run again.
    func dropSystem(_ space: SystemSpace, _ key: [UInt8]) throws(CodexError) {
        let database = catalog.database(space)
        try noting { () throws(CodexError) in
            undo.append(.unread)
            systemChangeCount += 1
            LogBody.appendSystem(space, key: key, value: nil, to: &record)
            try transaction.delete(database, key)
        }
        hasChanges = true
    }

    private func forgetUndo() {
        undo = []
        record.replaceSubrange(LogRecordHeader.byteCount..., with: [])
        changeCount = 0
        streamedCount = 0
        growth = 0
        newByteCount = 0
        largestByteCount = 0
        systemGrowth = 0
        systemChangeCount = 0
        addsEntries = false
        hasChanges = false
    }

    /// Undoes what was done since `mark`, by the one function that changes items.
    ///
    /// - Throws: If it cannot; the transaction is of no use then.
    func rollBack(to mark: Mark) throws(CodexError) {
        do throws(CodexError) {
            while undo.count > mark.undoCount, let entry = undo.popLast() { try undo(entry) }
        } catch {
            failure = error
            throw error
        }
        hasChanges = mark.hadChanges
    }

    private func undo(_ entry: UndoEntry) throws(CodexError) {
        switch entry {
        case .system(let space, let key, let old, let start):
            try transaction.set(catalog.database(space), key, old)
            record.removeSubrange(start...)
        case .item(let start):
            var position = start
            guard case .item(let item) = try LogBody.entry(record, &position) else { return }
            let table = try catalog.table(number: item.table)
            let key = Array(record[item.key])
            let stored = item.old.map { Array(record[$0]) }
            let current = try image(table, key)
            let old = try stored.map { bytes throws(CodexError) in try decode(bytes, key, table) }
            try apply([Change(table: table, key: key, old: current, new: old)], isUndo: true)
            record.removeSubrange(start...)
            changeCount -= 1
            growth -= (item.new?.count ?? 0) - (item.old?.count ?? 0)
            if !item.isSilent { streamedCount -= 1 }
        case .unread:
            throw CodexError(
                .commitFailed, "An entry removed unread cannot be put back. Run the write again.")
        }
    }

    // MARK: End

    /// Commits the group: first to the log, durably, then to LMDB, which makes it visible.
    ///
    /// - Throws: ``CodexError/Code/outcomeUnknown`` if it is not known whether the commit will be
    ///   there; after any other error it is not.
    func commit() throws(CodexError) {
        hookFailed = false
        do throws(CodexError) {
            if record.count > LogRecordHeader.byteCount, catalog.manifest.isFollower {
                throw StoreCore.following
            }
            hookFailed = true
            try runHook()
            hookFailed = false
            for id in shapeCountAtBegin..<registry.count {
                let shape = unsafe try transaction.get(
                    catalog.shapes, ShapeRegistry.key(UInt32(id)))
                LogBody.appendSystem(
                    .shapes, key: ShapeRegistry.key(UInt32(id)),
                    value: unsafe shape.map { unsafe Array($0) } ?? [], to: &record)
            }
        } catch {
            abort()
            throw error
        }
        try commitRecord()
    }

    private func runHook() throws(CodexError) {
        do {
            try core.options.beforeCommit?()
        } catch {
            throw CodexError.wrapping(error)
        }
    }

    /// Begins a transaction that changes the manifest; with the core's schema lock held, and no
    /// transaction open.
    ///
    /// - Returns: `false` if something is to be done first that ``begin()`` does.
    func beginUnlessHindered() throws(CodexError) -> Bool {
        failure = nil
        isPending = false
        forgetUndo()
        transaction = try core.environment.begin(readOnly: false)
        isOpen = true
        do throws(CodexError) {
            try readPosition()
            shapeCountAtBegin = registry.count
            // Another process's change of the schema is taken over outside of the lock.
            guard try !isOutdated(), try obstacle() == nil else {
                abort()
                return false
            }
            return true
        } catch {
            if isOpen { abort() }
            throw error
        }
    }

    /// Changes the manifest in a transaction of its own; with the core's schema lock held, and no
    /// transaction open.
    ///
    /// - Returns: The catalog; `nil` if something is to be done first that ``begin()`` does.
    func changeManifest(
        _ body: (inout Manifest, Transaction) throws(CodexError) -> Bool
    ) throws(CodexError) -> Catalog? {
        guard try beginUnlessHindered() else { return nil }
        let new: Catalog
        do throws(CodexError) {
            var manifest = try Catalog(transaction).manifest
            if try body(&manifest, transaction) {
                let generation = try Catalog.storedGeneration(transaction, catalog.meta) + 1
                for entry in try manifest.entries(generation: generation) {
                    try transaction.set(catalog.meta, entry.key, entry.value)
                    // A follower's log is its leader's; how far it has built is lost with the
                    // building.
                    guard !manifest.isFollower else { continue }
                    LogBody.appendSystem(.meta, key: entry.key, value: entry.value, to: &record)
                }
                new = try Catalog(
                    manifest, generation: generation, transaction, create: true)
            } else {
                new = try Catalog(transaction)
            }
        } catch {
            if isOpen { abort() }
            throw error
        }
        try commitRecord(appliesAfterFailure: false)
        catalog = new
        return new
    }

    /// Applies a record that changes the manifest; with the core's schema lock held.
    ///
    /// - Returns: The catalog; `nil` if another process has applied it.
    func redoManifest(
        _ redone: LogRecord, _ end: LogPosition
    ) throws(CodexError) -> Catalog? {
        try redoingManifest { () throws(CodexError) in
            guard position.sequence + 1 == end.sequence else { return nil }
            return (try applyManifest(of: redone), end)
        }
    }

    /// Changes the manifest in a transaction that the log does not have; with the core's schema
    /// lock held.
    ///
    /// - Parameters:
    ///   - flushes: Whether all up to the end was flushed before.
    ///   - body: Makes the catalog, and says where the log is then.
    /// - Returns: The catalog; `nil` if a checkpoint is to be made first, or `body` makes none.
    /// - Throws: What `body` and LMDB throw.
    func redoingManifest(
        flushes: Bool = true, _ body: () throws(CodexError) -> (Catalog, LogPosition)?
    ) throws(CodexError) -> Catalog? {
        forgetUndo()
        transaction = try core.environment.begin(readOnly: false)
        isOpen = true
        let new: Catalog
        let end: LogPosition
        do throws(CodexError) {
            try readPosition()
            guard try checkpointer.hasPin(transaction), let made = try body() else {
                abort()
                return nil
            }
            (new, end) = made
        } catch {
            if isOpen { abort() }
            throw error
        }
        try commitRedone(end, flushed: flushes ? end.sequence : flushedSequence)
        catalog = new
        return new
    }

    /// Takes note of a counter whose sum does not fit, in a store whose counters may be ahead of
    /// what the log says: a follower, or a copy that is restored.
    func noteOverflow(_ counter: CounterHandle) {
        guard isRedoing, catalog.manifest.isFollower || core.options.isRestoring else { return }
        overflow = counter.tree.database
    }

    /// The counter that was noted, once.
    func takeOverflow() -> DatabaseID? {
        defer { overflow = nil }
        return overflow
    }

    /// Commits what the record has; without entries, what the log need not know.
    private func commitRecord(appliesAfterFailure: Bool = true) throws(CodexError) {
        core.options.reached(.bodiesRun)
        isPending = false
        let isLogged = record.count > LogRecordHeader.byteCount
        do throws(CodexError) {
            let use = roomUse
            try reserve(
                changeCount: changeCount + systemChangeCount, byteCount: newByteCount, use)
            core.options.reached(.roomReserved)
            if isLogged {
                let planned = try log.plan(
                    &record, after: position, flushed: flushedSequence, changeCount: changeCount,
                    use)
                try transaction.put(
                    catalog.meta, LogPosition.key,
                    planned.position.bytes(flushed: planned.flushedSequence))
                try log.write(record, planned)
            }
        } catch {
            abort()
            throw error
        }
        try commitTransaction(
            isLogged: isLogged, appliesAfterFailure: appliesAfterFailure,
            changeCount: changeCount, byteCount: record.count)
    }

    /// Commits the LMDB transaction, whose records are in the log.
    func commitTransaction(
        isLogged: Bool, appliesAfterFailure: Bool, changeCount: Int, byteCount: Int
    ) throws(CodexError) {
        isOpen = false
        do throws(CodexError) {
            try transaction.commit()
        } catch {
            forget()
            isPending = isLogged
            guard isLogged, appliesAfterFailure else { throw full(error) }
            // What is in the log is committed: it is applied again from there.
            try applyAfterFailure(error)
            return
        }
        core.options.reached(.committed)
        checkpointer.committed(changeCount: changeCount, byteCount: byteCount, counter)
        checkpointer.writeEnded()
        core.commits.committed()
        transactionCount += 1
        if transactionCount % Self.readerCheckInterval == 0 { core.environment.clearDeadReaders() }
    }

    /// Whether the last commit is in the log and could not be applied.
    private(set) var isPending = false
    private var transactionCount = 0
    /// After how many commits the slots of killed readers are looked for.
    private static let readerCheckInterval = 256
    private static let applyAttemptMax = 3

    /// LMDB reports a write that was cut short by a full disk as EIO.
    private func full(_ error: CodexError) -> CodexError {
        guard error.code == .inputOutput, core.directory.isFull else { return error }
        return CodexError.diskFull(error.cause)
    }

    /// Applies what is in the log though LMDB's commit failed.
    func applyAfterFailure(_ failure: CodexError) throws(CodexError) {
        var last = failure
        for _ in 0..<Self.applyAttemptMax {
            do throws(CodexError) {
                return try redoRest()
            } catch {
                last = full(error)
            }
        }
        throw CodexError(
            .outcomeUnknown,
            "The write is in the log but the data file could not follow (\(last.code)); it will be "
                + "there as soon as a write or the next opening can apply it.", cause: last)
    }

    /// Ends the transaction without effect.
    func abort() {
        endTransaction()
        forget()
    }

    private func forget() {
        checkpointer.writeEnded()
        registry.truncate(to: shapeCountAtBegin)
        forgetShapes(from: shapeCountAtBegin)
        forgetUndo()
        streaks.removeAll(keepingCapacity: true)
    }

    // MARK: The log

    /// Reads the shapes that the log brought.
    func refreshShapes() throws(CodexError) {
        try registry.refresh(transaction, catalog.shapes)
    }

    /// Commits what was redone up to `position`, without appending it.
    ///
    /// - Parameters:
    ///   - position: Where the log is then.
    ///   - flushed: Up to where it is on stable storage; unless given, up to there.
    ///   - byteCount: The bytes of the records.
    /// - Throws: What LMDB throws.
    func commitRedone(
        _ position: LogPosition, flushed: UInt64? = nil, byteCount: Int = 0
    ) throws(CodexError) {
        do throws(CodexError) {
            let before = min(self.position.changeCount, position.changeCount)
            let changeCount = Int(clamping: position.changeCount - before)
            try reserve(changeCount: changeCount, byteCount: byteCount, .redoing)
            try transaction.put(
                catalog.meta, LogPosition.key,
                position.bytes(flushed: flushed ?? position.sequence))
            isOpen = false
            try transaction.commit()
            checkpointer.committed(changeCount: changeCount, byteCount: byteCount, counter)
            checkpointer.writeEnded()
        } catch {
            if isOpen { endTransaction() }
            forget()
            throw full(error)
        }
    }
}
