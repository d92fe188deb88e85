import CodexCore
import CodexStore
import CodexTesting
import Foundation
import TestSupport
import Testing

/// Processes that are killed while an index gets another layout.
@Suite("Killed changes of layouts", .serialized)
struct LayoutKillTests {
    /// The steps that each change of layout passes: those of commits, and of the checkpoint before
    /// the switch.
    private static let steps: [ProtocolStep] = [
        .bodiesRun, .roomReserved, .recordAppended, .recordFlushed, .committed, .pinned,
        .dataFlushed, .checkpointWritten, .checkpointNamed, .checkpointPublished, .readerReleased,
    ]
    private static let itemCount = 2500
    private static let index = AgentTable.byG

    private func makeStore(_ path: String) async throws {
        let store = try Store(at: path, schema: AgentTable.schema(indexes: [Self.index]))
        defer { store.close() }
        var number = 0
        try await store.load(into: "t") {
            guard number < Self.itemCount else { return nil }
            defer { number += 1 }
            return [
                "p": .string("p\(number % 50)"), "s": .string("s\(number)"),
                "g": .string("g\(number % 7)"), "v": .number(Number(number)),
            ]
        }
    }

    /// Lets a process change the layout, which is killed when it passes a step for the n-th time.
    ///
    /// - Returns: Whether it was killed before it was done.
    private func change(
        _ path: String, to layout: IndexLayout, killedAt step: ProtocolStep, _ passes: Int
    ) throws -> Bool {
        let agent = try Agent("layout", path, Self.index.name, layout.rawValue, "\(step):\(passes)")
        return try !agent.text().contains("done")
    }

    /// Opens the store, and checks that it answers; the change may be before, within or after.
    private func expectSound(
        _ path: String, _ layouts: (old: IndexLayout, new: IndexLayout), _ comment: Comment
    ) async throws {
        let store = try Store(at: path)
        defer { store.close() }
        let status = try #require(try store.buildStatus().first)
        #expect(status.state == .ready, comment)
        #expect(status.nextLayout == nil || status.nextLayout == layouts.new, comment)
        let query = TableQuery(table: "t", index: Self.index.name, partition: ["g3"])
        let expected = (0..<Self.itemCount).filter { $0 % 7 == 3 }.count
        #expect(try store.count(query).count == expected, comment)
        try await store.put(["p": "p1", "s": "s1", "g": "g1", "v": 1], in: "t")
        try await store.waitUntilReady()
        #expect(try store.items(matching: query).items.count == expected, comment)
        let last = try #require(try store.buildStatus().first)
        #expect(last.nextLayout == nil, comment)
        #expect(last.layout == layouts.old || last.layout == layouts.new, comment)
        let report = try store.verify()
        #expect(report.isSound, "\(comment) \(report.differences.prefix(3))")
        // What the call has begun durably ends, and otherwise it begins again.
        try await store.changeLayout(ofIndex: Self.index.name, in: "t", to: layouts.new)
        try await store.waitUntilReady()
        #expect(try store.buildStatus().first?.layout == layouts.new, comment)
    }

    @Test("Killed at each step of a commit or a checkpoint, a change of layout goes on")
    func everyStep() async throws {
        let directory = try TemporaryStore.makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let path = directory + "/store"
        try await makeStore(path)
        var old = IndexLayout.references
        var killed: Set<ProtocolStep> = []
        for step in Self.steps {
            for passes in 1...3 {
                let new: IndexLayout = old == .copies ? .references : .copies
                if try change(path, to: new, killedAt: step, passes) { killed.insert(step) }
                try await expectSound(path, (old, new), "\(step), pass \(passes)")
                old = new
            }
        }
        #expect(killed == Set(Self.steps))
    }
}
