internal import CodexCore
internal import CodexStore

/// Query and Scan.
extension DynamoDBService {
    func query(
        _ input: RequestParameters, _ budget: RequestBudget
    ) async throws -> ResponseWriter {
        let named = try input.table()
        // Without a filter, values are only compared with keys.
        var expressions = try Expressions(
            input, .query, plans.expressions, comparesKeys: !input.has("FilterExpression"))
        let keyCondition = try expressions.keyCondition()
        let filter = try expressions.filter("QueryFilter")
        let projection = try expressions.projection()
        try expressions.requireAllUsed()
        let table = try definition(named)
        let read = try ReadParameters(
            input, named, table, projection, try record(of: named.name).localIndexes)
        var query = try keyCondition.query(on: table, index: read.index?.name)
        if try input.bool("ScanIndexForward") == false { query.direction = .backward }
        try read.requireStart(within: query)
        if let projection { try table.requireScalarKeys(projection.paths) }
        if let filter {
            try read.requireNoKeys(filter, isLegacy: input.has("QueryFilter"))
            try table.requireScalarKeys(filter.paths)
            try read.requireProjected(filter, of: table)
        }
        let page = PageRead(read, table, filter, .query(query))
        // Most queries end in their first slice.
        try page.readSlice(of: store, .first, budget)
        return try await finish(page, budget)
    }

    func scan(
        _ input: RequestParameters, _ budget: RequestBudget
    ) async throws -> ResponseWriter {
        let named = try input.table()
        var expressions = try Expressions(input, .scan, plans.expressions)
        let filter = try expressions.filter("ScanFilter")
        let projection = try expressions.projection()
        try expressions.requireAllUsed()
        let segment = try Segment(input)
        let table = try definition(named)
        let read = try ReadParameters(
            input, named, table, projection, try record(of: named.name).localIndexes,
            isScan: true)
        if let segment { try segment.requireStart(read.start, of: table) }
        for paths in [projection?.paths, filter?.paths] {
            if let paths { try table.requireScalarKeys(paths) }
        }
        let scan = TableScan(table: named.name, index: read.index?.name)
        let page = PageRead(read, table, filter, .scan(scan, segment))
        try budget.requireTime()
        try page.readSlice(of: store, .next, budget)
        return try await finish(page, budget)
    }
}

/// The common parameters of queries and scans.
struct ReadParameters {
    /// The table's name or ARN in the request.
    let table: String
    let index: (name: String, isLocal: Bool)?
    let projection: Projection?
    let countsOnly: Bool
    /// Whether items are read from the table because the index lacks wanted attributes.
    let readsTable: Bool
    let limit: Int?
    let isConsistent: Bool
    let start: Item?
    /// The attributes of a start key.
    let startNames: [String]
    let capacity: Capacity.Detail
    /// What a statement selects below the top level; `nil` for other requests.
    let columns: [StatementColumn]?
    /// What makes the token of a statement's next page; `nil` for other requests.
    let tokens: StatementTokens?
    /// The names of the queried key; none for a statement.
    private let keyNames: [String]

    /// Creates the parameters of a statement's read.
    init(
        _ plan: SelectPlan, limit: Int?, start: Item?, isConsistent: Bool,
        _ capacity: Capacity.Detail, _ tokens: StatementTokens
    ) {
        table = plan.target.table.name
        index = plan.target.index.map { (name: $0.name, isLocal: plan.target.isLocal) }
        projection = plan.columns.projection
        countsOnly = false
        readsTable = plan.readsTable
        self.limit = limit
        self.isConsistent = isConsistent
        self.start = start
        startNames = plan.target.startKeys.map(\.name)
        self.capacity = capacity
        columns = plan.columns.nested
        self.tokens = tokens
        keyNames = []
    }

    /// Whether the read is that of a statement, whose filter sees the entries of an index.
    var isStatement: Bool { tokens != nil }

    init(
        _ input: RequestParameters, _ named: TableReference, _ table: TableDefinition,
        _ projection: Projection?, _ localIndexes: [String], isScan: Bool = false
    ) throws {
        self.table = named.text
        (columns, tokens) = (nil, nil)
        capacity = try DynamoDBService.capacityDetail(input)
        isConsistent = try input.bool("ConsistentRead") ?? false
        limit = try input.integer("Limit")
        var names = table.keyAttributes
        var definition: IndexDefinition?
        if let name = try input.string("IndexName") {
            guard let found = table.indexes.first(where: { $0.name == name }) else {
                throw ServiceError.validation(
                    "The table does not have the specified index: \(name.abbreviated())")
            }
            try found.requireSingleEntries()
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
        let select = try input.string("Select")
        countsOnly = select == "COUNT"
        switch select {
        case "ALL_PROJECTED_ATTRIBUTES" where index == nil:
            throw ServiceError.validation(
                "One or more parameter values were invalid: ALL_PROJECTED_ATTRIBUTES can be used "
                    + "only when Querying using an IndexName")
        case "SPECIFIC_ATTRIBUTES" where projection == nil:
            throw ServiceError.validation(
                "One or more parameter values were invalid: Must specify the AttributesToGet or "
                    + "ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES")
        case "ALL_ATTRIBUTES" where projection != nil, "COUNT" where projection != nil,
            "ALL_PROJECTED_ATTRIBUTES" where projection != nil:
            throw ServiceError.validation(
                "One or more parameter values were invalid: Cannot specify the AttributesToGet "
                    + "when choosing to get \(select ?? "")")
        default: break
        }
        self.projection = projection
        let lacking = definition?.unprojected(projection?.paths ?? [], table) ?? []
        let wanted = select == "ALL_ATTRIBUTES" || !lacking.isEmpty
        if wanted, let definition, definition.projection != .all, index?.isLocal == false {
            // Source: localstack/localstack, issue 478, which quotes the service.
            guard lacking.isEmpty else {
                throw StatementRefusals.unprojected(definition.name, lacking)
            }
            throw ServiceError.validation(
                "One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not "
                    + "supported for global secondary index \(definition.name) because its "
                    + "projection type is not ALL")
        }
        readsTable = wanted && definition.map { $0.projection != .all } ?? false
        // The key of an index's entry has the attributes of both keys.
        start = try input["ExclusiveStartKey"].map {
            try AttributeReader.key($0, partCountMax: 1 + DynamoDBLimits.indexKeyPartCountMax)
        }
        if let start { try Self.requireStart(start, names, isTableScan: isScan && index == nil) }
    }

    /// Checks that a start key has exactly the key attributes, with their types.
    ///
    /// Source of the texts: [dynalite] query, scan.
    private static func requireStart(
        _ start: Item, _ attributes: [KeyAttribute], isTableScan: Bool
    ) throws {
        let problem = "The provided starting key is invalid"
        let mismatch = ServiceError.validation("\(problem): \(ItemMessages.keyMismatch)")
        let names = Set(names: attributes.map(\.name))
        guard start.count == names.count, names.allSatisfy({ start[$0.text] != nil }) else {
            throw isTableScan ? mismatch : ServiceError.validation(problem)
        }
        guard attributes.allSatisfy({ start[$0.name]?.type == $0.type.attributeType }) else {
            throw mismatch
        }
    }

    /// Checks that the start key is one that the query could have returned.
    ///
    /// Source of the texts: [dynalite] query.
    func requireStart(within query: TableQuery) throws {
        guard let start else { return }
        let values = keyNames.map { start[$0] }
        let isInPartition = zip(query.partition, values).allSatisfy { $0 == $1 }
        let sort = values.dropFirst(query.partition.count)
        let rest: AttributeValue? = sort.dropFirst(query.sortPrefix.count).first ?? nil
        let isInRange =
            zip(query.sortPrefix, sort).allSatisfy { $0 == $1 }
            && (rest.map { query.sort.includes($0) } ?? true)
        let hasRange = !query.sortPrefix.isEmpty || query.sort != .any
        guard isInRange else {
            throw ServiceError.validation(
                "The provided starting key does not match the range key predicate")
        }
        guard isInPartition else {
            throw ServiceError.validation(
                hasRange
                    ? "The query can return at most one row and cannot be restarted"
                    : "The provided starting key is outside query boundaries based on provided "
                        + "conditions")
        }
    }

    /// Checks that a filter does not name the queried keys.
    func requireNoKeys(_ filter: Condition, isLegacy: Bool) throws {
        for path in filter.paths
        where keyNames.contains(where: { ByteOrder.equal($0, path.root) }) {
            // [dynalite] query
            throw ServiceError.validation(
                "\(isLegacy ? "QueryFilter" : "Filter Expression") can only contain non-primary "
                    + "key attributes: Primary key attribute: \(path.root)")
        }
    }

    /// Checks that the filter of a query names only what a global index has.
    ///
    /// Source: sensedeep/dynamodb-onetable, issue 377, which quotes the service. No answer of the
    /// service is known for a scan, or for a local index, so their filters see what is there.
    func requireProjected(_ filter: Condition, of table: TableDefinition) throws {
        guard let index, !index.isLocal,
            let definition = table.indexes.first(where: { $0.name == index.name })
        else { return }
        let lacking = definition.unprojected(filter.paths, table)
        guard lacking.isEmpty else {
            throw StatementRefusals.unprojectedFilter(index.name, lacking)
        }
    }
}

extension SortCondition {
    /// Whether the condition holds for a value.
    fileprivate func includes(_ value: AttributeValue) -> Bool {
        func order(_ other: AttributeValue) -> Int { value.ordered(against: other) ?? 0 }
        switch self {
        case .any: return true
        case .equal(let other): return value == other
        case .less(let other): return order(other) < 0
        case .lessOrEqual(let other): return order(other) <= 0
        case .greater(let other): return order(other) > 0
        case .greaterOrEqual(let other): return order(other) >= 0
        case .between(let low, let high): return order(low) >= 0 && order(high) <= 0
        case .beginsWith(let prefix): return value.begins(with: prefix)
        }
    }
}

extension IndexDefinition {
    /// Refuses an index whose entries this protocol has no keys for.
    func requireSingleEntries() throws {
        guard multiValued == nil else {
            throw ServiceError.validation(
                "The index \(name) has several entries for an item, which this protocol has no "
                    + "keys for")
        }
    }

    /// The attributes of the index's entries; `nil` is all.
    func projectedNames(_ table: TableDefinition) -> Set<ExactName>? {
        let keys = keyAttributes.map(\.name) + table.keyAttributes.map(\.name)
        switch projection {
        case .all: return nil
        case .keysOnly: return Set(names: keys)
        case .include(let names): return Set(names: keys + names)
        }
    }

    /// The names that paths begin with and the index's entries lack, sorted and each once.
    func unprojected(_ paths: [DocumentPath], _ table: TableDefinition) -> [String] {
        guard let known = projectedNames(table) else { return [] }
        return Set(names: paths.map(\.root)).subtracting(known).map(\.text)
            .sorted { ByteOrder.compare($0, $1) < 0 }
    }
}
