import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Synchronization
import Testing

/// A store as DynamoDB is at its worst: index reads are three transactions behind.
///
/// It counts the requests that it gets.
final class LaggingTable: TableBackend {
    /// The requests by kind.
    struct Counts: Sendable, Equatable {
        var items = 0
        var batches = 0
        var queries = 0
        /// Writes of one item.
        var updates = 0
        var transactions = 0
        /// The actions of the last transaction.
        var actions = 0
        /// The most actions of a transaction.
        var mostActions = 0

        /// The requests that read.
        var reads: Int { items + batches + queries }
    }

    private struct State: Sendable {
        /// The states after the last transactions, oldest first.
        var snapshots: [HeldSnapshot] = []
        var counts = Counts()
        /// What another program does before the next list of actions.
        var other: (@Sendable () async throws -> Void)?
    }

    /// How many transactions index reads are behind.
    static let lag = 3

    let capabilities: TableCapabilities
    private let store: Store
    /// Whether indexes have two entries of each item, as while they follow a change.
    private let doublesEntries: Bool
    private let state = Mutex(State())

    /// - Parameters:
    ///   - store: Where the items are.
    ///   - hasBatches: Whether the service reads several items in one request.
    ///   - doublesEntries: Whether indexes have two entries of each item.
    init(_ store: Store, hasBatches: Bool = true, doublesEntries: Bool = false) throws {
        self.store = store
        self.doublesEntries = doublesEntries
        var capabilities = TableCapabilities.dynamoDB
        if !hasBatches { capabilities.batchReadCountMax = 0 }
        self.capabilities = capabilities
        let first = try store.holdSnapshot()
        state.withLock { $0.snapshots = [first] }
    }

    /// Lets indexes have all that the table has.
    func settle() throws {
        let present = try store.holdSnapshot()
        state.withLock { $0.snapshots = [present] }
    }

    /// What is asked for while `body` runs.
    func counts(_ body: () async throws -> Void) async throws -> Counts {
        state.withLock { $0.counts = Counts() }
        try await body()
        return state.withLock { $0.counts }
    }

    /// Lets another program write before the next list of actions.
    func overtake(_ other: @escaping @Sendable () async throws -> Void) {
        state.withLock { $0.other = other }
    }

    func item(
        in table: String, key: PrimaryKey, consistency: ReadConsistency
    ) async throws -> Item? {
        state.withLock { $0.counts.items += 1 }
        return try store.item(in: table, key: key)
    }

    func items(
        in table: String, keys: [PrimaryKey], consistency: ReadConsistency
    ) async throws -> [Item?] {
        #expect(Set(keys).count == keys.count)
        let most = max(1, capabilities.batchReadCountMax)
        let requestCount = (keys.count + most - 1) / most
        state.withLock { state in
            if most == 1 {
                state.counts.items += requestCount
            } else {
                state.counts.batches += requestCount
            }
        }
        return try store.items(in: table, keys: keys)
    }

    func items(
        matching query: TableQuery, limits: PageLimits, after token: PageToken?,
        consistency: ReadConsistency
    ) async throws -> Page<Item> {
        state.withLock { $0.counts.queries += 1 }
        guard query.index != nil else {
            return try store.items(matching: query, limits: limits, after: token)
        }
        if consistency == .consistent { try capabilities.require(.consistentIndexQueries) }
        let old = state.withLock { $0.snapshots.first }
        let page = try old?.read { try $0.items(matching: query, limits: limits, after: token) }
        let found = try #require(page)
        guard doublesEntries else { return found }
        return Page(
            items: found.items.flatMap { [$0, $0] }, next: found.next,
            examinedCount: found.examinedCount)
    }

    func items(
        scanning table: String, limits: PageLimits, after token: PageToken?,
        consistency: ReadConsistency
    ) async throws -> Page<Item> {
        state.withLock { $0.counts.queries += 1 }
        return try store.items(scanning: TableScan(table: table), limits: limits, after: token)
    }

    func perform(_ action: WriteAction, returning: ReturnValues) async throws -> Item? {
        state.withLock { $0.counts.updates += 1 }
        let item = try await store.perform(action, returning: returning)
        try remember()
        return item
    }

    func transact(_ actions: [WriteAction], idempotencyToken token: String?) async throws {
        #expect(actions.count <= capabilities.transactionActionCountMax)
        let other = state.withLock { state in
            state.counts.transactions += 1
            state.counts.actions = actions.count
            state.counts.mostActions = max(state.counts.mostActions, actions.count)
            defer { state.other = nil }
            return state.other
        }
        try await other?()
        try await store.transact(actions, idempotencyToken: token)
        try remember()
    }

    private func remember() throws {
        let present = try store.holdSnapshot()
        state.withLock { state in
            state.snapshots.append(present)
            state.snapshots.removeFirst(max(0, state.snapshots.count - Self.lag - 1))
        }
    }
}

/// A workspace on a table whose index reads are three transactions behind, with some people and a
/// project.
struct LaggingScene: Sendable {
    let temporary: TemporaryStore
    let clock: ManualClock
    let table: LaggingTable
    let backend: CodexFlow.TableWorkspaceBackend
    let workspace: CodexFlow.Workspace

    var store: Store { temporary.store }

    init(hasBatches: Bool = true) async throws {
        let clock = ManualClock()
        self.clock = clock
        var options = StoreOptions(durability: .none)
        options.use(clock)
        temporary = try TemporaryStore(options: options)
        table = try LaggingTable(temporary.store, hasBatches: hasBatches)
        backend = try CodexFlow.TableWorkspaceBackend(table)
        workspace = CodexFlow.Workspace(
            backend, clock: { clock.now }, calendar: SystemCalendar())
        for name in ["olga", "mia", "max"] {
            try await workspace.createUser(
                email: "\(name)@example.com", name: name.capitalized, id: try .init(name))
        }
        try await workspace.createProject(key: "ENG", name: "Engine", id: "p", owner: "olga")
        for name in ["mia", "max"] {
            try await workspace.addMember(try .init(name), to: "p", by: "olga")
        }
    }

    /// Everything in the table.
    var contents: [Item] {
        get throws {
            try store.read { try $0.items(scanning: TableScan(table: CodexFlow.table)).items }
        }
    }

    /// Stores the items of another scene, in one transaction that indexes have at once.
    ///
    /// Index reads are as far behind as before after ``LaggingTable/lag`` more transactions.
    func add(_ items: [Item]) async throws {
        try await store.write { transaction in
            for item in items { try transaction.put(item, in: CodexFlow.table) }
        }
        try table.settle()
    }

    /// A task of the project.
    func task(
        _ id: CodexFlow.Task.ID,
        _ body: @escaping @Sendable (inout CodexFlow.Task) throws -> Void = { _ in }
    ) async throws {
        try await workspace.createTask(in: "p", by: "mia", id: id) { task in
            task.title = "Task \(id)"
            try body(&task)
        }
    }

    /// Runs what must break a rule.
    func expect(
        _ rule: CodexFlow.Rule, location: SourceLocation = #_sourceLocation,
        _ body: () async throws -> Void
    ) async {
        do {
            try await body()
            Issue.record("\(rule) was not broken", sourceLocation: location)
        } catch {
            #expect((error as? CodexError)?.rule == rule, "\(error)", sourceLocation: location)
        }
    }
}
