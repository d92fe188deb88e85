import Codex
import CodexCore
import CodexStore
import Synchronization

/// A store as a remote table would be: it takes what DynamoDB does of actions, and somebody else
/// may be faster.
final class RemoteTable: TableBackend {
    private let table: any TableBackend
    private let other: Mutex<(@Sendable () async throws -> Void)?>

    /// - Parameters:
    ///   - table: Where the items are.
    ///   - other: What happens before the first list of actions is performed.
    init(_ table: Store, overtakenBy other: (@Sendable () async throws -> Void)? = nil) {
        self.table = table
        self.other = Mutex(other)
    }

    func item(in name: String, key: PrimaryKey) async throws -> Item? {
        try await table.item(in: name, key: key)
    }

    func items(
        matching query: TableQuery, limits: PageLimits, after token: PageToken?
    ) async throws -> Page<Item> {
        try await table.items(matching: query, limits: limits, after: token)
    }

    func perform(_ actions: [WriteAction]) async throws {
        guard actions.count <= DynamoDBLimits.transactionActionCountMax else {
            throw CodexError(.invalidArgument, "\(actions.count) actions are too many.")
        }
        let first = other.withLock { other in
            defer { other = nil }
            return other
        }
        try await first?()
        try await table.perform(actions)
    }
}
