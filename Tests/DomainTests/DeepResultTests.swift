import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

/// Values with many levels, in results that are kept with idempotency keys and in histories.
@Suite("Deep values under idempotency keys")
struct DeepResultTests {
    /// A value with a number of lists, each in the one before it.
    private static func nested(_ count: Int) -> AttributeValue {
        (0..<count).reduce("value") { value, _ in .list([value]) }
    }

    /// Each place with each number of lists.
    static let cases: [(Place, Int)] = Place.allCases.flatMap { place in
        (26...31).map { (place, $0) }
    }

    // The result is a map, which is a level too. Of 32 levels, the record of a key takes four.

    @Test("A key refuses no result that the command takes without it", arguments: cases)
    func results(place: Place, count: Int) async throws {
        let fixture = try await Fixture(place)
        let result = CodexFlow.Task.Result(data: Self.nested(count))
        for id in ["a", "b"] as [CodexFlow.Task.ID] {
            try await fixture.task(id) { $0.status = .inProgress }
        }
        try await fixture.workspace.completeTask("a", in: "p", by: "mia", result: result)
        let workspace = fixture.workspace.idempotent("key")
        let first = try await workspace.completeTask("b", in: "p", by: "mia", result: result)
        #expect(first.result == result)
        #expect(try await workspace.completeTask("b", in: "p", by: "mia", result: result) == first)
        // Afterwards, a repetition lacks what was not kept.
        try await fixture.workspace.moveTask("b", in: "p", to: .todo, by: "mia")
        let again = try await workspace.completeTask("b", in: "p", by: "mia", result: result)
        #expect(again.status == .done && again.result == (count <= 27 ? result : nil))
        let entries = try fixture.store.all(.activity(of: "a", in: "p"))
        #expect(entries.contains { $0.changes.contains { $0.field == "result" } })
    }

    @Test("An item has 32 levels, with a key and without one")
    func limit() async throws {
        let fixture = try await Fixture()
        try await fixture.task("a") { $0.status = .inProgress }
        let result = CodexFlow.Task.Result(data: Self.nested(32))
        for workspace in [fixture.workspace, fixture.workspace.idempotent("key")] {
            await #expect(throws: CodexError(.invalidItem, "")) {
                try await workspace.completeTask("a", in: "p", by: "mia", result: result)
            }
        }
        #expect(try fixture.store.get(.task("a", in: "p"))?.status == .inProgress)
    }

    @Test("Deep metadata is no obstacle to changes and batches", arguments: cases)
    func metadata(place: Place, count: Int) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        let metadata: AttributeMap = ["m": Self.nested(count)]
        func create() async throws -> [CodexFlow.Task] {
            try await workspace.idempotent("batch").createTasks(
                from: ["a", "b"], in: "p", by: "mia", id: { try CodexFlow.Task.ID($0) }
            ) { _, task in (task.title, task.metadata) = ("T", metadata) }
        }
        let first = try await create()
        #expect(first.allSatisfy { $0.metadata == metadata })
        #expect(try await create() == first)
        func change(_ title: String) async throws -> CodexFlow.Task {
            try await workspace.idempotent("change").changeTask("a", in: "p", by: "mia") {
                $0.title = title
            }
        }
        let changed = try await change("New")
        #expect(try await change("New") == changed && changed.metadata == metadata)
        // The closures are compared as far as the task before the change is kept.
        if count <= 27 {
            await #expect(throws: CodexError(.idempotencyMismatch, "")) {
                _ = try await change("Other")
            }
        } else {
            #expect(try await change("Other") == changed)
        }
    }
}
