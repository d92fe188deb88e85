internal import CodexCore
internal import CodexIndex

/// The steps of a build, each a part of a transaction.
struct BuildSteps {
    private let context: WriteContext
    private var transaction: Transaction { context.transaction }
    private var catalog: Catalog { context.catalog }

    init(_ context: WriteContext) { self.context = context }

    /// The current state of a table; `nil` if it was removed, and another table may have its name.
    func current(_ table: TableHandle) throws -> TableHandle? {
        let current = try catalog.table(table.name)
        return current.number == table.number ? current : nil
    }

    /// Adds the entries that items have and the index lacks.
    ///
    /// - Parameters:
    ///   - entries: The entries' keys, ascending, and the contents of the first ones.
    ///   - changeCount: The number of changes of items in the whole log when all of them were
    ///     read; `nil` if there were changes meanwhile.
    ///   - known: The table.
    ///   - part: The index's part of it.
    ///   - positionKey: The key under which the progress is stored.
    ///   - limit: The limit of the step.
    /// - Returns: The number of keys that were handled within the limit; `nil` if the index is no
    ///   longer being built.
    /// - Throws: ``CodexError``.
    func insertEntries(
        _ entries: EntryBatch, of changeCount: UInt64?, _ known: TableHandle, _ part: String,
        _ positionKey: [UInt8], _ limit: StepLimit
    ) throws -> Int? {
        guard let table = try current(known),
            let index = table.indexes.first(where: { $0.part == part && $0.state == .building })
        else { return nil }
        // If no item changed since, in this transaction too, the items still have these entries.
        // Entries that the index already has are written again, unchanged. Commits without items,
        // such as the end of another index's build, do not count.
        var isExact =
            changeCount == context.position.changeCount && !context.undo.hasChanges
            && context.record.counts.changeCount == 0 && !index.plan.isExpiry
        // A projection may have its own chunks, which a repeated write would leave behind.
        if index.ownsChunks { isExact = false }
        if let filter = context.core.options.parts.maintenance {
            isExact = filter.addsUnseen(isExact)
        }
        var (count, byteCount) = (0, 0)
        var contents = entries.contents
        for key in entries.keys {
            let content = contents.popFirst()
            let stored =
                isExact
                ? try insert(key, content, table, index) : try insertMissing(key, table, index)
            byteCount += stored
            count += 1
            if limit.isOver(count, byteCount: byteCount) { break }
        }
        if let last = entries.keys.prefix(count).last {
            try context.recordingFailure { () throws(CodexError) in
                try transaction.put(catalog.meta, positionKey, last)
            }
            context.noteChange(addsEntries: true)
        }
        return count
    }

    /// Adds an entry if its item has it; returns the number of bytes added.
    private func insertMissing(
        _ key: [UInt8], _ table: TableHandle, _ index: IndexHandle
    ) throws -> Int {
        let primaryKey = Array(key[(try index.plan.primaryKeyOffset(key.span))...])
        // On a promoted follower, an item may lack its stamp although its entry is there. A
        // follower stamps its items when the leader does.
        if index.plan.isExpiry, !catalog.manifest.isFollower, try stamp(table, primaryKey) {
            return key.count
        }
        // A write since the keys were read has already handled the entry.
        guard unsafe try transaction.get(index.tree, key) == nil else { return 0 }
        guard let value = unsafe try transaction.get(table.tree, primaryKey) else { return 0 }
        let isPresent = try unsafe primaryKey.withUnsafeBufferPointer { buffer in
            try unsafe context.withItem(value, buffer, table.plan) { bytes in
                try IndexReads(context).entryKeys(index, primaryKey, bytes).contains(key)
            }
        }
        return isPresent ? try insert(key, nil, table, index) : 0
    }

    /// Corrects the second of expiry of items that may have that of a former time to live.
    ///
    /// - Parameters:
    ///   - keys: The items' encoded keys.
    ///   - known: The table.
    ///   - limit: The limit of the step.
    /// - Returns: The number of keys that were handled within the limit; `nil` if the table has no
    ///   such items any more.
    /// - Throws: ``CodexError``.
    func clearExpiry(
        of keys: ArraySlice<[UInt8]>, _ known: TableHandle, _ limit: StepLimit
    ) throws -> Int? {
        guard let table = try current(known), table.hasFormerExpiry else { return nil }
        var count = 0
        for key in keys {
            _ = try stamp(table, key)
            count += 1
            if limit.isOver(count) { break }
        }
        return count
    }

    /// Corrects the expiry time of an item that was stored before its table's time to live changed.
    ///
    /// The expiry time, in seconds, goes into the header of the item and of its copies. References
    /// get its flag.
    ///
    /// - Returns: Whether the item had another; then its entry in the index of expiry is there.
    private func stamp(_ table: TableHandle, _ key: [UInt8]) throws -> Bool {
        let names = table.plan.definition.timeToLive.map { [$0] } ?? []
        let isStamped = try context.withStoredBytes(table, key) { bytes in
            let item = try bytes.item(keeping: names)
            return bytes.layout.header.expiresAt == table.plan.expiry(of: item)
        }
        guard isStamped == false, let old = try context.image(table, key) else { return false }
        var new = Image(item: old.item, header: old.header)
        new.header.expiresAt = table.plan.expiry(of: old.item)
        let change = Change(table: table, key: key, old: old, new: new)
        // No rule refuses the write, as with an undo: the attributes do not change.
        for stored in try context.items.apply([change], isUndo: true) {
            context.noteItem(change, stored)
        }
        return true
    }

    /// Adds an entry that its item has and the index lacks; returns the number of bytes added.
    ///
    /// Without `content`, its item is read.
    private func insert(
        _ key: [UInt8], _ content: EntryContent?, _ table: TableHandle, _ index: IndexHandle
    ) throws -> Int {
        let value: [UInt8]
        switch try content ?? EntryContent(of: key, table, index, context) {
        case .missing: return 0
        case .stored(let stored): value = stored
        case .header(let header): value = ReferenceEntry(header).bytes
        case .attributes:
            let primaryKey = Array(key[(try index.plan.primaryKeyOffset(key.span))...])
            guard let image = try context.image(table, primaryKey) else { return 0 }
            value = try context.items.entryValue(index, image, [])
        }
        try context.recordingFailure { () throws(CodexError) in
            try context.entries.put(index, [key], value, in: context)
        }
        return key.count + value.count
    }

    /// Adds the next items of a table to a counter that is being built.
    ///
    /// - Returns: Whether there are more.
    func countOn(
        _ known: TableHandle, _ part: String, _ limit: StepLimit
    ) throws -> Bool {
        guard let table = try current(known),
            let counter = table.counters.first(where: { $0.part == part && $0.state == .building })
        else { return false }
        let start = context.progress.position(counter)
        guard case .upTo(let done) = start else { return false }
        var tallies = Tallies()
        var last = done
        var count = 0
        var isAtEnd = false
        try transaction.withCursor(table.tree) { cursor in
            var entry = unsafe try cursor.advance(past: done)
            defer { unsafe isAtEnd = entry == nil }
            while let current = unsafe entry {
                last = unsafe Array(current.key)
                let image = unsafe try context.withItem(current.value, current.key, table.plan) {
                    Image(item: try $0.item(), header: $0.layout.header)
                }
                // An item from before the counter may have a group attribute of a wrong type. It is
                // in no group, and verify() lists it.
                if catalog.includes(counter.plan.definition.entities, image.header.entityNumber),
                    (try? counter.plan.groups(of: image.item)) != nil
                {
                    try tallies.add(counter, image.item, isRemoval: false, 0)
                }
                count += 1
                unsafe entry = try cursor.next()
                if limit.isOver(count) { break }
            }
        }
        let counters = CounterMaintenance(context)
        let totals = try counters.totals(tallies)
        try context.recordingFailure { () throws(CodexError) in
            for total in totals { try counters.put(total) }
            try setPosition(isAtEnd ? .everything : .upTo(last), table, counter)
        }
        return !isAtEnd
    }

    private func setPosition(
        _ position: BuildProgress.Position, _ table: TableHandle, _ counter: CounterHandle
    ) throws(CodexError) {
        try transaction.put(
            catalog.meta, BuildProgress.key(table, counter.part), position.bytes)
        context.progress.set(position, counter)
        context.noteChange(addsEntries: true)
    }

    /// Removes entries of the tree of a removed index or counter.
    ///
    /// - Returns: Whether the tree is empty.
    func empty(_ tree: Tree, ownsChunks: Bool, _ limit: StepLimit) throws -> Bool {
        for count in 1... {
            if limit.isOver(count) { return false }
            guard let first = try first(tree) else { return true }
            try context.recordingFailure { () throws(CodexError) in
                try remove(first, tree, ownsChunks: ownsChunks)
            }
            context.noteChange()
        }
        return false
    }

    private typealias RetiredEntry = (key: [UInt8], large: LargeValue?)

    private func first(_ tree: Tree) throws(CodexError) -> RetiredEntry? {
        do {
            return try transaction.withCursor(tree) { cursor -> RetiredEntry? in
                guard let entry = unsafe try cursor.first() else { return nil }
                return unsafe (Array(entry.key), try LargeValue(entry.value))
            }
        } catch {
            throw CodexError.wrapping(error)
        }
    }

    private func remove(
        _ entry: RetiredEntry, _ tree: Tree, ownsChunks: Bool
    ) throws(CodexError) {
        if ownsChunks, let large = entry.large {
            try transaction.removeChunks(large, of: tree)
        }
        guard try transaction.delete(tree, entry.key) else {
            throw Wire.corrupted("a key of a removed index")
        }
    }
}
