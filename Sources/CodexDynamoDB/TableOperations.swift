internal import CodexCore
internal import CodexStore
internal import FoundationEssentials

/// CreateTable, DescribeTable, UpdateTable, DeleteTable, ListTables, and the settings of tables.
extension DynamoDBService {
    func createTable(_ input: RequestParameters) async throws -> ResponseWriter {
        let name = try Self.newTableName(input)
        let attributes = try AttributeTypes(input)
        let key = try attributes.key(input, name)
        guard key.sort.count <= 1, key.partition.count == 1 else {
            throw ServiceError.validation(
                "Invalid KeySchema: a table has one HASH and at most one RANGE key")
        }
        var record = TableRecord(name)
        var indexes: [IndexDefinition] = []
        for node in try input.list("LocalSecondaryIndexes") ?? [] {
            let index = try attributes.index(try RequestParameters(node, "LocalSecondaryIndex"))
            guard index.partitionKey == key.partition, index.sortKey.count == 1 else {
                throw ServiceError.validation(
                    "One or more parameter values were invalid: Index KeySchema does not have the same "
                        + "leading hash key as table KeySchema for index: \(index.name)")
            }
            record.localIndexes.append(index.name)
            indexes.append(index)
        }
        for node in try input.list("GlobalSecondaryIndexes") ?? [] {
            indexes.append(
                try attributes.index(try RequestParameters(node, "GlobalSecondaryIndex")))
        }
        guard record.localIndexes.count <= 5,
            indexes.count - record.localIndexes.count <= Self.indexCountMax
        else {
            throw ServiceError.validation(
                "One or more parameter values were invalid: Number of secondary indexes exceeds the limit"
            )
        }
        guard Set(indexes.map(\.name)).count == indexes.count else {
            throw ServiceError.validation(
                "One or more parameter values were invalid: Duplicate index name")
        }
        try attributes.requireAllUsed(key.partition + key.sort + indexes.flatMap(\.keyAttributes))
        try Self.readBilling(input, &record, isNew: true)
        record.id = UUID().uuidString.lowercased()
        record.createdAt = milliseconds
        record.isProtected = try input.bool("DeletionProtectionEnabled") ?? false
        try setStream(input, &record)
        record.tags = try Self.tags(input)
        let definition = TableDefinition(
            name, partitionKey: key.partition[0], sortKey: key.sort.first, indexes: indexes)
        guard name != TableRecord.tableName, (try? self.definition(name)) == nil else {
            throw Self.inUse(name)
        }
        guard try allTables().count < Self.tableCountMax else {
            throw ServiceError(
                "LimitExceededException",
                "Subscriber limit exceeded: There are \(Self.tableCountMax) tables")
        }
        // The record is written first, so that no table lacks one. A record without its table is
        // overwritten.
        let made = record
        try await change(name) { $0 = made }
        do {
            try await store.addTable(definition)
        } catch let error as CodexError where error.code == .schemaMismatch {
            throw Self.inUse(name)
        }
        var response = ResponseWriter()
        try describe(definition, record, status: "ACTIVE", "TableDescription", &response)
        return response
    }

    /// The most global secondary indexes of a table.
    private static let indexCountMax = 20

    /// The most tables whose trees, with those of their indexes, fit into one LMDB environment.
    private static let tableCountMax = 200

    private static func inUse(_ name: String) -> ServiceError {
        ServiceError("ResourceInUseException", "Table already exists: \(name)")
    }

    private static func newTableName(_ input: RequestParameters) throws -> String {
        let name = try input.tableName()
        guard name.utf8.count >= 3 else {
            throw ServiceError.validation(
                "1 validation error detected: Value at 'tableName' failed to satisfy constraint: Member "
                    + "must have length greater than or equal to 3")
        }
        return name
    }

    func describeTable(_ input: RequestParameters) async throws -> ResponseWriter {
        let table = try definition(try input.tableName())
        var response = ResponseWriter()
        try describe(table, try record(of: table.name), status: "ACTIVE", "Table", &response)
        return response
    }

    func deleteTable(_ input: RequestParameters) async throws -> ResponseWriter {
        let table = try definition(try input.tableName())
        let record = try record(of: table.name)
        guard !record.isProtected else {
            throw ServiceError.validation(
                "Resource cannot be deleted as it is currently protected against deletion. Disable "
                    + "deletion protection first.")
        }
        var response = ResponseWriter()
        try describe(table, record, status: "DELETING", "TableDescription", &response)
        try await store.removeTable(table.name)
        try await deleteRecord(record)
        return response
    }

    func listTables(_ input: RequestParameters) async throws -> ResponseWriter {
        let limit = try input.integer("Limit") ?? 100
        guard (1...100).contains(limit) else {
            throw ServiceError.validation(
                "1 validation error detected: Value at 'limit' failed to satisfy constraint: Member must "
                    + "have value less than or equal to 100, and greater than or equal to 1")
        }
        let start = try input.string("ExclusiveStartTableName")
        let names = try allTables().map(\.name).filter { name in start.map { name > $0 } ?? true }
        var response = ResponseWriter()
        response.list("TableNames", names.prefix(limit)) { $0.string($1) }
        if names.count > limit { response.string("LastEvaluatedTableName", names[limit - 1]) }
        return response
    }

    func updateTable(_ input: RequestParameters) async throws -> ResponseWriter {
        let table = try definition(try input.tableName())
        let localIndexes = try record(of: table.name).localIndexes
        let updates = try input.list("GlobalSecondaryIndexUpdates") ?? []
        let parameters = [
            "BillingMode", "ProvisionedThroughput", "StreamSpecification",
            "DeletionProtectionEnabled", "TableClass", "SSESpecification", "ReplicaUpdates",
        ]
        guard !updates.isEmpty || parameters.contains(where: input.has) else {
            throw ServiceError.validation(
                "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, "
                    + "GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required"
            )
        }
        guard !input.has("ReplicaUpdates") else {
            throw ServiceError.validation(
                "Replicas of tables are not supported: see codexflow follow")
        }
        guard updates.count <= Self.indexCountMax else {
            throw ServiceError.validation(
                "One or more parameter values were invalid: GlobalSecondaryIndexUpdates has more "
                    + "than \(Self.indexCountMax) members")
        }
        let attributes = try AttributeTypes(input)
        var changes: [(add: IndexDefinition?, remove: String?)] = []
        for node in updates {
            let update = try RequestParameters(node, "GlobalSecondaryIndexUpdate")
            if let create = try update.object("Create") {
                let index = try attributes.index(create)
                guard !table.indexes.contains(where: { $0.name == index.name }) else {
                    throw ServiceError.validation(
                        "Attempting to create an index which already exists")
                }
                changes.append((index, nil))
            } else if let delete = try update.object("Delete") {
                let name = try delete.requiredString("IndexName")
                guard table.indexes.contains(where: { $0.name == name }),
                    !localIndexes.contains(name)
                else {
                    throw ServiceError("ResourceNotFoundException", "Requested resource not found")
                }
                changes.append((nil, name))
            } else if let change = try update.object("Update") {
                let name = try change.requiredString("IndexName")
                guard table.indexes.contains(where: { $0.name == name }) else {
                    throw ServiceError("ResourceNotFoundException", "Requested resource not found")
                }
            }
        }
        guard changes.count <= 1 else {
            throw ServiceError(
                "LimitExceededException",
                "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously "
                    + "per table")
        }
        let record = try await change(table.name) { record in
            try Self.readBilling(input, &record, isNew: false)
            if let isProtected = try input.bool("DeletionProtectionEnabled") {
                record.isProtected = isProtected
            }
            try self.setStream(input, &record)
        }
        for change in changes {
            if let index = change.add { try await store.addIndex(index, to: table.name) }
            if let name = change.remove { try await store.removeIndex(name, from: table.name) }
        }
        var response = ResponseWriter()
        try describe(
            try definition(table.name), record, status: "ACTIVE", "TableDescription", &response)
        return response
    }

    // MARK: Settings

    private static func readBilling(
        _ input: RequestParameters, _ record: inout TableRecord, isNew: Bool
    ) throws {
        let mode = try input.choice("BillingMode", ["PROVISIONED", "PAY_PER_REQUEST"])
        let throughput = try input.object("ProvisionedThroughput")
        let wasOnDemand = isNew || record.billingMode == "PAY_PER_REQUEST"
        if isNew ? mode != "PAY_PER_REQUEST" : mode == "PROVISIONED" && wasOnDemand,
            throughput == nil
        {
            throw ServiceError.validation(
                "One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits "
                    + "must both be specified when BillingMode is PROVISIONED")
        }
        if mode == "PAY_PER_REQUEST", throughput != nil {
            throw ServiceError.validation(
                "One or more parameter values were invalid: Neither ReadCapacityUnits nor "
                    + "WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
        }
        if let throughput {
            guard let read = try throughput.integer("ReadCapacityUnits"),
                let write = try throughput.integer("WriteCapacityUnits")
            else { throw RequestParameters.missing("ReadCapacityUnits") }
            guard read >= 1, write >= 1 else {
                throw ServiceError.validation(
                    "1 validation error detected: Value at 'provisionedThroughput.readCapacityUnits' "
                        + "failed to satisfy constraint: Member must have value greater than or equal to 1"
                )
            }
            (record.readUnits, record.writeUnits) = (read, write)
            record.billingMode = "PROVISIONED"
        } else if mode == "PAY_PER_REQUEST" {
            (record.readUnits, record.writeUnits) = (0, 0)
            record.billingMode = "PAY_PER_REQUEST"
        }
    }

    private func setStream(_ input: RequestParameters, _ record: inout TableRecord) throws {
        guard let parameters = try input.object("StreamSpecification") else { return }
        guard let isEnabled = try parameters.bool("StreamEnabled") else {
            throw RequestParameters.missing("StreamSpecification.streamEnabled")
        }
        let view = try parameters.choice("StreamViewType", StreamView.allCases.map(\.rawValue))
            .flatMap(StreamView.init)
        let isOn = record.stream.map { $0.end == nil } ?? false
        let last = try store.stats().sequence
        guard isEnabled else {
            guard view == nil else {
                throw ServiceError.validation(
                    "One or more parameter values were invalid: StreamViewType cannot be specified when "
                        + "StreamEnabled is false")
            }
            if isOn { record.stream?.end = last }
            return
        }
        guard let view else {
            throw ServiceError.validation(
                "One or more parameter values were invalid: StreamViewType must be specified when "
                    + "StreamEnabled is true")
        }
        guard !isOn else {
            throw ServiceError.validation(
                "Table already has an enabled stream: TableName: \(record.name)")
        }
        record.stream = TableStream(view: view, at: milliseconds, after: last)
    }

    // MARK: Time to live

    func updateTimeToLive(_ input: RequestParameters) async throws -> ResponseWriter {
        let table = try definition(try input.tableName())
        guard let settings = try input.object("TimeToLiveSpecification") else {
            throw RequestParameters.missing("TimeToLiveSpecification")
        }
        guard let isEnabled = try settings.bool("Enabled") else {
            throw RequestParameters.missing("Enabled")
        }
        let attribute = try settings.requiredString("AttributeName")
        guard (1...255).contains(attribute.utf8.count) else {
            throw ServiceError.validation(
                "1 validation error detected: Value at 'timeToLiveSpecification.attributeName' failed to "
                    + "satisfy constraint: Member must have length less than or equal to 255")
        }
        switch (isEnabled, table.timeToLive) {
        case (true, nil): try await store.addTimeToLive(attribute, to: table.name)
        case (true, _?): throw ServiceError.validation("TimeToLive is already enabled")
        case (false, nil): throw ServiceError.validation("TimeToLive is already disabled")
        case (false, _?):
            throw ServiceError.validation(
                "TimeToLive cannot be disabled: the store keeps what it has stamped. Put the items into "
                    + "a table without it.")
        }
        var response = ResponseWriter()
        response.member("TimeToLiveSpecification") { writer in
            writer.raw("{\"Enabled\":\(isEnabled),\"AttributeName\":")
            writer.string(attribute)
            writer.raw("}")
        }
        return response
    }

    func describeTimeToLive(_ input: RequestParameters) async throws -> ResponseWriter {
        let table = try definition(try input.tableName())
        var response = ResponseWriter()
        response.member("TimeToLiveDescription") { writer in
            guard let attribute = table.timeToLive else {
                return writer.raw("{\"TimeToLiveStatus\":\"DISABLED\"}")
            }
            writer.raw("{\"TimeToLiveStatus\":\"ENABLED\",\"AttributeName\":")
            writer.string(attribute)
            writer.raw("}")
        }
        return response
    }

    // MARK: Tags

    private static func tags(_ input: RequestParameters) throws -> [(key: String, value: String)] {
        let nodes = try input.list("Tags") ?? []
        guard nodes.count <= 50 else {
            throw ServiceError.validation("A resource has 50 tags at most")
        }
        return try nodes.map { node in
            let tag = try RequestParameters(node, "Tag")
            let (key, value) = (try tag.requiredString("Key"), try tag.requiredString("Value"))
            // One Swift `Character` may have any number of bytes, so the limits count Unicode
            // scalars.
            guard (1...128).contains(key.unicodeScalars.count), value.unicodeScalars.count <= 256
            else {
                throw ServiceError.validation(
                    "A tag's key has 1 to 128 characters, and its value 256 at most")
            }
            return (key, value)
        }
    }

    func tagResource(_ input: RequestParameters) async throws -> ResponseWriter {
        let table = try definition(try input.tableName("ResourceArn"))
        guard input.has("Tags") else { throw RequestParameters.missing("Tags") }
        let tags = try Self.tags(input)
        try await change(table.name) { record in
            for tag in tags {
                record.tags.removeAll { $0.key == tag.key }
                record.tags.append(tag)
            }
            guard record.tags.count <= 50 else {
                throw ServiceError.validation("A resource has 50 tags at most")
            }
        }
        return ResponseWriter()
    }

    func untagResource(_ input: RequestParameters) async throws -> ResponseWriter {
        let table = try definition(try input.tableName("ResourceArn"))
        guard let keys = try input.strings("TagKeys") else {
            throw RequestParameters.missing("TagKeys")
        }
        let removed = Set(keys)
        try await change(table.name) { record in
            record.tags.removeAll { removed.contains($0.key) }
        }
        return ResponseWriter()
    }

    func listTagsOfResource(_ input: RequestParameters) async throws -> ResponseWriter {
        let table = try definition(try input.tableName("ResourceArn"))
        var response = ResponseWriter()
        response.list("Tags", try record(of: table.name).tags) { writer, tag in
            writer.raw("{\"Key\":")
            writer.string(tag.key)
            writer.raw(",\"Value\":")
            writer.string(tag.value)
            writer.raw("}")
        }
        return response
    }

    // MARK: The account

    func describeLimits(_ input: RequestParameters) async throws -> ResponseWriter {
        var response = ResponseWriter()
        for name in ["Account", "Table"] {
            for kind in ["Read", "Write"] {
                response.number(
                    "\(name)Max\(kind)CapacityUnits", name == "Account" ? 80_000 : 40_000)
            }
        }
        return response
    }

    func describeEndpoints(_ input: RequestParameters) async throws -> ResponseWriter {
        var response = ResponseWriter()
        response.member("Endpoints") { writer in
            writer.raw("[{\"Address\":")
            writer.string(endpoint)
            writer.raw(",\"CachePeriodInMinutes\":1440}]")
        }
        return response
    }

    func describeContinuousBackups(_ input: RequestParameters) async throws -> ResponseWriter {
        _ = try definition(try input.tableName())
        var response = ResponseWriter()
        response.member("ContinuousBackupsDescription") {
            $0.raw(
                "{\"ContinuousBackupsStatus\":\"ENABLED\",\"PointInTimeRecoveryDescription\":"
                    + "{\"PointInTimeRecoveryStatus\":\"DISABLED\"}}")
        }
        return response
    }
}
