import Codex
import CodexCore
import CodexStore
import Synchronization

/// A store as a table elsewhere would be: it takes what DynamoDB does of actions, and somebody else may be
/// faster.
final class TableElsewhere: TableBackend {
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
        guard actions.count <= Limits.transactionActionCountMax else {
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
