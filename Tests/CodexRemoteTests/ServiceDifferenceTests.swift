import Foundation
import TestSupport
import Testing

/// The table of differences in the documents, against what the suites take into account.
@Suite("Differences between services")
struct ServiceDifferenceTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// What the table says of a service that does not differ.
    private static let same = "as DynamoDB"

    /// The cells of each row after the name of the difference.
    private static func rows() throws -> [String: [String]] {
        let text = try String(
            contentsOf: root.appendingPathComponent("Docs/Remote.md"), encoding: .utf8)
        let start = try #require(text.range(of: "\n## Differences between services\n"))
        var rows: [String: [String]] = [:]
        for line in text[start.upperBound...].split(separator: "\n") {
            if line.hasPrefix("## ") { break }
            guard line.hasPrefix("| `") else { continue }
            let cells = line.split(separator: "|").map {
                $0.trimmingCharacters(in: CharacterSet(charactersIn: " `"))
            }
            rows[cells[0]] = Array(cells.dropFirst())
        }
        return rows
    }

    @Test("The documents have each difference of the suites, and no other")
    func names() throws {
        let names = ServiceDifference.allCases.map(\.rawValue)
        #expect(try Set(Self.rows().keys) == Set(names))
    }

    @Test(
        "The documents tell who differs, and what DynamoDB's documentation says",
        arguments: ServiceDifference.allCases)
    func cells(difference: ServiceDifference) throws {
        let cells = try #require(try Self.rows()[difference.rawValue])
        // A store, three services and a model, DynamoDB, the suites.
        try #require(cells.count == 7)
        let differs = [
            ServiceDifference.ofStore.contains(difference),
            ServiceDifference.ofService("codexflow").contains(difference),
            ServiceDifference.ofService("moto 5").contains(difference),
            ServiceDifference.ofService("ministack 1").contains(difference),
            ServiceDifference.ofService("model of Alternator").contains(difference),
        ]
        #expect(cells.prefix(5).map { $0 != Self.same } == differs)
        #expect(cells[5].contains("](https://docs.aws.amazon.com/amazondynamodb/"))
        #expect(!cells[6].isEmpty)
    }

    @Test("Each difference is one that a suite looks at", arguments: ServiceDifference.allCases)
    func uses(difference: ServiceDifference) throws {
        var isUsed = false
        for folder in ["Tests/CodexRemoteTests", "Tests/DomainTests"] {
            let path = Self.root.appendingPathComponent(folder)
            for file in try FileManager.default.contentsOfDirectory(atPath: path.path)
            where file.hasSuffix(".swift") {
                let text = try String(
                    contentsOf: path.appendingPathComponent(file), encoding: .utf8)
                if text.contains("differs(.\(difference.rawValue))") { isUsed = true }
            }
        }
        #expect(isUsed)
    }

    @Test("A service of another name is taken for DynamoDB")
    func others() {
        #expect(ServiceDifference.ofService("dynamodb").isEmpty)
        #expect(ServiceDifference.ofService("codexflow with faults").isEmpty)
    }
}
