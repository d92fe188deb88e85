import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

/// Which events follow from which command.
@Suite("Derived events")
struct DerivedEventTests {
    /// A check of what commands on a fixture derive.
    private struct Derivation {
        let fixture: Fixture

        /// Expects that a command has these events, each of them once, and that each is typed and
        /// read back from its JSON.
        func callAsFunction(
            _ expected: [CodexFlow.Event.Kind], location: SourceLocation = #_sourceLocation,
            _ command: () async throws -> Void
        ) async throws {
            let start = try fixture.store.read { try $0.sequenceNumber }
            try await command()
            let changes = try fixture.store.retainedChanges(after: .sequenceNumber(start))
            let found = try changes.flatMap { try $0.events }
            #expect(Set(found.map(\.kind)) == Set(expected), sourceLocation: location)
            #expect(found.count == expected.count, sourceLocation: location)
            for event in found {
                try expectSameFromJSON(event, location)
                expectSubject(of: event, location)
                expectDetail(of: event, location)
            }
        }

        private func expectSameFromJSON(
            _ event: CodexFlow.Event, _ location: SourceLocation
        ) throws {
            let read = try CodexFlow.Event(json: event.json)
            #expect(
                read.id == event.id && read.kind == event.kind && read.detail == event.detail,
                sourceLocation: location)
            #expect(
                abs(read.time.timeIntervalSince(event.time)) < 1, sourceLocation: location)
        }

        /// What each event of a source has.
        private func expectSubject(of event: CodexFlow.Event, _ location: SourceLocation) {
            let hasSubject =
                switch event.source {
                case "codexflow.tasks": event.taskID != nil && event.projectID != nil
                case "codexflow.projects": event.projectID != nil
                case "codexflow.prds": event.prdID != nil && event.version != nil
                default: event.userID == "x"
                }
            #expect(hasSubject, "\(event)", sourceLocation: location)
        }

        /// What events of some kinds have.
        private func expectDetail(of event: CodexFlow.Event, _ location: SourceLocation) {
            let hasDetail =
                switch event.kind {
                case .taskStatusChanged:
                    event.taskStatus != event.previousTaskStatus && event.actorID == "mia"
                case .taskAssigned: event.assigneeID == "max" && event.title != nil
                case .taskUnassigned: event.previousAssigneeID == "max"
                case .prdReviewed: event.decision != nil && event.userID == "max"
                case .memberAdded: event.memberRole == .owner
                case .workLogged: event.hours != nil
                case .taskUpdated: event.fields == ["title"]
                case .taskBlocked, .taskUnblocked: event.blockerID != nil
                default: true
                }
            #expect(hasDetail, "\(event)", sourceLocation: location)
        }
    }

    @Test("Users and sessions")
    func users() async throws {
        let fixture = try await Fixture()
        let (workspace, expect) = (fixture.workspace, Derivation(fixture: fixture))
        try await expect([.userCreated]) {
            try await workspace.createUser(email: "x@y", name: "X", id: "x")
        }
        try await expect([.userUpdated]) { try await workspace.changeUser("x") { $0.name = "Y" } }
        try await expect([.sessionOpened]) { _ = try await workspace.openSession(for: "x") }
        try await expect([.userSuspended, .sessionEnded]) { try await workspace.suspendUser("x") }
        try await expect([.userActivated]) { try await workspace.activateUser("x") }
        try await expect([.userDeleted]) { try await workspace.deleteUser("x") }
    }

    @Test("Projects and members")
    func projects() async throws {
        let fixture = try await Fixture()
        let (workspace, expect) = (fixture.workspace, Derivation(fixture: fixture))
        try await workspace.createUser(email: "x@y", name: "X", id: "x")
        try await expect([.projectCreated, .memberAdded]) {
            try await workspace.createProject(key: "XX", name: "X", id: "x", owner: "x")
        }
        try await expect([.projectUpdated]) {
            try await workspace.changeProject("x", by: "x") { $0.name = "Y" }
        }
        try await expect([.projectStatusChanged]) {
            try await workspace.changeProject("x", by: "x") { $0.status = .started }
        }
        try await expect([.projectTransferred, .memberChanged, .memberAdded]) {
            try await workspace.transferProject("x", to: "mia", by: "x")
        }
        try await expect([.memberRemoved]) {
            try await workspace.removeMember("x", from: "x", by: "mia")
        }
        try await expect([.projectArchived]) { try await workspace.archiveProject("x", by: "mia") }
        try await expect([.projectRestored]) { try await workspace.restoreProject("x", by: "mia") }
        try await expect([.projectDeletionStarted, .memberRemoved, .projectDeleted]) {
            try await workspace.deleteProject("x", by: "mia")
        }
    }

    @Test("Statuses of a task that another one waits for; what is refused has no event")
    func statuses() async throws {
        let fixture = try await Fixture()
        let (workspace, expect) = (fixture.workspace, Derivation(fixture: fixture))
        try await fixture.task("a") { $0.status = .todo }
        try await expect([.taskCreated]) { try await fixture.task("b") { $0.status = .todo } }
        try await expect([.taskBlocked]) {
            try await workspace.addDependency(of: "a", on: "b", in: "p", by: "mia")
        }
        try await expect([.taskStatusChanged, .taskStarted]) {
            try await workspace.moveTask("b", in: "p", to: .inProgress, by: "mia")
        }
        try await expect([.taskStatusChanged]) {
            try await workspace.moveTask("b", in: "p", to: .inReview, by: "mia")
        }
        try await expect([.taskStatusChanged, .taskCompleted, .taskUnblocked]) {
            try await workspace.completeTask("b", in: "p", by: "mia")
        }
        try await expect([.taskStatusChanged, .taskReopened, .taskBlocked]) {
            try await workspace.moveTask("b", in: "p", to: .todo, by: "mia")
        }
        try await expect([.taskStatusChanged, .taskCanceled, .taskUnblocked]) {
            try await workspace.moveTask("b", in: "p", to: .canceled, by: "mia")
        }
        try await expect([]) {
            _ = try? await workspace.completeTask("a", in: "p", by: "mia")
        }
    }

    @Test("Dependencies of tasks")
    func dependencies() async throws {
        let fixture = try await Fixture()
        let (workspace, expect) = (fixture.workspace, Derivation(fixture: fixture))
        try await fixture.task("a") { $0.status = .todo }
        try await expect([.taskCreated, .taskStarted]) {
            try await fixture.task("c") { $0.status = .inProgress }
        }
        try await expect([.taskBlocked]) {
            try await workspace.addDependency(of: "a", on: "c", in: "p", by: "mia")
        }
        try await expect([.taskUnblocked]) {
            try await workspace.removeDependency(of: "a", on: "c", in: "p", by: "mia")
        }
    }

    @Test("Other changes of a task: its fields, its people, its comments and its work")
    func tasks() async throws {
        let fixture = try await Fixture()
        let (workspace, expect) = (fixture.workspace, Derivation(fixture: fixture))
        try await expect([.taskCreated, .taskAssigned]) {
            try await fixture.task("a") { ($0.assigneeID, $0.status) = ("max", .todo) }
        }
        try await expect([.taskUpdated]) {
            try await workspace.changeTask("a", in: "p", by: "mia") { $0.title = "New" }
        }
        try await expect([.taskClaimed]) { _ = try await fixture.claim("a", by: "mia") }
        let token = try #require(try fixture.store.get(.task("a", in: "p"))?.claim?.token)
        try await expect([]) {
            try await workspace.renewClaim(
                of: "a", in: "p", by: "mia", holding: token, lease: .seconds(600))
        }
        try await expect([.taskReleased]) {
            try await workspace.releaseTask("a", in: "p", by: "mia", holding: token)
        }
        try await expect([.taskUnassigned]) {
            try await workspace.assignTask("a", in: "p", to: nil, by: "mia")
        }
        try await expect([.taskCommented]) {
            try await workspace.addComment(on: "a", in: "p", by: "mia", "So")
        }
        for hours in [1, 2, -3] {
            try await expect([.workLogged]) {
                try await workspace.logWork(Number(hours), on: "a", in: "p", by: "mia")
            }
        }
        try await expect([.taskArchived]) {
            try await workspace.archiveTask("a", in: "p", by: "mia")
        }
        try await expect([.taskRestored]) {
            try await workspace.restoreTask("a", in: "p", by: "mia")
        }
    }

    @Test("PRDs: reviews and versions")
    func prds() async throws {
        let fixture = try await Fixture()
        let (workspace, expect) = (fixture.workspace, Derivation(fixture: fixture))
        let content = CodexFlow.PRD.Content(
            overview: "o",
            userStories: [.init(id: "1", description: "d", acceptanceCriteria: ["c"])])
        try await expect([.prdCreated]) {
            try await workspace.createPRD(in: "p", title: "T", content: content, by: "mia", id: "d")
        }
        let hash = try #require(
            try fixture.store.get(.prd("d", version: 1, in: "p"))?.contentHash)
        func submit(_ version: Int) async throws {
            try await workspace.submitPRD("d", version: version, in: "p", by: "mia")
        }
        func review(_ version: Int, _ decision: CodexFlow.PRDReview.Decision) async throws {
            try await workspace.reviewPRD(
                "d", version: version, contentHash: hash, in: "p", by: "max", decision: decision)
        }
        func addVersion(basedOn version: Int) async throws {
            try await workspace.addPRDVersion(
                of: "d", in: "p", basedOn: version, by: "mia"
            ) { _ in }
        }
        try await expect([.prdSubmitted]) { try await submit(1) }
        try await expect([.prdChangesRequested, .prdReviewed]) {
            try await review(1, .requestChanges)
        }
        try await expect([.prdSubmitted]) { try await submit(1) }
        try await expect([.prdApproved, .prdReviewed]) { try await review(1, .approve) }
        try await expect([.prdVersionAdded]) { try await addVersion(basedOn: 1) }
        try await expect([.prdSuperseded, .prdVersionAdded]) {
            try await addVersion(basedOn: 2)
        }
        try await expect([.prdSubmitted]) { try await submit(3) }
        try await expect([.prdRejected, .prdReviewed]) { try await review(3, .reject) }
        try await expect([.prdArchived]) {
            try await workspace.archivePRD("d", version: 3, in: "p", by: "adam")
        }
    }
}
