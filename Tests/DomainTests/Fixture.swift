import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import TestSupport
import Testing

/// Where a workspace's data is.
enum Place: String, CaseIterable, Sendable {
    /// In the store, as its own commits.
    case embedded
    /// In the store, as a remote table would be used: conditional actions only.
    case table
    /// In the store, behind a service of DynamoDB's API in this process and its client.
    case service
    /// The same, with a service that throttles, fails and loses answers.
    case faultyService

    /// The places of tests that also store items without the services: such items have no markers,
    /// which the rules of a remote table look at.
    static let allCases: [Place] = everywhere.filter { $0.differs(.visibleItems) }

    /// The places of tests that write through the services alone.
    static let everywhere: [Place] = {
        #if Remote
            return [.embedded, .table, .service, .faultyService]
        #else
            return [.embedded, .table]
        #endif
    }()

    /// Whether the place differs from DynamoDB in something that a test looks at.
    func differs(_ difference: ServiceDifference) -> Bool {
        switch self {
        case .embedded: ServiceDifference.ofStore.contains(difference)
        // It has the store's indexes, and DynamoDB's limits.
        case .table: [.presentIndexes, .visibleItems].contains(difference)
        case .service, .faultyService:
            ServiceDifference.ofService("codexflow").contains(difference)
        }
    }
}

/// A workspace with some people and a project.
struct Fixture: Sendable {
    let temporary: TemporaryStore
    let clock: ManualClock
    let workspace: CodexFlow.Workspace
    var store: Store { temporary.store }

    /// A workspace without people.
    init(emptyAt place: Place) throws {
        let clock = ManualClock()
        self.clock = clock
        // No test of commands cuts the power, so that no commit has to wait for the disk.
        var options = StoreOptions(durability: .none)
        options.use(clock)
        temporary = try TemporaryStore(options: options)
        workspace = try Self.workspace(place, temporary.store, clock)
    }

    /// A workspace in the state of another one, which one commit makes.
    ///
    /// - Parameter items: The ``contents`` of the other one.
    init(items: [Item]) async throws {
        try self.init(emptyAt: .embedded)
        try await store.write { transaction in
            for item in items { try transaction.put(item, in: CodexFlow.table) }
        }
    }

    /// People: an owner, an admin, two members, a viewer, and somebody who is in no project.
    init(_ place: Place = .embedded) async throws {
        try self.init(emptyAt: place)
        for name in ["olga", "adam", "mia", "max", "vera", "nora"] {
            try await workspace.createUser(
                email: "\(name)@example.com", name: name.capitalized, id: try .init(name))
        }
        try await workspace.createProject(key: "ENG", name: "Engine", id: "p", owner: "olga")
        for (name, role) in [
            ("adam", CodexFlow.Member.Role.admin), ("mia", .member), ("max", .member),
            ("vera", .viewer),
        ] {
            try await workspace.addMember(try .init(name), to: "p", as: role, by: "olga")
        }
    }

    static func workspace(
        _ place: Place, _ store: Store, _ clock: ManualClock
    ) throws -> CodexFlow.Workspace {
        switch place {
        case .embedded: CodexFlow.Workspace(store, clock: { clock.now })
        case .table:
            CodexFlow.Workspace(
                try CodexFlow.TableWorkspaceBackend(RemoteTable(store)),
                clock: { clock.now }, calendar: SystemCalendar())
        case .service: try ServiceScene.workspace(store, clock)
        case .faultyService: try ServiceScene.workspace(store, clock, ServiceScene.faults)
        }
    }

    /// A task of the project.
    @discardableResult
    func task(
        _ id: CodexFlow.Task.ID,
        _ body: @escaping @Sendable (inout CodexFlow.Task) throws -> Void = { _ in }
    ) async throws -> CodexFlow.Task {
        try await workspace.createTask(in: "p", by: "mia", id: id) { task in
            task.title = "Task \(id)"
            try body(&task)
        }
    }

    /// A task that was moved through statuses.
    @discardableResult
    func task(
        _ id: CodexFlow.Task.ID, through statuses: [CodexFlow.Task.Status]
    ) async throws -> CodexFlow.Task {
        var task = try await task(id)
        for status in statuses {
            task = try await workspace.moveTask(id, in: "p", to: status, by: "mia")
        }
        return task
    }

    /// Claims a task, and gives the claim's token.
    func claim(
        _ id: CodexFlow.Task.ID, by actor: CodexFlow.User.ID, lease: Duration = .seconds(60)
    ) async throws -> Int {
        let task = try await workspace.claimTask(
            id, in: "p", by: actor, lease: lease, despite: [.blocked, .assignedToOther])
        return try #require(task.claim?.token)
    }

    /// Everything in the store, to see that nothing was written.
    var contents: [Item] {
        get throws {
            try store.read { try $0.items(scanning: TableScan(table: CodexFlow.table)).items }
        }
    }

    /// Runs what must break a rule, and leave the store as it was.
    func expect(
        _ rule: CodexFlow.Rule, _ field: String? = nil, location: SourceLocation = #_sourceLocation,
        _ body: () async throws -> Void
    ) async throws {
        let before = try contents
        do {
            try await body()
            Issue.record("\(rule) was not broken", sourceLocation: location)
        } catch let error as CodexError {
            #expect(error.code == .ruleViolated, "\(error)", sourceLocation: location)
            #expect(error.rule == rule, "\(error)", sourceLocation: location)
            if let field {
                #expect(error.violation?.field == field, sourceLocation: location)
            }
            #expect(error.message.contains(rule.rawValue), sourceLocation: location)
            // The values, but no secret.
            #expect(
                error.violation?.values.isEmpty == (rule == .sessionToken), "\(rule)",
                sourceLocation: location)
        }
        #expect(try contents == before, "something was written", sourceLocation: location)
    }
}
