internal import CodexCore

/// How far the values of a table's items are decided.
struct DecidingProgress {
    /// Where it is kept, in the way of a part of the table.
    static let part = "undecided"

    /// The last item's encoded key; empty at the beginning.
    var last: [UInt8] = []
    /// Whether values were left: for want of keys, or as they are damaged.
    var leavesSome = false
    /// How many values were found to be damaged since the beginning.
    ///
    /// It is not stored: where there were some, a process with keys begins again.
    var damagedCount = 0

    init() {}

    /// Reads what ``bytes`` gave; nothing is the beginning.
    init(_ bytes: [UInt8]) {
        leavesSome = bytes.first == 1
        last = Array(bytes.dropFirst())
    }

    var bytes: [UInt8] { [leavesSome ? 1 : 0] + last }
}

/// Deciding which values are encrypted ones, in items that formats before 4 wrote.
struct UndecidedValues {
    private let builder: Builder
    private var core: StoreCore { builder.core }
    private var schedule: BuildSchedule { builder.schedule }

    init(_ builder: Builder) { self.builder = builder }

    /// How many items one snapshot sees, so that it keeps few pages from reuse.
    private static let examinedItemCount = 20_000
    /// Most tables whose deciding one change of the manifest ends.
    private static let decidedTableCountMax = 500

    /// Decides the values of some tables, a large one alone.
    ///
    /// All that is changed is in the log, as other writes are. Cut short, it goes on where it was.
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
    /// - Returns: What it came to at the table's end; `nil` if the builder was stopped before, or
    ///   has to build what is waited for.
    private func decide(_ table: TableHandle) throws(CodexError) -> DecidingProgress? {
        schedule.aim(at: (table.name, nil))
        let key = BuildProgress.key(table, DecidingProgress.part)
        var progress = DecidingProgress(try builder.position(key))
        // A process without keys left some, which there may be keys for here.
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
    /// - Returns: `false` if the builder was stopped before, or the table is decided.
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
        /// How far they go.
        var progress: DecidingProgress
        var isEnd = false
    }

    /// Looks at the next items of a table.
    ///
    /// It asks for keys here, where no writer waits for them.
    private func undecided(
        _ table: TableHandle, after start: DecidingProgress
    ) throws(CodexError) -> Part {
        try builder.reading { context in
            // Another of its name may have its tree.
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

/// What deciding the values of an item would come to.
private struct Outlook {
    /// Whether some can be decided.
    var isDue = false
    /// Whether some would be left.
    var leavesSome = false
    /// How many of those are damaged.
    var damagedCount = 0
}

extension ReadContext {
    /// What deciding the values of an item would come to.
    ///
    /// What cannot be read is left to ``Store/verify()``.
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
        // Without the provider's answer, they are left.
        guard let decided else { return Outlook(leavesSome: true) }
        return Outlook(
            isDue: decided.item.undecidedCount < image.item.undecidedCount,
            leavesSome: decided.item.hasUndecided, damagedCount: decided.damagedCount)
    }
}

/// One step of deciding values, a part of a transaction.
private struct DecidingStep {
    private let context: WriteContext

    init(_ context: WriteContext) { self.context = context }

    /// Rewrites items whose undecided values can be decided, and keeps the progress.
    ///
    /// - Parameters:
    ///   - keys: The items' encoded keys, ascending.
    ///   - known: The table.
    ///   - end: The progress once all of the keys are seen to.
    ///   - limit: How much is done.
    /// - Returns: How many of the keys were seen to; `nil` if the table's values are decided.
    /// - Throws: ``CodexError/Code/unknownTable``, and what LMDB throws.
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

    /// Rewrites an item, and returns the bytes that it has then.
    private func decide(_ key: [UInt8], _ table: TableHandle) throws(CodexError) -> Int {
        // The provider of keys was asked before; if it fails now, they are left.
        guard let old = try context.image(table, key), old.item.hasUndecided,
            let item = try? SealedFields.decided(
                old.item, old.header, context.catalog, context.core
            ).item,
            item.undecidedCount < old.item.undecidedCount
        else { return 0 }
        let new = Image(item: item, header: old.header)
        let change = Change(table: table, key: key, old: old, new: new)
        var byteCount = 0
        // As an undo is, it is refused by nothing: the item says what it said.
        for stored in try context.items.apply([change], isUndo: true) {
            context.noteItem(change, stored)
            byteCount += stored?.count ?? 0
        }
        return byteCount
    }
}
