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
        #expect(
            repaired.output == "2 changes in 2 projects, 0 refused, 0 items passed over\n",
            "\(repaired.errors)")
        #expect(repaired.code == 0)
        #expect(try await wrongProjects() == ["old"])
        #expect(
            try base.run("repair-queue", base.store).output
                == "0 changes in 2 projects, 0 refused, 0 items passed over\n")
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
        #expect(
            repaired.output == "1 changes in 1 projects, 1 refused, 0 items passed over\n")
        #expect(repaired.errors.contains("two: ") && repaired.errors.contains("[ruleViolated]"))
        #expect(try await wrongProjects() == ["old", "two"])
        let again = try base.run("repair-queue", base.store, "--project", "two", "--as", "ada")
        #expect(
            again.output == "1 changes in 1 projects, 0 refused, 0 items passed over\n",
            "\(again.errors)")
        #expect(try await wrongProjects() == ["old"])
    }

    /// Makes the stored item of an entity unreadable.
    private func damage<E: Entity>(
        _ lookup: Lookup<E>, _ attribute: String, in store: Store
    ) async throws {
        var item = try #require(try store.get(lookup)).item()
        item[attribute] = ["not": "of this type"]
        try await store.put(item, in: CodexFlow.table)
    }

    @Test("Items that cannot be read are named, and the tasks and projects beside them repaired")
    func unreadable() async throws {
        let store = try Store(at: base.store)
        try await CodexFlow.Workspace(store).createTask(in: "one", by: "ada", id: "0") {
            ($0.title, $0.status) = ("T", .todo)
        }
        try await damage(.task("0", in: "one"), "title", in: store)
        store.close()
        let repaired = try base.run("repair-queue", base.store)
        #expect(repaired.code == 1)
        #expect(repaired.output == "2 changes in 2 projects, 0 refused, 1 items passed over\n")
        let lines = repaired.errors.split(separator: "\n")
        #expect(lines.count == 1, "\(repaired.errors)")
        #expect(lines.first?.contains(#"{"key":["PROJECT#one","TASK#0"]}"#) == true)
        #expect(lines.first?.contains("[typeMismatch]") == true)
        // Errors name no values.
        #expect(!repaired.errors.contains("of this type"))
    }

    @Test("A project that cannot be read, and one whose owner cannot, leave the others")
    func unreadableProjects() async throws {
        let store = try Store(at: base.store)
        let workspace = CodexFlow.Workspace(store)
        try await workspace.createProject(key: "SIX", name: "P", id: "six", owner: "bob")
        try await damage(.project("six"), "name", in: store)
        try await damage(.user("bob"), "name", in: store)
        store.close()
        let repaired = try base.run("repair-queue", base.store)
        #expect(repaired.code == 1)
        #expect(
            repaired.output == "1 changes in 1 projects, 1 refused, 1 items passed over\n",
            "\(repaired.errors)")
        #expect(repaired.errors.contains(#"{"key":["PROJECT#six","METADATA"]}"#))
        #expect(repaired.errors.contains("two: "))
        #expect(try await wrongProjects() == ["old", "two"])
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
