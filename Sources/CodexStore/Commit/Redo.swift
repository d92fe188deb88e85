internal import CodexCore

/// What a recovery found and did.
public struct RecoveryReport: Sendable, Hashable {
    /// The commits that were redone from the log.
    public var commitCount = 0
    /// The changes of items among them.
    public var changeCount = 0
    /// Whether the log ended in a record that is not whole: a commit that was being written when
    /// the machine or the process stopped, and was never acknowledged (but with
    /// ``Durability/none`` or ``Durability/interval(losing:)``).
    public var foundTornRecord = false
    /// How long the recovery took.
    public var duration = Duration.zero

    /// Creates the report of a recovery that had nothing to redo.
    public init() {}
}

/// Applying the log: what was appended and never reached the data file.
extension WriteContext {
    /// Applies what another process, or a commit that failed, left in the log.
    func redoRest() throws(CodexError) {
        _ = try redo(rewrites: true)
    }

    /// Applies the log from where the data file is up to its end.
    ///
    /// - Parameter rewrites: Whether the records may be in memory only, so that each must be written
    ///   and flushed again, in the transaction that applies it: with LMDB's write lock, so that
    ///   nobody appends more meanwhile.
    /// - Returns: How many commits and changes there were.
    /// - Throws: ``CodexError/Code/corrupted`` if the log does not continue the data file.
    func redo(rewrites: Bool = false) throws(CodexError) -> (commitCount: Int, changeCount: Int) {
        var (commitCount, changeCount) = (0, 0)
        var unkept = Batch()
        var limit = RedoLimit(core.options)
        isRedoing = true
        defer { isRedoing = false }
        while true {
            try beginRaw()
            do throws(CodexError) {
                guard try checkpointer.hasPin(transaction) else {
                    abort()
                    try checkpointer.checkpointNow()
                    continue
                }
                if rewrites { try rewriteRest() }
                let batch = try redoBatch(limit)
                commitCount += batch.commitCount
                changeCount += batch.changeCount
                unkept.changeCount += batch.changeCount
                unkept.byteCount += batch.byteCount
                if let schema = batch.schemaChange {
                    abort()
                    try core.redoManifest(self, schema.record, schema.end)
                    commitCount += 1
                } else if batch.commitCount == 0 {
                    abort()
                    return (commitCount, changeCount)
                }
            } catch {
                if isOpen { abort() }
                // Fewer at once need less room, and a checkpoint gives back what was replaced.
                if error.code == .diskFull, limit.halve() {
                    try checkpointer.checkpointNow()
                    continue
                }
                guard let counter = takeOverflow() else { throw error }
                try core.setConflicting(counter, self)
                continue
            }
            core.options.reached(.redone)
            // Else the pages that days of commits replace would all be kept.
            let policy = core.options.checkpoints
            if unkept.changeCount >= policy.changeCount || unkept.byteCount >= policy.dirtyByteCount
            {
                try checkpointer.checkpointNow()
                unkept = Batch()
            }
        }
    }

    private func rewriteRest() throws(CodexError) {
        var cursor = LogCursor(log.directory, after: position)
        while try cursor.next() != nil {}
        try log.rewrite(from: position, to: cursor.position)
    }

    /// Lets the log go on in a fresh segment.
    func moveLog(to segment: UInt64) throws(CodexError) {
        try beginRaw()
        do throws(CodexError) {
            guard try checkpointer.hasPin(transaction) else {
                throw Wire.corrupted("the checkpoint's pages are not kept")
            }
        } catch {
            abort()
            throw error
        }
        var moved = position
        moved.segment = segment
        moved.offset = UInt64(LogSegmentHeader.byteCount)
        try commitRedone(moved)
    }

    /// How much is redone in one transaction: it is held in memory.
    private struct RedoLimit {
        var changeCount: Int
        var byteCount: Int

        init(_ options: StoreOptions) {
            changeCount = options.redoneChangeCountMax
            byteCount = options.redoneByteCountMax
        }

        /// Asks for less; `false` if it is one commit already.
        mutating func halve() -> Bool {
            guard changeCount > 1 || byteCount > 1 else { return false }
            (changeCount, byteCount) = (max(changeCount / 8, 1), max(byteCount / 8, 1))
            return true
        }
    }

    private struct Batch {
        var commitCount = 0
        var changeCount = 0
        var byteCount = 0
        /// The record that follows, if it needs a transaction of its own and is the first.
        var schemaChange: (record: LogRecord, end: LogPosition)?
    }

    /// Applies and commits the next records; none if a change of the schema comes first.
    private func redoBatch(_ limit: RedoLimit) throws(CodexError) -> Batch {
        var batch = Batch()
        var cursor = LogCursor(log.directory, after: position)
        var end = position
        while batch.changeCount < limit.changeCount, batch.byteCount < limit.byteCount,
            let record = try cursor.next()
        {
            guard try !Self.changesSchema(record) else {
                if batch.commitCount == 0 {
                    var place = cursor.position
                    place.changeCount = end.changeCount
                    batch.schemaChange = (record, place)
                }
                break
            }
            let count = try redo(record)
            batch.changeCount += count
            batch.byteCount += record.header.recordByteCount
            batch.commitCount += 1
            let changeCount = end.changeCount + UInt64(count)
            end = cursor.position
            end.changeCount = changeCount
        }
        if batch.commitCount > 0 { try commitRedone(end, byteCount: batch.byteCount) }
        return batch
    }

    /// Whether a record changes the manifest, and nothing else.
    static func changesSchema(_ record: LogRecord) throws(CodexError) -> Bool {
        var position = record.body.lowerBound
        guard position < record.body.upperBound,
            case .system(.meta, let key, _) = try LogBody.entry(record.bytes, &position)
        else { return false }
        return record.bytes[key].elementsEqual(Manifest.key)
    }

    /// Applies one commit: its shapes first, since items refer to them.
    ///
    /// - Returns: How many changes of items it has.
    func redo(_ record: LogRecord) throws(CodexError) -> Int {
        let bytes = record.bytes
        var items: [LogEntry.Item] = []
        var hasShapes = false
        try LogBody.forEach(record) { entry throws(CodexError) in
            switch entry {
            case .item(let item): items.append(item)
            case .system(let space, let key, let value):
                if space == .shapes { hasShapes = true }
                try transaction.set(
                    catalog.database(space), Array(bytes[key]), value.map { Array(bytes[$0]) })
            }
        }
        if hasShapes { try refreshShapes() }
        try redo(items, bytes)
        return items.count
    }

    /// Applies a commit's changes of items at once, so that only their common outcome counts: what is
    /// between two of them, a sum of too many digits say, was not there between two writes either.
    private func redo(_ items: [LogEntry.Item], _ bytes: [UInt8]) throws(CodexError) {
        struct ItemKey: Hashable {
            let table: Int
            let key: [UInt8]
        }
        /// An item's change from its first image to its last.
        struct Net {
            let key: ItemKey
            let old: Range<Int>?
            var new: Range<Int>?
        }
        var net: [Net] = []
        var places: [ItemKey: Int] = [:]
        for item in items {
            let key = ItemKey(table: item.table, key: Array(bytes[item.key]))
            if let place = places[key] {
                let before = net[place].new.map { bytes[$0] }
                guard before == item.old.map({ bytes[$0] }) else { throw Self.discontinuous }
                net[place].new = item.new
            } else {
                places[key] = net.count
                net.append(Net(key: key, old: item.old, new: item.new))
            }
        }
        var changes: [Change] = []
        for item in net {
            let table = try catalog.table(number: item.key.table)
            let old = try image(table, item.key.key)
            guard old?.stored == item.old.map({ Array(bytes[$0]) }) else {
                throw Self.discontinuous
            }
            let new = try item.new.map { range throws(CodexError) in
                try decode(Array(bytes[range]), item.key.key, table)
            }
            if old == nil, new == nil { continue }
            changes.append(Change(table: table, key: item.key.key, old: old, new: new))
        }
        try apply(changes, isUndo: true)
    }

    private static var discontinuous: CodexError {
        CodexError(
            .corrupted,
            "The log does not continue the data file: an item is not what a commit found. "
                + "Restore from a backup.")
    }
}
