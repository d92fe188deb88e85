internal import CodexCore
internal import CodexStore
internal import FoundationEssentials

/// CreateTable, DescribeTable, UpdateTable, DeleteTable, ListTables, and the settings of tables.
extension DynamoDBService {
    /// The most tables: AWS's quota without an increase.
    private static let tableCountMax = 2500

    func createTable(_ input: RequestParameters) async throws -> ResponseWriter {
        let creation = try TableCreation(input, self)
        let table = creation.definition
        guard !Self.isHidden(table.name), (try? definition(table.name)) == nil else {
            throw TableMessages.exists(table.name)
        }
        guard try allTables().count < Self.tableCountMax else {
            throw TableMessages.tooManyTables(Self.tableCountMax)
        }
        let record = creation.record(
            id: UUID().uuidString.lowercased(), at: milliseconds,
            streamAt: try creation.hasStream ? streamInstant(table.name) : milliseconds,
            after: try store.commits().last)
        // The record is written first, so that no table lacks one. A record without its table is
        // overwritten.
        try await addTrees {
            // The table can then be deleted also if the store has no room for more trees.
            if creation.hasStream { try await self.addIfMissing(StreamRecord.definition) }
            try await self.change(table) { $0 = record }
        }
        do {
            try await addTrees { try await self.store.addTable(table) }
        } catch let error as CodexError where error.code == .schemaMismatch {
            throw TableMessages.exists(table.name)
        }
        let global = table.indexes.map(\.name).filter { !record.localIndexes.contains($0) }
        var response = ResponseWriter()
        try describe(
            table, record, "TableDescription", status: "CREATING",
            indexStatuses: Dictionary(global.map { ($0, "CREATING") }) { $1 }, &response)
        return response
    }

    /// Adds tables, indexes or times to live.
    ///
    /// - Throws: `LimitExceededException` if the store has too many trees.
    private func addTrees(_ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch let error as CodexError where error.code == .limitReached {
            throw TableMessages.tooManyTrees
        }
    }

    /// The table that a request on tables names.
    ///
    /// - Throws: `ResourceNotFoundException` with the table's name.
    private func table(_ name: String) throws -> TableDefinition {
        try definition(name, orThrow: TableMessages.notFound(name))
    }

    func describeTable(
        _ input: RequestParameters, _ budget: RequestBudget
    ) async throws -> ResponseWriter {
        let table = try table(try tableName(input))
        var response = ResponseWriter()
        try describe(table, try record(of: table.name), "Table", within: budget, &response)
        return response
    }

    func deleteTable(_ input: RequestParameters) async throws -> ResponseWriter {
        let name = try tableName(input)
        // Another process may have made the table again.
        try store.read { _ in }
        let table = try table(name)
        let number = try store.number(of: name)
        let record = try record(of: name)
        guard !record.isProtected else { throw TableMessages.isProtected }
        guard try indexBuilds(name).isEmpty else { throw TableMessages.indexesChange }
        var response = ResponseWriter()
        try describeDeleted(table, record, &response)
        if record.stream != nil {
            try await addTrees { try await self.addIfMissing(StreamRecord.definition) }
            try await keepStream(table, record)
        }
        let last = try await store.removal(of: name, number: number)
        try await forget(table, record, at: last)
        return response
    }

    /// The indexes of a table that are being built.
    private func indexBuilds(_ table: String) throws -> [BuildStatus] {
        try store.buildStatus().filter { status in
            status.table == table && status.kind == .index
                && status.name != TableDefinition.expiryIndexName
                && (status.state == .building || status.state == .loading)
        }
    }

    func listTables(_ input: RequestParameters) async throws -> ResponseWriter {
        let limit = try input.integer("Limit") ?? 100
        let start = try input.string("ExclusiveStartTableName")
        let names = try allTables().map(\.name).filter { name in
            start.map { ByteOrder.compare(name, $0) > 0 } ?? true
        }
        var response = ResponseWriter()
        response.list("TableNames", names.prefix(limit)) { $0.string($1) }
        if names.count > limit { response.string("LastEvaluatedTableName", names[limit - 1]) }
        return response
    }

    func updateTable(_ input: RequestParameters) async throws -> ResponseWriter {
        let name = try tableName(input)
        let update = try TableUpdate(input, region)
        let table = try table(name)
        var record = try record(of: name)
        try update.requireIndexes(table, record, builds: try indexBuilds(name))
        let moment = TableUpdate.Moment(
            instant: milliseconds, streamInstant: try streamInstant(name),
            commit: try store.commits().last, region: region, account: account)
        // A request that is refused changes nothing, so the settings are checked before an index
        // is added.
        try update.apply(to: &record, of: table, moment)
        try await addTrees {
            try await self.addIfMissing(TableRecord.definition)
            if update.stream?.isEnabled == true {
                try await self.addIfMissing(StreamRecord.definition)
            }
        }
        if let index = try update.addedIndex() {
            try await addTrees { try await self.store.addIndex(index, to: name) }
        }
        if let index = update.removedIndex { try await store.removeIndex(index, from: name) }
        record = try await change(table) { try update.apply(to: &$0, of: table, moment) }
        var response = ResponseWriter()
        // A removed index is described for the last time.
        try describe(
            update.removedIndex == nil ? self.table(name) : table, record, "TableDescription",
            status: update.status, indexStatuses: update.indexStatuses, &response)
        return response
    }

    // MARK: Time to live

    func updateTimeToLive(_ input: RequestParameters) async throws -> ResponseWriter {
        let name = try tableName(input)
        guard let settings = try input.object("TimeToLiveSpecification") else {
            throw RequestParameters.missing("TimeToLiveSpecification")
        }
        guard let isEnabled = try settings.bool("Enabled") else {
            throw RequestParameters.missing("TimeToLiveSpecification.enabled")
        }
        let attribute = try settings.requiredString("AttributeName")
        let (present, isSettled) = try store.timeToLive(of: try table(name).name)
        if let present, !ByteOrder.equal(present, attribute) {
            throw SettingMessages.isEnabled(for: present)
        }
        guard isEnabled != (present != nil) else {
            throw isEnabled ? SettingMessages.isEnabled : SettingMessages.isDisabled
        }
        guard isSettled else { throw SettingMessages.changesTooOften }
        if isEnabled {
            try await addTrees { try await self.store.addTimeToLive(attribute, to: name) }
        } else {
            try await store.removeTimeToLive(from: name)
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
        let (attribute, isSettled) = try store.timeToLive(
            of: try table(try tableName(input)).name)
        var response = ResponseWriter()
        response.object("TimeToLiveDescription") { description in
            guard let attribute else {
                let status = isSettled ? "DISABLED" : "DISABLING"
                return description.string("TimeToLiveStatus", status)
            }
            description.string("TimeToLiveStatus", isSettled ? "ENABLED" : "ENABLING")
            description.string("AttributeName", attribute)
        }
        return response
    }

    // MARK: Tags

    /// The name of the table whose tags a request names.
    private func tagged(_ input: RequestParameters) throws -> (arn: String, table: String) {
        guard let arn = try input.string("ResourceArn") else { throw SettingMessages.noARN }
        return (arn, try TableARN.tagged(arn, by: owner))
    }

    func tagResource(_ input: RequestParameters) async throws -> ResponseWriter {
        let (arn, name) = try tagged(input)
        guard let tags = try TableTags(input) else { throw RequestParameters.missing("Tags") }
        guard !tags.all.isEmpty else { throw SettingMessages.noTag }
        let table = try definition(name, orThrow: SettingMessages.unknownResource(arn))
        try await change(table) { try $0.tags.add(tags) }
        return ResponseWriter()
    }

    func untagResource(_ input: RequestParameters) async throws -> ResponseWriter {
        let (arn, name) = try tagged(input)
        let keys = try TableTags.removedKeys(input)
        let table = try definition(name, orThrow: SettingMessages.unknownResource(arn))
        try await change(table) { $0.tags.remove(keys) }
        return ResponseWriter()
    }

    func listTagsOfResource(_ input: RequestParameters) async throws -> ResponseWriter {
        let (arn, name) = try tagged(input)
        _ = try definition(name, orThrow: SettingMessages.unknownResource(arn))
        var response = ResponseWriter()
        response.list("Tags", try record(of: name).tags.all) { writer, tag in
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
                    "\(name)Max\(kind)CapacityUnits",
                    name == "Account" ? 80_000 : CapacityUnits.perTableMax)
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

    // MARK: Backups

    func describeContinuousBackups(_ input: RequestParameters) async throws -> ResponseWriter {
        let name = try tableName(input)
        _ = try definition(name, orThrow: SettingMessages.backupsNotFound(name))
        return continuousBackups(try record(of: name).recovery)
    }

    func updateContinuousBackups(_ input: RequestParameters) async throws -> ResponseWriter {
        let name = try tableName(input)
        let request = try PointInTimeRecovery.Request(input)
        let table = try definition(name, orThrow: SettingMessages.backupsNotFound(name))
        let instant = milliseconds
        let record = try await change(table) { record in
            let present = record.recovery
            record.recovery =
                request.isEnabled
                ? PointInTimeRecovery(
                    enabledAt: present?.enabledAt ?? instant, days: request.days ?? present?.days)
                : nil
        }
        return continuousBackups(record.recovery)
    }

    private func continuousBackups(_ recovery: PointInTimeRecovery?) -> ResponseWriter {
        var response = ResponseWriter()
        response.object("ContinuousBackupsDescription") { backups in
            backups.string("ContinuousBackupsStatus", "ENABLED")
            backups.object("PointInTimeRecoveryDescription") { description in
                guard let recovery else {
                    return description.string("PointInTimeRecoveryStatus", "DISABLED")
                }
                let points = recovery.points(at: milliseconds)
                description.string("PointInTimeRecoveryStatus", "ENABLED")
                description.number("RecoveryPeriodInDays", recovery.days)
                description.member("EarliestRestorableDateTime") {
                    $0.raw(Self.seconds(points.earliest))
                }
                description.member("LatestRestorableDateTime") {
                    $0.raw(Self.seconds(points.latest))
                }
            }
        }
        return response
    }
}
