internal import CodexCore
internal import CodexIndex

// How the items of index entries are read from the table:
//
// 1. `gather` reads some entries. Those of other entities need no look-up. If only keys are wanted,
//    a reference needs one only if its item expires.
// 2. `find` looks up the items in the order of their primary keys: neighbours are often in one page
//    of the tree. An item is looked up once, and its first bytes are prefetched meanwhile.
// 3. `passOn` passes on what is wanted of the items, in the order of the entries.
//
// One transaction reads entries and items, so an entry without an item is damage.

extension QueryRun {
    /// Walks the entries of a part of the range as `scan` does, and passes on what is wanted of
    /// the items that they refer to.
    ///
    /// - Parameters:
    ///   - range: The part of the range.
    ///   - largeByteCount: The size of an item's stored form before which the walk ends.
    ///   - end: Called if it ends there.
    ///   - room: Returns how many items are still wanted; `nil` is all. No more are looked up,
    ///     apart from those that a filter may refuse.
    ///   - passOver: Gets the keys of entries whose items are not passed on. These are expired
    ///     items in chunks, items of other entities, and absent items. If only keys are wanted,
    ///     they are all expired items. Once there is no room, it gets each further key.
    ///   - absent: Gets the error of an entry without its item, after `passOver` has got the key.
    ///   - body: Gets the entry's key, and the item with its primary key. It gets the reference if
    ///     only keys are wanted, and the projection if that is wanted: both have the entry's key.
    /// - Throws: The errors of reading, and those of the closures.
    @inline(never)
    func scanReferences(
        _ range: KeyRange, before largeByteCount: Int = .max, orEnd end: () -> Void = {},
        room: () -> Int?,
        passingOver passOver: (UnsafeBufferPointer<UInt8>) throws -> Bool,
        absent: (CodexError) throws -> Void,
        _ body: (UnsafeBufferPointer<UInt8>, ItemBytes) throws -> Bool
    ) throws {
        guard let index else { return }
        if source == .references, !table.expires {
            return try context.transaction.withCursor(index.tree) { cursor in
                unsafe try RangeMoves(range, direction).forEach(&cursor) { entry in
                    unsafe try body(entry.key, index.reference(entry.value, entry.key))
                }
            }
        }
        try context.withReferencedItems(of: self) { items in
            try context.transaction.withCursor(index.tree) { cursor in
                let moves = RangeMoves(range, direction)
                var batchCount = ReferencedItems.firstCount
                var entry = unsafe try moves.first(&cursor)
                while let current = unsafe entry {
                    let wanted = room()
                    if wanted == 0 {
                        guard unsafe try passOver(current.key) else { return }
                        unsafe entry = try moves.next(&cursor)
                        continue
                    }
                    // A filter may refuse any item, and the body may end the walk at any.
                    let count: Int
                    if filter == nil, let wanted {
                        count = wanted
                    } else {
                        count = max(wanted ?? 0, batchCount)
                    }
                    let isEnd = unsafe try items.gather(
                        current, moves, &cursor, self, index.plan,
                        count: min(count, ReferencedItems.countMax))
                    try items.find(self)
                    let goesOn = unsafe try items.passOn(
                        self, index, before: largeByteCount, orEnd: end, passingOver: passOver,
                        absent: absent, body)
                    guard goesOn, !isEnd else { return }
                    batchCount = min(2 * batchCount, ReferencedItems.countMax)
                    unsafe entry = try moves.next(&cursor)
                }
            }
        }
    }

    /// The error for an entry of the index without its item.
    func missingItem(of index: IndexHandle, _ primaryKey: Span<UInt8>) -> CodexError {
        let error = table.missingItem(of: index, primaryKey)
        guard let entity else { return error }
        return error.inEntity(entity.definition.name)
    }
}

extension TransactionContext {
    /// Gives the memory for the items of entries to a walk.
    ///
    /// The memory is taken meanwhile, so that a nested walk uses other memory.
    func withReferencedItems<R>(
        of run: QueryRun, _ body: (inout ReferencedItems) throws -> R
    ) throws -> R {
        var items = ReferencedItems()
        swap(&items, &referencedItems)
        items.begin(run)
        defer {
            items.clear()
            swap(&items, &referencedItems)
        }
        return try body(&items)
    }
}

extension IndexHandle {
    /// A reference in the place of its item: it has the item's entity number and its keys.
    ///
    /// - Throws: ``CodexError/Code/corrupted``.
    @inline(__always)
    fileprivate func reference(
        _ value: UnsafeBufferPointer<UInt8>, _ key: UnsafeBufferPointer<UInt8>
    ) throws(CodexError) -> ItemBytes {
        let reference = try ReferenceEntry(unsafe Span(_unsafeElements: value))
        return unsafe ItemBytes(reference, value: value, key: key, keys: plan)
    }
}

extension TableHandle {
    /// The error for an entry of an index without its item.
    func missingItem(of index: IndexHandle, _ primaryKey: Span<UInt8>) -> CodexError {
        let key = try? plan.primaryKey(primaryKey)
        return CodexError(
            .corrupted,
            "Index \(index.plan.definition.name) of table \(name) has an entry without its item. "
                + "Run verify(), and build the index again (removeIndex, addIndex), or restore "
                + "from a backup."
        ).inItem(key: key)
    }
}

/// Some entries of an index, and the items that they refer to.
///
/// Keys and values point into the map. They are valid until the transaction ends or writes, and no
/// body of a walk writes.
struct ReferencedItems {
    /// The number of items that a walk looks up first; then it looks up twice as many each time.
    static let firstCount = 8
    /// The maximum number of entries that are gathered at once.
    static let countMax = 64
    /// The maximum number of items whose places a walk remembers.
    private static let rememberedCountMax = 4096

    private struct Entry {
        let key: MappedBytes
        /// The stored value of the entry.
        let value: MappedBytes
        /// The primary key at the end of the key; `nil` if the item is not looked up.
        let primaryKey: MappedBytes?
        /// The stored value of the item; `nil` if there is none, or if it is not looked up.
        var item: MappedBytes?
    }

    private struct LookUp {
        let primaryKey: MappedBytes
        /// The position of the entry.
        let position: Int
    }

    private var entries: [Entry] = []
    private var lookUps: [LookUp] = []
    /// Whether each primary key comes after the one before.
    private var areAscending = true
    /// Whether the places of all found items are remembered, since an item may come again.
    private var remembersAll = false
    private var remembered: [[UInt8]: MappedBytes] = [:]
    /// The last item that was read from its chunks.
    private var large: (id: UInt64, bytes: [UInt8])?
    /// The encoding of the last projection.
    private var projection: [UInt8] = []

    /// Begins a walk.
    mutating func begin(_ run: QueryRun) {
        remembersAll = false
        guard let definition = run.index?.plan.definition, let name = definition.multiValued else {
            return
        }
        // A query names the whole partition key, and so one element of an attribute in it.
        remembersAll =
            run.isScan || definition.sortKey.contains { ByteOrder.equal($0.name, name) }
    }

    /// Forgets everything except the memory of a batch.
    mutating func clear() {
        removeBatch()
        remembered = [:]
        large = nil
        projection = []
    }

    private mutating func removeBatch() {
        entries.removeAll(keepingCapacity: true)
        lookUps.removeAll(keepingCapacity: true)
        areAscending = true
    }

    // MARK: Gather

    /// Gathers the entries from `first` on of which up to `count` need a look-up.
    ///
    /// The cursor is at the first entry, and stays at the last one that was gathered.
    ///
    /// - Returns: Whether the walk has no further entry.
    fileprivate mutating func gather(
        _ first: Cursor.Entry, _ moves: RangeMoves, _ cursor: inout Cursor, _ run: QueryRun,
        _ plan: IndexPlan, count: Int
    ) throws(CodexError) -> Bool {
        removeBatch()
        var entry = unsafe first
        while true {
            unsafe prefetchNeighbour(of: entry.value)
            unsafe try add(entry, run, plan)
            // The bytes of a long key are valid until the cursor moves.
            let isLong = unsafe entry.key.count >= LongKey.pieceByteCount
            if isLong || lookUps.count == count || entries.count == Self.countMax { return false }
            guard let next = unsafe try moves.next(&cursor) else { return true }
            unsafe entry = next
        }
    }

    private mutating func add(
        _ entry: Cursor.Entry, _ run: QueryRun, _ plan: IndexPlan
    ) throws(CodexError) {
        let key = unsafe MappedBytes(entry.key)
        let value = unsafe MappedBytes(entry.value)
        guard unsafe try needsItem(entry.value, run, plan) else {
            entries.append(Entry(key: key, value: value, primaryKey: nil))
            return
        }
        let offset = try plan.primaryKeyOffset(unsafe Span(_unsafeElements: entry.key))
        let primaryKey = unsafe MappedBytes(UnsafeBufferPointer(rebasing: entry.key[offset...]))
        if areAscending, let last = lookUps.last {
            areAscending = last.primaryKey.compare(primaryKey) < 0
        }
        lookUps.append(LookUp(primaryKey: primaryKey, position: entries.count))
        entries.append(Entry(key: key, value: value, primaryKey: primaryKey))
    }

    /// Whether an entry's item must be looked up.
    ///
    /// It need not be if it is of another entity than the query's; a raw item may be the query's.
    /// For keys alone, a reference says whether the item expires.
    private func needsItem(
        _ entry: UnsafeBufferPointer<UInt8>, _ run: QueryRun, _ plan: IndexPlan
    ) throws(CodexError) -> Bool {
        let number: Int
        if plan.layout == .references {
            let reference = try ReferenceEntry(unsafe Span(_unsafeElements: entry))
            if run.source == .references, !reference.expires { return false }
            number = reference.entityNumber
        } else {
            // The header of a large copy is in its first chunk.
            guard run.entityNumber >= 0 else { return true }
            number = unsafe try run.context.header(of: entry).entityNumber
        }
        return run.entityNumber < 0 || number == run.entityNumber || number == 0
    }

    // MARK: Find

    /// Looks up the items of the gathered entries.
    mutating func find(_ run: QueryRun) throws {
        if lookUps.count == 1, !remembersAll {
            let key = unsafe Array(lookUps[0].primaryKey.bytes)
            guard let value = unsafe try run.context.transaction.get(run.table.tree, key) else {
                return
            }
            unsafe prefetch(value)
            entries[lookUps[0].position].item = unsafe MappedBytes(value)
            return
        }
        guard !lookUps.isEmpty else { return }
        if !areAscending { lookUps.sort { $0.primaryKey.compare($1.primaryKey) < 0 } }
        try run.context.transaction.withCursor(run.table.tree) { cursor in
            var last: (primaryKey: MappedBytes, value: MappedBytes?)?
            for lookUp in lookUps {
                let value: MappedBytes?
                if !areAscending, let last, last.primaryKey.compare(lookUp.primaryKey) == 0 {
                    value = last.value
                } else {
                    value = try self.value(lookUp.primaryKey, run, &cursor)
                    last = (lookUp.primaryKey, value)
                }
                entries[lookUp.position].item = value
            }
        }
    }

    private mutating func value(
        _ primaryKey: MappedBytes, _ run: QueryRun, _ cursor: inout Cursor
    ) throws(CodexError) -> MappedBytes? {
        guard remembersAll else { return try Self.stored(primaryKey, run, &cursor) }
        let key = unsafe Array(primaryKey.bytes)
        if let value = remembered[key] { return value }
        let value = try Self.stored(primaryKey, run, &cursor)
        if remembered.count < Self.rememberedCountMax { remembered[key] = value }
        return value
    }

    private static func stored(
        _ primaryKey: MappedBytes, _ run: QueryRun, _ cursor: inout Cursor
    ) throws(CodexError) -> MappedBytes? {
        let key = unsafe primaryKey.bytes
        var value: UnsafeBufferPointer<UInt8>?
        if key.count < LongKey.pieceByteCount {
            unsafe value = try cursor.find(key)
        } else {
            unsafe value = try run.context.transaction.get(run.table.tree, Array(key))
        }
        guard let value = unsafe value else { return nil }
        unsafe prefetch(value)
        return unsafe MappedBytes(value)
    }

    // MARK: Pass on

    /// Passes on what is wanted of the items, in the order of the entries, until `body` or
    /// `passOver` returns `false`.
    ///
    /// - Returns: Whether the walk goes on.
    mutating func passOn(
        _ run: QueryRun, _ index: IndexHandle, before largeByteCount: Int = .max,
        orEnd end: () -> Void = {},
        passingOver passOver: (UnsafeBufferPointer<UInt8>) throws -> Bool,
        absent: (CodexError) throws -> Void = { throw $0 },
        _ body: (UnsafeBufferPointer<UInt8>, ItemBytes) throws -> Bool
    ) throws -> Bool {
        for position in entries.indices {
            let entry = entries[position]
            let key = unsafe entry.key.bytes
            let goesOn: Bool
            if let primaryKey = entry.primaryKey {
                guard let stored = entry.item else {
                    guard unsafe try passOver(key) else { return false }
                    let error = unsafe run.missingItem(
                        of: index, Span(_unsafeElements: primaryKey.bytes))
                    try absent(error)
                    continue
                }
                let item = unsafe stored.bytes
                if run.source == .references {
                    let header = unsafe try run.context.header(of: item)
                    if run.context.isExpired(header, in: run.table) {
                        goesOn = unsafe try passOver(key)
                    } else {
                        goesOn = unsafe try body(key, index.reference(entry.value.bytes, key))
                    }
                } else {
                    if largeByteCount < .max,
                        unsafe try LargeValue.storedByteCount(of: item) >= largeByteCount
                    {
                        end()
                        return false
                    }
                    goesOn = unsafe try passItem(
                        item, primaryKey, key, run, index, passingOver: passOver, body)
                }
            } else if run.source == .references {
                goesOn = unsafe try body(key, index.reference(entry.value.bytes, key))
            } else {
                goesOn = unsafe try passOver(key)
            }
            guard goesOn else { return false }
        }
        return true
    }

    /// Passes on what is wanted of the item of one entry.
    ///
    /// - Returns: What the called closure returns; `true` if none is.
    mutating func passOn(
        _ entry: Cursor.Entry, _ run: QueryRun, _ index: IndexHandle,
        passingOver passOver: (UnsafeBufferPointer<UInt8>) throws -> Bool,
        _ body: (UnsafeBufferPointer<UInt8>, ItemBytes) throws -> Bool
    ) throws -> Bool {
        removeBatch()
        unsafe try add(entry, run, index.plan)
        try find(run)
        return unsafe try passOn(run, index, passingOver: passOver, body)
    }

    /// Passes a stored item on, or its projection.
    @inline(__always)
    private mutating func passItem(
        _ stored: UnsafeBufferPointer<UInt8>, _ primaryKey: MappedBytes,
        _ key: UnsafeBufferPointer<UInt8>, _ run: QueryRun, _ index: IndexHandle,
        passingOver passOver: (UnsafeBufferPointer<UInt8>) throws -> Bool,
        _ body: (UnsafeBufferPointer<UInt8>, ItemBytes) throws -> Bool
    ) throws -> Bool {
        guard let large = unsafe try LargeValue(stored) else {
            return unsafe try passWhole(stored, primaryKey, key, run, index, body)
        }
        // The chunks of an expired item are not read.
        if try run.context.isExpiredInChunks(large, of: run.table) {
            return unsafe try passOver(key)
        }
        let bytes = try read(large, run)
        return try unsafe bytes.withUnsafeBufferPointer { value in
            unsafe try passWhole(value, primaryKey, key, run, index, body)
        }
    }

    /// Passes an item on whose bytes are in one place, or its projection.
    @inline(__always)
    private mutating func passWhole(
        _ value: UnsafeBufferPointer<UInt8>, _ primaryKey: MappedBytes,
        _ key: UnsafeBufferPointer<UInt8>, _ run: QueryRun, _ index: IndexHandle,
        _ body: (UnsafeBufferPointer<UInt8>, ItemBytes) throws -> Bool
    ) throws -> Bool {
        let item = unsafe try ItemBytes(
            value: value, key: primaryKey.bytes, keys: run.table.plan, shapes: run.context)
        if run.source == .items { return unsafe try body(key, item) }
        return unsafe try passProjection(item, key, run, index, body)
    }

    /// Passes the attributes of an item on that the index projects, as a copy would have them.
    @inline(never)
    private mutating func passProjection(
        _ item: ItemBytes, _ key: UnsafeBufferPointer<UInt8>, _ run: QueryRun,
        _ index: IndexHandle, _ body: (UnsafeBufferPointer<UInt8>, ItemBytes) throws -> Bool
    ) throws -> Bool {
        var encoding: [UInt8] = []
        swap(&encoding, &projection)
        defer { swap(&encoding, &projection) }
        encoding.removeAll(keepingCapacity: true)
        let names = index.plan.projectedNames
        try item.withBytes { bytes throws(CodexError) in
            try item.layout.appendProjection(bytes, keeping: names, to: &encoding)
        }
        return try unsafe encoding.withUnsafeBufferPointer { value in
            unsafe try body(
                key, ItemBytes(value: value, key: key, keys: index.plan, shapes: run.context))
        }
    }

    /// Reads a large item from its chunks, unless it is the last one that was read.
    private mutating func read(
        _ item: LargeValue, _ run: QueryRun
    ) throws(CodexError) -> [UInt8] {
        if let large, large.id == item.id { return large.bytes }
        let context = run.context
        let bytes = try item.read(context.transaction, context.catalog.overflow)
        large = (item.id, bytes)
        return bytes
    }
}
