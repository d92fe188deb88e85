internal import CodexCore
internal import CodexStore
internal import FoundationEssentials

/// CreateTable, DescribeTable, UpdateTable, DeleteTable, ListTables, and what is said of tables besides.
extension DynamoDBService {
    func createTable(_ input: Input) async throws -> JSONWriter {
        let name = try Self.newTableName(input)
        let attributes = try AttributeTypes(input)
        let key = try attributes.key(input, name)
        guard key.sort.count <= 1, key.partition.count == 1 else {
            throw Failure.validation(
                "Invalid KeySchema: a table has one HASH and at most one RANGE key")
        }
        var record = TableRecord(name)
        var indexes: [IndexDefinition] = []
        for node in try input.list("LocalSecondaryIndexes") ?? [] {
            let index = try attributes.index(try Input(node, "LocalSecondaryIndex"))
            guard index.partitionKey == key.partition, index.sortKey.count == 1 else {
                throw Failure.validation(
                    "One or more parameter values were invalid: Index KeySchema does not have the same "
                        + "leading hash key as table KeySchema for index: \(index.name)")
            }
            record.localIndexes.append(index.name)
            indexes.append(index)
        }
        for node in try input.list("GlobalSecondaryIndexes") ?? [] {
            indexes.append(try attributes.index(try Input(node, "GlobalSecondaryIndex")))
        }
        guard record.localIndexes.count <= 5, indexes.count - record.localIndexes.count <= 20 else {
            throw Failure.validation(
                "One or more parameter values were invalid: Number of secondary indexes exceeds the limit"
            )
        }
        guard Set(indexes.map(\.name)).count == indexes.count else {
            throw Failure.validation(
                "One or more parameter values were invalid: Duplicate index name")
        }
        try attributes.requireAllUsed(key.partition + key.sort + indexes.flatMap(\.keyAttributes))
        try Self.readBilling(input, &record, isNew: true)
        record.createdAt = milliseconds
        record.isProtected = try input.bool("DeletionProtectionEnabled") ?? false
        try setStream(input, &record, isNew: true)
        record.tags = try Self.tags(input)
        let definition = TableDefinition(
            name, partitionKey: key.partition[0], sortKey: key.sort.first, indexes: indexes)
        guard name != TableRecord.tableName else { throw Self.inUse(name) }
        do {
            try await store.addTable(definition)
        } catch let error as CodexError where error.code == .schemaMismatch {
            throw Self.inUse(name)
        }
        try await save(record)
        var answer = Answer()
        try describe(definition, record, status: "ACTIVE", "TableDescription", &answer)
        return answer.end()
    }

    private static func inUse(_ name: String) -> Failure {
        Failure("ResourceInUseException", "Table already exists: \(name)")
    }

    private static func newTableName(_ input: Input) throws -> String {
        let name = try input.tableName()
        guard name.utf8.count >= 3 else {
            throw Failure.validation(
                "1 validation error detected: Value at 'tableName' failed to satisfy constraint: Member "
                    + "must have length greater than or equal to 3")
        }
        return name
    }

    func describeTable(_ input: Input) async throws -> JSONWriter {
        let table = try definition(try input.tableName())
        var answer = Answer()
        try describe(table, try record(of: table.name), status: "ACTIVE", "Table", &answer)
        return answer.end()
    }

    func deleteTable(_ input: Input) async throws -> JSONWriter {
        let table = try definition(try input.tableName())
        let record = try record(of: table.name)
        guard !record.isProtected else {
            throw Failure.validation(
                "Resource cannot be deleted as it is currently protected against deletion. Disable "
                    + "deletion protection first.")
        }
        var answer = Answer()
        try describe(table, record, status: "DELETING", "TableDescription", &answer)
        try await store.removeTable(table.name)
        try await forgetRecord(of: table.name)
        return answer.end()
    }

    func listTables(_ input: Input) async throws -> JSONWriter {
        let limit = try input.integer("Limit") ?? 100
        guard (1...100).contains(limit) else {
            throw Failure.validation(
                "1 validation error detected: Value at 'limit' failed to satisfy constraint: Member must "
                    + "have value less than or equal to 100, and greater than or equal to 1")
        }
        let start = try input.string("ExclusiveStartTableName")
        let names = try allTables().map(\.name).filter { name in start.map { name > $0 } ?? true }
        var answer = Answer()
        answer.list("TableNames", names.prefix(limit)) { $0.string($1) }
        if names.count > limit { answer.string("LastEvaluatedTableName", names[limit - 1]) }
        return answer.end()
    }

    func updateTable(_ input: Input) async throws -> JSONWriter {
        let table = try definition(try input.tableName())
        var record = try record(of: table.name)
        let updates = try input.list("GlobalSecondaryIndexUpdates") ?? []
        let parameters = [
            "BillingMode", "ProvisionedThroughput", "StreamSpecification",
            "DeletionProtectionEnabled", "TableClass", "SSESpecification", "ReplicaUpdates",
        ]
        guard !updates.isEmpty || parameters.contains(where: input.has) else {
            throw Failure.validation(
                "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, "
                    + "GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required"
            )
        }
        try Self.readBilling(input, &record, isNew: false)
        if let isProtected = try input.bool("DeletionProtectionEnabled") {
            record.isProtected = isProtected
        }
        try setStream(input, &record, isNew: false)
        var changes: [(add: IndexDefinition?, remove: String?)] = []
        for node in updates {
            let update = try Input(node, "GlobalSecondaryIndexUpdate")
            if let create = try update.object("Create") {
                let index = try AttributeTypes(input).index(create)
                guard !table.indexes.contains(where: { $0.name == index.name }) else {
                    throw Failure.validation(
                        "Attempting to create an index which already exists")
                }
                changes.append((index, nil))
            } else if let delete = try update.object("Delete") {
                let name = try delete.requiredString("IndexName")
                guard table.indexes.contains(where: { $0.name == name }),
                    !record.localIndexes.contains(name)
                else { throw Failure("ResourceNotFoundException", "Requested resource not found") }
                changes.append((nil, name))
            } else if let change = try update.object("Update") {
                let name = try change.requiredString("IndexName")
                guard table.indexes.contains(where: { $0.name == name }) else {
                    throw Failure("ResourceNotFoundException", "Requested resource not found")
                }
            }
        }
        guard changes.count <= 1 else {
            throw Failure(
                "LimitExceededException",
                "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously "
                    + "per table")
        }
        for change in changes {
            if let index = change.add { try await store.addIndex(index, to: table.name) }
            if let name = change.remove { try await store.removeIndex(name, from: table.name) }
        }
        try await save(record)
        var answer = Answer()
        try describe(
            try definition(table.name), record, status: "ACTIVE", "TableDescription", &answer)
        return answer.end()
    }

    // MARK: Descriptions

    private func describe(
        _ table: TableDefinition, _ record: TableRecord, status: String, _ name: String,
        _ answer: inout Answer
    ) throws {
        let stats = try store.stats().trees.filter { $0.table == table.name }
        let states = try store.buildStatus().filter { $0.table == table.name }
        func size(_ index: String?) -> (count: Int, byteCount: Int) {
            let tree = stats.first { $0.index == index && $0.counter == nil }
            let count = tree?.entryCount ?? 0
            return (count, count == 0 ? 0 : tree?.byteCount ?? 0)
        }
        var description = Answer()
        description.string("TableName", table.name)
        description.string("TableStatus", status)
        description.string("TableArn", arn(table.name))
        description.string("TableId", record.id)
        description.member("CreationDateTime") { $0.raw(Self.seconds(record.createdAt)) }
        description.number("ItemCount", size(nil).count)
        description.number("TableSizeBytes", size(nil).byteCount)
        description.member("KeySchema") {
            $0.keySchema([table.partitionKey], table.sortKey.map { [$0] } ?? [])
        }
        var attributes: [KeyAttribute] = []
        for attribute in table.keyAttributes + table.indexes.flatMap(\.keyAttributes)
        where !attributes.contains(attribute) {
            attributes.append(attribute)
        }
        description.list("AttributeDefinitions", attributes) { writer, attribute in
            writer.raw("{\"AttributeName\":")
            writer.string(attribute.name)
            writer.raw(",\"AttributeType\":\"\(attribute.type.rawValue)\"}")
        }
        description.member("ProvisionedThroughput") { $0.throughput(record) }
        if record.billingMode == "PAY_PER_REQUEST" {
            description.member("BillingModeSummary") {
                $0.raw("{\"BillingMode\":\"PAY_PER_REQUEST\"}")
            }
        }
        description.member("DeletionProtectionEnabled") { $0.raw("\(record.isProtected)") }
        for (member, isLocal) in [
            ("LocalSecondaryIndexes", true), ("GlobalSecondaryIndexes", false),
        ] {
            let indexes = table.indexes.filter { record.localIndexes.contains($0.name) == isLocal }
            guard !indexes.isEmpty else { continue }
            description.list(member, indexes) { writer, index in
                var entry = Answer()
                entry.string("IndexName", index.name)
                entry.member("KeySchema") { $0.keySchema(index.partitionKey, index.sortKey) }
                entry.member("Projection") { $0.projection(index.projection) }
                if !isLocal {
                    let state = states.first { $0.name == index.name && $0.kind == .index }?.state
                    entry.string("IndexStatus", state == .ready ? "ACTIVE" : "CREATING")
                    if state != .ready { entry.member("Backfilling") { $0.raw("true") } }
                    entry.member("ProvisionedThroughput") { $0.throughput(record) }
                }
                entry.string("IndexArn", arn(table.name) + "/index/\(index.name)")
                entry.number("ItemCount", size(index.name).count)
                entry.number("IndexSizeBytes", size(index.name).byteCount)
                writer.append(entry.end())
            }
        }
        if let view = record.streamView {
            description.member("StreamSpecification") {
                $0.raw("{\"StreamEnabled\":true,\"StreamViewType\":\"\(view.rawValue)\"}")
            }
        }
        if let label = record.streamLabel, let arn = streamARN(record) {
            description.string("LatestStreamLabel", label)
            description.string("LatestStreamArn", arn)
        }
        let text = description.end()
        answer.member(name) { $0.append(text) }
    }

    /// Milliseconds as seconds with a fraction.
    static func seconds(_ milliseconds: Int) -> String {
        let rest = milliseconds % 1000
        return "\(milliseconds / 1000)." + String(repeating: "0", count: 3 - "\(rest)".count)
            + "\(rest)"
    }

    // MARK: Settings

    private static func readBilling(
        _ input: Input, _ record: inout TableRecord, isNew: Bool
    ) throws {
        let mode = try input.choice("BillingMode", ["PROVISIONED", "PAY_PER_REQUEST"])
        let throughput = try input.object("ProvisionedThroughput")
        if isNew, mode != "PAY_PER_REQUEST", throughput == nil {
            throw Failure.validation(
                "One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits "
                    + "must both be specified when BillingMode is PROVISIONED")
        }
        if mode == "PAY_PER_REQUEST", throughput != nil {
            throw Failure.validation(
                "One or more parameter values were invalid: Neither ReadCapacityUnits nor "
                    + "WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
        }
        if let throughput {
            guard let read = try throughput.integer("ReadCapacityUnits"),
                let write = try throughput.integer("WriteCapacityUnits")
            else { throw Input.missing("ReadCapacityUnits") }
            guard read >= 1, write >= 1 else {
                throw Failure.validation(
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

    private func setStream(_ input: Input, _ record: inout TableRecord, isNew: Bool) throws {
        guard let stream = try input.object("StreamSpecification") else { return }
        guard let isEnabled = try stream.bool("StreamEnabled") else {
            throw Input.missing("StreamSpecification.streamEnabled")
        }
        let view = try stream.choice("StreamViewType", StreamView.allCases.map(\.rawValue))
            .flatMap(StreamView.init)
        guard isEnabled else {
            guard view == nil else {
                throw Failure.validation(
                    "One or more parameter values were invalid: UpdateTable: StreamViewType cannot be "
                        + "specified when StreamEnabled is false")
            }
            record.streamView = nil
            return
        }
        guard let view else {
            throw Failure.validation(
                "One or more parameter values were invalid: StreamViewType must be specified when "
                    + "StreamEnabled is true")
        }
        guard record.streamView == nil else {
            throw Failure.validation(
                "Table already has an enabled stream: TableName: \(record.name)")
        }
        record.streamView = view
        record.streamStart = try store.stats().sequence
        record.streamLabel = String(Timestamp.text(Date()).dropLast())
    }

    // MARK: Time to live

    func updateTimeToLive(_ input: Input) async throws -> JSONWriter {
        let table = try definition(try input.tableName())
        guard let settings = try input.object("TimeToLiveSpecification") else {
            throw Input.missing("TimeToLiveSpecification")
        }
        guard let isEnabled = try settings.bool("Enabled") else { throw Input.missing("Enabled") }
        let attribute = try settings.requiredString("AttributeName")
        guard (1...255).contains(attribute.utf8.count) else {
            throw Failure.validation(
                "1 validation error detected: Value at 'timeToLiveSpecification.attributeName' failed to "
                    + "satisfy constraint: Member must have length less than or equal to 255")
        }
        switch (isEnabled, table.timeToLive) {
        case (true, nil): try await store.addTimeToLive(attribute, to: table.name)
        case (true, _?): throw Failure.validation("TimeToLive is already enabled")
        case (false, nil): throw Failure.validation("TimeToLive is already disabled")
        case (false, _?):
            throw Failure.validation(
                "TimeToLive cannot be disabled: the store keeps what it has stamped. Put the items into "
                    + "a table without it.")
        }
        var answer = Answer()
        answer.member("TimeToLiveSpecification") { writer in
            writer.raw("{\"Enabled\":\(isEnabled),\"AttributeName\":")
            writer.string(attribute)
            writer.raw("}")
        }
        return answer.end()
    }

    func describeTimeToLive(_ input: Input) async throws -> JSONWriter {
        let table = try definition(try input.tableName())
        var answer = Answer()
        answer.member("TimeToLiveDescription") { writer in
            guard let attribute = table.timeToLive else {
                return writer.raw("{\"TimeToLiveStatus\":\"DISABLED\"}")
            }
            writer.raw("{\"TimeToLiveStatus\":\"ENABLED\",\"AttributeName\":")
            writer.string(attribute)
            writer.raw("}")
        }
        return answer.end()
    }

    // MARK: Tags

    private static func tags(_ input: Input) throws -> [(key: String, value: String)] {
        try (try input.list("Tags") ?? []).map { node in
            let tag = try Input(node, "Tag")
            return (try tag.requiredString("Key"), try tag.requiredString("Value"))
        }
    }

    func tagResource(_ input: Input) async throws -> JSONWriter {
        let table = try definition(try input.tableName("ResourceArn"))
        guard input.has("Tags") else { throw Input.missing("Tags") }
        var record = try record(of: table.name)
        for tag in try Self.tags(input) {
            record.tags.removeAll { $0.key == tag.key }
            record.tags.append(tag)
        }
        guard record.tags.count <= 50 else {
            throw Failure.validation("A resource has 50 tags at most")
        }
        try await save(record)
        return Answer().end()
    }

    func untagResource(_ input: Input) async throws -> JSONWriter {
        let table = try definition(try input.tableName("ResourceArn"))
        guard let keys = try input.strings("TagKeys") else { throw Input.missing("TagKeys") }
        var record = try record(of: table.name)
        record.tags.removeAll { keys.contains($0.key) }
        try await save(record)
        return Answer().end()
    }

    func listTagsOfResource(_ input: Input) async throws -> JSONWriter {
        let table = try definition(try input.tableName("ResourceArn"))
        var answer = Answer()
        answer.list("Tags", try record(of: table.name).tags) { writer, tag in
            writer.raw("{\"Key\":")
            writer.string(tag.key)
            writer.raw(",\"Value\":")
            writer.string(tag.value)
            writer.raw("}")
        }
        return answer.end()
    }

    // MARK: The account

    func describeLimits(_ input: Input) async throws -> JSONWriter {
        var answer = Answer()
        for name in ["Account", "Table"] {
            for kind in ["Read", "Write"] {
                answer.number(
                    "\(name)Max\(kind)CapacityUnits", name == "Account" ? 80_000 : 40_000)
            }
        }
        return answer.end()
    }

    func describeEndpoints(_ input: Input) async throws -> JSONWriter {
        var answer = Answer()
        answer.member("Endpoints") { writer in
            writer.raw("[{\"Address\":")
            writer.string("dynamodb.\(region).amazonaws.com")
            writer.raw(",\"CachePeriodInMinutes\":1440}]")
        }
        return answer.end()
    }

    func describeContinuousBackups(_ input: Input) async throws -> JSONWriter {
        _ = try definition(try input.tableName())
        var answer = Answer()
        answer.member("ContinuousBackupsDescription") {
            $0.raw(
                "{\"ContinuousBackupsStatus\":\"ENABLED\",\"PointInTimeRecoveryDescription\":"
                    + "{\"PointInTimeRecoveryStatus\":\"DISABLED\"}}")
        }
        return answer.end()
    }
}

/// The types of attributes that keys may name, as a request defines them.
private struct AttributeTypes {
    private var types: [String: KeyAttribute.KeyType] = [:]

    init(_ input: Input) throws {
        for node in try input.list("AttributeDefinitions") ?? [] {
            let attribute = try Input(node, "AttributeDefinition")
            let name = try attribute.requiredString("AttributeName")
            let type = try attribute.choice("AttributeType", ["S", "N", "B"])
            guard let type, let key = KeyAttribute.KeyType(rawValue: type) else {
                throw Input.missing("AttributeType")
            }
            guard types.updateValue(key, forKey: name) == nil else {
                throw Failure.validation(
                    "Cannot have two attributes with the same name: \(name)")
            }
        }
    }

    /// The attributes of a key schema.
    func key(
        _ input: Input, _ owner: String
    ) throws -> (partition: [KeyAttribute], sort: [KeyAttribute]) {
        guard let nodes = try input.list("KeySchema") else { throw Input.missing("KeySchema") }
        var (partition, sort): ([KeyAttribute], [KeyAttribute]) = ([], [])
        for node in nodes {
            let element = try Input(node, "KeySchemaElement")
            let name = try element.requiredString("AttributeName")
            guard let kind = try element.choice("KeyType", ["HASH", "RANGE"]) else {
                throw Input.missing("KeyType")
            }
            guard let type = types[name] else {
                throw Failure.validation(
                    "One or more parameter values were invalid: Some index key attributes are not "
                        + "defined in AttributeDefinitions. Keys: [\(name)]")
            }
            if kind == "HASH" {
                guard sort.isEmpty else { throw Self.invalidSchema(owner) }
                partition.append(KeyAttribute(name, type))
            } else {
                sort.append(KeyAttribute(name, type))
            }
        }
        let all = (partition + sort).map(\.name)
        guard !partition.isEmpty, Set(all).count == all.count else {
            throw Self.invalidSchema(owner)
        }
        return (partition, sort)
    }

    private static func invalidSchema(_ owner: String) -> Failure {
        .validation(
            "Invalid KeySchema of \(owner): The first KeySchemaElement is a HASH key, and none is named "
                + "twice")
    }

    func index(_ input: Input) throws -> IndexDefinition {
        let name = try input.requiredString("IndexName")
        guard (3...255).contains(name.utf8.count) else {
            throw Failure.validation(
                "1 validation error detected: Value at 'indexName' failed to satisfy constraint: Member "
                    + "must have length greater than or equal to 3")
        }
        let key = try key(input, name)
        guard key.partition.count <= 4, key.sort.count <= 4 else {
            throw Failure.validation("An index has 4 attributes of each kind of key at most")
        }
        guard let projection = try input.object("Projection") else {
            throw Input.missing("Projection")
        }
        let type = try projection.choice("ProjectionType", ["ALL", "INCLUDE", "KEYS_ONLY"])
        let names = try projection.strings("NonKeyAttributes")
        let kept: IndexProjection
        switch (type, names) {
        case ("ALL", nil): kept = .all
        case ("KEYS_ONLY", nil): kept = .keysOnly
        case ("INCLUDE", let names?) where (1...100).contains(names.count): kept = .include(names)
        case (nil, _):
            throw Failure.validation(
                "One or more parameter values were invalid: Unknown ProjectionType: null")
        default:
            throw Failure.validation(
                "One or more parameter values were invalid: ProjectionType is \(type ?? ""), and "
                    + "NonKeyAttributes does not fit")
        }
        return IndexDefinition(
            name, partitionKey: key.partition, sortKey: key.sort, projection: kept)
    }

    func requireAllUsed(_ keys: [KeyAttribute]) throws {
        let unused = Set(types.keys).subtracting(keys.map(\.name))
        guard unused.isEmpty else {
            throw Failure.validation(
                "One or more parameter values were invalid: Number of attributes in KeySchema does not "
                    + "exactly match number of attributes defined in AttributeDefinitions")
        }
    }
}

extension JSONWriter {
    fileprivate mutating func keySchema(_ partition: [KeyAttribute], _ sort: [KeyAttribute]) {
        list(partition.map { ($0, "HASH") } + sort.map { ($0, "RANGE") }) { writer, element in
            writer.raw("{\"AttributeName\":")
            writer.string(element.0.name)
            writer.raw(",\"KeyType\":\"\(element.1)\"}")
        }
    }

    fileprivate mutating func projection(_ projection: IndexProjection) {
        switch projection {
        case .all: raw("{\"ProjectionType\":\"ALL\"}")
        case .keysOnly: raw("{\"ProjectionType\":\"KEYS_ONLY\"}")
        case .include(let names):
            raw("{\"ProjectionType\":\"INCLUDE\",\"NonKeyAttributes\":")
            list(names) { $0.string($1) }
            raw("}")
        }
    }

    fileprivate mutating func throughput(_ record: TableRecord) {
        raw(
            "{\"NumberOfDecreasesToday\":0,\"ReadCapacityUnits\":\(record.readUnits),"
                + "\"WriteCapacityUnits\":\(record.writeUnits)}")
    }
}
