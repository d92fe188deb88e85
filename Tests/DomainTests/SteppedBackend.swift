import Codex
import CodexCore
import CodexWorkspace
import Synchronization

/// A workspace's data, with something that happens before each commit.
final class SteppedBackend: CodexFlow.WorkspaceBackend {
    private let base: any CodexFlow.WorkspaceBackend
    private let before: @Sendable (Int) async throws -> Void
    private let count = Mutex(0)

    /// - Parameters:
    ///   - base: Where the data is.
    ///   - before: What happens before a commit. It gets the number of commits before this one. If
    ///     it throws, the commit does not happen.
    init(
        _ base: any CodexFlow.WorkspaceBackend,
        before: @escaping @Sendable (Int) async throws -> Void
    ) {
        self.base = base
        self.before = before
    }

    func commit<Outcome: Sendable>(
        _ decide:
            @escaping @Sendable (any CodexFlow.DecisionReader) throws -> CodexFlow.Decision<Outcome>
    ) async throws -> Outcome {
        let number = count.withLock { count in
            count += 1
            return count - 1
        }
        try await before(number)
        return try await base.commit(decide)
    }

    func get<E: Entity>(_ lookup: Lookup<E>) async throws -> E? { try await base.get(lookup) }

    func query<E: Entity>(
        _ query: CodexCore.Query<E>, limit: Int?, after token: PageToken?
    ) async throws -> Page<E> {
        try await base.query(query, limit: limit, after: token)
    }

    func removeItems(of project: CodexFlow.Project.ID, limit: Int) async throws -> Bool {
        try await base.removeItems(of: project, limit: limit)
    }
}
