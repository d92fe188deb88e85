package import CodexCore
internal import CodexIndex

/// The decision of a walk on the items of a partition.
package enum PartitionChoice: Sendable {
    /// The walk passes them on.
    case take
    /// The walk skips them.
    case skip
}

/// The limits at which a walk ends: skipped items, and the size of items.
package struct WalkBound: Sendable {
    /// The maximum number of items and partitions that are skipped.
    package let skippedCountMax: Int
    /// The attributes that form the start key of another walk: the keys of table and index.
    package let keyNames: [String]
    /// The size of an item's stored form, in bytes, before which a query ends.
    package let largeByteCount: Int
    /// The number of items after which the caller ends the walk; `nil` if it does not know.
    ///
    /// A walk by references looks up no more items ahead.
    package let wantedCount: Int?

    /// Creates a bound.
    package init(
        skippedCountMax: Int, keyNames: [String], largeByteCount: Int = .max,
        wantedCount: Int? = nil
    ) {
        self.skippedCountMax = skippedCountMax
        self.keyNames = keyNames
        self.largeByteCount = largeByteCount
        self.wantedCount = wantedCount
    }
}

// Walks that end in bounded time, also among expired items or items of other segments.
extension ReadableTransaction where Self: ~Copyable {
    /// Walks a query as ``forEach(_:after:_:)-(TableQuery,_,_)`` does, within a bound.
    ///
    /// - Parameters:
    ///   - query: The query.
    ///   - item: The start key; `nil` starts at the beginning.
    ///   - bound: The limits of skipped items and of the size of items.
    ///   - end: Called if the walk ends before a large item.
    ///   - body: Called with each item, until it returns `false`.
    /// - Returns: If the walk ended because it reached the bound of skipped items, the keys of the
    ///   last skipped item: another walk continues after it. Otherwise `nil`.
    /// - Throws: The errors of reading and of `body`.
    package func forEach(
        _ query: TableQuery, after item: Item? = nil, within bound: WalkBound,
        beforeLargeItem end: () -> Void = {}, _ body: (borrowing ItemView) throws -> Bool
    ) throws -> Item? {
        try forEach(QueryRun(query, _context.base), item, bound, end, body)
    }

    /// Walks a scan as ``forEach(_:after:_:)-(TableScan,_,_)`` does, within a bound.
    ///
    /// - Returns: As ``forEach(_:after:within:_:)-(TableQuery,_,_,_)``.
    package func forEach(
        _ scan: TableScan, after item: Item? = nil, within bound: WalkBound,
        _ body: (borrowing ItemView) throws -> Bool
    ) throws -> Item? {
        try forEach(QueryRun(scan, _context.base), item, bound, {}, body)
    }

    private func forEach(
        _ run: QueryRun, _ item: Item?, _ bound: WalkBound, _ end: () -> Void,
        _ body: (borrowing ItemView) throws -> Bool
    ) throws -> Item? {
        let part = try item.map { try run.range(after: $0) }
        return unsafe try run.walk(part ?? run.range, within: bound, orEnd: end) { _, bytes in
            try body(ItemView(bytes))
        }
    }

    /// Passes the items of the partitions that `choice` takes to `body`, within a bound.
    ///
    /// Of the other partitions, only keys are read. In a table, one seek skips a partition of any
    /// size. The entries of an index are not ordered by the table's partition key, so `choice` is
    /// called for each entry. The items that entries refer to are looked up one by one.
    ///
    /// - Parameters:
    ///   - scan: The scan.
    ///   - item: The start key, as for ``forEach(_:after:_:)-(TableScan,_,_)``; `nil` starts at the
    ///     beginning.
    ///   - bound: The limit of skipped items.
    ///   - choice: Called with the table's partition key, at least once for each partition.
    ///   - body: Called with each item, until it returns `false`.
    /// - Returns: As ``forEach(_:after:within:_:)-(TableQuery,_,_,_)``.
    /// - Throws: As ``forEach(_:after:_:)-(TableScan,_,_)``.
    /// - Complexity: O(*m* + *p* · log *n*) for *m* items that are passed on and *p* partitions.
    package func forEach(
        _ scan: TableScan, after item: Item? = nil, within bound: WalkBound,
        choosing choice: (AttributeValue) throws -> PartitionChoice,
        _ body: (borrowing ItemView) throws -> Bool
    ) throws -> Item? {
        let run = try QueryRun(scan, _context.base)
        let part = try item.map { try run.range(after: $0) }
        return unsafe try run.walk(part ?? run.range, within: bound, choosing: choice) {
            _, bytes in
            try body(ItemView(bytes))
        }
    }
}

extension QueryRun {
    /// Walks a part of the range in the query's direction.
    fileprivate func walk(
        _ part: KeyRange, within bound: WalkBound, orEnd end: () -> Void,
        _ body: (UnsafeBufferPointer<UInt8>, ItemBytes) throws -> Bool
    ) throws -> Item? {
        var counts = WalkCounts(bound)
        unsafe try scan(
            part, before: bound.largeByteCount, orEnd: end, room: { counts.room },
            passingOver: { unsafe try counts.skip($0, of: self) }
        ) { key, bytes in
            guard try passes(bytes) else { return unsafe try counts.skip(key, of: self) }
            counts.passedCount += 1
            return unsafe try body(key, bytes)
        }
        return counts.stop
    }

    /// The attributes with these names in an entry's key; the item is not read.
    fileprivate func keyAttributes(
        _ key: UnsafeBufferPointer<UInt8>, _ names: [String]
    ) throws(CodexError) -> Item {
        let key = unsafe Span(_unsafeElements: key)
        let elements: [AttributeMap.Element]
        if let index {
            elements = try index.plan.attributes(of: key)
        } else {
            elements = try table.plan.keyAttributes(key)
        }
        var item = Item()
        for element in elements where names.contains(where: { ByteOrder.equal($0, element.name) }) {
            item[element.name] = element.value
        }
        return item
    }

    /// Walks a part of the range forward, through the partitions that `choice` takes.
    fileprivate func walk(
        _ part: KeyRange, within bound: WalkBound,
        choosing choice: (AttributeValue) throws -> PartitionChoice,
        _ body: (UnsafeBufferPointer<UInt8>, ItemBytes) throws -> Bool
    ) throws -> Item? {
        var skippedCount = 0
        return try context.withReferencedItems(of: self) { items -> Item? in
            try context.transaction.withCursor(tree) { cursor -> Item? in
                var entry = unsafe try cursor.seek(part.lower)
                while let current = unsafe entry {
                    if let upper = part.upper, unsafe current.key.compare(upper) >= 0 {
                        return nil
                    }
                    let partition = try partition(of: unsafe Span(_unsafeElements: current.key))
                    let isTaken = try choice(partition.value) == .take
                    var isPassed = false
                    if isTaken {
                        let goesOn = unsafe try pass(current, &items) { key, bytes in
                            isPassed = true
                            return unsafe try body(key, bytes)
                        }
                        guard goesOn else { return nil }
                    }
                    if !isPassed { skippedCount += 1 }
                    if skippedCount >= bound.skippedCountMax {
                        return unsafe try keyAttributes(current.key, bound.keyNames)
                    }
                    if isTaken {
                        unsafe entry = try cursor.next()
                    } else {
                        unsafe entry = try next(after: current.key, partition.byteCount, &cursor)
                    }
                }
                return nil
            }
        }
    }

    /// Passes on what is wanted of one entry's item, if the item passes the filter.
    ///
    /// - Returns: What `body` returns; `true` if it is not called.
    private func pass(
        _ entry: Cursor.Entry, _ items: inout ReferencedItems,
        _ body: (UnsafeBufferPointer<UInt8>, ItemBytes) throws -> Bool
    ) throws -> Bool {
        guard let index, source != .entries else {
            return unsafe try context.withItem(
                entry.value, entry.key, keys, of: table, passingOver: { true }
            ) { bytes -> Bool in
                guard try passes(bytes) else { return true }
                return unsafe try body(entry.key, bytes)
            }
        }
        return unsafe try items.passOn(
            entry, self, index, passingOver: { _ in true }
        ) { key, bytes in
            guard try passes(bytes) else { return true }
            return unsafe try body(key, bytes)
        }
    }

    /// The table's partition key in an entry's key.
    ///
    /// - Returns: The partition key, and the length of the common prefix of all keys of the
    ///   partition. The length is `nil` if the keys are not adjacent, or if the partition has one
    ///   item at most.
    private func partition(
        of key: Span<UInt8>
    ) throws(CodexError) -> (value: AttributeValue, byteCount: Int?) {
        guard index != nil else { return try table.plan.partition(of: key) }
        let name = table.plan.keyNames[0]
        for element in try keys.keyAttributes(key) where ByteOrder.equal(element.name, name) {
            return (element.value, nil)
        }
        throw Wire.corrupted("an index entry's key has no key of its item")
    }

    /// The entry after the partition that `key` is in; after `key` alone if it is a partition.
    private func next(
        after key: UnsafeBufferPointer<UInt8>, _ partitionByteCount: Int?, _ cursor: inout Cursor
    ) throws(CodexError) -> Cursor.Entry? {
        guard let partitionByteCount else { return unsafe try cursor.next() }
        // The key is invalid after the cursor moves.
        let prefix = unsafe Array(key.prefix(partitionByteCount))
        guard let following = unsafe try cursor.next() else { return nil }
        // Often a partition has one item, and a step is cheaper than a seek.
        guard unsafe following.key.starts(with: prefix) else { return unsafe following }
        guard let end = KeyRange(prefix: prefix).upper else { return nil }
        return unsafe try cursor.advance(to: end)
    }
}

/// The counts of a bounded walk so far.
///
/// They are no local variables: closures that share a local function keep those on the heap.
private struct WalkCounts {
    let bound: WalkBound
    /// The number of skipped items.
    var skippedCount = 0
    /// The number of items that the walk passed on.
    var passedCount = 0
    /// The keys of the skipped item at which the walk ended.
    var stop: Item?

    init(_ bound: WalkBound) { self.bound = bound }

    /// The number of items that the caller still takes; `nil` if it does not know.
    var room: Int? { bound.wantedCount.map { max(1, $0 - passedCount) } }

    /// Counts a skipped item; `false` if the walk ends at it.
    mutating func skip(
        _ key: UnsafeBufferPointer<UInt8>, of run: QueryRun
    ) throws(CodexError) -> Bool {
        skippedCount += 1
        guard skippedCount >= bound.skippedCountMax else { return true }
        stop = unsafe try run.keyAttributes(key, bound.keyNames)
        return false
    }
}
