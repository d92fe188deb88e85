internal import CodexCore

/// An index that a request asks for.
struct IndexRequest {
    let name: String
    let schema: KeySchema
    let throughput: CapacityUnits?
    let onDemand: RequestedUnits?
    let warm: RequestedUnits?
    private let projectionType: String?
    /// The names that are projected beside the keys, if the request gives some.
    private let projectedNames: [String]?

    init(_ input: RequestParameters) throws {
        name = try input.requiredString("IndexName")
        schema = try KeySchema(input)
        guard let projection = try input.object("Projection") else {
            throw RequestParameters.missing("Projection")
        }
        projectionType = try projection.string("ProjectionType")
        projectedNames = try projection.strings("NonKeyAttributes")
        throughput = try CapacityUnits(input)
        onDemand = try RequestedUnits.onDemand(input)
        warm = try RequestedUnits.warm(input)
    }

    /// The number of names that count for the limit of a table.
    var projectedCount: Int { projectedNames?.count ?? 0 }

    /// The projection.
    ///
    /// - Throws: `ValidationException` if its type and its names do not fit.
    func projection() throws -> IndexProjection {
        guard let projectionType else { throw KeyMessages.noProjectionType }
        guard projectionType == "INCLUDE" else {
            guard projectedNames == nil else {
                throw KeyMessages.projectedNames(projectionType, areGiven: true)
            }
            return projectionType == "ALL" ? .all : .keysOnly
        }
        guard let projectedNames else {
            throw KeyMessages.projectedNames(projectionType, areGiven: false)
        }
        var known: Set<ExactName> = []
        for name in projectedNames where !known.add(name) {
            throw KeyMessages.repeatedProjection(name)
        }
        return .include(projectedNames)
    }

    /// Checks a local index against the key of its table.
    func requireLocal(_ table: KeySchema, _ types: AttributeTypes) throws {
        guard table.elements.count > 1 else { throw KeyMessages.localWithoutSortKey }
        try types.requireAll(schema)
        try schema.requirePair()
        guard schema.elements.count > 1 else { throw KeyMessages.noSortKey(name) }
        let (key, tableKey) = (schema.elements[0].name, table.elements[0].name)
        guard ByteOrder.equal(key, tableKey) else {
            throw KeyMessages.otherPartitionKey(name, key, tableKey)
        }
    }

    /// Checks the key of a global index.
    func requireGlobal(_ types: AttributeTypes) throws {
        try types.requireAll(schema)
        try schema.requireGlobal()
    }

    /// Checks the throughput of a global index of a new table.
    ///
    /// - Parameters:
    ///   - isOnDemand: Whether the table is on demand.
    ///   - region: The region that an error names.
    /// - Throws: `ValidationException`, `LimitExceededException`.
    func requireThroughput(isOnDemand: Bool, region: String) throws {
        if isOnDemand, throughput != nil {
            throw ThroughputMessages.indexProvisionedOnDemand(name)
        }
        if !isOnDemand, throughput == nil { throw ThroughputMessages.indexNotProvisioned(name) }
        try requireLimits(isOnDemand: isOnDemand, region: region)
    }

    /// Checks the throughput of a global index of a table that is there.
    ///
    /// - Parameters:
    ///   - isOnDemand: Whether the table is on demand.
    ///   - region: The region that an error names.
    /// - Throws: `ValidationException`, `LimitExceededException`.
    func requireAddedThroughput(isOnDemand: Bool, region: String) throws {
        if isOnDemand, throughput != nil { throw ThroughputMessages.newIndexOnDemand(name) }
        if !isOnDemand, throughput == nil { throw ThroughputMessages.newIndexWithoutUnits(name) }
        try requireLimits(isOnDemand: isOnDemand, region: region)
    }

    private func requireLimits(isOnDemand: Bool, region: String) throws {
        try throughput?.requireLimits(name, region: region)
        try onDemand?.requireOnDemand(name, isOnDemand: isOnDemand, isNew: true)
        try warm?.requireWarm(name, provisioned: throughput)
    }

    /// The throughput of the index once it is there.
    var tableThroughput: TableThroughput {
        TableThroughput(provisioned: throughput, onDemand: onDemand, warm: warm)
    }

    /// The definition, after all checks.
    func definition(_ types: AttributeTypes) throws -> IndexDefinition {
        let key = try types.attributes(schema)
        return IndexDefinition(
            name, partitionKey: key.partition, sortKey: key.sort, projection: try projection())
    }
}
