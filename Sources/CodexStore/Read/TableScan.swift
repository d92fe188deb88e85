public import CodexCore
internal import CodexIndex

/// A walk over all items of a table, or over all entries of an index, in key order.
public struct TableScan: Sendable, Hashable {
    /// The table's name.
    public var table: String
    /// The index's name; `nil` is the table itself.
    public var index: String?
    /// The condition for the examined items that are returned.
    public var filter: Condition?
    /// The parts of the items that are returned; `nil` for all.
    public var projection: Projection?
    /// The part of the table to walk, from ``ReadableTransaction/segments(of:index:count:)``; `nil`
    /// for the whole table.
    public var segment: ScanSegment?

    /// Creates a scan.
    public init(
        table: String, index: String? = nil, filter: Condition? = nil,
        projection: Projection? = nil, segment: ScanSegment? = nil
    ) {
        self.table = table
        self.index = index
        self.filter = filter
        self.projection = projection
        self.segment = segment
    }
}

/// A part of a table's or index's keys.
///
/// The segments of one call are ranges of keys without gap or overlap. Any number of threads may
/// scan them, in any order. Together, the scans see each item that stays in place exactly once.
public struct ScanSegment: Sendable, Hashable {
    let table: String
    let index: String?
    let range: KeyRange
}

extension ReadableTransaction where Self: ~Copyable {
    /// A page of a scan's items.
    ///
    /// - Parameters:
    ///   - scan: The scan.
    ///   - limits: The limits of the page. Without limits, the whole result is kept in memory.
    ///   - token: The ``Page/next`` of the previous page; `nil` for the first page.
    /// - Returns: The items, and a token if there are more.
    /// - Throws: As ``items(matching:limits:after:)``; ``CodexError/Code/invalidArgument`` also for
    ///   a segment of another table or index.
    /// - Complexity: O(*m*) for *m* examined items.
    public func items(
        scanning scan: TableScan, limits: PageLimits = PageLimits(), after token: PageToken? = nil
    ) throws -> Page<Item> {
        try QueryRun(scan, _context.base).items(limits, after: token, scan.projection)
    }

    /// The number of items that a scan finds, and the number of items that it examined.
    ///
    /// - Throws: As ``items(scanning:limits:after:)``.
    public func count(_ scan: TableScan) throws -> QueryCount {
        let wanted = WantedContent.keys.with(scan.filter, seeing: .projected)
        return try QueryRun(scan, _context.base, wanting: wanted).count()
    }

    /// Passes the items of a scan to `body`, in place, until it returns `false`.
    ///
    /// - Parameters:
    ///   - scan: The scan.
    ///   - item: The start key, as for ``forEach(_:after:_:)-(TableQuery,_,_)``; `nil` starts at
    ///     the beginning.
    ///   - body: Gets each item.
    /// - Throws: As ``items(scanning:limits:after:)``, ``CodexError/Code/invalidKey``, and the
    ///   errors of `body`.
    public func forEach(
        _ scan: TableScan, after item: Item? = nil, _ body: (borrowing ItemView) throws -> Bool
    ) throws {
        try QueryRun(scan, _context.base).forEach(after: item, body)
    }

    /// Passes every item of a table to `body`, in place and in key order, until it returns `false`.
    ///
    /// - Throws: ``CodexError/Code/unknownTable``, ``CodexError/Code/corrupted``, and the errors of
    ///   `body`.
    public func forEachItem(
        in table: String, _ body: (borrowing ItemView) throws -> Bool
    ) throws {
        try forEach(TableScan(table: table), body)
    }

    /// Divides a table, or an index, into at most `count` segments of about the same size.
    ///
    /// - Parameters:
    ///   - table: The table's name.
    ///   - index: The index's name; `nil` is the table itself.
    ///   - count: The number of segments, from 1 to 1,000; a small table has fewer.
    /// - Returns: The segments, in the order of keys.
    /// - Throws: ``CodexError/Code/unknownTable``, ``CodexError/Code/unknownIndex``,
    ///   ``CodexError/Code/indexNotReady``, ``CodexError/Code/invalidArgument``.
    /// - Complexity: O(*count* · log *n*) lookups, with at most 512 steps each: sizes are sampled.
    public func segments(
        of table: String, index: String? = nil, count: Int
    ) throws -> [ScanSegment] {
        guard (1...1000).contains(count) else {
            throw CodexError(.invalidArgument, "A scan has 1 to 1,000 segments.")
        }
        let context = _context.base
        let handle = try context.catalog.table(table)
        let tree = try index.map { name throws(CodexError) in try handle.index(name).tree }
        let divider = RangeDivider(transaction: context.transaction, tree: tree ?? handle.tree)
        return try divider.ranges(count: count).map {
            ScanSegment(table: table, index: index, range: $0)
        }
    }
}

extension Store {
    /// A page of a scan's items.
    ///
    /// See ``ReadableTransaction/items(scanning:limits:after:)``.
    public func items(
        scanning scan: TableScan, limits: PageLimits = PageLimits(), after token: PageToken? = nil
    ) throws -> Page<Item> {
        try read { try $0.items(scanning: scan, limits: limits, after: token) }
    }

    /// The number of items that a scan finds, and the number of items that it examined.
    ///
    /// See ``ReadableTransaction/count(_:)-(TableScan)``.
    public func count(_ scan: TableScan) throws -> QueryCount {
        try read { try $0.count(scan) }
    }

    /// Divides a table, or an index, into segments.
    ///
    /// See ``ReadableTransaction/segments(of:index:count:)``.
    public func segments(
        of table: String, index: String? = nil, count: Int
    ) throws -> [ScanSegment] {
        try read { try $0.segments(of: table, index: index, count: count) }
    }

    /// The items of a scan, read in pages while they are consumed.
    ///
    /// - Parameters:
    ///   - scan: The scan.
    ///   - pageSize: The number of items that are read at a time.
    /// - Returns: The sequence; nothing is read before it is iterated.
    public func results(of scan: TableScan, pageSize: Int = 100) -> ResultSequence<Item> {
        ResultSequence { [self] token in
            try items(scanning: scan, limits: PageLimits(returned: pageSize), after: token)
        }
    }
}

/// Divides a tree's keys into ranges of about the same number of entries, by sampling.
private struct RangeDivider {
    let transaction: Transaction
    let tree: Tree

    /// The number of pieces for each range; pieces are joined by their weight.
    private static let piecesPerRange = 8
    /// The maximum number of entries that are counted in a piece; heavier pieces count as this
    /// number.
    private static let sampleCountMax = 512

    func ranges(count: Int) throws -> [KeyRange] {
        guard count > 1 else { return [.all] }
        return try transaction.withCursor(tree) { cursor in
            guard let first = unsafe try cursor.first().map({ unsafe Array($0.key) }),
                let last = unsafe try cursor.last().map({ unsafe Array($0.key) }), first != last
            else { return [.all] }
            // Bounds ascend; each is a key in the tree.
            var bounds = [first, last]
            while bounds.count < count * Self.piecesPerRange {
                var finer: [[UInt8]] = [bounds[0]]
                for position in 1..<bounds.count {
                    let (low, high) = (bounds[position - 1], bounds[position])
                    if let key = try Self.key(between: low, high, &cursor) { finer.append(key) }
                    finer.append(high)
                }
                if finer.count == bounds.count { break }
                bounds = finer
            }
            return try join(bounds, count, &cursor)
        }
    }

    /// A key of the tree between two others, about halfway; `nil` if there is none.
    private static func key(
        between low: [UInt8], _ high: [UInt8], _ cursor: inout Cursor
    ) throws -> [UInt8]? {
        var end = high
        while true {
            guard
                let key = unsafe try cursor.seek(middle(low, end)).map({ unsafe Array($0.key) })
            else { return nil }
            if ByteOrder.compare(low, key) < 0, ByteOrder.compare(key, high) < 0 { return key }
            // The upper half is a gap, since keys use few of the byte values. Halve the part below
            // it.
            guard let last = unsafe try cursor.previous().map({ unsafe Array($0.key) }),
                ByteOrder.compare(low, last) < 0, ByteOrder.compare(last, end) < 0
            else { return nil }
            end = last
        }
    }

    /// Joins neighbouring pieces until `count` are left.
    private func join(
        _ bounds: [[UInt8]], _ count: Int, _ cursor: inout Cursor
    ) throws -> [KeyRange] {
        var weights: [Int] = []
        for position in 1..<bounds.count {
            var weight = 0
            var entry = unsafe try cursor.seek(bounds[position - 1])
            while let current = unsafe entry, weight < Self.sampleCountMax,
                unsafe current.key.compare(bounds[position]) < 0
            {
                weight += 1
                unsafe entry = try cursor.next()
            }
            weights.append(weight)
        }
        let total = weights.reduce(0, +)
        var ranges: [KeyRange] = []
        var (lower, done): ([UInt8], Int) = ([], 0)
        for (position, weight) in weights.enumerated() {
            done += weight
            if ranges.count < count - 1, done * count >= total * (ranges.count + 1),
                position + 1 < weights.count
            {
                ranges.append(KeyRange(lower: lower, upper: bounds[position + 1]))
                lower = bounds[position + 1]
            }
        }
        ranges.append(KeyRange(lower: lower, upper: nil))
        return ranges
    }

    /// A byte string about halfway between two.
    private static func middle(_ low: [UInt8], _ high: [UInt8]) -> [UInt8] {
        let count = max(low.count, high.count) + 1
        var (sum, carry) = ([UInt8](repeating: 0, count: count + 1), 0)
        for position in (0..<count).reversed() {
            carry += position < low.count ? Int(low[position]) : 0
            carry += position < high.count ? Int(high[position]) : 0
            sum[position + 1] = UInt8(carry & 0xFF)
            carry >>= 8
        }
        sum[0] = UInt8(carry)
        var (middle, rest): ([UInt8], Int) = ([], 0)
        for byte in sum {
            rest = rest << 8 | Int(byte)
            middle.append(UInt8(rest >> 1 & 0xFF))
            rest &= 1
        }
        return Array(middle.dropFirst())
    }
}
