internal import CodexCore
internal import CodexStore

/// Query and Scan.
extension DynamoDBService {
    func query(_ input: RequestParameters) async throws -> JSONWriter {
        let name = try input.tableName()
        var expressions = try Expressions(input)
        let keyCondition = try expressions.keyCondition()
        let filter = try expressions.filter("QueryFilter")
        let projection = try expressions.projection()
        try expressions.requireAllUsed()
        let table = try definition(name)
        let read = try ReadParameters(input, table, projection, try record(of: name).localIndexes)
        var query = try keyCondition.query(on: table, index: read.index?.name)
        if try input.bool("ScanIndexForward") == false { query.direction = .backward }
        if let filter { try read.requireNoKeys(filter, table) }
        return try answer(read, table, filter) { transaction, body in
            try transaction.forEach(query, after: read.start, body)
        }
    }

    func scan(_ input: RequestParameters) async throws -> JSONWriter {
        let name = try input.tableName()
        var expressions = try Expressions(input)
        let filter = try expressions.filter("ScanFilter")
        let projection = try expressions.projection()
        try expressions.requireAllUsed()
        let segment = try Segment(input)
        let table = try definition(name)
        let read = try ReadParameters(input, table, projection, try record(of: name).localIndexes)
        let scan = TableScan(table: name, index: read.index?.name)
        return try answer(read, table, filter, segment) { transaction, body in
            try transaction.forEach(scan, after: read.start, body)
        }
    }

    private func answer(
        _ read: ReadParameters, _ table: TableDefinition, _ filter: Condition?,
        _ segment: Segment? = nil,
        _ walk: (borrowing Snapshot, (borrowing ItemView) throws -> Bool) throws -> Void
    ) throws -> JSONWriter {
        var page = ReadPage()
        var items = JSONWriter()
        try store.read { snapshot in
            let readsTable = read.readsTable
            try walk(snapshot) { view in
                var item = try view.item()
                if let segment, try !segment.includes(item[table.partitionKey.name]) {
                    // A request does not read the whole table to find the items of its segment.
                    page.skip(item)
                    return !page.isFull(read)
                }
                if readsTable {
                    // What a local index lacks is read from the table, as DynamoDB does.
                    item =
                        try snapshot.item(in: table.name, key: try table.primaryKey(of: item))
                        ?? item
                }
                page.scannedCount += 1
                page.byteCount += item.byteCount
                page.last = item
                if filter?.evaluate(item) ?? true {
                    page.count += 1
                    if !read.countsOnly {
                        items.raw(page.count > 1 ? "," : "")
                        items.typed(read.projection?.apply(to: item) ?? item)
                    }
                }
                // Whether more follow is not looked at: DynamoDB gives a key to go on from either way.
                return !page.isFull(read)
            }
        }
        var answer = ResponseWriter()
        if !read.countsOnly {
            answer.member("Items") { writer in
                writer.raw("[")
                writer.append(items)
                writer.raw("]")
            }
        }
        answer.number("Count", page.count)
        answer.number("ScannedCount", page.scannedCount)
        if page.isCut, let last = page.last {
            answer.item("LastEvaluatedKey", last.keeping(read.startNames))
        }
        answer.capacity(read.capacity) {
            var units = Capacity(table.name)
            let readUnits = Capacity.read(
                byteCount: page.byteCount, isConsistent: read.isConsistent)
            if let index = read.index {
                units.add(index.name, isLocal: index.isLocal, readUnits)
            } else {
                units.tableUnits = readUnits
            }
            return units
        }
        return answer.end()
    }
}

/// What was read of a page.
private struct ReadPage {
    var count = 0
    var scannedCount = 0
    var byteCount = 0
    private var skippedByteCount = 0
    var last: Item?
    private(set) var isCut = false

    /// A page's bytes: "Paginating table query results" in DynamoDB's developer guide.
    private static let byteCountMax = 1 << 20
    private static let skippedByteCountMax = 8 << 20

    /// Takes note of an item of another segment.
    mutating func skip(_ item: Item) {
        skippedByteCount += item.byteCount
        last = item
    }

    mutating func isFull(_ read: ReadParameters) -> Bool {
        let isFull =
            scannedCount == read.limit || byteCount >= Self.byteCountMax
            || skippedByteCount >= Self.skippedByteCountMax
        if isFull { isCut = true }
        return isFull
    }
}

/// One of the parts of a parallel scan: the items whose partition key falls into it.
///
/// Each part reads all keys; so parts stay disjoint whatever is written between two pages.
struct Segment {
    private let number: Int
    private let count: Int

    init?(_ input: RequestParameters) throws {
        let (number, count) = (try input.integer("Segment"), try input.integer("TotalSegments"))
        guard let count else {
            guard number == nil else {
                throw ServiceError.validation(
                    "The TotalSegments parameter is required but was not present in the request when "
                        + "Segment parameter is present")
            }
            return nil
        }
        guard let number else {
            throw ServiceError.validation(
                "The Segment parameter is required but was not present in the request when parameter "
                    + "TotalSegments is present")
        }
        guard (1...1_000_000).contains(count), number >= 0 else {
            throw ServiceError.validation(
                "1 validation error detected: Value at 'totalSegments' failed to satisfy constraint: "
                    + "Member must have value between 1 and 1000000")
        }
        guard number < count else {
            throw ServiceError.validation(
                "The Segment parameter is zero-based and must be less than parameter TotalSegments: "
                    + "Segment: \(number) is not less than TotalSegments: \(count)")
        }
        (self.number, self.count) = (number, count)
    }

    func includes(_ key: AttributeValue?) throws -> Bool {
        guard let key else { return number == 0 }
        // FNV-1a: the same in each process and each time.
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        func add(_ bytes: some Sequence<UInt8>) {
            for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        }
        switch key {
        case .string(let text): add(text.utf8)
        case .number(let number): add(number.description.utf8)
        case .binary(let bytes): add(bytes)
        default: break
        }
        return Int((hash >> 16) % UInt64(count)) == number
    }
}

/// What queries and scans have in common.
struct ReadParameters {
    let index: (name: String, isLocal: Bool)?
    let projection: Projection?
    let countsOnly: Bool
    /// Whether items are read from the table, since the index lacks what is wanted.
    let readsTable: Bool
    let limit: Int?
    let isConsistent: Bool
    let start: Item?
    /// The attributes of a start key.
    let startNames: [String]
    let capacity: Capacity.Detail
    private let keyNames: [String]

    init(
        _ input: RequestParameters, _ table: TableDefinition, _ projection: Projection?,
        _ localIndexes: [String]
    ) throws {
        capacity = try DynamoDBService.capacityDetail(input)
        isConsistent = try input.bool("ConsistentRead") ?? false
        limit = try input.integer("Limit")
        if let limit, limit < 1 {
            throw ServiceError.validation(
                "1 validation error detected: Value at 'limit' failed to satisfy constraint: Member "
                    + "must have value greater than or equal to 1")
        }
        var names = table.keyAttributes
        var definition: IndexDefinition?
        if let name = try input.string("IndexName") {
            guard let found = table.indexes.first(where: { $0.name == name }) else {
                throw ServiceError.validation(
                    "The table does not have the specified index: \(name)")
            }
            guard found.multiValued == nil else {
                throw ServiceError.validation(
                    "The index \(name) has several entries for an item, which this protocol has no keys for"
                )
            }
            definition = found
            let isLocal = localIndexes.contains(name)
            index = (name, isLocal)
            if isConsistent, !isLocal {
                throw ServiceError.validation(
                    "Consistent reads are not supported on global secondary indexes")
            }
            names += found.keyAttributes
            keyNames = found.keyAttributes.map(\.name)
        } else {
            index = nil
            keyNames = table.keyAttributes.map(\.name)
        }
        startNames = names.map(\.name)
        let select = try input.choice(
            "Select",
            ["SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"])
        countsOnly = select == "COUNT"
        switch select {
        case "ALL_PROJECTED_ATTRIBUTES" where index == nil:
            throw ServiceError.validation(
                "One or more parameter values were invalid: ALL_PROJECTED_ATTRIBUTES can be used only "
                    + "when Querying using an IndexName")
        case "SPECIFIC_ATTRIBUTES" where projection == nil:
            throw ServiceError.validation(
                "One or more parameter values were invalid: Must specify the AttributesToGet or "
                    + "ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES")
        case "ALL_ATTRIBUTES" where projection != nil, "COUNT" where projection != nil,
            "ALL_PROJECTED_ATTRIBUTES" where projection != nil:
            throw ServiceError.validation(
                "One or more parameter values were invalid: Cannot specify the AttributesToGet when "
                    + "choosing to get \(select ?? "")")
        default: break
        }
        self.projection = projection
        var wanted: Bool = select == "ALL_ATTRIBUTES"
        if let definition, let projection {
            let projected = definition.projectedNames(table)
            wanted =
                projected.map { names in
                    projection.paths.contains { !names.contains($0.root) }
                } ?? false
        }
        if wanted, let definition, definition.projection != .all, index?.isLocal == false {
            throw ServiceError.validation(
                "One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported "
                    + "for global secondary index \(definition.name) because its projection type is not "
                    + "ALL")
        }
        readsTable = wanted && definition.map { $0.projection != .all } ?? false
        start = try input.item("ExclusiveStartKey")
        if let start {
            guard Set(start.names) == Set(startNames), start.count == Set(startNames).count,
                names.allSatisfy({ start[$0.name]?.type == $0.type.attributeType })
            else {
                throw ServiceError.validation(
                    "The provided starting key is invalid: The provided key element does not match the "
                        + "schema")
            }
        }
    }

    /// Filters do not name the keys that a query looks for.
    func requireNoKeys(_ filter: Condition, _ table: TableDefinition) throws {
        for path in filter.paths where keyNames.contains(path.root) {
            throw ServiceError.validation(
                "Filter Expression can only contain non-primary key attributes: Primary key attribute: "
                    + path.root)
        }
    }
}

extension IndexDefinition {
    /// The attributes that its entries have; `nil` is all.
    fileprivate func projectedNames(_ table: TableDefinition) -> Set<String>? {
        let keys = keyAttributes.map(\.name) + table.keyAttributes.map(\.name)
        switch projection {
        case .all: return nil
        case .keysOnly: return Set(keys)
        case .include(let names): return Set(keys + names)
        }
    }
}
