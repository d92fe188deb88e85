internal import CodexCore
internal import CodexStore

/// A page of a query or scan, or of the queries of a statement, read slice by slice.
///
/// Each slice continues after the last item of the previous slice. The queries of a statement are
/// read one after the other.
///
/// It is `@unchecked Sendable` because only the request's one task uses its state.
final class PageRead: SlicedRead, @unchecked Sendable {
    private let read: ReadParameters
    private let table: TableDefinition
    private let filter: Condition?
    private let operatorCount: Int
    private var sources: PageSources
    private var written = ResponseWriter()

    private var count = 0
    private var scannedCount = 0
    private var byteCount = 0
    private var stepCount = 0
    /// The number of skipped expired items and partitions of other segments, counted when they end
    /// a slice.
    private var skippedCount = 0
    /// The last item that was examined, after which the walk continues.
    ///
    /// Between slices, it has its keys only.
    private var last: Item?
    /// The last item instead of ``last``, within a slice.
    private var copied = LastItem()
    /// Whether the page ended before the walk did.
    private var isCut = false
    /// Whether the slice ended before the page did.
    private var isLeft = false
    /// Whether the page ends at the next item, which belongs to another segment.
    private var endsHere = false

    private(set) var slice = RequestBudget.Slice()
    private(set) var isDone = false

    /// The bytes that end a page: "Paginating table query results" in DynamoDB's developer guide.
    private static let byteCountMax = 1 << 20
    /// The filter's steps that end a page; one item may take more.
    static let stepCountMax = StoreLimits.conditionStepCountMax / 4
    /// The additional steps that each operator of the filter counts, for each item.
    static let operatorStepCount = 32
    /// The size up to which the last item is copied; of larger ones, the keys are decoded at once.
    private static let copiedByteCountMax = 1 << 10
    /// The number of skipped items and partitions that ends a slice: about a millisecond of work.
    private static let sliceSkippedCountMax = 4096
    /// The number of skipped items and partitions that ends a page.
    ///
    /// A page without items also has a key to continue from. A page of a segment ends after the
    /// next partition that may end one: ``Segment/admits(_:)``.
    private static let skippedCountMax = 8 * sliceSkippedCountMax

    init(
        _ read: ReadParameters, _ table: TableDefinition, _ filter: Condition?,
        _ sources: PageSources
    ) {
        (self.read, self.table, self.filter, self.sources) = (read, table, filter, sources)
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
        let isGlobalIndex = read.index?.isLocal == false
        try budget.faults.read(store, isGlobalIndex: isGlobalIndex) { snapshot in
            defer { copied.clear() }
            repeat {
                let stop = try walk(snapshot, within: bound, take)
                if let item = try copied.item(keeping: read.startNames) { last = item }
                if let stop { skip(to: stop) }
            } while startNextSource()
        }
        isDone = !isLeft
        last = last?.keeping(read.startNames)
        try written.reserve(budget)
    }

    /// Continues with the next source if the present one has ended; `false` if there is none.
    private func startNextSource() -> Bool {
        guard !isLeft, !isCut, sources.startNext(after: byteCount) else { return false }
        last = nil
        copied.clear()
        return true
    }

    /// Walks over the items after the last one; gives the key of the last skipped one at a bound.
    private func walk(
        _ snapshot: borrowing Snapshot, within bound: WalkBound,
        _ take: (borrowing ItemView, borrowing Snapshot) throws -> Bool
    ) throws -> Item? {
        switch sources.current {
        case nil: nil
        case .query(let query)?:
            try snapshot.forEach(
                query, after: last, within: bound, beforeLargeItem: { isLeft = true }
            ) { try take($0, snapshot) }
        case .scan(let scan, nil)?:
            try snapshot.forEach(scan, after: last, within: bound) { try take($0, snapshot) }
        case .scan(let scan, let segment?)?:
            try snapshot.forEach(
                scan, after: last, within: bound, choosing: { choice($0, segment) }
            ) { try take($0, snapshot) }
        }
    }

    /// Whether the items of a partition belong to the segment, or one of them ends the page.
    private func choice(_ key: AttributeValue, _ segment: Segment) -> PartitionChoice {
        let isIncluded = segment.includes(key)
        endsHere =
            !isIncluded && skippedCount >= Self.skippedCountMax && segment.admits(key)
        return isIncluded || endsHere ? .take : .skip
    }

    /// Examines an item; `false` ends the slice.
    private func take(
        _ view: borrowing ItemView, _ snapshot: borrowing Snapshot,
        _ size: RequestBudget.Slice.Size, _ memory: DecodedMemory, _ budget: RequestBudget
    ) throws -> Bool {
        isLeft = true
        if endsHere {
            // The item belongs to another segment; only its key is in the response.
            last = try view.item(keeping: read.startNames)
            copied.clear()
            (isCut, isLeft) = (true, false)
            return false
        }
        if isWhole {
            guard try view.isSmaller(than: size.largeByteCount) else { return false }
            try add(view, memory, budget)
        } else {
            guard let (entry, item) = try items(view, snapshot, size, memory),
                let passes = try passes(read.isStatement ? entry : item, size)
            else { return false }
            try add(entry, item, passes: passes, budget)
        }
        isLeft = false
        isCut = isPageFull
        if isCut { return false }
        if slice.itemCount % RequestBudget.itemCountPerCheck == 0 { try budget.requireTime() }
        isLeft = slice.isFull(size)
        return !isLeft
    }

    /// Continues after the keys of the last skipped item.
    private func skip(to stop: Item) {
        skippedCount += Self.sliceSkippedCountMax
        last = stop
        let canStart = sources.current?.canStart(after: stop, of: table) ?? true
        isCut = skippedCount >= Self.skippedCountMax && canStart
        isLeft = !isCut
    }

    private var isPageFull: Bool {
        scannedCount == read.limit || byteCount + sources.fetchedByteCount >= Self.byteCountMax
            || stepCount >= Self.stepCountMax
            || written.byteCount >= ResponseWriter.pageByteCountMax
    }

    /// The item of an entry, and the item that is read; `nil` if one is too large for the slice.
    private func items(
        _ view: borrowing ItemView, _ snapshot: borrowing Snapshot,
        _ size: RequestBudget.Slice.Size, _ memory: DecodedMemory
    ) throws -> (entry: Item, item: Item)? {
        guard try view.isSmaller(than: size.largeByteCount) else { return nil }
        let item = try view.item(reserving: memory)
        guard read.readsTable else { return (item, item) }
        // Attributes that a local index lacks are read from the table, as DynamoDB does.
        let whole = try snapshot.view(
            in: table.name, key: try table.primaryKey(of: item), smallerThan: size.largeByteCount
        ) { try $0.item(reserving: memory) }
        switch whole {
        case .absent: return (item, item)
        case .large: return nil
        case .found(let whole): return (item, whole)
        }
    }

    /// Whether the item passes the filter; `nil` if the filter needs more steps than this slice
    /// allows.
    ///
    /// - Throws: `ValidationException` if the filter needs more steps than any slice allows.
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

    /// Whether the response is written from the entries' bytes, so that no value must be decoded.
    private var isWhole: Bool {
        filter == nil && !read.readsTable && !read.countsOnly && read.columns == nil
    }

    private func add(
        _ view: borrowing ItemView, _ memory: DecodedMemory, _ budget: RequestBudget
    ) throws {
        count += 1
        if count > 1 { written.more { $0.raw(",") } }
        let itemByteCount = try written.stored(view, read.projection, memory, budget)
        addScanned(byteCount: itemByteCount)
        if itemByteCount > Self.copiedByteCountMax {
            last = try view.item(keeping: read.startNames)
            copied.clear()
        } else {
            copied.set(view)
        }
    }

    private func addScanned(byteCount itemByteCount: Int) {
        slice.add(byteCount: itemByteCount)
        scannedCount += 1
        byteCount += itemByteCount
    }

    private func add(
        _ entry: Item, _ item: Item, passes: Bool, _ budget: RequestBudget
    ) throws {
        let itemByteCount = item.byteCount
        addScanned(byteCount: read.readsTable ? entry.byteCount : itemByteCount)
        if read.readsTable {
            // DynamoDB reads each item of the table by itself, beside the entry of the index.
            slice.byteCount += itemByteCount
            sources.addFetched(byteCount: itemByteCount)
        }
        last = item
        guard passes else { return }
        count += 1
        guard !read.countsOnly else { return }
        if count > 1 { written.more { $0.raw(",") } }
        let columns = read.columns.map { StatementColumn.item($0, of: item) }
        try written.value(
            columns ?? read.projection?.apply(to: item) ?? item, byteCount: itemByteCount, budget)
    }

    // MARK: The response

    func response(_ budget: RequestBudget) throws -> ResponseWriter {
        var response = written
        written = ResponseWriter()
        if !read.countsOnly { response.more { $0.raw("]") } }
        if !read.isStatement {
            response.number("Count", count)
            response.number("ScannedCount", scannedCount)
        }
        // The key is given even if no items follow: DynamoDB does the same.
        if isCut, let last {
            let key = last.keeping(read.startNames)
            if let tokens = read.tokens {
                response.string("NextToken", tokens.token(at: sources.place, after: key))
            }
            response.item("LastEvaluatedKey", key)
        }
        response.capacity(read.capacity) { units }
        return response
    }

    private var units: Capacity {
        var units = Capacity(read.table)
        let readUnits = sources.units(byteCount: byteCount, isConsistent: read.isConsistent)
        if let index = read.index {
            units.add(index.name, isLocal: index.isLocal, readUnits.source)
            units.tableUnits = readUnits.fetched
        } else {
            units.tableUnits = readUnits.source
        }
        return units
    }
}
