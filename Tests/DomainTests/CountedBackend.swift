import Codex
import CodexCore
import CodexStore
import CodexWorkspace
import Synchronization

/// A workspace's data in a store, with counts of what commands read and write.
final class CountedBackend: CodexFlow.WorkspaceBackend {
    struct Counts: Sendable, Equatable {
        /// The commits.
        var commits = 0
        /// The lookups and queries of decisions.
        var requests = 0
        /// The items that these found.
        var items = 0
        /// The entries of history that queries with a filter may examine.
        var examinedEntries = 0
        /// The writes of decisions.
        var writes = 0
        /// The most writes of a commit.
        var mostWrites = 0
        /// The items that were examined outside of commits.
        var outside = 0

        mutating func add(_ other: Self) {
            commits += other.commits
            requests += other.requests
            items += other.items
            examinedEntries += other.examinedEntries
            writes += other.writes
            mostWrites = max(mostWrites, other.mostWrites)
        }
    }

    private let store: Store
    private let total = Mutex(Counts())

    init(_ store: Store) { self.store = store }

    /// What is read and written while `body` runs.
    func measured(_ body: () async throws -> Void) async throws -> Counts {
        total.withLock { $0 = Counts() }
        try await body()
        return total.withLock { $0 }
    }

    func commit<Outcome: Sendable>(
        _ decide:
            @escaping @Sendable (any CodexFlow.DecisionReader) throws -> CodexFlow.Decision<Outcome>
    ) async throws -> Outcome {
        let (outcome, counts) = try await store.write { transaction -> (Outcome, Counts) in
            let reader = CountedReader(transaction.reader)
            let decision = try decide(reader)
            for write in decision.writes {
                switch write {
                case .insert(let entity): try transaction.insert(entity)
                case .replace(let entity): try transaction.overwrite(entity)
                case .delete(let entity): try transaction.remove(entity)
                }
            }
            var counts = reader.counts
            (counts.commits, counts.writes) = (1, decision.writes.count)
            counts.mostWrites = counts.writes
            return (decision.outcome, counts)
        }
        total.withLock { $0.add(counts) }
        return outcome
    }

    func get<E: Entity>(_ lookup: Lookup<E>) async throws -> E? {
        total.withLock { $0.outside += 1 }
        return try store.get(lookup)
    }

    func query<E: Entity>(
        _ query: CodexCore.Query<E>, limit: Int?, after token: PageToken?
    ) async throws -> Page<E> {
        let page = try store.query(query, limit: limit, after: token)
        total.withLock { $0.outside += page.examinedCount }
        return page
    }

    /// Deletions of projects are not counted, and delete nothing here.
    func removeItems(of project: CodexFlow.Project.ID, limit: Int) async throws -> Bool { true }
}

/// The reads of one decision.
private final class CountedReader: CodexFlow.DecisionReader {
    private let base: TransactionReader
    private(set) var counts = CountedBackend.Counts()

    init(_ base: TransactionReader) { self.base = base }

    private func count(_ itemCount: Int) {
        counts.requests += 1
        counts.items += itemCount
    }

    func get<E: Entity>(_ lookup: Lookup<E>) throws -> E? {
        let found = try base.get(lookup)
        count(found == nil ? 0 : 1)
        return found
    }

    func all<E: Entity>(_ query: CodexCore.Query<E>, limit: Int?) throws -> [E] {
        let found = try base.all(query, limit: limit)
        count(found.count)
        if E.self == CodexFlow.Activity.self, query.request.filter != nil {
            var whole = query
            whole.request.filter = nil
            counts.examinedEntries += try base.all(whole, limit: nil).count
        }
        return found
    }

    func readable<E: Entity>(_ query: CodexCore.Query<E>, limit: Int?) throws -> [E] {
        let found = try base.readable(query, limit: limit)
        count(found.count)
        return found
    }
}
