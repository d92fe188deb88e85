import Codex
import CodexCore
import CodexTesting
import Testing

/// Completions of tasks that are done.
@Suite("Results of tasks that are done")
struct LateResultTests {
    @Test("Another result is refused, and the same one is no error", arguments: Place.allCases)
    func results(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        let result = CodexFlow.Task.Result(text: "It works.", data: ["tests": 12])
        for (id, first) in [("a", result), ("b", nil)]
            as [(CodexFlow.Task.ID, CodexFlow.Task.Result?)]
        {
            try await fixture.task(id) { $0.status = .inProgress }
            let done = try await workspace.completeTask(id, in: "p", by: "mia", result: first)
            for other in [nil, first] {
                let again = try await workspace.completeTask(
                    id, in: "p", by: "mia", result: other)
                #expect(again == done)
            }
            try await fixture.expect(.taskResult, "result") {
                try await workspace.completeTask(
                    id, in: "p", by: "max", result: .init(text: "It does not work."))
            }
        }
    }
}
