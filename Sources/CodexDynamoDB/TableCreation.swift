internal import CodexCore
internal import CodexStore

/// The table that a CreateTable asks for, after all checks that need no other table.
///
/// The checks have AWS's order: throughput of the table, keys, projections and throughput of
/// indexes, and then the settings.
struct TableCreation {
    let definition: TableDefinition
    /// The record, without its identifier, times and stream.
    private let settings: TableRecord
    private let throughput: TableThroughput
    private let isOnDemand: Bool
    private let stream: StreamRequest?

    /// The most indexes of a table.
    static let localIndexCountMax = 5
    static let globalIndexCountMax = 20
    /// The most names that all indexes of a table project in addition to keys.
    static let projectionCountMax = 100
    /// What the service does not do.
    private static let unsupported = [
        "ResourcePolicy", "GlobalTableSourceArn", "GlobalTableSettingsReplicationMode",
    ]

    init(_ input: RequestParameters, _ service: DynamoDBService) throws {
        let name = try service.tableName(input)
        isOnDemand = try input.string("BillingMode") == "PAY_PER_REQUEST"
        throughput = try Self.throughput(input, isOnDemand: isOnDemand, service.region)
        let types = try AttributeTypes(input)
        let key = try KeySchema(input)
        let parts = try IndexLists(input, key, types)
        let indexes = try parts.definitions(types, isOnDemand: isOnDemand, service.region)
        let tableKey = try types.attributes(key)
        definition = TableDefinition(
            name, partitionKey: tableKey.partition[0], sortKey: tableKey.sort.first,
            indexes: indexes)
        stream = try Self.stream(input)
        for parameter in Self.unsupported where input.has(parameter) {
            throw TableMessages.unsupported(parameter)
        }
        var record = TableRecord(name)
        record.tags = try TableTags(input) ?? TableTags()
        record.tableClass = try TableClass(input)
        if let encryption = try EncryptionRequest(input), encryption.isEnabled {
            record.encryptionKey = encryption.keyARN(
                region: service.region, account: service.account)
        }
        record.isProtected = try input.bool("DeletionProtectionEnabled") ?? false
        record.localIndexes = parts.local.map(\.name)
        for index in parts.global { record[index: index.name] = index.tableThroughput }
        settings = record
    }

    private static func throughput(
        _ input: RequestParameters, isOnDemand: Bool, _ region: String
    ) throws -> TableThroughput {
        let units = try CapacityUnits(input)
        if isOnDemand, units != nil { throw ThroughputMessages.provisionedOnDemand }
        if !isOnDemand, units == nil { throw ThroughputMessages.notProvisioned }
        try units?.requireLimits(nil, region: region)
        let (limits, warm) = (
            try RequestedUnits.onDemand(input), try RequestedUnits.warm(input)
        )
        try limits?.requireOnDemand(nil, isOnDemand: isOnDemand, isNew: true)
        try warm?.requireWarm(nil, provisioned: units)
        return TableThroughput(provisioned: units, onDemand: limits, warm: warm)
    }

    private static func stream(_ input: RequestParameters) throws -> StreamRequest? {
        guard let stream = try StreamRequest(input) else { return nil }
        if stream.isEnabled, stream.view == nil { throw StreamMessages.createdWithoutView }
        if !stream.isEnabled, stream.view != nil { throw StreamMessages.createdWithView }
        return stream
    }

    /// The record of the table.
    ///
    /// - Parameters:
    ///   - id: The table's identifier.
    ///   - instant: The time of creation, in milliseconds since 1970.
    ///   - point: The point at which the table's stream begins.
    /// - Returns: The record.
    func record(id: String, at instant: Int, _ point: StreamPoint) -> TableRecord {
        var record = settings
        record.id = id
        record.createdAt = instant
        record.bill(throughput, isOnDemand: isOnDemand, at: instant)
        if let view = stream?.view {
            record.stream = TableStream(view: view, at: point)
        }
        return record
    }

    /// Whether the table gets a stream.
    var hasStream: Bool { stream?.isEnabled ?? false }

    /// The indexes of a CreateTable.
    private struct IndexLists {
        let local: [IndexRequest]
        let global: [IndexRequest]

        /// Reads the indexes, and checks the keys of all.
        init(
            _ input: RequestParameters, _ key: KeySchema, _ types: AttributeTypes
        ) throws {
            guard key.elements.count <= types.names.count else { throw KeyMessages.noDefinition }
            try types.requireAll(key)
            try key.requirePair()
            local = try Self.indexes(input, "LocalSecondaryIndexes")
            for index in local { try index.requireLocal(key, types) }
            global = try Self.indexes(input, "GlobalSecondaryIndexes")
            for index in global { try index.requireGlobal(types) }
            try types.requireAllUsed(key, (local + global).map(\.schema))
        }

        private static func indexes(
            _ input: RequestParameters, _ name: String
        ) throws -> [IndexRequest] {
            guard let nodes = try input.list(name) else { return [] }
            guard !nodes.isEmpty else { throw KeyMessages.emptyList(name) }
            return try nodes.map { try IndexRequest(try RequestParameters($0, name)) }
        }

        /// The definitions, once projections, throughput, names and counts are checked.
        func definitions(
            _ types: AttributeTypes, isOnDemand: Bool, _ region: String
        ) throws -> [IndexDefinition] {
            var definitions: [IndexDefinition] = []
            for index in local { definitions.append(try index.definition(types)) }
            for index in global {
                definitions.append(try index.definition(types))
                try index.requireThroughput(isOnDemand: isOnDemand, region: region)
            }
            var known: Set<String> = []
            for index in local + global where !known.insert(index.name).inserted {
                throw KeyMessages.duplicateIndex(index.name)
            }
            guard local.count <= TableCreation.localIndexCountMax else {
                throw KeyMessages.tooManyLocal
            }
            guard global.count <= TableCreation.globalIndexCountMax else {
                throw KeyMessages.tooManyGlobal
            }
            let projected = (local + global).reduce(0) { $0 + $1.projectedCount }
            guard projected <= TableCreation.projectionCountMax else {
                throw KeyMessages.tooManyProjections
            }
            return definitions
        }
    }
}
