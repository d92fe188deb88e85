import CodexStore
import CrashSupport
import Foundation
import TestSupport
import Testing

/// Many stores of one process at once.
@Suite("Many stores", .serialized)
struct ManyStoresTests {
    /// Fewer where the process may have fewer descriptors; more by `CODEX_STORE_COUNT=2000`.
    private static let count =
        ProcessInfo.processInfo.environment["CODEX_STORE_COUNT"].flatMap { Int($0) } ?? 1000

    @Test("Many stores are open at once on few threads; the last has as much room as the first")
    func open() throws {
        let directory = try TestDirectory()
        let template = directory.path + "/template"
        try Store(at: template, schema: NumberedItems.schema()).close()
        let agent = try DrivenAgent()
        let descriptors = try agent.must("descriptors 0").number
        let count = min(Self.count, descriptors / 20)
        agent.tell("stores \(directory.path) \(count)")
        let answer = try agent.answer()
        #expect(answer.code == nil, "\(answer)")
        #expect(answer.number == count)
        // Stores that have nothing to do have no threads.
        #expect(Int(answer.words[1]) ?? .max < max(count / 2, 64), "\(answer)")
        // 1 GiB at least.
        #expect(answer.words.last.flatMap { Int($0) } ?? 0 >= 1 << 30)
        agent.quit()
        for number in [0, count / 2, count - 1] {
            let found = try NumberedItems.numbers(at: "\(directory.path)/s\(number)")
            #expect(found.contains(100))
        }
    }

    @Test("A store that nobody has any more closes while the next opening waits")
    func reopening() throws {
        let directory = try TestDirectory()
        for round in 0..<20 {
            let store = try Store(at: directory.path + "/store", schema: NumberedItems.schema())
            try NumberedItems.put(round..<round + 1, byteCount: 100, in: store)
        }
        #expect(try NumberedItems.numbers(at: directory.path + "/store") == Set(0..<20))
    }
}
