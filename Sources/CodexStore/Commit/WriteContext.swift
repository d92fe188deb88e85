package import CodexCore
internal import CodexIndex

/// The writer's transaction for the body of a write, with the data that its commit needs.
///
/// ``CommitPipeline`` begins and ends the transactions. Only the writer's thread uses the context.
/// While a store is opened, that is the thread that opens it.
package final class WriteContext: TransactionContext, ShapeInterner {
    /// The source of a transaction's changes.
    enum Mode {
        /// The bodies of writes: their changes are checked.
        case writing
        /// The log, or a leader: its changes are applied as they are.
        case applying
    }

    /// The commit's record.
    var record = RecordBuilder()
    /// The entries that undo the transaction's changes.
    private(set) var undo = UndoLog()
    private var registry = ShapeRegistry()
    /// The items that are included in counters under construction.
    var progress = BuildProgress()
    let trees: TreeWriter
    let entries: EntryWriter
    /// The end of the log, as the transaction sees it.
    private(set) var position = LogPosition.none
    /// The last record of the log on stable storage, as the transaction sees it.
    private(set) var flushedSequence: UInt64 = 0
    var mode = Mode.writing
    /// The counter whose sum overflowed while ``LogApplier`` applied a record.
    ///
    /// The leader, or the store at the time of the commit, did not maintain the counter.
    var unsummableCounter: DatabaseID?
    /// The failure that made the LMDB transaction unusable; the group runs again without the failed
    /// body.
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

    /// Forgets the changes of the previous transaction.
    func clear() {
        failure = nil
        clearChanges()
    }

    private func clearChanges() {
        undo.clear()
        record.clear()
    }

    /// Reads the end of the log, and begins to count new shapes.
    func readPosition() throws(CodexError) {
        let bytes = try storedPositionBytes()
        position = try LogPosition(bytes)
        flushedSequence = LogPosition.flushedSequence(bytes)
        registry.begin()
    }

    /// Reads the state at the begin of the transaction.
    func readState() throws(CodexError) {
        try readPosition()
        try refreshShapes()
        registry.begin()
        progress = try BuildProgress(transaction, catalog)
    }

    /// Reads the shapes that other processes or the log added.
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

    /// Forgets the changes of a transaction that ended without effect.
    func forgetChanges() {
        forgetShapes(from: registry.rollBack())
        clearChanges()
        trees.forgetStreaks()
    }

    // MARK: Changes

    /// Whether shapes may be added: a follower uses the numbers of its leader.
    private var mayAddShapes: Bool { mode == .writing && !catalog.manifest.isFollower }

    package func intern(_ names: StoredNames) throws(CodexError) -> UInt32? {
        try registry.intern(names, transaction, catalog.shapes, mayAdd: mayAddShapes)
    }

    package func ruledShape(
        _ number: UInt32, for texts: ItemTexts
    ) throws(CodexError) -> Shape? {
        let shape = try shape(number)
        guard mayAddShapes, let rules = registry.learnRules(shape, texts) else { return shape }
        let added = try registry.add(shape.names, rules, transaction, catalog.shapes)
        guard let added else { return shape }
        return try self.shape(added)
    }

    /// The last change that the transaction sees, including changes of its group and its own.
    var sequenceNumber: SequenceNumber {
        let count = record.counts.streamedCount
        return count == 0
            ? SequenceNumber(commit: position.sequence)
            : SequenceNumber(commit: position.sequence + 1, ordinal: count - 1)
    }

    /// Records a change of an item that was made; `new` is the item's stored form.
    func noteItem(_ change: Change, _ new: [UInt8]?) {
        let start = record.byteCount
        undo.append(.item(start: start))
        undo.noteChange()
        record.append(change, new)
    }

    /// Records a change that concerns no item, and that needs no undo entry.
    ///
    /// - Parameter addsEntries: Whether the change makes the store larger.
    func noteChange(addsEntries: Bool = false) { undo.noteChange(addsEntries: addsEntries) }

    /// Puts or deletes a system entry, and records the change.
    func setSystem(
        _ space: SystemSpace, _ key: [UInt8], _ value: [UInt8]?
    ) throws(CodexError) {
        let database = catalog.database(space)
        try recordingFailure { () throws(CodexError) in
            let old = unsafe try transaction.get(database, key).map { unsafe Array($0) }
            undo.append(.system(space, key: key, old: old))
            record.append(space, key, value, oldByteCount: old?.count ?? 0)
            try transaction.set(database, key, value)
        }
        undo.noteChange()
    }

    /// Deletes a system entry without reading it, for large or many entries.
    ///
    /// If the body throws after that, it cannot be undone alone: the other bodies of its group run
    /// again.
    func dropSystem(_ space: SystemSpace, _ key: [UInt8]) throws(CodexError) {
        let database = catalog.database(space)
        try recordingFailure { () throws(CodexError) in
            undo.append(.unread)
            record.appendRemoval(space, key)
            try transaction.delete(database, key)
        }
        undo.noteChange()
    }

    /// Makes a change that was checked, and records a failure.
    ///
    /// A failure leaves the change incomplete, so the transaction is unusable then.
    func recordingFailure<R>(_ body: () throws(CodexError) -> R) throws(CodexError) -> R {
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
        fileprivate let undo: UndoLog.Mark
        fileprivate let record: RecordBuilder.Mark
    }

    /// The current place in the transaction.
    var mark: Mark { Mark(undo: undo.mark, record: record.mark) }

    /// Undoes the changes since `mark`, with the one function that changes items.
    ///
    /// - Throws: If it cannot; the transaction is unusable then.
    func rollBack(to mark: Mark) throws(CodexError) {
        try recordingFailure { () throws(CodexError) in
            while let entry = undo.popLast(downTo: mark.undo) { try undoEntry(entry) }
        }
        undo.endRollback(to: mark.undo)
        record.remove(downTo: mark.record)
    }

    private func undoEntry(_ entry: UndoLog.Entry) throws(CodexError) {
        switch entry {
        case .system(let space, let key, let old):
            try transaction.set(catalog.database(space), key, old)
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
        case .unread:
            throw CodexError(
                .commitFailed, "An entry removed unread cannot be put back. Run the write again.")
        }
    }
}
