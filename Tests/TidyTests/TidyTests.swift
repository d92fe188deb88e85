import Foundation
import Testing

/// What the compiler does not check about the sources.
@Suite("The house")
struct TidyTests {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    static func sources(
        _ folder: String, endings: [String] = [".swift"]
    ) throws -> [(path: String, text: String)] {
        let base = root.appendingPathComponent(folder)
        let files = try #require(FileManager.default.enumerator(atPath: base.path))
        let names = files.compactMap { $0 as? String }.filter { name in
            endings.contains { name.hasSuffix($0) }
        }
        return try names.map {
            ($0, try String(contentsOf: base.appendingPathComponent($0), encoding: .utf8))
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
            ("README.md", "Examples/Sources/QuickStart/QuickStart.swift", 1),
            ("Docs/README.md", "Examples/Sources/QuickStart/QuickStart.swift", 2),
            ("Docs/Durability.md", "Tests/ClientTests/ClientTests.swift", 1),
            ("Docs/Backups.md", "Tests/ClientTests/ClientTests.swift", 1),
            ("Docs/Followers.md", "Tests/ClientTests/ClientTests.swift", 2),
            ("Docs/DynamoDB.md", "Tests/ClientTests/ClientTests.swift", 2),
            ("Docs/Services.md", "Tests/ClientTests/DomainClientTests.swift", 4),
            ("Docs/Analytics.md", "Tests/ClientTests/DomainClientTests.swift", 1),
            ("Docs/Upgrades.md", "Tests/ClientTests/DomainClientTests.swift", 1),
            ("Docs/Caching.md", "Tests/ClientTests/ClientTests.swift", 2),
            ("Docs/Encryption.md", "Tests/ClientTests/EncryptionClientTests.swift", 2),
            ("Docs/Guides/ModelYourData.md", "Tests/ClientTests/GuideModelYourData.swift", 17),
            (
                "Docs/Guides/ChangeYourSchema.md",
                "Tests/ClientTests/GuideChangeYourSchema.swift", 12
            ),
            (
                "Docs/Guides/QueriesAndConditions.md",
                "Tests/ClientTests/GuideQueriesAndConditions.swift", 20
            ),
            ("Docs/Guides/Testing.md", "Tests/ClientTests/GuideTesting.swift", 6),
            ("Docs/Guides/Errors.md", "Tests/ClientTests/GuideErrors.swift", 4),
            ("Docs/Guides/SeveralProcesses.md", "Tests/ClientTests/GuideSeveralProcesses.swift", 6),
            ("Docs/Guides/Consumers.md", "Tests/ClientTests/GuideConsumers.swift", 9),
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

    // MARK: Tests that documents name

    private static func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    /// The functions of a folder's suites, as `Suite.function` and with their folder before it.
    private static func tests(_ folder: String) throws -> Set<String> {
        var tests: Set<String> = []
        for (path, text) in try sources(folder, endings: [".swift", ".py"]) {
            let words = text.utf8.split { !isWordByte($0) }.map {
                String(decoding: $0, as: UTF8.self)
            }
            func names(after keywords: Set<String>) -> Set<String> {
                let pairs = zip(words, words.dropFirst())
                return Set(pairs.filter { keywords.contains($0.0) }.map { $0.1 })
            }
            let functions = names(after: ["func", "def"])
            for suite in names(after: ["struct", "class", "extension"])
            where suite.hasSuffix("Tests") {
                for function in functions {
                    tests.insert("\(suite).\(function)")
                    tests.insert("\(path.prefix { $0 != "/" })/\(suite).\(function)")
                }
            }
        }
        return tests
    }

    @Test(
        "Each test that a document names is there",
        arguments: [("Docs/ThreatModel.md", 100), ("Docs/Reliability.md", 50)])
    func threats(document: String, countMin: Int) throws {
        var tests: Set<String> = []
        for folder in ["Tests", "Tools/Tests", "Examples/TaskService/Tests", "Scripts/Tests"] {
            tests.formUnion(try Self.tests(folder))
        }
        let text = try String(
            contentsOf: Self.root.appendingPathComponent(document), encoding: .utf8)
        let named = text.split(separator: "`").filter {
            $0.contains("Tests.") && !$0.contains(" ")
        }
        #expect(named.count > countMin)
        for name in named { #expect(tests.contains(String(name)), "\(name)") }
    }
}
