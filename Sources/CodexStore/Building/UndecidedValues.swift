internal import CodexCore

/// The progress of deciding the values of a table's items.
struct DecidingProgress {
    /// The name under which it is stored, like the progress of a part of the table.
    static let part = "undecided"

    /// The last item's encoded key; empty at the beginning.
    var last: [UInt8] = []
    /// Whether undecided values remain, because keys were missing or the values are damaged.
    var leavesSome = false
    /// The number of damaged values that were found since the beginning.
    ///
    /// It is not stored: if some values remain, a process with keys begins again.
    var damagedCount = 0

    init() {}

    /// Reads the form of ``bytes``; empty bytes are the beginning.
    init(_ bytes: [UInt8]) {
        leavesSome = bytes.first == 1
        last = Array(bytes.dropFirst())
    }

    var bytes: [UInt8] { [leavesSome ? 1 : 0] + last }
}

/// Decides which values are encrypted ones, in items that formats before 4 wrote.
struct UndecidedValues {
    private let builder: Builder
    private var core: StoreCore { builder.core }
    private var schedule: BuildSchedule { builder.schedule }

    init(_ builder: Builder) { self.builder = builder }

    /// The number of items that one snapshot reads, so that it keeps few pages from reuse.
    private static let examinedItemCount = 20_000
    /// The maximum number of tables that one change of the manifest marks as decided.
    private static let decidedTableCountMax = 500

    /// Decides the values of some tables; a large table ends the call.
    ///
    /// All changes are in the log, as other writes are. An interrupted call continues at the stored
    /// progress.
    func decide(_ tables: [TableHandle]) throws(CodexError) {
        var decided: [(name: String, number: Int, end: DecidingProgress)] = []
        for table in tables.prefix(Self.decidedTableCountMax) {
            guard let end = try decide(table) else { break }
            decided.append((table.name, table.number, end))
            if !builder.isSmall(table) { break }
        }
        guard !decided.isEmpty else { return }
        let ended = decided
        try builder.changeManifest { manifest, _ in
            for table in ended where manifest.tables[table.name]?.number == table.number {
                manifest.setUndecided(table.end.leavesSome ? .waiting : nil, of: table.name)
            }
            return true
        }
        for table in ended where table.end.leavesSome {
            builder.noteUndecidable(table.number)
            let count = table.end.damagedCount
            if count > 0 { core.options.observer?(.valuesDamaged(table: table.name, count: count)) }
        }
    }

    /// Decides the values of a table.
    ///
    /// - Returns: The progress at the table's end; `nil` if the builder was stopped first, or has
    ///   to build a part that callers wait for.
    private func decide(_ table: TableHandle) throws(CodexError) -> DecidingProgress? {
        schedule.aim(at: (table.name, nil))
        let key = BuildProgress.key(table, DecidingProgress.part)
        var progress = DecidingProgress(try builder.position(key))
        // A process without keys left some values; this process may have the keys.
        if progress.leavesSome, core.options.sealer != nil { progress = DecidingProgress() }
        while true {
            let part = try undecided(table, after: progress)
            if !part.isEnd || !part.keys.isEmpty {
                guard try decide(part.keys, table, part.progress) else { return nil }
            }
            progress = part.progress
            if part.isEnd { return progress }
            if core.catalog.allTables.contains(where: \.isToBeBuilt) { return nil }
        }
    }

    /// Rewrites items in steps.
    ///
    /// - Returns: `false` if the builder was stopped first, or the table is decided.
    private func decide(
        _ keys: [[UInt8]], _ table: TableHandle, _ progress: DecidingProgress
    ) throws(CodexError) -> Bool {
        var rest = keys[...]
        repeat {
            if schedule.isStopped { return false }
            let (step, limit) = (rest, schedule.limit)
            let count = try builder.write { context in
                try DecidingStep(context).decide(step, table, upTo: progress, limit)
            }
            guard let count else { return false }
            rest = rest.dropFirst(count)
        } while !rest.isEmpty
        return true
    }

    private struct Part {
        /// The items with values that can be decided.
        var keys: [[UInt8]] = []
        /// The progress after these items.
        var progress: DecidingProgress
        var isEnd = false
    }

    /// Reads the next items of a table.
    ///
    /// It requests the keys here, where no writer waits for them.
    private func undecided(
        _ table: TableHandle, after start: DecidingProgress
    ) throws(CodexError) -> Part {
        try builder.reading { context in
            // Another table may have its name, and its tree.
            guard try context.catalog.table(table.name).number == table.number else {
                throw CodexError(.unknownTable, "Table \(table.name) was removed.")
            }
            var part = Part(progress: start)
            var count = 0
            try context.transaction.withCursor(table.tree) { cursor in
                var entry = unsafe try cursor.advance(past: start.last)
                while let current = unsafe entry, count < Self.examinedItemCount,
                    !schedule.isStopped
                {
                    count += 1
                    part.progress.last = unsafe Array(current.key)
                    let outlook = unsafe context.outlook(current.value, current.key, table)
                    if outlook.isDue { part.keys.append(part.progress.last) }
                    if outlook.leavesSome { part.progress.leavesSome = true }
                    part.progress.damagedCount += outlook.damagedCount
                    unsafe entry = try cursor.next()
                }
                part.isEnd = unsafe entry == nil
            }
            return part
        }
    }
}

/// The predicted result of deciding the values of an item.
private struct Outlook {
    /// Whether some values can be decided.
    var isDue = false
    /// Whether some values would remain undecided.
    var leavesSome = false
    /// The number of damaged values among those.
    var damagedCount = 0
}

extension ReadContext {
    /// Predicts the result of deciding the values of an item.
    ///
    /// An item that cannot be read has no prediction: ``Store/verify()`` reports it.
    fileprivate func outlook(
        _ value: UnsafeBufferPointer<UInt8>, _ key: UnsafeBufferPointer<UInt8>,
        _ table: TableHandle
    ) -> Outlook {
        let undecided = unsafe try? withItem(value, key, table.plan) { bytes -> Image? in
            guard bytes.layout.header.entityNumber != 0, try bytes.hasUndecided() else {
                return nil
            }
            return Image(item: try bytes.item(), header: bytes.layout.header)
        }
        guard let image = undecided else { return Outlook() }
        let decided = try? SealedFields.decided(image.item, image.header, catalog, core)
        // If the key provider gives no answer, the values remain.
        guard let decided else { return Outlook(leavesSome: true) }
        return Outlook(
            isDue: decided.item.undecidedCount < image.item.undecidedCount,
            leavesSome: decided.item.hasUndecided, damagedCount: decided.damagedCount)
    }
}

/// One step of deciding values, which is a part of a transaction.
private struct DecidingStep {
    private let context: WriteContext

    init(_ context: WriteContext) { self.context = context }

    /// Rewrites items whose undecided values can be decided, and stores the progress.
    ///
    /// - Parameters:
    ///   - keys: The items' encoded keys, ascending.
    ///   - known: The table.
    ///   - end: The progress after all of the keys.
    ///   - limit: The limit of the step.
    /// - Returns: The number of keys that were handled; `nil` if the table's values are decided.
    /// - Throws: ``CodexError/Code/unknownTable``, and the errors of LMDB.
    func decide(
        _ keys: ArraySlice<[UInt8]>, _ known: TableHandle, upTo end: DecidingProgress,
        _ limit: StepLimit
    ) throws -> Int? {
        guard let table = try BuildSteps(context).current(known), table.undecided != nil else {
            return nil
        }
        var (count, byteCount) = (0, 0)
        var progress = end
        for key in keys {
            byteCount += try decide(key, table)
            count += 1
            if count < keys.count, limit.isOver(count, byteCount: byteCount) {
                progress.last = key
                break
            }
        }
        let bytes = progress.bytes
        try context.recordingFailure { () throws(CodexError) in
            try context.transaction.put(
                context.catalog.meta, BuildProgress.key(table, DecidingProgress.part), bytes)
        }
        context.noteChange(addsEntries: true)
        return count
    }

    /// Rewrites an item, and returns its new byte count.
    private func decide(_ key: [UInt8], _ table: TableHandle) throws(CodexError) -> Int {
        // The provider was asked before; if it fails now, the values remain.
        guard let old = try context.image(table, key), old.item.hasUndecided,
            let item = try? SealedFields.decided(
                old.item, old.header, context.catalog, context.core
            ).item,
            item.undecidedCount < old.item.undecidedCount
        else { return 0 }
        let new = Image(item: item, header: old.header)
        let change = Change(table: table, key: key, old: old, new: new)
        var byteCount = 0
        // No rule refuses the write, as with an undo: the item's meaning does not change.
        for stored in try context.items.apply([change], isUndo: true) {
            context.noteItem(change, stored)
            byteCount += stored?.count ?? 0
        }
        return byteCount
    }
}
