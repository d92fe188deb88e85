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
        let known = try tableNames()
        guard !Self.isHidden(table.name), !known.contains(table.name) else {
            throw TableMessages.exists(table.name)
        }
        guard known.count < Self.tableCountMax else {
            throw TableMessages.tooManyTables(Self.tableCountMax)
        }
        let record = try await addTrees { try await self.make(creation) }
        let global = table.indexes.map(\.name).filter { !record.localIndexes.contains($0) }
        var response = ResponseWriter()
        try describe(
            table, record, "TableDescription", status: "CREATING",
            indexStatuses: Dictionary(global.map { ($0, "CREATING") }) { $1 }, &response)
        return response
    }

    /// Makes a table with its record.
    ///
    /// - Parameter creation: The table.
    /// - Returns: The record.
    /// - Throws: `ResourceInUseException`, `LimitExceededException`, and the errors of the store.
    private func make(_ creation: TableCreation) async throws -> TableRecord {
        var record = try await storeRecord(of: creation)
        do {
            while try await !addTable(of: creation, with: record) {
                record = try await storeRecord(of: creation)
            }
            return record
        } catch {
            // The record stays only if its table may be there later.
            if (error as? CodexError)?.code != .outcomeUnknown {
                try? await removeRecord(of: record.name, id: record.id)
            }
            throw error
        }
    }

    /// Another table got the number that a record has.
    private struct NumberTaken: Error {}

    /// Adds a table whose record is stored.
    ///
    /// - Parameters:
    ///   - creation: The table.
    ///   - record: The record.
    /// - Returns: Whether the table was added. If not, another table got the record's number.
    /// - Throws: As ``make(_:)``.
    private func addTable(
        of creation: TableCreation, with record: TableRecord
    ) async throws -> Bool {
        let name = record.name
        do {
            try await store.addTable(creation.definition) { store in
                // A program may have made a table of the name. Another request, also of another
                // process, may have stored its record since: then that request makes the table.
                guard store.tableNumber(name) == nil,
                    try TableRecord.stored(name, in: store)?.id == record.id
                else { throw TableMessages.exists(name) }
                guard store.nextTableNumber == record.tableNumber else { throw NumberTaken() }
                let names = store.tableNames.filter { !Self.isHidden($0) }
                guard names.count < Self.tableCountMax else {
                    throw TableMessages.tooManyTables(Self.tableCountMax)
                }
            }
            return true
        } catch is NumberTaken {
            return false
        }
    }

    /// Adds tables, indexes or times to live.
    ///
    /// - Parameter body: Adds them.
    /// - Returns: What `body` returns.
    /// - Throws: `LimitExceededException` if the store has too many trees.
    private func addTrees<Value>(_ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let error as CodexError where error.code == .limitReached {
            throw TableMessages.tooManyTrees
        }
    }

    func describeTable(
        _ input: RequestParameters, _ budget: RequestBudget
    ) async throws -> ResponseWriter {
        let name = try tableName(input)
        let (table, record) = try present(name, orThrow: TableMessages.notFound(name))
        var response = ResponseWriter()
        try describe(table.definition, record, "Table", within: budget, &response)
        return response
    }

    func deleteTable(_ input: RequestParameters) async throws -> ResponseWriter {
        let name = try tableName(input)
        let missing = TableMessages.notFound(name)
        let (table, first) = try present(name, orThrow: missing)
        let number = table.number
        try Self.requireDeletable(table, first)
        var response = ResponseWriter()
        try describeDeleted(table.definition, first, &response)
        if first.stream != nil {
            try await addTrees { try await self.addIfMissing(StreamRecord.definition) }
        }
        let record = try await prepareRemoval(name, number: number, orThrow: missing)
        let kept = record.stream
        let last = try await store.removal(of: name, number: number) { store in
            let table = try TableState.present(name, number, in: store, orThrow: missing)
            let record = try TableRecord.of(name, number, in: store)
            try Self.requireDeletable(table, record)
            // Another process may have given the table another stream, which is not kept, or have
            // ended the one that is.
            guard record.stream?.label == kept?.label, record.stream?.end == kept?.end else {
                throw TableMessages.isUpdated(name)
            }
        }
        try await forget(table.definition, number, record, at: last)
        return response
    }

    /// Checks that a table may be deleted.
    private static func requireDeletable(_ table: TableState, _ record: TableRecord) throws {
        guard !record.isProtected else { throw TableMessages.isProtected }
        guard table.indexBuilds.isEmpty else { throw TableMessages.indexesChange }
    }

    func listTables(_ input: RequestParameters) async throws -> ResponseWriter {
        let limit = try input.integer("Limit") ?? 100
        let start = try input.string("ExclusiveStartTableName")
        let names = try tableNames().filter { name in
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
        let missing = TableMessages.notFound(name)
        let (table, known) = try present(name, orThrow: missing)
        let moment = TableUpdate.Moment(instant: milliseconds, region: region, account: account)
        // A request that is refused changes nothing. Each of its transactions checks it again.
        try update.require(table, known, moment)
        try await addTrees {
            try await self.addIfMissing(TableRecord.definition)
            if update.stream?.isEnabled == true {
                try await self.addIfMissing(StreamRecord.definition)
            }
        }
        let record = try await perform(update, on: name, table.number, moment)
        var response = ResponseWriter()
        // A removed index is described for the last time.
        let described =
            try update.removedIndex == nil ? state(of: name, orThrow: missing) : table
        try describe(
            described.definition, record, "TableDescription", status: update.status,
            indexStatuses: update.indexStatuses, &response)
        return response
    }

    /// Performs an update in one transaction, or in two if it adds or removes an index.
    ///
    /// The index comes first. Of an index that is not there, nothing in the record is seen.
    ///
    /// - Parameters:
    ///   - update: The update.
    ///   - name: The table's name.
    ///   - number: The table's number when the request was checked first.
    ///   - moment: Where and when it happens.
    /// - Returns: The changed record.
    /// - Throws: The refusals of the update, and the errors of the store.
    private func perform(
        _ update: TableUpdate, on name: String, _ number: Int, _ moment: TableUpdate.Moment
    ) async throws -> TableRecord {
        let missing = TableMessages.notFound(name)
        let check: SchemaCheck = { store in
            let table = try TableState.present(name, number, in: store, orThrow: missing)
            try update.require(table, try TableRecord.of(name, number, in: store), moment)
        }
        let (added, removed) = (try update.addedIndex(), update.removedIndex)
        if let added {
            try await addTrees {
                try await self.store.addIndex(added, to: name, number: number, if: check)
            }
        } else if let removed {
            try await store.removeIndex(removed, from: name, number: number, if: check)
        }
        do {
            return try await change(name, number: number, orThrow: missing) {
                record, table, point in
                // The index of the request was checked in its own transaction.
                if let added {
                    try Self.requireIndex(added, of: table)
                } else if removed == nil {
                    try update.requireIndexes(table, record)
                }
                try update.apply(to: &record, of: table.definition, moment, at: point)
            }
        } catch {
            // Clients see the removal alone, and it is made.
            if update.onlyRemovesIndex { return try present(name, orThrow: missing).record }
            // Another process may have changed the settings after the index was added.
            if let added, (error as? CodexError)?.code != .outcomeUnknown {
                await withdraw(added, from: name, number: number)
            }
            throw error
        }
    }

    /// Checks that a table still has an index that was added to it.
    ///
    /// - Parameters:
    ///   - index: The index.
    ///   - table: The table.
    /// - Throws: `ResourceInUseException` if the index was removed since, also if another one has
    ///   its name.
    static func requireIndex(_ index: IndexDefinition, of table: TableState) throws {
        guard table.definition.indexes.contains(where: { $0.isSame(as: index) }) else {
            throw TableMessages.isUpdated(table.definition.name)
        }
    }

    /// Removes an index that was added for a request, and not another one of its name.
    ///
    /// - Parameters:
    ///   - index: The index.
    ///   - name: The table's name.
    ///   - number: The table's number.
    func withdraw(_ index: IndexDefinition, from name: String, number: Int) async {
        let missing = TableMessages.notFound(name)
        try? await store.removeIndex(index.name, from: name, number: number) { store in
            let table = try TableState.present(name, number, in: store, orThrow: missing)
            try Self.requireIndex(index, of: table)
        }
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
        let missing = TableMessages.notFound(name)
        let table = try state(of: name, orThrow: missing)
        let number = table.number
        try Self.requireTimeToLive(isEnabled, attribute, table)
        let check: SchemaCheck = { store in
            let table = try TableState.present(name, number, in: store, orThrow: missing)
            try Self.requireTimeToLive(isEnabled, attribute, table)
        }
        if isEnabled {
            try await addTrees {
                try await self.store.addTimeToLive(
                    attribute, to: name, number: number, if: check)
            }
        } else {
            try await store.removeTimeToLive(from: name, number: number, if: check)
        }
        var response = ResponseWriter()
        response.member("TimeToLiveSpecification") { writer in
            writer.raw("{\"Enabled\":\(isEnabled),\"AttributeName\":")
            writer.string(attribute)
            writer.raw("}")
        }
        return response
    }

    /// Checks that a time to live may be enabled or disabled.
    ///
    /// - Parameters:
    ///   - isEnabled: Whether the request enables it; otherwise it disables it.
    ///   - attribute: The attribute that the request names.
    ///   - table: The table.
    /// - Throws: `ValidationException`.
    private static func requireTimeToLive(
        _ isEnabled: Bool, _ attribute: String, _ table: TableState
    ) throws {
        let present = table.definition.timeToLive
        if let present, !ByteOrder.equal(present, attribute) {
            throw SettingMessages.isEnabled(for: present)
        }
        guard isEnabled != (present != nil) else {
            throw isEnabled ? SettingMessages.isEnabled : SettingMessages.isDisabled
        }
        guard table.isTimeToLiveSettled else { throw SettingMessages.changesTooOften }
    }

    func describeTimeToLive(_ input: RequestParameters) async throws -> ResponseWriter {
        let name = try tableName(input)
        let table = try state(of: name, orThrow: TableMessages.notFound(name))
        let (attribute, isSettled) = (table.definition.timeToLive, table.isTimeToLiveSettled)
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
        let missing = SettingMessages.unknownResource(arn)
        let number = try state(of: name, orThrow: missing).number
        try await change(name, number: number, orThrow: missing) { record, _, _ in
            try record.tags.add(tags)
        }
        return ResponseWriter()
    }

    func untagResource(_ input: RequestParameters) async throws -> ResponseWriter {
        let (arn, name) = try tagged(input)
        let keys = try TableTags.removedKeys(input)
        let missing = SettingMessages.unknownResource(arn)
        let number = try state(of: name, orThrow: missing).number
        try await change(name, number: number, orThrow: missing) { record, _, _ in
            record.tags.remove(keys)
        }
        return ResponseWriter()
    }

    func listTagsOfResource(_ input: RequestParameters) async throws -> ResponseWriter {
        let (arn, name) = try tagged(input)
        let missing = SettingMessages.unknownResource(arn)
        let tags = try present(name, orThrow: missing).record.tags
        var response = ResponseWriter()
        response.list("Tags", tags.all) { writer, tag in
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
        let missing = SettingMessages.backupsNotFound(name)
        return continuousBackups(try present(name, orThrow: missing).record.recovery)
    }

    func updateContinuousBackups(_ input: RequestParameters) async throws -> ResponseWriter {
        let name = try tableName(input)
        let request = try PointInTimeRecovery.Request(input)
        let missing = SettingMessages.backupsNotFound(name)
        let number = try state(of: name, orThrow: missing).number
        let instant = milliseconds
        let record = try await change(name, number: number, orThrow: missing) { record, _, _ in
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
