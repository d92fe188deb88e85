internal import CodexCore
internal import CodexStore

/// A page of a query or scan, read slice by slice.
///
/// Each slice goes on after the last item of the one before.
///
/// Sendable in spite of its state: the one task of the request uses it.
final class PageRead: SlicedRead, @unchecked Sendable {
    /// What is walked.
    enum Source {
        case query(TableQuery)
        case scan(TableScan, Segment?)
    }

    private let read: ReadParameters
    private let table: TableDefinition
    private let filter: Condition?
    private let operatorCount: Int
    private let source: Source
    private var written = ResponseWriter()

    private var count = 0
    private var scannedCount = 0
    private var byteCount = 0
    private var stepCount = 0
    /// Items that are expired, and partitions of other segments, as far as they ended a slice.
    private var skippedCount = 0
    /// The item that was looked at last, which the walk goes on after; between slices only its
    /// keys.
    private var last: Item?
    /// Whether the page ended before the walk did.
    private var isCut = false
    /// Whether the slice ended before the page did.
    private var isLeft = false

    private(set) var slice = RequestBudget.Slice()
    private(set) var isDone = false

    /// A page's bytes: "Paginating table query results" in DynamoDB's developer guide.
    private static let byteCountMax = 1 << 20
    /// Steps of the filter that end a page; one item may take more.
    static let stepCountMax = StoreLimits.conditionStepCountMax / 4
    /// Each operator of the filter counts so many steps more, for each item.
    static let operatorStepCount = 32
    /// So many items and partitions that are passed over end a slice: some millisecond.
    private static let sliceSkippedCountMax = 4096
    /// So many end a page.
    ///
    /// A page without items says where to go on, too.
    private static let skippedCountMax = 8 * sliceSkippedCountMax

    init(
        _ read: ReadParameters, _ table: TableDefinition, _ filter: Condition?, _ source: Source
    ) {
        (self.read, self.table, self.filter, self.source) = (read, table, filter, source)
        operatorCount = filter?.operatorCount ?? 0
        last = read.start
        if !read.countsOnly { written.member("Items") { $0.raw("[") } }
    }

    // MARK: Reading

    func readSlice(
        of store: Store, _ size: RequestBudget.Slice.Size, _ budget: RequestBudget
    ) throws {
        slice = RequestBudget.Slice()
        isLeft = false
        let memory = budget.decodedMemory()
        defer { memory.release() }
        func take(_ view: borrowing ItemView, _ snapshot: borrowing Snapshot) throws -> Bool {
            try self.take(view, snapshot, size, memory, budget)
        }
        let bound = WalkBound(
            skippedCountMax: Self.sliceSkippedCountMax, keyNames: read.startNames,
            largeByteCount: size.largeByteCount)
        let stop = try store.read { snapshot -> Item? in
            switch source {
            case .query(let query):
                try snapshot.forEach(
                    query, after: last, within: bound, beforeLargeItem: { isLeft = true }
                ) { try take($0, snapshot) }
            case .scan(let scan, nil):
                try snapshot.forEach(scan, after: last, within: bound) { try take($0, snapshot) }
            case .scan(let scan, let segment?):
                try snapshot.forEach(
                    scan, after: last, within: bound,
                    choosing: { segment.includes($0) ? .take : .skip }
                ) { try take($0, snapshot) }
            }
        }
        if let stop { skip(to: stop) }
        isDone = !isLeft
        last = last?.keeping(read.startNames)
        try written.reserve(budget)
    }

    /// Looks at an item; `false` ends the slice.
    private func take(
        _ view: borrowing ItemView, _ snapshot: borrowing Snapshot,
        _ size: RequestBudget.Slice.Size, _ memory: DecodedMemory, _ budget: RequestBudget
    ) throws -> Bool {
        isLeft = true
        if isWhole {
            guard try view.isSmaller(than: size.largeByteCount) else { return false }
            try add(view, memory, budget)
        } else {
            guard let item = try item(view, snapshot, size, memory),
                let passes = try passes(item, size)
            else { return false }
            try add(item, passes: passes, budget)
        }
        isLeft = false
        isCut = isPageFull
        if isCut { return false }
        if slice.itemCount % RequestBudget.itemCountPerCheck == 0 { try budget.requireTime() }
        isLeft = slice.isFull(size)
        return !isLeft
    }

    /// Goes on after the keys of what was passed over.
    private func skip(to stop: Item) {
        skippedCount += Self.sliceSkippedCountMax
        last = stop
        isCut = skippedCount >= Self.skippedCountMax
        isLeft = !isCut
    }

    private var isPageFull: Bool {
        scannedCount == read.limit || byteCount >= Self.byteCountMax
            || stepCount >= Self.stepCountMax
            || written.byteCount >= ResponseWriter.pageByteCountMax
    }

    /// The item of an entry; `nil` if it is too large for the slice.
    private func item(
        _ view: borrowing ItemView, _ snapshot: borrowing Snapshot,
        _ size: RequestBudget.Slice.Size, _ memory: DecodedMemory
    ) throws -> Item? {
        guard try view.isSmaller(than: size.largeByteCount) else { return nil }
        let item = try view.item(reserving: memory)
        guard read.readsTable else { return item }
        // What a local index lacks is read from the table, as DynamoDB does.
        let whole = try snapshot.view(
            in: table.name, key: try table.primaryKey(of: item), smallerThan: size.largeByteCount
        ) { try $0.item(reserving: memory) }
        switch whole {
        case .absent: return item
        case .large: return nil
        case .found(let whole): return whole
        }
    }

    /// Whether the item passes the filter; `nil` if that takes more steps than one of these slices.
    ///
    /// - Throws: `ValidationException` if it takes too many for any.
    private func passes(_ item: Item, _ size: RequestBudget.Slice.Size) throws -> Bool? {
        guard let filter else { return true }
        var left = size.stepCountMax
        let passes = filter.evaluate(item, steps: &left)
        let taken = size.stepCountMax - max(0, left) + Self.operatorStepCount * operatorCount
        slice.add(stepCount: taken)
        stepCount += taken
        if left >= 0 { return passes }
        guard size.stepCountMax < StoreLimits.conditionStepCountMax else {
            throw ServiceError.validation(
                "The filter looks at too much of an item: compare or search less of it, or in "
                    + "fewer places")
        }
        return nil
    }

    /// Whether each item is shown as the entry has it: nothing needs its values.
    private var isWhole: Bool {
        guard filter == nil, !read.readsTable, !read.countsOnly else { return false }
        return read.projection.map { $0.topLevelNames != nil } ?? true
    }

    private func add(
        _ view: borrowing ItemView, _ memory: DecodedMemory, _ budget: RequestBudget
    ) throws {
        count += 1
        if count > 1 { written.more { $0.raw(",") } }
        addScanned(byteCount: try written.stored(view, read.projection, memory, budget))
        last = try view.item(keeping: read.startNames)
    }

    private func addScanned(byteCount itemByteCount: Int) {
        slice.add(byteCount: itemByteCount)
        scannedCount += 1
        byteCount += itemByteCount
    }

    private func add(_ item: Item, passes: Bool, _ budget: RequestBudget) throws {
        let itemByteCount = item.byteCount
        addScanned(byteCount: itemByteCount)
        last = item
        guard passes else { return }
        count += 1
        guard !read.countsOnly else { return }
        if count > 1 { written.more { $0.raw(",") } }
        try written.value(
            read.projection?.apply(to: item) ?? item, byteCount: itemByteCount, budget)
    }

    // MARK: The response

    func response(_ budget: RequestBudget) throws -> ResponseWriter {
        var response = written
        written = ResponseWriter()
        if !read.countsOnly { response.more { $0.raw("]") } }
        response.number("Count", count)
        response.number("ScannedCount", scannedCount)
        // Whether more follow is not looked at: DynamoDB gives a key to go on from either way.
        if isCut, let last { response.item("LastEvaluatedKey", last.keeping(read.startNames)) }
        response.capacity(read.capacity) { units }
        return response
    }

    private var units: Capacity {
        var units = Capacity(table.name)
        let readUnits = Capacity.read(byteCount: byteCount, isConsistent: read.isConsistent)
        if let index = read.index {
            units.add(index.name, isLocal: index.isLocal, readUnits)
        } else {
            units.tableUnits = readUnits
        }
        return units
    }
}
