import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

@testable import CodexWorkspace

/// Deletions that take several commits, and what comes between these.
@Suite("The commits of deletions")
struct DeletionStepTests {
    /// What belongs to the deleted task.
    enum Load: String, CaseIterable, Sendable {
        /// All of it goes in one commit.
        case light
        /// More of each kind than a commit removes, and more blockers than the services allow.
        case heavy

        var commentCount: Int { self == .light ? 1 : 41 }
        var dependentCount: Int { self == .light ? 1 : 17 }
        var blockerCount: Int { self == .light ? 2 : 41 }
        /// The number of commits of the task's deletion.
        var commitCount: Int { self == .light ? 1 : 5 }

        /// Stores the task `a`, which waits for the first of its blockers alone.
        func store(in fixture: Fixture) async throws {
            let now = fixture.clock.now
            let waiting = try (0..<dependentCount).map { try CodexFlow.Task.ID("d\($0)") }
            let blockers = try (0..<blockerCount).map { try CodexFlow.Task.ID("b\($0)") }
            let comments = try (0..<commentCount).map { try CodexFlow.Comment.ID("c\($0)") }
            try await fixture.task("a") { $0.status = .todo }
            try await fixture.store.update(.task("a", in: "p")) { $0.isBlocked = true }
            try await fixture.store.write { transaction in
                for id in waiting {
                    var task = CodexFlow.Task(id: id, projectID: "p", title: "D", status: .todo)
                    task.isBlocked = true
                    try transaction.put(task)
                    try transaction.put(
                        CodexFlow.Dependency(
                            projectID: "p", taskID: id, blockerID: "a", isOpen: true,
                            createdAt: now))
                }
                for id in blockers {
                    let isOpen = id == "b0"
                    try transaction.put(
                        CodexFlow.Task(
                            id: id, projectID: "p", title: "B", status: isOpen ? .todo : .canceled))
                    try transaction.put(
                        CodexFlow.Dependency(
                            projectID: "p", taskID: "a", blockerID: id, isOpen: isOpen,
                            createdAt: now))
                }
                for id in comments {
                    try transaction.put(
                        CodexFlow.Comment(
                            id: id, projectID: "p", taskID: "a", authorID: "mia", text: "hello",
                            createdAt: now))
                }
            }
        }

        /// Whether nothing of it was removed.
        func isWhole(in store: Store) throws -> Bool {
            try store.all(.comments(on: "a", in: "p")).count == commentCount
                && store.all(.dependents(of: "a", in: "p")).count == dependentCount
                && store.all(.blockers(of: "a", in: "p")).count == blockerCount
        }

        /// Whether nothing of it is left.
        func isGone(in store: Store) throws -> Bool {
            try store.get(.task("a", in: "p")) == nil
                && store.all(.comments(on: "a", in: "p")).isEmpty
                && store.all(.dependents(of: "a", in: "p")).isEmpty
                && store.all(.blockers(of: "a", in: "p")).isEmpty
        }
    }

    /// What comes before a commit, so that the deletion ends there.
    enum Interruption: String, CaseIterable, Sendable {
        case crash
        /// The task gets a part.
        case part
        /// Another worker claims the task.
        case claim
        /// The project becomes read-only.
        case archiving
        /// The claim of the user who deletes the task ends by time.
        case lease

        func happen(in fixture: Fixture) async throws {
            switch self {
            case .crash: throw CancellationError()
            case .part:
                try await fixture.workspace.createTask(in: "p", by: "mia", id: "part") {
                    ($0.title, $0.parentID) = ("Part", "a")
                }
            case .claim: _ = try await fixture.claim("a", by: "max")
            case .archiving: try await fixture.workspace.archiveProject("p", by: "olga")
            case .lease: fixture.clock.advance(by: 60)
            }
        }
    }

    /// A workspace with something that happens before each commit.
    private static func workspace(
        _ fixture: Fixture, before: @escaping @Sendable (Int) async throws -> Void
    ) -> CodexFlow.Workspace {
        let clock = fixture.clock
        return CodexFlow.Workspace(
            SteppedBackend(fixture.workspace.backend, before: before), clock: { clock.now },
            calendar: SystemCalendar())
    }

    /// The tasks of which the queue has something wrong.
    private static func wrongTasks(_ fixture: Fixture) async throws -> [CodexFlow.Task.ID] {
        try await CodexFlow.Workspace(fixture.store).verifyQueue(of: "p")
    }

    // MARK: Interruptions

    /// Deletes a task with an interruption before a commit.
    ///
    /// - Returns: Whether the task was deleted: it took no more commits.
    private static func isDeleted(
        _ load: Load, _ place: Place, _ interruption: Interruption, before number: Int
    ) async throws -> Bool {
        let fixture = try await Fixture(place)
        try await load.store(in: fixture)
        #expect(try await wrongTasks(fixture).isEmpty)
        var token: Int?
        if interruption == .lease { token = try await fixture.claim("a", by: "mia") }
        let workspace = workspace(fixture) { count in
            if count == number { try await interruption.happen(in: fixture) }
        }
        var isDeleted = false
        do {
            try await workspace.deleteTask("a", in: "p", by: "mia", holding: token)
            isDeleted = true
        } catch let error as CodexError where error.rule != nil {
            #expect(interruption != .crash)
        } catch is CancellationError {
            #expect(interruption == .crash)
        }
        #expect(try await wrongTasks(fixture).isEmpty, "\(load), commit \(number)")
        #expect(try load.isGone(in: fixture.store) == isDeleted, "\(load), commit \(number)")
        if number == 0 { #expect(try load.isWhole(in: fixture.store), "\(load)") }
        if interruption == .crash, !isDeleted {
            try await fixture.workspace.deleteTask("a", in: "p", by: "mia")
            #expect(try load.isGone(in: fixture.store), "\(load), commit \(number)")
            #expect(try await wrongTasks(fixture).isEmpty, "\(load), commit \(number)")
        }
        return isDeleted
    }

    @Test(
        "A deletion that ends before its last commit leaves the queue right",
        arguments: Place.allCases, Interruption.allCases)
    func interruptions(place: Place, interruption: Interruption) async throws {
        for load in Load.allCases {
            for number in 0...load.commitCount {
                let isDeleted = try await Self.isDeleted(load, place, interruption, before: number)
                #expect(isDeleted == (number == load.commitCount), "\(load), commit \(number)")
            }
        }
    }

    @Test("A deletion whose note is refused removes nothing", arguments: Place.allCases)
    func notes(place: Place) async throws {
        let long = String(repeating: "x", count: CodexFlow.Limits.textByteCountMax + 1)
        for load in Load.allCases {
            let fixture = try await Fixture(place)
            try await load.store(in: fixture)
            for note in ["", " ", "\u{200B}", long] {
                try await fixture.expect(.note) {
                    try await fixture.workspace.deleteTask("a", in: "p", by: "mia", note: note)
                }
            }
        }
    }

    @Test("A raw task that waits for itself is deleted", arguments: Place.allCases)
    func circle(place: Place) async throws {
        for load in Load.allCases {
            let fixture = try await Fixture(place)
            try await load.store(in: fixture)
            let item = try CodexFlow.Dependency(
                projectID: "p", taskID: "a", blockerID: "a", isOpen: true,
                createdAt: fixture.clock.now
            ).item()
            try await fixture.store.put(item, in: CodexFlow.table)
            try await fixture.workspace.deleteTask("a", in: "p", by: "mia")
            #expect(try load.isGone(in: fixture.store), "\(load)")
            let kinds = try fixture.store.all(.activity(of: "a", in: "p")).map(\.kind)
            #expect(kinds == [.created, .deleted], "\(load)")
        }
    }

    // MARK: New entities with the identifier

    @Test(
        "A deletion that another call ended leaves a new task with the identifier as it is",
        arguments: Place.allCases, [true, false])
    func tasks(place: Place, isStoredAgain: Bool) async throws {
        for number in 1..<Load.heavy.commitCount {
            let fixture = try await Fixture(place)
            let store = fixture.store
            try await Load.heavy.store(in: fixture)
            let workspace = Self.workspace(fixture) { count in
                guard count == number else { return }
                try await fixture.workspace.deleteTask("a", in: "p", by: "mia")
                fixture.clock.advance(by: 1)
                guard isStoredAgain else { return }
                try await fixture.task("a")
                try await fixture.workspace.addComment(on: "a", in: "p", by: "mia", "new")
            }
            var life: [CodexFlow.Activity.Kind] = [.created, .deleted]
            if isStoredAgain { life += [.created, .commented] }
            // The second one is a repetition.
            for _ in 0..<2 {
                try await workspace.idempotent("key").deleteTask("a", in: "p", by: "mia")
                #expect(try store.all(.activity(of: "a", in: "p")).map(\.kind) == life)
                #expect((try store.get(.task("a", in: "p")) != nil) == isStoredAgain)
                let comments = try store.all(.comments(on: "a", in: "p"))
                #expect(comments.count == (isStoredAgain ? 1 : 0))
            }
        }
    }

    @Test(
        "A deletion that another call ended leaves a new user with the identifier as it is",
        arguments: Place.allCases, [true, false])
    func users(place: Place, isStoredAgain: Bool) async throws {
        let fixture = try await Fixture(place)
        let (workspace, store, now) = (fixture.workspace, fixture.store, fixture.clock.now)
        // More than one commit removes.
        try await store.write { transaction in
            for number in 0..<120 {
                try transaction.put(
                    CodexFlow.Member(
                        projectID: try .init("p\(number)"), userID: "nora", role: .member,
                        createdAt: now))
            }
        }
        let slow = Self.workspace(fixture) { count in
            guard count == 1 else { return }
            try await workspace.deleteUser("nora")
            fixture.clock.advance(by: 1)
            guard isStoredAgain else { return }
            try await workspace.createUser(email: "nora@example.com", name: "New", id: "nora")
            try await workspace.addMember("nora", to: "p", by: "olga")
            _ = try await workspace.openSession(for: "nora")
        }
        // The second one is a repetition.
        for _ in 0..<2 {
            try await slow.idempotent("key").deleteUser("nora")
            #expect(try store.get(.user("nora"))?.name == (isStoredAgain ? "New" : nil))
            let projects = try store.all(.memberships(of: "nora")).map(\.projectID)
            #expect(projects == (isStoredAgain ? ["p"] : []))
            #expect(try store.all(.sessions(of: "nora")).count == (isStoredAgain ? 1 : 0))
        }
    }
}
