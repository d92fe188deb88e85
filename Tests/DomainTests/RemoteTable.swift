import Codex
import CodexCore
import CodexStore
import Synchronization

/// A store as a remote table would be: it takes what DynamoDB does of actions, and somebody else
/// may be faster.
final class RemoteTable: TableBackend {
    /// What the table is asked for.
    enum Call: Sendable {
        /// An item is read by its key.
        case item(PrimaryKey)
        /// A page of a query was read, and its items were not.
        case page(TableQuery)
        case actions
    }

    private let table: any TableBackend
    private let isTime: @Sendable (Call) -> Bool
    private let other: Mutex<(@Sendable () async throws -> Void)?>

    /// DynamoDB's limits, with indexes that are as new as the table, without batches.
    ///
    /// The items keep their entities, so that a store and its workspace can read them as well.
    let capabilities: TableCapabilities = {
        var found = TableCapabilities.dynamoDB
        found.hasConsistentIndexQueries = true
        found.batchReadCountMax = 0
        found.keepsEntities = true
        return found
    }()

    /// - Parameters:
    ///   - table: Where the items are.
    ///   - isTime: Whether the other one writes at a call. An item is not read yet then, and no
    ///     action is performed.
    ///   - other: What happens then, once.
    init(
        _ table: Store, at isTime: @escaping @Sendable (Call) -> Bool,
        overtakenBy other: (@Sendable () async throws -> Void)?
    ) {
        self.table = table
        self.isTime = isTime
        self.other = Mutex(other)
    }

    /// - Parameters:
    ///   - table: Where the items are.
    ///   - other: What happens before the first list of actions is performed.
    convenience init(
        _ table: Store, overtakenBy other: (@Sendable () async throws -> Void)? = nil
    ) {
        self.init(
            table,
            at: { call in
                if case .actions = call { true } else { false }
            }, overtakenBy: other)
    }

    /// Lets the other one write, if it is time.
    private func reach(_ call: Call) async throws {
        guard isTime(call) else { return }
        let first = other.withLock { other in
            defer { other = nil }
            return other
        }
        try await first?()
    }

    func item(
        in name: String, key: PrimaryKey, consistency: ReadConsistency
    ) async throws -> Item? {
        try await reach(.item(key))
        return try await table.item(in: name, key: key, consistency: consistency)
    }

    func items(
        in name: String, keys: [PrimaryKey], consistency: ReadConsistency
    ) async throws -> [Item?] {
        var items: [Item?] = []
        for key in keys {
            items.append(try await item(in: name, key: key, consistency: consistency))
        }
        return items
    }

    func items(
        matching query: TableQuery, limits: PageLimits, after token: PageToken?,
        consistency: ReadConsistency
    ) async throws -> Page<Item> {
        let page = try await table.items(
            matching: query, limits: limits, after: token, consistency: consistency)
        try await reach(.page(query))
        return page
    }

    func items(
        scanning name: String, limits: PageLimits, after token: PageToken?,
        consistency: ReadConsistency
    ) async throws -> Page<Item> {
        try await table.items(
            scanning: name, limits: limits, after: token, consistency: consistency)
    }

    func perform(_ action: WriteAction, returning: ReturnValues) async throws -> Item? {
        try await reach(.actions)
        return try await table.perform(action, returning: returning)
    }

    func transact(_ actions: [WriteAction], idempotencyToken token: String?) async throws {
        guard actions.count <= DynamoDBLimits.transactionActionCountMax else {
            throw CodexError(.invalidArgument, "\(actions.count) actions are too many.")
        }
        try await reach(.actions)
        try await table.transact(actions, idempotencyToken: token)
    }
}
