import Codex
import CodexCore
import CodexStore
import Foundation
import Testing

@testable import codexflow

/// `codexflow repair-queue`, on a store whose queues have tasks as blocked that wait for nothing.
@Suite("codexflow repair-queue")
struct RepairQueueTests {
    let base: CommandTests

    /// Makes a store with two projects in use and an archived one, each with such a task.
    init() async throws {
        base = try CommandTests()
        let store = try Store(at: base.store, schema: CodexFlow.schema)
        defer { store.close() }
        let workspace = CodexFlow.Workspace(store)
        for user in ["ada", "bob"] as [CodexFlow.User.ID] {
            try await workspace.createUser(email: "\(user)@example.com", name: "U", id: user)
        }
        let projects: [(id: CodexFlow.Project.ID, owner: CodexFlow.User.ID)] = [
            ("one", "ada"), ("two", "bob"), ("old", "ada"),
        ]
        for (id, owner) in projects {
            try await workspace.createProject(
                key: id.rawValue.uppercased(), name: "P", id: id, owner: owner)
            try await workspace.createTask(in: id, by: owner, id: "a") {
                ($0.title, $0.status) = ("T", .todo)
            }
            try await store.update(.task("a", in: id)) { $0.isBlocked = true }
        }
        try await workspace.archiveProject("old", by: "ada")
    }

    /// The projects that have a task with a wrong mark.
    private func wrongProjects() async throws -> [CodexFlow.Project.ID] {
        let store = try Store(at: base.store)
        defer { store.close() }
        #expect(LedgerArguments.hasPresentSchema(store.schema))
        let workspace = CodexFlow.Workspace(store)
        var found: [CodexFlow.Project.ID] = []
        for id in ["old", "one", "two"] as [CodexFlow.Project.ID] {
            if try await !workspace.verifyQueue(of: id).isEmpty { found.append(id) }
        }
        return found
    }

    @Test("Each project that is not archived is repaired, and missing indexes are added first")
    func all() async throws {
        let store = try Store(at: base.store)
        for index in [CodexFlow.Index.gsi5, CodexFlow.Index.gsi6] {
            try await store.removeIndex(index, from: CodexFlow.table)
        }
        try await store.waitUntilReady()
        #expect(!LedgerArguments.hasPresentSchema(store.schema))
        store.close()
        let repaired = try base.run("repair-queue", base.store)
        #expect(repaired.output == "2 changes in 2 projects, 0 refused\n", "\(repaired.errors)")
        #expect(repaired.code == 0)
        #expect(try await wrongProjects() == ["old"])
        #expect(
            try base.run("repair-queue", base.store).output
                == "0 changes in 2 projects, 0 refused\n")
        #expect(try base.run("verify", base.store).code == 0)
    }

    @Test("A project whose owner may not act is refused, until an admin acts")
    func refused() async throws {
        let store = try Store(at: base.store)
        let workspace = CodexFlow.Workspace(store)
        try await workspace.addMember("ada", to: "two", as: .admin, by: "bob")
        try await workspace.suspendUser("bob")
        store.close()
        let repaired = try base.run("repair-queue", base.store)
        #expect(repaired.code == 1)
        #expect(repaired.output == "1 changes in 1 projects, 1 refused\n")
        #expect(repaired.errors.contains("two: ") && repaired.errors.contains("[ruleViolated]"))
        #expect(try await wrongProjects() == ["old", "two"])
        let again = try base.run("repair-queue", base.store, "--project", "two", "--as", "ada")
        #expect(again.output == "1 changes in 1 projects, 0 refused\n", "\(again.errors)")
        #expect(try await wrongProjects() == ["old"])
    }

    @Test("Unknown projects, archived ones, and stores without projects are refused")
    func wrong() throws {
        let unknown = try base.run("repair-queue", base.store, "--project", "none")
        #expect(unknown.code == 1 && unknown.errors.contains("[notFound]"))
        let archived = try base.run("repair-queue", base.store, "--project", "old")
        #expect(archived.code == 1 && archived.errors.contains("[ruleViolated]"))
        let path = base.directory.path + "/other"
        #expect(try base.run("repair-queue", path).code == 1)
        #expect(!FileManager.default.fileExists(atPath: path))
        let table = TableDefinition("t", partitionKey: KeyAttribute("p"))
        try Store(at: path, schema: Schema(tables: [table])).close()
        let other = try base.run("repair-queue", path)
        #expect(other.code == 1 && other.errors.contains("[unknownEntity]"), "\(other.errors)")
    }
}
