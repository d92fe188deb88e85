internal import CodexCore
internal import CodexIndex

extension TransactionContext {
    /// The keys of a stored item's entries in an index, ascending; nothing else of it is decoded.
    ///
    /// - Throws: ``CodexError`` also for an item with a value that no key may be.
    func entryKeys(
        _ index: IndexHandle, _ key: [UInt8], _ bytes: ItemBytes
    ) throws(CodexError) -> [[UInt8]] {
        guard catalog.includes(index.plan.definition.entities, bytes.layout.header.entityNumber)
        else { return [] }
        // Few items expire: the others are seen to by a look at their names.
        if index.plan.isExpiry,
            bytes.layout.shape.position(of: index.plan.definition.partitionKey[0].name) == nil
        {
            return []
        }
        let item = try bytes.item(keeping: index.plan.indexKeyNames)
        return try index.plan.entryKeys(for: item, primaryKey: key)
    }

    /// Primary keys, encoded, of items that share their key in an index with one before.
    ///
    /// An expired item counts for nothing: the next write that wants its key removes it.
    func duplicates(_ index: IndexHandle, limit: Int) throws -> [[UInt8]] {
        let mayExpire = catalog.hasExpiry
        return try transaction.withCursor(index.tree) { cursor in
            var found: [[UInt8]] = []
            var previous: [UInt8] = []
            var entry = unsafe try cursor.first()
            while let current = unsafe entry, found.count < limit {
                var isOver = false
                if mayExpire { isOver = isExpired(unsafe try header(of: current.value)) }
                if !isOver {
                    let key = unsafe Array(current.key)
                    let offset = try index.plan.primaryKeyOffset(key.span)
                    let prefix = Array(key[..<offset])
                    if prefix == previous { found.append(Array(key[offset...])) }
                    previous = prefix
                }
                unsafe entry = try cursor.next()
            }
            return found
        }
    }
}

/// How much one step of a build does.
struct StepLimit: Sendable {
    private let end: ContinuousClock.Instant?
    private let countMax: Int

    /// So little that other writes are hardly held up, the commit included.
    static func brief() -> StepLimit {
        StepLimit(end: ContinuousClock.now + .milliseconds(4), countMax: 1000)
    }

    /// So much that commits hardly count: for a bulk load, whose caller waits for it.
    static let ample = StepLimit(end: nil, countMax: 20_000)

    /// Bytes of entries that end a step: the transaction holds them in memory.
    private static let byteCountMax = 16 << 20

    /// Whether a step that has done `count`, and stored so many bytes, is to end.
    func isOver(_ count: Int, byteCount: Int = 0) -> Bool {
        if count >= countMax || byteCount >= Self.byteCountMax { return true }
        guard let end, count % 16 == 0 else { return false }
        return ContinuousClock.now > end
    }
}

/// The steps of a build, each a part of a transaction.
extension WriteContext {
    /// A table as it is now; `nil` if it is gone, and another may have its name.
    func current(_ table: TableHandle) throws -> TableHandle? {
        let current = try catalog.table(table.name)
        return current.number == table.number ? current : nil
    }

    /// Adds those entries of an index that items have and it lacks.
    ///
    /// - Parameters:
    ///   - keys: The entries' keys, ascending.
    ///   - sequence: The commit that all of them were read at; `nil` if there were several.
    ///   - known: The table.
    ///   - part: The index's part of it.
    ///   - positionKey: Where the progress is kept.
    ///   - limit: How much is done.
    /// - Returns: How many of the keys were seen to until the time was over; `nil` if the index is
    ///   not being built any more.
    /// - Throws: ``CodexError``.
    func insertMissing(
        _ keys: ArraySlice<[UInt8]>, of sequence: UInt64?, _ known: TableHandle, _ part: String,
        _ positionKey: [UInt8], _ limit: StepLimit
    ) throws -> Int? {
        guard let table = try current(known),
            let index = table.indexes.first(where: { $0.part == part && $0.state == .building })
        else { return nil }
        // If nobody wrote since, not in this transaction either, the items have these entries
        // still; those that the index has already are put again, as they are.
        var isExact =
            sequence == position.sequence && !hasChanges && changeCount == 0
            && !index.plan.isExpiry
        // A projection may have chunks of its own, which would be left behind.
        if case .include = index.plan.definition.projection { isExact = false }
        var (count, byteCount) = (0, 0)
        for key in keys {
            let stored =
                isExact ? try insert(key, table, index) : try insertMissing(key, table, index)
            byteCount += stored
            count += 1
            if limit.isOver(count, byteCount: byteCount) { break }
        }
        if let last = keys.prefix(count).last {
            try noting { () throws(CodexError) in
                try transaction.put(catalog.meta, positionKey, last)
            }
            noteChange(addsEntries: true)
        }
        return count
    }

    /// Adds an entry if its item has it; returns its bytes.
    private func insertMissing(
        _ key: [UInt8], _ table: TableHandle, _ index: IndexHandle
    ) throws -> Int {
        let primaryKey = Array(key[(try index.plan.primaryKeyOffset(key.span))...])
        // An item whose entry is there may lack its stamp: on a follower that was promoted. A
        // follower's items are stamped when the leader's are.
        if index.plan.isExpiry, !catalog.manifest.isFollower, try stamp(table, primaryKey) {
            return key.count
        }
        // A write that came since the keys were read has seen to the entry.
        guard unsafe try transaction.get(index.tree, key) == nil else { return 0 }
        guard let value = unsafe try transaction.get(table.tree, primaryKey) else { return 0 }
        let isPresent = try unsafe primaryKey.withUnsafeBufferPointer { buffer in
            try unsafe withItem(value, buffer, table.plan) { bytes in
                try entryKeys(index, primaryKey, bytes).contains(key)
            }
        }
        return isPresent ? try insert(key, table, index) : 0
    }

    /// Adds an entry that its item has, and that the index lacks; returns its bytes.
    private func insert(
        _ key: [UInt8], _ table: TableHandle, _ index: IndexHandle
    ) throws -> Int {
        let primaryKey = Array(key[(try index.plan.primaryKeyOffset(key.span))...])
        let value: [UInt8]
        switch index.plan.definition.projection {
        case .all:
            guard let stored = unsafe try transaction.get(table.tree, primaryKey) else {
                return 0
            }
            value = unsafe Array(stored)
        case .keysOnly:
            guard let stored = unsafe try transaction.get(table.tree, primaryKey) else {
                return 0
            }
            let header = unsafe try header(of: stored)
            value = try entryValue(index, Image(item: Item(), header: header), [])
        case .include:
            guard let image = try image(table, primaryKey) else { return 0 }
            value = try entryValue(index, image, [])
        }
        try noting { () throws(CodexError) in try putEntries(index, [key], value) }
        return key.count + value.count
    }

    /// Counts the next items of a table in a counter that is being built.
    ///
    /// - Returns: Whether there are more.
    func countOn(
        _ known: TableHandle, _ part: String, _ limit: StepLimit
    ) throws -> Bool {
        guard let table = try current(known),
            let counter = table.counters.first(where: { $0.part == part && $0.state == .building })
        else { return false }
        let start = position(counter)
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
                let image = unsafe try withItem(current.value, current.key, table.plan) {
                    Image(item: try $0.item(), header: $0.layout.header)
                }
                // An item that was stored before the counter was there, with a group of a wrong
                // type, is in none; verify() lists it.
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
        let sums = try settled(tallies)
        try noting { () throws(CodexError) in
            for (group, change) in sums { try store(change, group) }
            try setPosition(isAtEnd ? .everything : .upTo(last), table, counter)
        }
        return !isAtEnd
    }

    /// Removes entries of a tree that is no index or counter any more.
    ///
    /// - Returns: Whether it is empty.
    func empty(_ tree: Tree, ownsChunks: Bool, _ limit: StepLimit) throws -> Bool {
        for count in 1... {
            if limit.isOver(count) { return false }
            guard let first = try first(tree) else { return true }
            try noting { () throws(CodexError) in try remove(first, tree, ownsChunks: ownsChunks) }
            noteChange()
        }
        return false
    }

    /// Removes all entries of a tree that is no index or counter any more, in a redone transaction.
    func empty(_ tree: Tree, ownsChunks: Bool) throws(CodexError) {
        while let first = try first(tree) { try remove(first, tree, ownsChunks: ownsChunks) }
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
            try transaction.removeChunks(large, catalog.overflow)
        }
        guard try transaction.delete(tree, entry.key) else {
            throw Wire.corrupted("a key of a removed index")
        }
    }
}
