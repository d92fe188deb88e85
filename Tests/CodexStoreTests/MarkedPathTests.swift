import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

/// Paths with a name that begins with a combining mark.
@Suite("Paths with marks")
struct MarkedPathTests {
    @Test("A store is in the directory that its path names, and in no other one")
    func paths() async throws {
        let base = NSTemporaryDirectory() + "/codex-marks-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: base) }
        try FileManager.default.createDirectory(
            atPath: base, withIntermediateDirectories: true)
        let store = try Store(at: base + "/\u{301}store", schema: CodexFlow.schema)
        try await store.put(
            CodexFlow.Task(id: "a", projectID: "p", title: "T", status: .todo))
        store.close()
        #expect(try FileManager.default.contentsOfDirectory(atPath: base).count == 1)
        let again = try Store(at: base + "/\u{301}store", schema: CodexFlow.schema)
        #expect(try again.get(.task("a", in: "p")) != nil)
        again.close()
    }
}
