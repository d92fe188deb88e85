import Foundation
import Testing

/// The mark of imported tasks, which keeps an import from notifying.
@Suite("Imports of codexflow do not notify")
struct ImportMarkTests {
    private struct Task: Decodable {
        let status: String
        let metadata: [String: Bool]?
    }

    @Test("Each task of a repository's history has the mark of an import")
    func git() throws {
        let fixture = try GitFixture(commitCount: 700)
        defer { fixture.remove() }
        let tasks: [Task] = try fixture.query("PROJECT#his-tory", "--begins-with", "TASK#")
        #expect(tasks.count == 700 && tasks.allSatisfy { $0.status == "done" })
        #expect(tasks.allSatisfy { $0.metadata == ["codexflow.import": true] })
    }
}
