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

    /// The number of items in the response.
    private var count = 0
    private var tally = PageTally()
    /// The last item that was examined, after which the walk continues.
    ///
    /// Between slices, it has its keys only.
    private var last: Item?
    /// The last item instead of ``last``, within a slice.
    private var copied = LastItem()
    /// The source and the key after which another request can continue the page.
    private var end: (place: Int, key: Item)?
    /// Whether the page ended before the walk did.
    private var isCut = false
    /// Whether the slice ended before the page did.
    private var isLeft = false
    /// Whether the page ends at the next item, which belongs to another segment.
    private var endsHere = false

    private(set) var slice = RequestBudget.Slice()
    private(set) var isDone = false

    /// The additional steps that each operator of the filter counts, for each item.
    static let operatorStepCount = 32
    /// The size up to which the last item is copied; of larger ones, the keys are decoded at once.
    private static let copiedByteCountMax = 1 << 10

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
            skippedCountMax: PageTally.sliceSkippedCountMax, keyNames: read.startNames,
            largeByteCount: size.largeByteCount,
            wantedCount: read.limit.map { $0 - tally.itemCount })
        let isGlobalIndex = read.index?.isLocal == false
        try budget.faults.read(store, isGlobalIndex: isGlobalIndex) { snapshot in
            defer { copied.clear() }
            repeat {
                let stop = try walk(snapshot, within: bound, take)
                if let item = try copied.item(keeping: read.startNames) { last = item }
                if let stop { skip(to: stop) }
                if let last, canStart(after: last) {
                    end = (sources.place, last.keeping(read.startNames))
                }
            } while startNextSource()
        }
        isDone = !isLeft
        last = last?.keeping(read.startNames)
        try written.reserve(budget)
    }

    /// Continues with the next source if the present one has ended; `false` if there is none.
    private func startNextSource() -> Bool {
        guard !isLeft, !isCut, sources.startNext(after: tally.byteCount) else { return false }
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
        endsHere = !isIncluded && tally.hasSkippedAll && segment.admits(key)
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
        let fits: Bool
        if isWhole {
            guard try view.isSmaller(than: size.largeByteCount) else { return false }
            fits = try add(view, memory, budget)
        } else {
            guard let found = try find(view, snapshot, size, memory) else { return false }
            if found.byteCount > room {
                fits = false
            } else {
                guard let passes = try passes(read.isStatement ? found.entry : found.item, size)
                else { return false }
                fits = try add(found, passes: passes, budget)
            }
        }
        isLeft = false
        isCut = !fits || tally.isFull(read.limit)
        if isCut { return false }
        if slice.itemCount % RequestBudget.itemCountPerCheck == 0 { try budget.requireTime() }
        isLeft = slice.isFull(size)
        return !isLeft
    }

    /// Continues after the keys of the last skipped item.
    private func skip(to stop: Item) {
        tally.addSkippedSlice()
        last = stop
        isCut = tally.hasSkippedAll && canStart(after: stop)
        isLeft = !isCut
    }

    /// Whether another request may start after an item of the present source.
    private func canStart(after item: Item) -> Bool {
        sources.current?.canStart(after: item, of: table) ?? true
    }

    /// The most bytes that the next item may have.
    private var room: Int { tally.room(beside: sources.fetchedByteCount) }

    /// An item, and the entry of the index that it was found by.
    private struct FoundItem {
        let entry: Item
        let item: Item
        let entryByteCount: Int
        /// The size of the item if it was read from the table, beside the entry.
        let fetchedByteCount: Int?

        /// What was read, as DynamoDB counts it.
        var byteCount: Int { entryByteCount + (fetchedByteCount ?? 0) }
    }

    /// The item of an entry, and the item that is read; `nil` if one is too large for the slice.
    private func find(
        _ view: borrowing ItemView, _ snapshot: borrowing Snapshot,
        _ size: RequestBudget.Slice.Size, _ memory: DecodedMemory
    ) throws -> FoundItem? {
        guard try view.isSmaller(than: size.largeByteCount) else { return nil }
        let entry = try view.item(reserving: memory)
        let entryByteCount = entry.byteCount
        guard read.readsTable else {
            return FoundItem(
                entry: entry, item: entry, entryByteCount: entryByteCount, fetchedByteCount: nil)
        }
        // Attributes that a local index lacks are read from the table, as DynamoDB does.
        let whole = try snapshot.view(
            in: table.name, key: try table.primaryKey(of: entry), smallerThan: size.largeByteCount
        ) { try $0.item(reserving: memory) }
        let item: Item
        switch whole {
        case .absent: item = entry
        case .large: return nil
        case .found(let whole): item = whole
        }
        // DynamoDB reads each item of the table by itself, beside the entry of the index.
        return FoundItem(
            entry: entry, item: item, entryByteCount: entryByteCount,
            fetchedByteCount: item.byteCount)
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
        tally.add(stepCount: taken)
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

    /// Adds an item from its bytes; `false` if the page ends before it.
    private func add(
        _ view: borrowing ItemView, _ memory: DecodedMemory, _ budget: RequestBudget
    ) throws -> Bool {
        let size = try write { written in
            try written.stored(view, read.projection, memory, budget)
        }
        guard let itemByteCount = size else { return false }
        addScanned(byteCount: itemByteCount)
        if itemByteCount > Self.copiedByteCountMax {
            last = try view.item(keeping: read.startNames)
            copied.clear()
        } else {
            copied.set(view)
        }
        return true
    }

    /// Adds an item that is in memory; `false` if the page ends before it.
    private func add(_ found: FoundItem, passes: Bool, _ budget: RequestBudget) throws -> Bool {
        if passes, read.countsOnly {
            count += 1
        } else if passes {
            let item = found.item
            let columns = read.columns.map { StatementColumn.item($0, of: item) }
            let shown = columns ?? read.projection?.apply(to: item) ?? item
            let byteCount = found.fetchedByteCount ?? found.entryByteCount
            let size = try write { written in
                try written.value(shown, byteCount: byteCount, budget)
                return found.byteCount
            }
            guard size != nil else { return false }
        }
        addScanned(byteCount: found.entryByteCount)
        if let byteCount = found.fetchedByteCount {
            slice.byteCount += byteCount
            sources.addFetched(byteCount: byteCount)
        }
        last = found.item
        return true
    }

    /// Writes the next item of the response, and counts it, if it fits.
    ///
    /// - Parameter write: Writes the item, and returns its size.
    /// - Returns: The item's size; `nil` if it does not fit.
    /// - Throws: What `write` throws.
    private func write(_ write: (inout ResponseWriter) throws -> Int) throws -> Int? {
        let isFirst = count == 0
        let size = try written.fitting(
            room: room, upTo: ResponseWriter.pageByteCountMax, isFirst: isFirst
        ) { written in
            if !isFirst { written.more { $0.raw(",") } }
            return try write(&written)
        }
        if size != nil { count += 1 }
        return size
    }

    private func addScanned(byteCount itemByteCount: Int) {
        slice.add(byteCount: itemByteCount)
        tally.add(byteCount: itemByteCount)
    }

    // MARK: The response

    func response(_ budget: RequestBudget) throws -> ResponseWriter {
        var response = written
        written = ResponseWriter()
        if !read.countsOnly { response.more { $0.raw("]") } }
        if !read.isStatement {
            response.number("Count", count)
            response.number("ScannedCount", tally.itemCount)
        }
        // The key is given even if no items follow: DynamoDB does the same.
        if isCut, let (place, key) = end {
            if let tokens = read.tokens {
                response.string("NextToken", tokens.token(at: place, after: key))
            }
            response.item("LastEvaluatedKey", key)
        }
        response.capacity(read.capacity) { units }
        return response
    }

    private var units: Capacity {
        var units = Capacity(read.table)
        let readUnits = sources.units(
            byteCount: tally.byteCount, isConsistent: read.isConsistent)
        if let index = read.index {
            units.add(index.name, isLocal: index.isLocal, readUnits.source)
            units.tableUnits = readUnits.fetched
        } else {
            units.tableUnits = readUnits.source
        }
        return units
    }
}
