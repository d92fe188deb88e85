import Foundation
import Testing

/// `codexflow import` of an export of a table that remote clients write.
@Suite("Imports of remote tables")
struct RemoteImportTests {
    let program: CommandTests

    init() throws { program = try CommandTests() }

    /// Imports lines into a new store.
    private func imported(
        _ lines: [String], _ options: String...
    ) throws -> CommandTests.Outcome {
        let path = program.directory.path + "/lines.json"
        try lines.joined(separator: "\n").write(toFile: path, atomically: true, encoding: .utf8)
        try #require(try program.run("init", program.store).code == 0)
        return try program.run(["import", program.store, path] + options)
    }

    private static let task = #"{"PK":{"S":"PROJECT#p"},"SK":{"S":"TASK#t"}}"#
    /// Items that a client keeps for itself.
    private static let clientItems = [
        #"{"PK":{"S":"GUARD#GSI1#task#0"},"SK":{"S":"GUARD"},"count":{"N":"1"}}"#,
        #"{"PK":{"S":"COUNTS#p"},"SK":{"S":"TASKS#0"},"changes":{"N":"1"}}"#,
        #"{"PK":{"S":"LABELS"},"SK":{"S":"STATE"},"isBuilt":{"BOOL":true}}"#,
        #"{"PK":{"S":"LABEL#p#ui"},"SK":{"S":"TASK#t"},"listed":{"M":\#(task)}}"#,
        #"{"PK":{"S":"PROJECT#p"},"SK":{"S":"PART#s#t"},"marked":{"M":\#(task)}}"#,
        #"{"PK":{"S":"$consumer#events"},"SK":{"S":"lease"},"stream":{"S":"arn"}}"#,
        #"{"PK":{"S":"$consumer#events#shard"},"SK":{"S":"lease"},"fence":{"N":"1"}}"#,
    ]
    /// Raw items of programs, with attributes of the same names.
    private static let rawItems = [
        #"{"PK":{"S":"GUARD#dog"},"SK":{"S":"REX"}}"#,
        #"{"PK":{"S":"COUNTS#p"},"SK":{"S":"SHEEP"}}"#,
        #"{"PK":{"S":"PROJECT#p"},"SK":{"S":"NOTE"},"marked":{"BOOL":true},"listed":{"M":{}}}"#,
    ]

    @Test("Items of clients are left out and counted, and others stay", arguments: [false, true])
    func clientItems(isBulk: Bool) throws {
        let lines = Self.clientItems + [Self.task] + Self.rawItems
        let outcome = try isBulk ? imported(lines, "--bulk") : imported(lines)
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(
            outcome.output
                == "4 items stored, 0 bad lines, 7 items of remote clients left out\n")
        let exported = try program.run("export", program.store).output
        #expect(exported.split(separator: "\n").count == 4)
    }

    @Test("The reserved attribute is left out, and earlier versions are upgraded")
    func versions() throws {
        func project(_ id: Int, _ tag: String) -> String {
            #"{"PK":{"S":"PROJECT#\#(id)"},"SK":{"S":"METADATA"},"taskCounter":{"N":"7"},"#
                + #""$entity":{"S":"\#(tag)"}}"#
        }
        let outcome = try imported([project(1, "project#1"), project(2, "project#2")])
        #expect(outcome.output == "2 items stored, 0 bad lines\n", "\(outcome.errors)")
        let lines = try program.run("export", program.store).output.split(separator: "\n")
        #expect(lines.allSatisfy { !$0.contains("$entity") })
        // Version 2 has no such attribute of its own, so that a present one stays.
        #expect(lines.map { $0.contains("taskCounter") } == [false, true])
    }

    @Test("Versions and entities that the store does not know are bad lines")
    func badTags() throws {
        let lines = ["x", "project#0", "project#99", "nothing#1"].map { tag in
            #"{"PK":{"S":"PROJECT#p"},"SK":{"S":"METADATA"},"$entity":{"S":"\#(tag)"}}"#
        }
        let outcome = try imported(lines, "--skip-bad")
        #expect(outcome.code == 1 && outcome.output == "0 items stored, 4 bad lines\n")
        for text in ["$entity", "version 2 of project", "no entity nothing"] {
            #expect(outcome.errors.contains(text), "\(outcome.errors)")
        }
    }
}
