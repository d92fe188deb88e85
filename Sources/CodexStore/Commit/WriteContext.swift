package import CodexCore
internal import CodexIndex

/// What the body of a write works with: the writer's transaction, and what the commit will need.
///
/// ``CommitPipeline`` begins and ends the transactions. Used by the writer's thread only (while a
/// store is opened, by the thread that opens it).
package final class WriteContext: TransactionContext, ShapeInterner {
    /// Where the changes of a transaction come from.
    enum Mode {
        /// Bodies: what they ask for is judged.
        case writing
        /// The log, or a leader: what it says is put down as it is.
        case applying
    }

    /// The commit's record.
    var record = RecordBuilder()
    /// What takes the transaction's changes back.
    private(set) var undo = UndoLog()
    private var registry = ShapeRegistry()
    /// How far counters that are being built include the items.
    var progress = BuildProgress()
    let trees: TreeWriter
    let entries: EntryWriter
    /// Where the log ends as the transaction sees it.
    private(set) var position = LogPosition.none
    /// Up to where the log is on stable storage, as the transaction sees it.
    private(set) var flushedSequence: UInt64 = 0
    var mode = Mode.writing
    /// The counter with a sum that does not fit, which ``LogApplier`` met: on the leader, or when
    /// the commit was made, it was not maintained.
    var unsummableCounter: DatabaseID?
    /// The failure that made the LMDB transaction useless; the group is run again without its
    /// culprit.
    private(set) var failure: CodexError?

    override init(_ core: StoreCore, _ transaction: Transaction, _ catalog: Catalog) {
        trees = TreeWriter(core.options.parts)
        entries = EntryWriter(core.options.parts)
        super.init(core, transaction, catalog)
    }

    // MARK: Ways to change items

    /// Changes of items, with their index entries and counters.
    var items: ItemMaintenance { ItemMaintenance(self) }

    /// Conditional writes of single items.
    var writes: ItemWrites { ItemWrites(self) }

    /// Writes of entities.
    var entityWrites: EntityWrites { EntityWrites(self) }

    // MARK: Beginning and end

    /// Forgets the changes of the transaction before.
    func clear() {
        failure = nil
        clearChanges()
    }

    private func clearChanges() {
        undo.clear()
        record.clear()
    }

    /// Reads where the log ends, and begins to count new shapes.
    func readPosition() throws(CodexError) {
        let bytes = try storedPositionBytes()
        position = try LogPosition(bytes)
        flushedSequence = LogPosition.flushedSequence(bytes)
        registry.begin()
    }

    /// Reads what the transaction begins with.
    func readState() throws(CodexError) {
        try readPosition()
        try refreshShapes()
        registry.begin()
        progress = try BuildProgress(transaction, catalog)
    }

    /// Reads the shapes that others added, or the log.
    func refreshShapes() throws(CodexError) {
        try registry.refresh(transaction, catalog.shapes)
    }

    /// Appends the shapes that the transaction added to its record.
    func recordShapes() throws(CodexError) {
        for id in registry.added {
            let key = ShapeRegistry.key(UInt32(id))
            let shape = unsafe try transaction.get(catalog.shapes, key)
            record.appendUncounted(.shapes, key, unsafe shape.map { unsafe Array($0) } ?? [])
        }
    }

    /// Forgets what a transaction changed that ended without effect.
    func forgetChanges() {
        forgetShapes(from: registry.rollBack())
        clearChanges()
        trees.forgetStreaks()
    }

    // MARK: Changes

    package func intern(_ names: StoredNames) throws(CodexError) -> UInt32? {
        // A follower's numbers are its leader's.
        let mayAdd = mode == .writing && !catalog.manifest.isFollower
        return try registry.intern(names, transaction, catalog.shapes, mayAdd: mayAdd)
    }

    /// The last change that the transaction sees, others' of its group and its own included.
    var sequenceNumber: SequenceNumber {
        record.streamedCount == 0
            ? SequenceNumber(commit: position.sequence)
            : SequenceNumber(commit: position.sequence + 1, ordinal: record.streamedCount - 1)
    }

    /// Records an item's change that was made; `new` is its stored form.
    func noteItem(_ change: Change, _ new: [UInt8]?) {
        let start = record.byteCount
        undo.append(.item(start: start))
        undo.noteChange()
        record.append(change, new)
    }

    /// Remembers a change that is not one of an item, and that no failed body leaves behind.
    ///
    /// - Parameter addsEntries: Whether it makes the store larger.
    func noteChange(addsEntries: Bool = false) { undo.noteChange(addsEntries: addsEntries) }

    /// Puts or deletes what no item explains, and records it.
    func setSystem(
        _ space: SystemSpace, _ key: [UInt8], _ value: [UInt8]?
    ) throws(CodexError) {
        let database = catalog.database(space)
        try recordingFailure { () throws(CodexError) in
            let old = unsafe try transaction.get(database, key).map { unsafe Array($0) }
            let start = record.byteCount
            undo.append(.system(space, key: key, old: old, start: start))
            record.append(space, key, value, oldByteCount: old?.count ?? 0)
            try transaction.set(database, key, value)
        }
        undo.noteChange()
    }

    /// Deletes what no item explains, whatever it was: for large entries, and many.
    ///
    /// A body that throws after it cannot be undone alone: the others of its group run again.
    func dropSystem(_ space: SystemSpace, _ key: [UInt8]) throws(CodexError) {
        let database = catalog.database(space)
        try recordingFailure { () throws(CodexError) in
            undo.append(.unread)
            record.appendRemoval(space, key)
            try transaction.delete(database, key)
        }
        undo.noteChange()
    }

    /// Makes a change that was checked: a failure now leaves it half made, and nothing more can be
    /// done in this transaction.
    func recordingFailure<R>(_ body: () throws(CodexError) -> R) throws(CodexError) -> R {
        do throws(CodexError) {
            return try body()
        } catch {
            failure = error
            throw error
        }
    }

    // MARK: Undo

    /// The place that the transaction has come to.
    var mark: UndoLog.Mark { undo.mark }

    /// Undoes what was done since `mark`, by the one function that changes items.
    ///
    /// - Throws: If it cannot; the transaction is of no use then.
    func rollBack(to mark: UndoLog.Mark) throws(CodexError) {
        try recordingFailure { () throws(CodexError) in
            while let entry = undo.popLast(downTo: mark) { try undoEntry(entry) }
        }
        undo.endRollback(to: mark)
    }

    private func undoEntry(_ entry: UndoLog.Entry) throws(CodexError) {
        switch entry {
        case .system(let space, let key, let old, let start):
            try transaction.set(catalog.database(space), key, old)
            record.removeSystemEntry(from: start)
        case .item(let start):
            var position = start
            guard case .item(let item) = try LogBody.entry(record.bytes, &position) else { return }
            let table = try catalog.table(number: item.table)
            let key = Array(record.bytes[item.key])
            let stored = item.old.map { Array(record.bytes[$0]) }
            let current = try image(table, key)
            let old = try stored.map { bytes throws(CodexError) in try decode(bytes, key, table) }
            try items.apply(
                [Change(table: table, key: key, old: current, new: old)], isUndo: true)
            record.remove(item, from: start)
        case .unread:
            throw CodexError(
                .commitFailed, "An entry removed unread cannot be put back. Run the write again.")
        }
    }
}
