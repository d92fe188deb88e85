internal import CodexCore

/// Applies records of a log, which the data file lacks, to items, index entries and counters.
///
/// All records are applied here. They come from the recovery of an opening, from another process or
/// a commit that LMDB refused (``applyRest()``), or from a leader (``FollowerCommit``).
struct LogApplier {
    private let pipeline: CommitPipeline
    private var context: WriteContext { pipeline.context }

    init(_ pipeline: CommitPipeline) { self.pipeline = pipeline }

    // MARK: The store's own log

    /// Applies the records that another process, or a failed commit, left in the log.
    func applyRest() throws(CodexError) { _ = try applyLog(rewrites: true) }

    /// Applies the log from the position of the data file to the log's end.
    ///
    /// - Parameter rewrites: Whether the records may be in memory only. Then each is written and
    ///   flushed again in the transaction that applies it. LMDB's write lock keeps other processes
    ///   from appending meanwhile.
    /// - Returns: The numbers of commits and changes that were applied.
    /// - Throws: ``CodexError/Code/corrupted`` if the log does not continue the data file.
    func applyLog(
        rewrites: Bool = false
    ) throws(CodexError) -> (commitCount: Int, changeCount: Int) {
        try applying { () throws(CodexError) in try applyBatches(rewrites: rewrites) }
    }

    private func applyBatches(
        rewrites: Bool
    ) throws(CodexError) -> (commitCount: Int, changeCount: Int) {
        let options = pipeline.core.options
        let checkpointer = pipeline.checkpointer
        var (commitCount, changeCount) = (0, 0)
        var unkept = Batch()
        var limit = BatchLimit(options)
        while true {
            try pipeline.beginRaw()
            do throws(CodexError) {
                guard try pipeline.hasPin() else {
                    pipeline.abort()
                    try checkpointer.checkpointNow()
                    continue
                }
                if rewrites { try rewriteRest() }
                let batch = try applyBatch(limit)
                commitCount += batch.commitCount
                changeCount += batch.changeCount
                unkept.changeCount += batch.changeCount
                unkept.byteCount += batch.byteCount
                if let schema = batch.schemaChange {
                    pipeline.abort()
                    try ManifestEditor(pipeline).apply(schema.record, endingAt: schema.end)
                    commitCount += 1
                } else if batch.commitCount == 0 {
                    pipeline.abort()
                    return (commitCount, changeCount)
                }
            } catch {
                if pipeline.isOpen { pipeline.abort() }
                // Fewer records at once need less room, and a checkpoint frees the replaced pages.
                if error.code == .diskFull, limit.halve() {
                    try checkpointer.checkpointNow()
                    continue
                }
                guard let counter = takeUnsummableCounter() else { throw error }
                try ManifestEditor(pipeline).markConflicting(counter)
                continue
            }
            options.reached(.redone)
            // Otherwise all pages that days of commits replace would be kept.
            let policy = options.checkpoints
            if unkept.changeCount >= policy.changeCount
                || unkept.byteCount >= policy.dirtyByteCount
            {
                try checkpointer.checkpointNow()
                unkept = Batch()
            }
        }
    }

    private func rewriteRest() throws(CodexError) {
        let (log, position) = (pipeline.log, context.position)
        var cursor = LogCursor(log.directory, after: position)
        while try cursor.next() != nil {}
        try log.rewrite(from: position, to: cursor.position)
    }

    /// The limits of the changes that are applied in one transaction, which are held in memory.
    private struct BatchLimit {
        var changeCount: Int
        var byteCount: Int

        init(_ options: StoreOptions) {
            changeCount = options.redoneChangeCountMax
            byteCount = options.redoneByteCountMax
        }

        /// Lowers the limits; `false` if they are one commit already.
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
        /// The record that follows, if it is the first and needs a separate transaction.
        var schemaChange: (record: LogRecord, end: LogPosition)?
    }

    /// Applies and commits the next records, or no record if a change of the schema comes first.
    private func applyBatch(_ limit: BatchLimit) throws(CodexError) -> Batch {
        var batch = Batch()
        var end = context.position
        var cursor = LogCursor(pipeline.log.directory, after: end)
        while batch.changeCount < limit.changeCount, batch.byteCount < limit.byteCount,
            let record = try cursor.next()
        {
            guard try !record.changesSchema() else {
                if batch.commitCount == 0 {
                    var place = cursor.position
                    place.changeCount = end.changeCount
                    batch.schemaChange = (record, place)
                }
                break
            }
            let count = try apply(record)
            batch.changeCount += count
            batch.byteCount += record.header.recordByteCount
            batch.commitCount += 1
            let changeCount = end.changeCount + UInt64(count)
            end = cursor.position
            end.changeCount = changeCount
        }
        if batch.commitCount > 0 {
            try pipeline.commitApplied(end, byteCount: batch.byteCount)
        }
        return batch
    }

    // MARK: Any log's records

    /// Runs `body`, whose changes are applied as they are in a log.
    func applying<R>(_ body: () throws(CodexError) -> R) throws(CodexError) -> R {
        let mode = context.mode
        context.mode = .applying
        defer { context.mode = mode }
        return try body()
    }

    /// Returns the counter whose sum overflowed in the last record, and forgets it.
    func takeUnsummableCounter() -> DatabaseID? {
        defer { context.unsummableCounter = nil }
        return context.unsummableCounter
    }

    /// Applies one commit, inside of ``applying(_:)``.
    ///
    /// Its shapes come first, since items refer to them.
    ///
    /// - Returns: The number of changes of items in the commit.
    func apply(_ record: LogRecord) throws(CodexError) -> Int {
        let (context, transaction) = (context, context.transaction)
        let bytes = record.bytes
        var items: [LogEntry.Item] = []
        var hasShapes = false
        try LogBody.forEach(record) { entry throws(CodexError) in
            switch entry {
            case .item(let item): items.append(item)
            case .system(let space, let key, let value):
                if space == .shapes { hasShapes = true }
                try transaction.set(
                    context.catalog.database(space), Array(bytes[key]),
                    value.map { Array(bytes[$0]) })
            }
        }
        if hasShapes { try context.refreshShapes() }
        try apply(items, bytes)
        return items.count
    }

    /// Applies a commit's changes of items at once, so that only their common outcome counts.
    ///
    /// States between two changes, such as a sum of too many digits, are not checked: no reader saw
    /// them.
    private func apply(_ items: [LogEntry.Item], _ bytes: [UInt8]) throws(CodexError) {
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
        let context = context
        var changes: [Change] = []
        for item in net {
            let table = try context.catalog.table(number: item.key.table)
            let old = try context.image(table, item.key.key)
            guard old?.stored == item.old.map({ Array(bytes[$0]) }) else {
                throw Self.discontinuous
            }
            let new = try item.new.map { range throws(CodexError) in
                try context.decode(Array(bytes[range]), item.key.key, table)
            }
            if old == nil, new == nil { continue }
            changes.append(Change(table: table, key: item.key.key, old: old, new: new))
        }
        try context.items.apply(changes, isUndo: true)
    }

    private static var discontinuous: CodexError {
        CodexError(
            .corrupted,
            "The log does not continue the data file: an item is not what a commit found. "
                + "Restore from a backup.")
    }
}

extension LogRecord {
    /// Whether the record only changes the manifest.
    func changesSchema() throws(CodexError) -> Bool {
        var position = body.lowerBound
        guard position < body.upperBound,
            case .system(.meta, let key, _) = try LogBody.entry(bytes, &position)
        else { return false }
        return bytes[key].elementsEqual(Manifest.key)
    }
}
