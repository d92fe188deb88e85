import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

/// What commands on a remote table may take of actions.
@Suite("Commands within a hundred actions")
struct ActionCountTests {
    @Test("A task with as many dependencies as may be is finished")
    func dependencies() async throws {
        let fixture = try await Fixture(.table)
        let workspace = fixture.workspace
        try await fixture.task("hub") { $0.status = .inProgress }
        let count = CodexFlow.Limits.dependencyCountMax
        for number in 1...count {
            let (before, after) = ("b\(number)", "a\(number)")
            try await fixture.task(try .init(before))
            try await fixture.task(try .init(after))
            try await workspace.addDependency(
                of: "hub", on: try .init(before), in: "p", by: "mia")
            try await workspace.addDependency(
                of: try .init(after), on: "hub", in: "p", by: "mia")
        }
        try await workspace.completeTask("hub", in: "p", by: "mia")
        #expect(try fixture.store.all(.openDependencies(in: "p")).isEmpty)
        // Opening it again looks at all the others as well: that is too much, and says what to do.
        await #expect(throws: CodexError(.transactionTooLarge, "")) {
            try await workspace.moveTask("hub", in: "p", to: .todo, by: "mia")
        }
        for number in 1...count {
            try await workspace.removeDependency(
                of: "hub", on: try .init("b\(number)"), in: "p", by: "mia")
        }
        try await workspace.moveTask("hub", in: "p", to: .todo, by: "mia")
        #expect(try fixture.store.all(.openDependencies(in: "p")).count == count)
    }

    @Test("A user with more memberships than fit leaves some first")
    func memberships() async throws {
        let fixture = try await Fixture(.table)
        let workspace = fixture.workspace
        for number in 100...200 {
            let id = try CodexFlow.Project.ID("p\(number)")
            try await workspace.createProject(
                key: "K\(number)", name: "P", id: id, owner: "olga")
            try await workspace.addMember("nora", to: id, by: "olga")
        }
        await #expect(throws: CodexError(.transactionTooLarge, "")) {
            try await workspace.deleteUser("nora")
        }
        #expect(try fixture.store.all(.memberships(of: "nora")).count == 101)
        for number in 100...110 {
            try await workspace.removeMember(
                "nora", from: try .init("p\(number)"), by: "nora")
        }
        try await workspace.deleteUser("nora")
        #expect(try fixture.store.get(.user("nora")) == nil)
    }
}
