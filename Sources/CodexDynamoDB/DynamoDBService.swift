internal import CodexCore
public import CodexStore
public import FoundationEssentials

/// Serves DynamoDB's API (`DynamoDB_20120810` and `DynamoDBStreams_20120810`, JSON 1.0) over a
/// store.
///
/// It takes a request's target and body, and performs the request on the store's tables.
///
/// ```swift
/// let service = DynamoDBService(store)
/// let response = await service.response(
///     target: "DynamoDB_20120810.ListTables", body: Array("{}".utf8))
/// ```
///
/// A server (`codexflow serve`) provides transport, authentication and limits of the transport.
/// Errors have DynamoDB's types. No request can cause a trap, and a request that fails changes
/// nothing.
///
/// Any number of tasks may use it at once. It changes tables one after another. Several services
/// may change tables of one store, also in several processes. Each change is checked again in the
/// transaction that makes it.
public final class DynamoDBService: Sendable {
    let store: Store
    let region: String
    let account: String
    let endpoint: String
    let now: @Sendable () -> Date
    let cursors = StreamCursors()
    let plans = RequestPlans()
    let tableChanges = TableChanges()

    /// Creates a service over a store, which the caller must close.
    ///
    /// - Parameters:
    ///   - store: The store.
    ///   - region: The region in ARNs. ARNs of tables in other regions are refused.
    ///   - account: The account in ARNs. ARNs of tables in other accounts are refused.
    ///   - endpoint: The host and port that `DescribeEndpoints` returns.
    ///   - now: The clock, for the times of tables and streams and the 15 minutes of shard
    ///     iterators.
    public init(
        _ store: Store, region: String = "us-east-1", account: String = "000000000000",
        endpoint: String = "localhost:8000", now: @escaping @Sendable () -> Date = { Date() }
    ) {
        self.store = store
        self.region = region
        self.account = account
        self.endpoint = endpoint
        self.now = now
    }

    /// Performs a request.
    ///
    /// - Parameters:
    ///   - target: The header `X-Amz-Target`, such as `DynamoDB_20120810.GetItem`.
    ///   - body: The request's body.
    ///   - budget: The limits on the request's time and memory.
    /// - Returns: The response, also for an error.
    public func response(
        target: String?, body: [UInt8], budget: RequestBudget = RequestBudget()
    ) async -> DynamoDBResponse {
        switch begin(target: target, body: body, budget: budget) {
        case .done(let response): response
        case .pending(let rest): await rest()
        }
    }

    /// Checks a request, and performs it at once if it is a GetItem of a small item.
    ///
    /// The budget must have an executor for long work. Without it, all work is left.
    ///
    /// - Parameters:
    ///   - target: The header `X-Amz-Target`, such as `DynamoDB_20120810.GetItem`.
    ///   - body: The request's body.
    ///   - budget: The limits on the request's time and memory.
    /// - Returns: The response of the GetItem, or the work that is left.
    public func begin(
        target: String?, body: [UInt8], budget: RequestBudget
    ) -> BegunResponse {
        do {
            let operation = try Self.operation(target)
            let input = try RequestParameters(body, budget, for: operation)
            try budget.requireTime()
            if operation == .getItem, budget.executor != nil {
                return try beginGetItem(input, budget)
            }
            return .pending {
                await self.finish(budget) { try await self.start(operation, input, budget) }
            }
        } catch {
            let failure = ServiceError(error)
            return .pending { await self.refusal(failure, budget) }
        }
    }

    /// Performs the work that is left of a request.
    ///
    /// - Parameters:
    ///   - budget: The request's budget.
    ///   - work: The work.
    /// - Returns: The response, also for an error.
    func finish(
        _ budget: RequestBudget, _ work: () async throws -> ResponseWriter
    ) async -> DynamoDBResponse {
        do {
            let response = try await work()
            return DynamoDBResponse(status: 200, parts: response.close())
        } catch {
            return await refusal(ServiceError(error), budget)
        }
    }

    private static func operation(_ target: String?) throws -> Operation {
        if let operation = target.flatMap(Operation.named) { return operation }
        throw Operation.unknown(target)
    }

    /// The response of an error, with its items as far as memory allows.
    private func refusal(
        _ failure: ServiceError, _ budget: RequestBudget
    ) async -> DynamoDBResponse {
        defer { failure.items?.release() }
        do {
            return try await budget.away(if: failure.isLarge) { try failure.response($0) }
        } catch {
            let failure = ServiceError(error)
            return .error(failure.type, failure.message, status: failure.status)
        }
    }

    private func start(
        _ operation: Operation, _ input: RequestParameters, _ budget: RequestBudget
    ) async throws -> ResponseWriter {
        guard !operation.startsInPlace, let there = budget.there else {
            return try await run(operation, input, budget)
        }
        return try await withTaskExecutorPreference(there.executor) {
            try await run(operation, input, there.budget)
        }
    }

    private func run(
        _ operation: Operation, _ input: RequestParameters, _ budget: RequestBudget
    ) async throws -> ResponseWriter {
        switch operation {
        // With an executor, `begin` takes a GetItem.
        case .getItem: try itemRead(input).response(from: store, budget)
        case .putItem: try await putItem(input, budget)
        case .updateItem: try await updateItem(input, budget)
        case .deleteItem: try await deleteItem(input, budget)
        case .query: try await query(input, budget)
        case .scan: try await scan(input, budget)
        case .batchGetItem: try await batchGetItem(input, budget)
        case .batchWriteItem: try await batchWriteItem(input, budget)
        case .transactGetItems: try await transactGetItems(input, budget)
        case .transactWriteItems: try await transactWriteItems(input, budget)
        case .executeStatement: try await executeStatement(input, budget)
        case .batchExecuteStatement: try await batchExecuteStatement(input, budget)
        case .executeTransaction: try await executeTransaction(input, budget)
        case .createTable: try await tableChanges.run { try await createTable(input) }
        case .describeTable: try await describeTable(input, budget)
        case .updateTable: try await tableChanges.run { try await updateTable(input) }
        case .deleteTable: try await tableChanges.run { try await deleteTable(input) }
        case .listTables: try await listTables(input)
        case .updateTimeToLive: try await tableChanges.run { try await updateTimeToLive(input) }
        case .describeTimeToLive: try await describeTimeToLive(input)
        case .tagResource: try await tagResource(input)
        case .untagResource: try await untagResource(input)
        case .listTagsOfResource: try await listTagsOfResource(input)
        case .describeLimits: try await describeLimits(input)
        case .describeEndpoints: try await describeEndpoints(input)
        case .describeContinuousBackups: try await describeContinuousBackups(input)
        case .updateContinuousBackups: try await updateContinuousBackups(input)
        case .listStreams: try await listStreams(input)
        case .describeStream: try await describeStream(input, budget)
        case .getShardIterator: try await getShardIterator(input, budget)
        case .getRecords: try await getRecords(input, budget)
        }
    }

    // MARK: Tables

    /// The definition of a table that a request names.
    ///
    /// - Parameters:
    ///   - table: The table's name or ARN.
    ///   - missing: The error if there is no such table.
    /// - Returns: The definition.
    /// - Throws: `missing`; for an ARN of another account `AccessDeniedException`, and of another
    ///   region `ValidationException`.
    func definition(
        _ table: TableReference,
        orThrow missing: @autoclosure () -> ServiceError = ServiceError.tableNotFound
    ) throws -> TableDefinition {
        try requireOwn(table)
        return try definition(table.name, orThrow: missing())
    }

    /// The name of the table of a request about tables, which need not exist.
    ///
    /// - Throws: As ``definition(_:orThrow:)-(TableReference,_)`` for an ARN.
    func tableName(_ input: RequestParameters) throws -> String {
        let table = try input.table()
        try requireOwn(table)
        return table.name
    }

    /// Refuses the ARN of another account or region.
    ///
    /// AWS, too, checks the account first: ExtendDB/extenddb, pull request 227.
    private func requireOwn(_ table: TableReference) throws {
        guard let owner = table.owner, owner != self.owner else { return }
        guard owner.account == account else { throw SettingMessages.denied }
        throw ServiceError.ofRequest(Messages.otherRegion(table.text))
    }

    /// The owner of all tables.
    var owner: TableOwner { TableOwner(region: region, account: account) }

    /// A table's definition as this process knows it, for a request on items.
    ///
    /// Another process may have removed the table since. The request finds that when it reads or
    /// writes. A request on tables uses ``state(of:orThrow:)``.
    ///
    /// - Parameters:
    ///   - name: The table's name.
    ///   - missing: The error if there is no such table.
    /// - Returns: The definition.
    /// - Throws: `missing`, which is `ResourceNotFoundException` by default.
    func definition(
        _ name: String,
        orThrow missing: @autoclosure () -> ServiceError = ServiceError.tableNotFound
    ) throws -> TableDefinition {
        if let table = known(name) { return table }
        // Another process may have added the table.
        try store.read { _ in }
        guard let table = known(name) else { throw missing() }
        return table
    }

    /// A table as one snapshot has it, for a request that changes or describes it.
    ///
    /// - Parameters:
    ///   - name: The table's name.
    ///   - missing: The error if there is no such table.
    /// - Returns: The table.
    /// - Throws: `missing`, and the errors of reading.
    func state(of name: String, orThrow missing: ServiceError) throws -> TableState {
        try present(name, orThrow: missing).table
    }

    /// A table and its record as one snapshot has them.
    ///
    /// - Parameters:
    ///   - name: The table's name.
    ///   - missing: The error if there is no such table.
    /// - Returns: The table, and its record.
    /// - Throws: `missing`, and the errors of reading.
    func present(
        _ name: String, orThrow missing: ServiceError
    ) throws -> (table: TableState, record: TableRecord) {
        guard !Self.isHidden(name) else { throw missing }
        return try store.read { snapshot -> (table: TableState, record: TableRecord) in
            guard let table = snapshot.tableState(name) else { throw missing }
            return (table, try TableRecord.of(name, table.number, in: snapshot))
        }
    }

    private func known(_ name: String) -> TableDefinition? {
        Self.isHidden(name) ? nil : store.definition(of: name)
    }

    /// Whether clients do not see a table, because it is the service's own.
    static func isHidden(_ table: String) -> Bool {
        table == TableRecord.tableName || table == StreamRecord.tableName
    }

    /// The names of the tables that clients see, by their bytes.
    func tableNames() throws -> [String] {
        try store.read { $0.tableNames }.filter { !Self.isHidden($0) }
            .sorted { ByteOrder.compare($0, $1) < 0 }
    }
}
