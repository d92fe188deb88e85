internal import CodexCore
internal import CodexStore

/// The part of a BatchGetItem for one table.
struct BatchGet {
    /// The parameter that selects attributes.
    enum Form {
        case expression
        case legacy
    }

    let table: TableReference
    private(set) var keys: [Item]
    let isConsistent: Bool
    let projection: Projection?
    /// `nil` if all attributes are selected.
    let form: Form?
    /// The parameters that select attributes, as they came.
    let rest: [(name: String, value: JSONValue)]

    /// The parameters that are returned with a table's unread keys.
    private static let restNames = [
        "ProjectionExpression", "ExpressionAttributeNames", "AttributesToGet",
    ]

    init(
        _ table: TableReference, _ input: RequestParameters, countSoFar: Int,
        _ plans: ExpressionPlans? = nil
    ) throws {
        self.table = table
        guard let values = try input.list("Keys") else { throw RequestParameters.missing("Keys") }
        // The count is checked before the keys are read.
        guard countSoFar + values.count <= DynamoDBService.batchGetCountMax else {
            throw ServiceError.validation("Too many items requested for the BatchGetItem call")
        }
        keys = try values.map { try AttributeReader.key($0) }
        isConsistent = try input.bool("ConsistentRead") ?? false
        var expressions = try Expressions(input, .read, plans)
        projection = try expressions.projection()
        try expressions.requireAllUsed()
        form =
            input.has("ProjectionExpression")
            ? .expression : input.has("AttributesToGet") ? .legacy : nil
        rest = input.all.filter { Self.restNames.contains($0.name) }
    }

    /// Moves the keys at some places behind all others.
    mutating func move(toEnd places: Set<Int>) {
        let all = keys
        let first = all.indices.filter { !places.contains($0) }
        keys = (first + places.sorted()).map { all[$0] }
    }

    /// Checks the keys, which differ from all others of the request.
    func requireKeys(_ table: TableDefinition, _ seen: inout Set<ItemTarget>) throws {
        if let projection { try table.requireScalarKeys(projection.paths) }
        for key in keys {
            let target = ItemTarget(table: table.name, key: try table.requestedKey(key))
            guard seen.insert(target).inserted else {
                throw ServiceError.validation(ItemMessages.duplicateKeys)
            }
        }
    }
}

/// The items of a BatchGetItem, read slice by slice and written as they are read.
///
/// DynamoDB, too, reads the items of a batch one by one.
///
/// It is `@unchecked Sendable` because only the request's one task uses its state.
final class BatchRead: SlicedRead, @unchecked Sendable {
    private let gets: [(get: BatchGet, table: TableDefinition)]
    /// For each table, the number of its keys that are read at most.
    private let keyCounts: [Int]
    private let capacity: Capacity.Detail
    private var written = ResponseWriter()
    /// The index of the table that is read.
    private var place = 0
    /// The index of the table's next key.
    private var keyPlace = 0
    /// The number of the table's items that were found.
    private var foundCount = 0
    /// The size of all items so far.
    private var byteCount = 0
    /// Whether the next item does not fit.
    private var isFull = false
    private var units: [Capacity] = []
    /// For each finished table, the index of the first key that was not read.
    private var unread: [Int] = []

    private(set) var slice = RequestBudget.Slice()

    /// The most bytes of the whole items, as DynamoDB counts their sizes.
    ///
    /// "BatchGetItem" in its API reference: 16 MB, "so as not to exceed" which 52 items of 300 KB
    /// are returned. That is so with megabytes of 1,000,000 bytes. The batch ends before the item
    /// that does not fit.
    static let byteCountMax = 16_000_000
    /// The most bytes of JSON; the first item may have more.
    ///
    /// Only items that have much more JSON than bytes reach it. Clients request the other keys
    /// again in any case.
    static let jsonByteCountMax = 20 << 20

    init(
        _ gets: [(get: BatchGet, table: TableDefinition)], _ capacity: Capacity.Detail,
        _ faults: RequestFaults = RequestFaults()
    ) {
        self.capacity = capacity
        (self.gets, keyCounts) = BatchRead.moving(gets, faults)
        written.member("Responses") { $0.raw("{") }
        open()
    }

    /// Moves the keys that stay unread behind the others of their table.
    ///
    /// - Returns: The tables, and the number of keys to read of each.
    private static func moving(
        _ gets: [(get: BatchGet, table: TableDefinition)], _ faults: RequestFaults
    ) -> ([(get: BatchGet, table: TableDefinition)], [Int]) {
        let left = faults.unprocessedPlaces(of: gets.reduce(0) { $0 + $1.get.keys.count })
        var gets = gets
        var counts: [Int] = []
        var start = 0
        for index in gets.indices {
            let count = gets[index].get.keys.count
            let places = left.filter { (start..<(start + count)).contains($0) }.map { $0 - start }
            if !places.isEmpty { gets[index].get.move(toEnd: Set(places)) }
            counts.append(count - places.count)
            start += count
        }
        return (gets, counts)
    }

    var isDone: Bool { place == gets.count }

    // MARK: Reading

    func readSlice(
        of store: Store, _ size: RequestBudget.Slice.Size, _ budget: RequestBudget
    ) throws {
        slice = RequestBudget.Slice()
        let memory = budget.decodedMemory()
        defer { memory.release() }
        try store.read { snapshot -> Void in
            while !isDone, !slice.isFull(size) {
                guard keyPlace < keyCounts[place] else {
                    close()
                    continue
                }
                let (get, table) = gets[place]
                let found = try snapshot.view(
                    in: get.table.name, key: try table.requestedKey(get.keys[keyPlace]),
                    smallerThan: size.largeByteCount
                ) { try add($0, get, memory, budget) }
                switch found {
                case .large: return
                case .absent: add(missing: get)
                case .found: break
                }
                memory.release()
                guard !isFull else { return endEarly() }
                keyPlace += 1
                if keyPlace == keyCounts[place] { close() }
            }
        }
        try written.reserve(budget)
    }

    private func add(missing get: BatchGet) {
        slice.add(byteCount: 0)
        addUnits(get, byteCount: 0)
    }

    /// Adds an item, or notes that it does not fit.
    private func add(
        _ view: borrowing ItemView, _ get: BatchGet, _ memory: DecodedMemory,
        _ budget: RequestBudget
    ) throws {
        let isFirst = byteCount == 0
        let size = try written.fitting(
            room: isFirst ? .max : Self.byteCountMax - byteCount,
            upTo: Self.jsonByteCountMax, isFirst: isFirst
        ) { written in
            if foundCount > 0 { written.more { $0.raw(",") } }
            return try written.stored(view, get.projection, memory, budget)
        }
        guard let itemByteCount = size else {
            isFull = true
            return
        }
        foundCount += 1
        byteCount += itemByteCount
        slice.add(byteCount: itemByteCount)
        addUnits(get, byteCount: itemByteCount)
    }

    private func addUnits(_ get: BatchGet, byteCount: Int) {
        units[place].tableUnits += Capacity.read(
            byteCount: byteCount, isConsistent: get.isConsistent)
    }

    /// Starts a table.
    private func open() {
        (keyPlace, foundCount) = (0, 0)
        units.append(Capacity(gets[place].get.table.text))
        written.more { writer in
            if place > 0 { writer.raw(",") }
            writer.string(gets[place].get.table.text)
            writer.raw(":[")
        }
    }

    /// Ends a table, and starts the next one.
    private func close() {
        unread.append(keyPlace)
        written.more { $0.raw("]") }
        place += 1
        if !isDone { open() }
    }

    /// Leaves all unread keys to another request.
    private func endEarly() {
        while !isDone { close() }
    }

    // MARK: The response

    func response(_ budget: RequestBudget) throws -> ResponseWriter {
        var response = written
        written = ResponseWriter()
        response.more { $0.raw("}") }
        response.member("UnprocessedKeys") { $0.raw("{") }
        var isFirst = true
        for (entry, start) in zip(gets, unread) where start < entry.get.keys.count {
            if !isFirst { response.more { $0.raw(",") } }
            isFirst = false
            try Self.write(entry.get, from: start, to: &response, budget)
        }
        response.more { $0.raw("}") }
        response.capacities(capacity, units)
        try response.reserve(budget)
        return response
    }

    /// Writes the rest of a table's keys as the request had them.
    private static func write(
        _ get: BatchGet, from start: Int, to response: inout ResponseWriter,
        _ budget: RequestBudget
    ) throws {
        response.more { writer in
            writer.string(get.table.text)
            writer.raw(":{\"Keys\":[")
        }
        for place in start..<get.keys.count {
            if place > start { response.more { $0.raw(",") } }
            try response.value(get.keys[place], byteCount: get.keys[place].byteCount, budget)
        }
        response.more { $0.raw(get.isConsistent ? "],\"ConsistentRead\":true" : "]") }
        for member in get.rest {
            response.more { writer in
                writer.raw(",")
                writer.string(member.name)
                writer.raw(":")
            }
            try response.json(member.value.source, budget)
        }
        response.more { $0.raw("}") }
    }
}
