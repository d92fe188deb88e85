import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

/// A store of the first format, whose long keys had another order.
@Suite("Format 1")
struct FormatOneTests {
    @Test("A store of format 1 opens, its long keys in order, and becomes one of format 5")
    func format1() throws {
        let fixture = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Fixtures/format1")
        let directory = URL(fileURLWithPath: try TemporaryStore.makeDirectory())
        defer { try? FileManager.default.removeItem(at: directory) }
        let path = directory.appendingPathComponent("store").path
        try FileManager.default.copyItem(atPath: fixture.path, toPath: path)
        #expect(throws: CodexError(.unsupportedFormat, "")) {
            try Store(at: path, options: StoreOptions(isReadOnly: true))
        }
        let store = try Store(at: path)
        #expect(try store.get(.user(CodexFlow.User.ID("123")))?.name == "John Doe")
        let page = try store.items(matching: TableQuery(table: "t", partition: ["p"]))
        var expected: [String] = []
        for count in 500...511 {
            for end in ["\0", "\u{1}", "x"] {
                expected.append(String(repeating: "k", count: count - 3) + end)
            }
        }
        expected.sort { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
        #expect(page.items.compactMap { $0["s"]?.string } == expected)
        for count in 505...511 {
            let query = TableQuery(
                table: "t", index: "byG",
                partition: [.string(String(repeating: "g", count: count - 6))])
            #expect(
                try store.items(matching: query).items.compactMap { $0["s"]?.string } == [
                    "\(count)"
                ])
        }
        let report = try store.verify()
        #expect(report.isSound, "\(report.differences.prefix(3))")
        store.close()
        let marker = try String(contentsOfFile: path + "/CODEX", encoding: .utf8)
        #expect(marker == "codex store\nformat 5\n")
        try Store(at: path, options: StoreOptions(isReadOnly: true)).close()
    }
}
