import Foundation
import Testing

@Suite("codexflow, designs of tables")
struct SchemaCommandTests {
    private let base: CommandTests

    init() throws { base = try CommandTests() }

    @Test("A description of the designed table has no difference, and a changed one has")
    func differences() throws {
        let shown = try base.run("schema", "show")
        #expect(shown.code == 0)
        #expect(shown.errors.contains("index task-label is left out, since it is multi-valued"))
        #expect(shown.errors.contains("index user-email is not unique"))
        let data = Data(shown.output.utf8)
        let request = try JSONSerialization.jsonObject(with: data)
        var table = try #require(request as? [String: Any])
        table["TableStatus"] = "ACTIVE"
        let file = base.directory.path + "/table.json"
        func compare() throws -> String {
            let json = try JSONSerialization.data(withJSONObject: ["Table": table])
            try json.write(to: URL(fileURLWithPath: file))
            let outcome = try base.run("schema", "diff", file)
            return "\(outcome.code): \(outcome.output)"
        }
        #expect(try compare() == "0: no differences\n")
        var indexes = try #require(table["GlobalSecondaryIndexes"] as? [[String: Any]])
        indexes.removeAll { $0["IndexName"] as? String == "GSI3" }
        table["GlobalSecondaryIndexes"] = indexes
        #expect(try compare() == "1: index GSI3 is missing\n")
    }

    @Test("The templates are JSON with the table")
    func templates() throws {
        for form in ["cloudformation", "terraform"] {
            let shown = try base.run("schema", "show", "--form", form)
            #expect(shown.code == 0)
            let json = try JSONSerialization.jsonObject(with: Data(shown.output.utf8))
            #expect(json is [String: Any] && shown.output.contains("codexflow-main"))
        }
        #expect(try base.run("schema", "show", "--table", "none").code == 1)
    }
}
