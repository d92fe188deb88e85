package import CodexCore
internal import CodexIndex

/// The context of the writer's transactions.
///
/// Used by the writer's thread only.
package final class WriteContext: TransactionContext, ShapeInterner {
    private var registry = ShapeRegistry()
    private var shapeCountAtBegin = 0
    private var undo: [UndoEntry] = []
    private var undoByteCount = 0
    private(set) var changeCount = 0
    private(set) var sequence: UInt64 = 0
    /// The failure that made the LMDB transaction useless; the group is run again without its
    /// culprit.
    private(set) var failure: CodexError?
    /// Up to where the counters that are being built include the items, by tree.
    private var positions: [DatabaseID: BuildPosition] = [:]
    private var streaks: [DatabaseID: Streak] = [:]

    /// What undoing one change needs.
    private enum UndoEntry {
        /// An item's change: what was there before, as it was stored, and, where a commit record is
        /// wanted, both images.
        case item(TableHandle, key: [UInt8], old: [UInt8]?, images: (old: Image?, new: Image?)?)
        /// An idempotency token that was remembered.
        case token(IdempotentRequest)
    }

    /// How many ascending keys were put into a tree in a row.
    private struct Streak {
        var last: [UInt8]
        var length = 0
    }

    /// Begins the first transaction.
    init(_ core: StoreCore) throws(CodexError) {
        // The catalog first: a transaction knows only handles that were opened before it began.
        let catalog = core.catalog
        super.init(core, try core.environment.begin(readOnly: false), catalog)
        try began()
    }

    /// Begins the next transaction after ``commit()`` or ``abort()``.
    func begin() throws(CodexError) {
        if catalog !== core.catalog { catalog = core.catalog }
        transaction = try core.environment.begin(readOnly: false)
        try began()
    }

    private func began() throws(CodexError) {
        failure = nil
        forgetUndo()
        while try isOutdated() {
            // Another process changed the schema. Databases opened from now on are for the next
            // transaction.
            transaction.abort()
            catalog = try core.refreshCatalog()
            transaction = try core.environment.begin(readOnly: false)
        }
        do throws(CodexError) {
            try registry.refresh(transaction, catalog.shapes)
            shapeCountAtBegin = registry.count
            sequence = try storedSequence()
            positions = [:]
            if catalog.hasWork { try readPositions() }
        } catch {
            transaction.abort()
            throw error
        }
    }

    /// Whether the catalog is not the one of the transaction, which is ended if that fails.
    private func isOutdated() throws(CodexError) -> Bool {
        do throws(CodexError) {
            return try Catalog.storedGeneration(transaction, catalog.meta) != catalog.generation
        } catch {
            transaction.abort()
            throw error
        }
    }

    package func intern(_ names: [String]) throws(CodexError) -> UInt32? {
        try registry.intern(names, transaction, catalog.shapes)
    }

    /// Whether the transaction changed anything.
    private(set) var hasChanges = false

    /// Remembers a change that is not one of an item, and that no failed body leaves behind.
    func noteChange() { hasChanges = true }

    /// Makes a change that was checked: whatever fails now leaves it half made, and nothing more can
    /// be done in this transaction.
    func noting<R>(_ body: () throws(CodexError) -> R) throws(CodexError) -> R {
        do throws(CodexError) {
            return try body()
        } catch {
            failure = error
            throw error
        }
    }

    // MARK: Putting

    /// After how many ascending keys the next is expected to be the tree's last.
    private static let streakMin = 4
    private static let streakPenalty = -256

    /// Stores an entry of a tree.
    ///
    /// Keys that come in order are appended: pages are filled, not split in halves.
    func put(_ tree: Tree, _ key: [UInt8], _ value: [UInt8]) throws(CodexError) {
        if core.options.plantedFault == .lostOverflow, key.count > LongKey.pieceByteCount {
            let pointer = LongKey.piece(key[...], layer: nil).physical
            let layer = BigEndian.bytes(try transaction.nextID(tree.overflow))
            return try transaction.put(tree.database, pointer, layer)
        }
        var streak = streaks.removeValue(forKey: tree.database) ?? Streak(last: [])
        let isAscending = ByteOrder.compare(streak.last, key) < 0
        streak.last = key
        streak.length = isAscending || streak.length < 0 ? streak.length + 1 : 0
        defer { streaks[tree.database] = streak }
        if streak.length > Self.streakMin, isAscending, key.count < LongKey.pieceByteCount {
            if try transaction.append(tree.database, key, value) { return }
            streak.length = Self.streakPenalty
        }
        try transaction.put(tree, key, value)
    }

    // MARK: Building

    /// Up to where a counter that is being built includes the items.
    enum BuildPosition {
        case upTo([UInt8])
        case everything
    }

    /// Where the progress of building a tree is kept.
    static func positionKey(_ table: TableHandle, _ part: String) -> [UInt8] {
        positionKey(table: table.number, part)
    }

    static func positionKey(table: Int, _ part: String) -> [UInt8] {
        Array("position t\(table).\(part)".utf8)
    }

    private func readPositions() throws(CodexError) {
        for table in catalog.allTables {
            for counter in table.counters where counter.state == .building {
                let stored = unsafe try transaction.get(
                    catalog.meta, Self.positionKey(table, counter.part))
                guard let stored = unsafe stored else { continue }
                positions[counter.tree.database] =
                    unsafe stored.first == 1 ? .everything : .upTo(Array(stored.dropFirst()))
            }
        }
    }

    /// Up to where a counter includes the items; nothing yet is the empty key.
    func position(_ counter: CounterHandle) -> BuildPosition {
        positions[counter.tree.database] ?? .upTo([])
    }

    /// Sets up to where a counter that is being built includes the table's items.
    func setPosition(
        _ position: BuildPosition, _ table: TableHandle, _ counter: CounterHandle
    ) throws(CodexError) {
        let bytes: [UInt8] =
            switch position {
            case .upTo(let key): [0] + key
            case .everything: [1]
            }
        try transaction.put(catalog.meta, Self.positionKey(table, counter.part), bytes)
        positions[counter.tree.database] = position
        noteChange()
    }

    /// Whether a counter includes the item under `key`.
    func isCounted(_ key: [UInt8], _ counter: CounterHandle) -> Bool {
        switch counter.state {
        case nil: return true
        case .loading, .conflicting: return false
        case .building:
            guard case .upTo(let last) = position(counter) else { return true }
            return ByteOrder.compare(key, last) <= 0
        }
    }

    // MARK: Undo

    /// A place in the transaction to go back to.
    struct Mark {
        fileprivate let undoCount: Int
        fileprivate let lostUndoCount: Int
        fileprivate let hadChanges: Bool
    }

    /// Undo that takes more memory than this is dropped: the transaction is aborted instead.
    private static let undoByteCountMax = 64 << 20
    private var lostUndoCount = 0

    var mark: Mark {
        Mark(undoCount: undo.count, lostUndoCount: lostUndoCount, hadChanges: hasChanges)
    }

    func record(_ table: TableHandle, _ key: [UInt8], _ old: Image?, _ new: Image?) {
        hasChanges = true
        changeCount += 1
        let wantsImages = core.options.commitSink.wantsChanges
        undo.append(
            .item(table, key: key, old: old?.stored, images: wantsImages ? (old, new) : nil))
        undoByteCount += key.count + (old?.stored?.count ?? 0) + MemoryLayout<UndoEntry>.size
        if undoByteCount > Self.undoByteCountMax, !wantsImages {
            undo = []
            undoByteCount = 0
            lostUndoCount += 1
        }
    }

    /// Remembers that a request's token was stored.
    func record(_ request: IdempotentRequest) {
        hasChanges = true
        undo.append(.token(request))
    }

    private func forgetUndo() {
        undo = []
        undoByteCount = 0
        lostUndoCount = 0
        changeCount = 0
        hasChanges = false
    }

    /// Undoes what was done since `mark`, by the one function that changes items.
    ///
    /// - Throws: If it cannot; the transaction is of no use then.
    func rollBack(to mark: Mark) throws(CodexError) {
        guard mark.lostUndoCount == lostUndoCount else {
            let error = CodexError(.transactionTooLarge, "The transaction is too large to undo.")
            failure = error
            throw error
        }
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
        case .token(let request): try forget(request)
        case .item(let table, let key, let stored, _):
            let current = try image(table, key)
            let old = try stored.map { bytes throws(CodexError) in try decode(bytes, key, table) }
            try apply([Change(table: table, key: key, old: current, new: old)], isUndo: true)
            changeCount -= 1
        }
    }

    // MARK: End

    /// Prepares and commits the group.
    func commit() throws(CodexError) {
        sequence += 1
        do throws(CodexError) {
            try transaction.put(catalog.meta, Self.sequenceKey, BigEndian.bytes(sequence))
            try core.options.commitSink.prepare(
                CommitRecord(sequence: sequence, changes: try collectChanges()))
        } catch {
            abort()
            throw error
        }
        do throws(CodexError) {
            try transaction.commit()
        } catch {
            forget()
            // LMDB reports a write that was cut short by a full disk as EIO.
            guard error.code == .inputOutput, FileSystem.isFull(core.path) else { throw error }
            throw CodexError(
                .diskFull, "No space is left on the device. Free some, then try again.",
                cause: error.cause)
        }
        if sequence % Self.readerCheckInterval == 0 { core.environment.clearDeadReaders() }
    }

    /// After how many commits the slots of killed readers are looked for.
    private static let readerCheckInterval: UInt64 = 256

    private func collectChanges() throws(CodexError) -> [ItemChange] {
        var changes: [ItemChange] = []
        for entry in undo {
            guard case .item(let table, let key, _, let (old, new)?) = entry,
                old?.item != new?.item
            else { continue }
            changes.append(
                ItemChange(
                    table: table.name, key: try table.plan.primaryKey(key.span),
                    old: old?.item, new: new?.item))
        }
        return changes
    }

    /// Ends the transaction without effect.
    func abort() {
        transaction.abort()
        forget()
    }

    private func forget() {
        registry.truncate(to: shapeCountAtBegin)
        forgetShapes(from: shapeCountAtBegin)
        forgetUndo()
        streaks = [:]
    }
}
