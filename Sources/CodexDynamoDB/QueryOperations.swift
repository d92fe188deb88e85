internal import CodexCore
internal import CodexStore

/// Query and Scan.
extension DynamoDBService {
    func query(
        _ input: RequestParameters, _ budget: RequestBudget
    ) async throws -> ResponseWriter {
        let name = try input.tableName()
        // Without a filter, values are only compared with keys.
        var expressions = try Expressions(input, comparesKeys: !input.has("FilterExpression"))
        let keyCondition = try expressions.keyCondition()
        let filter = try expressions.filter("QueryFilter")
        let projection = try expressions.projection()
        try expressions.requireAllUsed()
        let table = try definition(name)
        let read = try ReadParameters(input, table, projection, try record(of: name).localIndexes)
        var query = try keyCondition.query(on: table, index: read.index?.name)
        if try input.bool("ScanIndexForward") == false { query.direction = .backward }
        if let filter { try read.requireNoKeys(filter, table) }
        let page = PageRead(read, table, filter, .query(query))
        // Most queries end in their first slice.
        try page.readSlice(of: store, .first, budget)
        return try await finish(page, budget)
    }

    func scan(
        _ input: RequestParameters, _ budget: RequestBudget
    ) async throws -> ResponseWriter {
        let name = try input.tableName()
        var expressions = try Expressions(input)
        let filter = try expressions.filter("ScanFilter")
        let projection = try expressions.projection()
        try expressions.requireAllUsed()
        let segment = try Segment(input)
        let table = try definition(name)
        let read = try ReadParameters(input, table, projection, try record(of: name).localIndexes)
        let scan = TableScan(table: name, index: read.index?.name)
        let page = PageRead(read, table, filter, .scan(scan, segment))
        try budget.requireTime()
        try page.readSlice(of: store, .next, budget)
        return try await finish(page, budget)
    }
}

/// The common parameters of queries and scans.
struct ReadParameters {
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
    private let keyNames: [String]

    /// Creates the parameters of a statement's read.
    init(
        _ plan: SelectPlan, limit: Int?, start: Item?, isConsistent: Bool,
        _ capacity: Capacity.Detail, _ tokens: StatementTokens
    ) {
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
        _ input: RequestParameters, _ table: TableDefinition, _ projection: Projection?,
        _ localIndexes: [String]
    ) throws {
        (columns, tokens) = (nil, nil)
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
        // The key of an index's entry has the attributes of both keys.
        start = try input["ExclusiveStartKey"].map {
            try AttributeReader.key($0, partCountMax: 1 + DynamoDBLimits.indexKeyPartCountMax)
        }
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

    /// Checks that a filter does not name the queried keys.
    func requireNoKeys(_ filter: Condition, _ table: TableDefinition) throws {
        for path in filter.paths where keyNames.contains(path.root) {
            throw ServiceError.validation(
                "Filter Expression can only contain non-primary key attributes: Primary key attribute: "
                    + path.root)
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
    func projectedNames(_ table: TableDefinition) -> Set<String>? {
        let keys = keyAttributes.map(\.name) + table.keyAttributes.map(\.name)
        switch projection {
        case .all: return nil
        case .keysOnly: return Set(keys)
        case .include(let names): return Set(keys + names)
        }
    }
}
