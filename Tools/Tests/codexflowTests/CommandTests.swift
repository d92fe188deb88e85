import Foundation
import Testing

/// The built program, run as a user runs it.
@Suite("codexflow")
struct CommandTests {
    struct Outcome {
        let code: Int32
        let output: String
        let errors: String
    }

    /// A directory that goes with the test.
    final class Directory {
        let path: String
        init() throws {
            path = NSTemporaryDirectory() + "/codexflow-" + UUID().uuidString
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: false)
        }
        deinit { try? FileManager.default.removeItem(atPath: path) }
    }

    let directory: Directory
    var store: String { directory.path + "/store" }

    init() throws { directory = try Directory() }

    /// The program lies beside the test bundle.
    static let program: URL = {
        var url = URL(fileURLWithPath: CommandLine.arguments[0])
        while url.path != "/" {
            url.deleteLastPathComponent()
            let candidate = url.appendingPathComponent("codexflow")
            var isDirectory: ObjCBool = false
            if FileManager.default.fileExists(atPath: candidate.path, isDirectory: &isDirectory),
                !isDirectory.boolValue
            {
                return candidate
            }
        }
        return URL(fileURLWithPath: "codexflow")
    }()

    @Test("Errors that cannot be written, as on a full disk, do not trap")
    func fullErrors() throws {
        let process = Process()
        process.executableURL = Self.program
        process.arguments = ["stats", directory.path + "/none"]
        process.standardOutput = FileHandle.nullDevice
        let full = try FileHandle(forWritingTo: URL(fileURLWithPath: "/dev/full"))
        process.standardError = full
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationReason == .exit)
        #expect(process.terminationStatus != 0)
    }

    @discardableResult
    func run(_ arguments: String..., input: String = "") throws -> Outcome {
        try run(arguments, input: input)
    }

    func run(
        _ arguments: [String], input: String = "", environment: [String: String] = [:]
    ) throws -> Outcome {
        let process = Process()
        process.executableURL = Self.program
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let files = ["in", "out", "err"].map { directory.path + "/" + $0 }
        try input.write(toFile: files[0], atomically: true, encoding: .utf8)
        for file in files.dropFirst() {
            _ = FileManager.default.createFile(atPath: file, contents: nil)
        }
        process.standardInput = FileHandle(forReadingAtPath: files[0])
        process.standardOutput = FileHandle(forWritingAtPath: files[1])
        process.standardError = FileHandle(forWritingAtPath: files[2])
        try process.run()
        process.waitUntilExit()
        return Outcome(
            code: process.terminationStatus,
            output: try String(contentsOfFile: files[1], encoding: .utf8),
            errors: try String(contentsOfFile: files[2], encoding: .utf8))
    }

    static let task =
        #"{"PK":{"S":"PROJECT#1"},"SK":{"S":"TASK#2"},"n":{"N":"1e2"},"GSI1PK":{"S":"ASSIGNEE#u"},"GSI1SK":{"S":"TASK#2"}}"#

    @Test("init, put, get, query, stats, verify")
    func basics() throws {
        #expect(try run("init", store).code == 0)
        #expect(try run("init", store).code == 1)
        #expect(try run("put", store, Self.task).code == 0)
        #expect(
            try run("put", store, "--plain", input: #"{"PK":"PROJECT#1","SK":"NOTE"}"#).code == 0)
        #expect(try run("put", store, "--insert", Self.task).code == 1)
        let got = try run("get", store, "PROJECT#1", "TASK#2")
        #expect(got.code == 0 && got.output.contains(#""n":{"N":"100"}"#))
        #expect(try run("get", store, "PROJECT#1", "TASK#3").code == 1)
        let query = try run("query", store, "ASSIGNEE#u", "--index", "GSI1", "--plain")
        #expect(query.output.contains(#""n":100"#))
        #expect(try run("query", store, "PROJECT#1", "--count").output == "2\n")
        #expect(
            try run("query", store, "PROJECT#1", "--begins-with", "TASK#", "--count").output
                == "1\n")
        let page = try run("query", store, "PROJECT#1", "--limit", "1")
        let token = try #require(page.errors.split(separator: " ").last).trimmingCharacters(
            in: .whitespacesAndNewlines)
        #expect(try run("query", store, "PROJECT#1", "--after", token).output.contains("TASK#2"))
        #expect(try run("query", store, "PROJECT#2", "--after", token).code == 1)
        #expect(try run("stats", store).output.contains(#""entries":2"#))
        #expect(
            try run("verify", store).output
                == #"{"differences":[],"entries":1,"groups":0,"items":2}"# + "\n")
    }

    @Test("An export imported into another store exports alike")
    func exportAndImport() throws {
        let other = directory.path + "/other"
        let file = directory.path + "/items.json"
        let demo = try run("demo", store)
        #expect(demo.code == 0, "\(demo.errors)")
        try expectAgents(in: demo.output)
        #expect(try run("demo", store).code == 1)
        #expect(try run("demo", store, "--fresh").code == 0)
        #expect(try run("export", store, "-o", file).code == 0)
        #expect(try run("init", other).code == 0)
        let imported = try run("import", other, file)
        #expect(imported.code == 0 && imported.output.contains(" 0 bad lines"))
        let exported = try run("export", other)
        #expect(exported.output == (try String(contentsOfFile: file, encoding: .utf8)))
        #expect(exported.output.split(separator: "\n").count > 3000)
        #expect(try run("verify", other).code == 0)
        let wrapped = directory.path + "/wrapped.json"
        #expect(try run("export", other, "--header", "-o", wrapped).code == 0)
        #expect(try run("import", other, wrapped).code == 0)
        #expect(try run("export", other).output == exported.output)
        // A link stays a link; what it points at is written.
        let link = directory.path + "/link"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: wrapped)
        #expect(try run("export", other, "-o", link).code == 0)
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == wrapped)
        #expect(try String(contentsOfFile: wrapped, encoding: .utf8) == exported.output)
        #expect(
            try run("export", other, "--header").output.contains(
                #""entity":"task","schemaVersion":3,"version":2"#))
    }

    /// Expects that the demo shows two agents, one of which takes over the task of the other one.
    private func expectAgents(in output: String) throws {
        let lines = output.components(separatedBy: "\n")
        let start = try #require(lines.firstIndex { $0.hasPrefix("Two agents, ") })
        let part = lines[start...].prefix { !$0.isEmpty }
        let claims = part.compactMap { line in
            line.firstMatch(of: #/holds (MILL-\d) .*, token (\d+)$/#).map { ($0.1, $0.2) }
        }
        try #require(claims.count == 3, "\(part)")
        let (tasks, tokens) = (claims.map(\.0), claims.map(\.1))
        #expect(tasks[0] != tasks[1] && tasks[2] == tasks[1])
        #expect(Set(tokens).count == 3)
        let refusal = try #require(part.firstIndex { $0.hasPrefix("  refused: bot-2 ") })
        #expect(part[refusal + 1].contains("taskNotHeld"))
        #expect(part.filter { $0.contains(" finishes MILL-") }.count == 2)
        #expect(part.contains { $0.contains("finds no task before the lease ends") })
    }

    @Test(
        "A compaction makes the data file smaller and leaves the rest, unless the store is in use")
    func compaction() throws {
        func dataByteCount() throws -> UInt64 {
            let file = URL(fileURLWithPath: store + "/data.mdb")
            let handle = try FileHandle(forReadingFrom: file)
            defer { try? handle.close() }
            return try handle.seekToEnd()
        }
        #expect(try run("init", store).code == 0)
        let text = String(repeating: "abcdefgh", count: 100)
        for round in 0..<2 {
            let lines = (0..<6000).map { number in
                #"{"PK":{"S":"P#\#(number)"},"SK":{"S":"S"},"n":{"N":"\#(round)"},"#
                    + #""text":{"S":"\#(number)\#(text)"}}"#
            }
            let imported = try run("import", store, input: lines.joined(separator: "\n"))
            #expect(imported.code == 0)
        }
        let exported = try run("export", store).output
        let commits = try run("stats", store).output
        let before = try dataByteCount()
        let compacted = try run("compact", store)
        #expect(compacted.code == 0)
        let after = try dataByteCount()
        #expect(compacted.output == #"{"bytes":\#(after),"bytesBefore":\#(before)}"# + "\n")
        #expect(after < before)
        #expect(try run("export", store).output == exported)
        #expect(try run("verify", store).code == 0)
        #expect(try commit(in: run("stats", store).output) == commit(in: commits))

        let tail = Process()
        tail.executableURL = Self.program
        tail.arguments = ["tail", store, "--from-start"]
        let pipe = Pipe()
        tail.standardOutput = pipe
        try tail.run()
        defer { tail.terminate() }
        #expect(!pipe.fileHandleForReading.availableData.isEmpty)
        let refused = try run("compact", store)
        #expect(refused.code == 1 && refused.errors.contains("[inUse]"))
    }

    /// What `stats` says of the number of commits.
    private func commit(in stats: String) throws -> Substring {
        let rest = try #require(stats.components(separatedBy: #""commits":"#).dropFirst().first)
        return rest.prefix { $0.isNumber }
    }

    @Test("A bad line ends an import with its number and reason, or is passed over as asked")
    func badLines() throws {
        #expect(try run("init", store).code == 0)
        let lines = [
            Self.task, "", "nonsense", #"{"PK":{"S":"x"}}"#,
            Self.task.replacingOccurrences(of: "#2", with: "#9"),
        ].joined(separator: "\n")
        let stopped = try run("import", store, input: lines)
        #expect(stopped.code == 1 && stopped.errors.contains("line 3: Malformed JSON"))
        #expect(try run("query", store, "PROJECT#1", "--count").output == "1\n")
        let skipped = try run("import", store, "--skip-bad", input: lines)
        #expect(skipped.code == 1 && skipped.output == "2 items stored, 2 bad lines\n")
        #expect(skipped.errors.contains("line 3:") && skipped.errors.contains("line 4:"))
        #expect(try run("query", store, "PROJECT#1", "--count").output == "2\n")
    }

    @Test("Bad input has a message and an exit code")
    func badInput() throws {
        #expect(try run("get", store, "x").code == 1)
        #expect(try run("frobnicate").code == 64)
        #expect(try run("init", store).code == 0)
        for arguments in [
            ["put", store, "{"], ["put", store, #"{"PK":{"S":""}}"#], ["get", store, "only-pk"],
            ["query", store, "x", "--index", "nope"], ["query", store, "x", "--limit", "0"],
            ["query", store, "x", "--after", "nope"], ["get", store, "--table", "nope", "x"],
            ["import", store, directory.path + "/missing"], ["init", directory.path + "/a/b/c"],
        ] {
            let process = try run(arguments)
            #expect(process.code == 1, "\(arguments)")
            #expect(process.errors.hasPrefix("codexflow: "), "\(process.errors)")
        }
    }

    @Test("Indexes are added, listed and removed; a migration of present items has nothing to do")
    func indexes() throws {
        #expect(try run("init", store).code == 0)
        #expect(try run("put", store, Self.task).code == 0)
        let index =
            #"{"name":"byN","partitionKey":[{"name":"n","type":"N"}],"sortKey":[],"projection":{"all":{}},"isUnique":false}"#
        #expect(try run("index", "add", store, index).output == "byN is ready\n")
        #expect(try run("scan", store, "--index", "byN").output.contains("TASK#2"))
        func expectLayout(_ layout: String) throws {
            let shown = #""index":"byN","layout":"\#(layout)","state":"ready""#
            #expect(try run("stats", store).output.contains(shown))
        }
        try expectLayout("references")
        for layout in ["copies", "references"] {
            for _ in 0..<2 {
                let changed = try run("index", "layout", store, "byN", layout)
                #expect(changed.code == 0 && changed.output == "byN has \(layout)\n")
            }
            try expectLayout(layout)
            #expect(try run("scan", store, "--index", "byN").output.contains("TASK#2"))
        }
        #expect(try run("index", "layout", store, "byN", "rows").code == 64)
        let unknown = try run("index", "layout", store, "none", "copies")
        #expect(unknown.code == 1 && unknown.errors.contains("[unknownIndex]"))
        #expect(try run("index", "duplicates", store, "byN").output.isEmpty)
        #expect(try run("index", "remove", store, "byN").output == "byN is gone\n")
        #expect(try run("scan", store, "--index", "byN").code == 1)
        #expect(try run("index", "add", store, "{}").code == 1)
        let migrated = try run("migrate", store)
        #expect(migrated.output == "0 items migrated, 0 refused\n")
        #expect(migrated.code == 0)
    }

    @Test("A migration names a unique index with equal keys, and goes on to the items")
    func conflict() throws {
        #expect(try run("init", store).code == 0)
        let other = Self.task.replacingOccurrences(of: "TASK#2", with: "TASK#3")
        for task in [Self.task, other] { #expect(try run("put", store, task).code == 0) }
        let index =
            #"{"name":"one","partitionKey":[{"name":"n","type":"N"}],"sortKey":[],"projection":{"all":{}},"isUnique":true}"#
        #expect(try run("index", "add", store, index).errors.contains("[indexNotReady]"))
        let migrated = try run("migrate", store)
        #expect(migrated.output == "0 items migrated, 0 refused\n" && migrated.code == 0)
        #expect(migrated.errors.contains("one") && migrated.errors.contains("[indexNotReady]"))
    }

    @Test("A migration brings a store of the first format to the present one")
    func firstFormat() throws {
        let root = (0..<4).reduce(URL(fileURLWithPath: #filePath)) { url, _ in
            url.deletingLastPathComponent()
        }
        try FileManager.default.copyItem(
            atPath: root.path + "/Tests/CodexStoreTests/Fixtures/format1", toPath: store)
        let refused = try run("stats", store)
        #expect(refused.code == 1 && refused.errors.contains("Open it once for writing"))
        let migrated = try run("migrate", store)
        let lines = migrated.output.split(separator: "\n")
        // The items were stored in an earlier form.
        #expect(lines.count == 2 && lines.last?.hasSuffix(" items migrated, 0 refused") == true)
        #expect(lines.last?.hasPrefix("0 ") == false)
        #expect(lines.first?.hasSuffix(" indexes have references now") == true)
        let stats = try run("stats", store).output
        #expect(stats.contains(#""layout":"references""#) && !stats.contains("copies"))
        #expect(try run("verify", store).code == 0)
        // Nothing is left to do.
        #expect(try run("migrate", store).output == "0 items migrated, 0 refused\n")
    }

    @Test("A bulk import fills an empty table and builds its indexes")
    func bulk() throws {
        #expect(try run("init", store).code == 0)
        let lines = (0..<3000).map { number in
            #"{"PK":{"S":"X#\#(number)"},"SK":{"S":"Y"},"GSI1PK":{"S":"G"},"GSI1SK":{"S":"\#(number)"}}"#
        }
        let imported = try run(
            "import", store, "--bulk", input: lines.joined(separator: "\n"))
        #expect(imported.output == "3000 items stored, 0 bad lines\n", "\(imported.errors)")
        #expect(try run("query", store, "G", "--index", "GSI1", "--count").output.contains("3000"))
        #expect(try run("verify", store).code == 0)
    }
}
