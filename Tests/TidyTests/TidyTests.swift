import Foundation
import Testing

/// What the compiler does not check about the sources.
@Suite("The house")
struct TidyTests {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    static func sources(_ folder: String) throws -> [(path: String, text: String)] {
        let base = root.appendingPathComponent(folder)
        let files = try #require(FileManager.default.enumerator(atPath: base.path))
        return try files.compactMap { $0 as? String }.filter { $0.hasSuffix(".swift") }.map {
            ($0, try String(contentsOf: base.appendingPathComponent($0), encoding: .utf8))
        }
    }

    @Test("LMDB is imported in one folder, and dependencies point one way")
    func layers() throws {
        let core = try Self.sources("Sources/CodexCore")
        let index = try Self.sources("Sources/CodexIndex")
        let store = try Self.sources("Sources/CodexStore")
        #expect(core.count > 20 && index.count > 3 && store.count > 10)
        for (path, text) in store where text.contains("import CodexCLMDB") {
            #expect(path.hasPrefix("LMDB/"), "\(path)")
        }
        for (path, text) in core {
            #expect(!text.contains("import Foundation\n"), "\(path): FoundationEssentials only")
            #expect(
                !text.contains("import CodexIndex") && !text.contains("import CodexStore"),
                "\(path)")
            if text.contains("import CodexCZlib") { #expect(path == "Codec/Compression.swift") }
        }
        for (path, text) in index {
            #expect(
                !text.contains("import CodexStore") && !text.contains("import Foundation"),
                "\(path)")
        }
    }

    @Test("No source file is longer than 600 lines")
    func length() throws {
        for (path, text) in try Self.sources("Sources") {
            #expect(
                text.split(separator: "\n", omittingEmptySubsequences: false).count <= 600,
                "\(path)")
        }
    }

    @Test(
        "The code in documents is code that is built and run",
        arguments: [
            ("README.md", "Examples/Sources/QuickStart/QuickStart.swift", 3),
            ("Docs/Durability.md", "Tests/ClientTests/ClientTests.swift", 1),
            ("Docs/Backups.md", "Tests/ClientTests/ClientTests.swift", 1),
            ("Docs/Followers.md", "Tests/ClientTests/ClientTests.swift", 2),
            ("Docs/DynamoDB.md", "Tests/ClientTests/ClientTests.swift", 1),
            ("Docs/Services.md", "Tests/ClientTests/ClientTests.swift", 2),
            ("Docs/Caching.md", "Tests/ClientTests/ClientTests.swift", 2),
            ("Docs/Encryption.md", "Tests/ClientTests/EncryptionClientTests.swift", 2),
        ])
    func snippets(document: String, source: String, blockCount: Int) throws {
        let text = try String(
            contentsOf: Self.root.appendingPathComponent(document), encoding: .utf8)
        let example = try String(
            contentsOf: Self.root.appendingPathComponent(source), encoding: .utf8)
        func lines(_ text: some StringProtocol) -> [String] {
            text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
        }
        let known = Set(lines(example))
        // All but the line of a package manifest.
        let blocks = text.components(separatedBy: "```swift\n").dropFirst().filter {
            !$0.hasPrefix(".package")
        }
        #expect(blocks.count == blockCount)
        for block in blocks {
            let code = lines(try #require(block.components(separatedBy: "```").first))
            #expect(code.count > 2)
            for line in code { #expect(known.contains(line), "\(line)") }
        }
    }
}
