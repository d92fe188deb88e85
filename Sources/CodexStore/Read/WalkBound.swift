package import CodexCore
internal import CodexIndex

/// What a walk does with the items of a partition.
package enum PartitionChoice: Sendable {
    /// It lends them.
    case take
    /// It passes over them.
    case skip
}

/// How much a walk passes over, and how large items may be, before it ends.
package struct WalkBound: Sendable {
    /// Most items and partitions that are passed over.
    package let skippedCountMax: Int
    /// The attributes that say where another walk goes on: the keys of table and index.
    package let keyNames: [String]
    /// A query ends before an item whose stored form has so many bytes.
    package let largeByteCount: Int

    /// Creates a bound.
    package init(skippedCountMax: Int, keyNames: [String], largeByteCount: Int = .max) {
        self.skippedCountMax = skippedCountMax
        self.keyNames = keyNames
        self.largeByteCount = largeByteCount
    }
}

// Walks that end in bounded time, also among expired items or those of other segments.
extension ReadableTransaction where Self: ~Copyable {
    /// Lends the items of a query as ``forEach(_:after:_:)-(TableQuery,_,_)`` does, within a bound.
    ///
    /// - Parameters:
    ///   - query: What to look for.
    ///   - item: Where to go on, if not at the beginning.
    ///   - bound: How much is passed over, and how large items may be.
    ///   - end: Called if the walk ends before a large item.
    ///   - body: Called with each item, until it returns `false`.
    /// - Returns: If the walk ended since it had passed over so much, the keys of the last item that
    ///   it passed over: another walk goes on after it. Else `nil`.
    /// - Throws: What reading throws, and what `body` throws.
    package func forEach(
        _ query: TableQuery, after item: Item? = nil, within bound: WalkBound,
        beforeLargeItem end: () -> Void = {}, _ body: (borrowing ItemView) throws -> Bool
    ) throws -> Item? {
        try forEach(QueryRun(query, _context.base), item, bound, end, body)
    }

    /// Lends the items of a scan as ``forEach(_:after:_:)-(TableScan,_,_)`` does, within a bound.
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

    /// Lends the items of those partitions that `choice` takes, within a bound.
    ///
    /// Of the others only keys are read. In a table, one seek passes over a partition, however many
    /// items it has. In an index, whose entries are not ordered by the table's partition key, each
    /// entry is asked for.
    ///
    /// - Parameters:
    ///   - scan: What to walk.
    ///   - item: Where to go on, if not at the beginning: see
    ///     ``forEach(_:after:_:)-(TableScan,_,_)``.
    ///   - bound: How much is passed over.
    ///   - choice: Called with the table's partition key, at least once for each partition.
    ///   - body: Called with each item, until it returns `false`.
    /// - Returns: As ``forEach(_:after:within:_:)-(TableQuery,_,_,_)``.
    /// - Throws: As ``forEach(_:after:_:)-(TableScan,_,_)``.
    /// - Complexity: O(*m* + *p* · log *n*) for *m* items that are lent and *p* partitions.
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
        var skippedCount = 0
        var stop: Item?
        func skip(_ key: UnsafeBufferPointer<UInt8>) throws -> Bool {
            skippedCount += 1
            guard skippedCount >= bound.skippedCountMax else { return true }
            stop = unsafe try keyAttributes(key, bound.keyNames)
            return false
        }
        unsafe try scan(
            part, before: bound.largeByteCount, orEnd: end, passingOver: { unsafe try skip($0) }
        ) { key, bytes in
            if unsafe try passes(key, bytes) { return unsafe try body(key, bytes) }
            return unsafe try skip(key)
        }
        return stop
    }

    /// The attributes of these names that an entry's key has: nothing is read of its item.
    private func keyAttributes(
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

    /// Walks a part of the range forward, as far as `choice` takes partitions.
    fileprivate func walk(
        _ part: KeyRange, within bound: WalkBound,
        choosing choice: (AttributeValue) throws -> PartitionChoice,
        _ body: (UnsafeBufferPointer<UInt8>, ItemBytes) throws -> Bool
    ) throws -> Item? {
        var skippedCount = 0
        return try context.transaction.withCursor(tree) { cursor -> Item? in
            var entry = unsafe try cursor.seek(part.lower)
            while let current = unsafe entry {
                if let upper = part.upper, unsafe current.key.compare(upper) >= 0 { return nil }
                let partition = try partition(of: unsafe Span(_unsafeElements: current.key))
                let isTaken = try choice(partition.value) == .take
                var isLent = false
                if isTaken {
                    let goesOn = unsafe try context.withItem(
                        current.value, current.key, keys, passingOver: { true }
                    ) { bytes -> Bool in
                        guard unsafe try passes(current.key, bytes) else { return true }
                        isLent = true
                        return unsafe try body(current.key, bytes)
                    }
                    guard goesOn else { return nil }
                }
                if !isLent { skippedCount += 1 }
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

    /// The table's partition key in an entry's key.
    ///
    /// - Returns: Also the length of what all keys of the partition begin with; `nil` if they do
    ///   not lie together, or there is one at most.
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
        // The key does not outlive a move.
        let prefix = unsafe Array(key.prefix(partitionByteCount))
        guard let following = unsafe try cursor.next() else { return nil }
        // Often a partition has one item, and a step is cheaper than a seek.
        guard unsafe following.key.starts(with: prefix) else { return unsafe following }
        guard let end = KeyRange(prefix: prefix).upper else { return nil }
        return unsafe try cursor.advance(to: end)
    }
}
