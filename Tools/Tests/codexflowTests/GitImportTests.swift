import Foundation
import Testing

/// `codexflow import --git`, compared with what git itself says about the same repository.
@Suite("codexflow import --git", .gitFixture)
struct GitImportTests {
    struct User: Decodable {
        let userId: String
        let name: String
    }

    struct Task: Decodable {
        let taskId: String
        let title: String
        let body: String?
        let number: Int
        let assignee: String
        let reporter: String
        let createdAt: String?
        let completedAt: String?
        let labels: [String]?
    }

    let fixture: GitFixture
    let project = "his-tory"

    init() throws { fixture = try #require(GitFixture.current) }

    @Test("Each address of an author or committer is one user, found by e-mail in any case")
    func users() throws {
        var names: [String: String] = [:]
        let log = try fixture.git("log", "--topo-order", "--reverse", "--format=%ae\t%an%n%ce\t%cn")
        for line in log {
            let parts = line.components(separatedBy: "\t")
            let email = parts[0].lowercased()
            if names[email] == nil { names[email] = parts[1] }
        }
        let stats = try fixture.codexflow("stats", fixture.store, "--json")
        let pattern = #/"entries":(\d+),"index":"user-email"/#
        let entries = try #require(try pattern.firstMatch(in: stats)).1
        #expect(Int(entries) == names.count && names.count == GitStream.people.count + 1)
        for (email, name) in names where !email.isEmpty && !email.contains("#") {
            let id = Self.userID(email)
            let users: [User] = try fixture.query("EMAIL#\(id)", "--index", "GSI1")
            #expect(users.map(\.userId) == [id])
            #expect(users.first?.name == (name.isEmpty ? "(no name)" : name))
        }
        let refused: [User] = try fixture.query(
            "EMAIL#bot%23ci%40example.com@git.invalid", "--index", "GSI1")
        #expect(refused.map(\.name) == ["Bot"])
    }

    @Test("Each commit is a task of the project, with its number, dates, people and title")
    func tasks() throws {
        let hashes = try fixture.git("rev-list", "--topo-order", "--reverse", "HEAD")
        let count = try #require(try fixture.git("rev-list", "--count", "HEAD").first)
        #expect(Int(count) == hashes.count && hashes.count == GitFixture.commitCount)
        let key = "PROJECT#" + project
        #expect(
            try fixture.codexflow(
                "query", fixture.store, key, "--begins-with", "TASK#", "--count") == count + "\n")
        #expect(
            try fixture.codexflow(
                "query", fixture.store, key + "#STATUS#done", "--index", "GSI2", "--count")
                == count + "\n")
        #expect(
            try fixture.codexflow(
                "query", fixture.store, key + "#STATUS#todo", "--index", "GSI2", "--count") == "0\n"
        )
        let tasks: [Task] = try fixture.query(key, "--begins-with", "TASK#")
        #expect(tasks.map(\.taskId) == hashes.sorted())
        let numbers = Dictionary(uniqueKeysWithValues: zip(hashes, 1...))
        var commits: [String: [String]] = [:]
        for line in try fixture.git(
            "log", "--date=format-local:%Y-%m-%dT%H:%M:%S.000Z",
            "--format=%H%x1f%ad%x1f%cd%x1f%ae%x1f%ce%x1f%s")
        {
            let fields = line.components(separatedBy: "\u{1F}")
            commits[fields[0]] = fields
        }
        let different = tasks.filter { task in
            guard let fields = commits[task.taskId] else { return true }
            return numbers[task.taskId] != task.number || fields[1] != task.createdAt ?? ""
                || fields[2] != task.completedAt ?? ""
                || "USER#" + Self.userID(fields[3]) != task.assignee
                || "USER#" + Self.userID(fields[4]) != task.reporter
                || (fields[5].isEmpty ? "(no subject)" : fields[5]) != task.title
        }
        #expect(different.isEmpty, "\(different.prefix(3))")
        #expect(tasks.contains { $0.title == "(no subject)" })
        #expect(tasks.contains { $0.title == "Caf\u{E9} in Latin 1" })
        #expect(tasks.contains { $0.title == "not \u{FFFD} UTF-8" })
        #expect(tasks.contains { $0.createdAt == "5138-11-16T09:46:39.000Z" })
        #expect(tasks.filter { ($0.body ?? "").utf8.count == 65_536 }.map(\.title) == ["Long"])
    }

    @Test("Authors have as many tasks as commits")
    func assignees() throws {
        var counts: [String: Int] = [:]
        for email in try fixture.git("log", "--no-mailmap", "--format=%ae") {
            counts[Self.userID(email), default: 0] += 1
        }
        let tasks: [Task] = try fixture.query("PROJECT#" + project, "--begins-with", "TASK#")
        #expect(
            Dictionary(grouping: tasks, by: \.assignee).mapValues(\.count)
                == Dictionary(uniqueKeysWithValues: counts.map { ("USER#" + $0.key, $0.value) }))
        // The odd addresses come first.
        for user in counts.keys.sorted().prefix(5) + counts.keys.sorted().suffix(5) {
            let key = "ASSIGNEE#" + user
            #expect(
                try fixture.codexflow(
                    "query", fixture.store, key, "--index", "GSI1", "--begins-with", "TASK#",
                    "--count") == "\(counts[user] ?? 0)\n")
        }
        #expect(counts["none~@git.invalid"] != nil)
        #expect(counts["bot%23ci%40example.com@git.invalid"] != nil)
    }

    @Test("A task by key has the folders of the files that git says were changed")
    func labels() throws {
        let hashes = try fixture.git("rev-list", "--topo-order", "--reverse", "HEAD")
        let merges = try fixture.git("rev-list", "--merges", "--max-count=3", "HEAD")
        var most = 0
        for hash in hashes.prefix(30) + hashes.suffix(5) + merges {
            let parents = try fixture.git("log", "-1", "--format=%P", hash)
                .flatMap { $0.split(separator: " ") }.map(String.init)
            let names =
                try parents.isEmpty
                ? fixture.git("ls-tree", "-r", "-z", "--name-only", hash, separator: "\0")
                : fixture.git(
                    "diff", "--no-renames", "--name-only", "-z", parents[0], hash, separator: "\0")
            let folders = names.map { $0.contains("/") ? $0.components(separatedBy: "/")[0] : "." }
            var expected = Set(folders).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            most = max(most, expected.count)
            // An import keeps 19 folders, and a label for merges; what no label may be is left out.
            expected = expected.prefix(19).filter { folder in
                folder.unicodeScalars.allSatisfy { $0.value >= 0x20 }
            }
            if parents.count > 1 { expected.append("merge") }
            let output = try fixture.codexflow(
                "get", fixture.store, "PROJECT#" + project, "TASK#" + hash, "--plain")
            let task = try JSONDecoder().decode(Task.self, from: Data(output.utf8))
            #expect(task.labels ?? [] == expected)
        }
        #expect(most > 19, "Some commit changes more folders than labels are kept.")
    }

    @Test("The store is sound, and its export imports to an equal one")
    func exportAndImport() throws {
        let files = ["first", "second"].map { fixture.directory + "/\($0).json" }
        let other = fixture.directory + "/other"
        let verified = try fixture.codexflow("verify", fixture.store, "--json")
        #expect(verified.contains(#""differences":[]"#))
        try fixture.codexflow("export", fixture.store, "-o", files[0])
        try fixture.codexflow("init", other)
        try fixture.codexflow("import", other, files[0])
        try fixture.codexflow("export", other, "-o", files[1])
        #expect(FileManager.default.contentsEqual(atPath: files[0], andPath: files[1]))
        #expect(try fixture.codexflow("verify", other, "--json") == verified)
    }

    @Test("The same history makes the same store; nothing that the repository configures is run")
    func again() throws {
        let small = try GitFixture(commitCount: 700)
        defer { small.remove() }
        let first = try small.codexflow("export", small.store)
        let mark = small.directory + "/mark"
        let script = small.directory + "/script"
        try "#!/bin/sh\ntouch '\(mark)'\n".write(toFile: script, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o755], ofItemAtPath: script)
        for name in [
            "core.fsmonitor", "core.pager", "core.sshCommand", "diff.external", "gpg.program",
        ] {
            _ = try small.git("config", name, script)
        }
        for setting in [
            ["log.showSignature", "true"], ["log.showRoot", "false"], ["diff.relative", "true"],
            ["diff.renames", "copies"], ["color.ui", "always"],
        ] {
            _ = try small.git(["config"] + setting)
        }
        let other = small.directory + "/other"
        try small.codexflow("init", other)
        for store in [small.store, other, other] {
            try small.codexflow("import", store, "--git", small.repository)
            #expect(try small.codexflow("export", store) == first)
        }
        #expect(!FileManager.default.fileExists(atPath: mark))
        _ = try small.git("log", "-p", "--ext-diff", "--max-count=3")
        #expect(FileManager.default.fileExists(atPath: mark), "Nobody forbade it here.")
    }

    @Test("What is no repository, or an empty one, is refused with a message")
    func refusals() throws {
        let empty = fixture.directory + "/empty"
        let plain = fixture.directory + "/plain"
        _ = try fixture.git("init", "--quiet", empty)
        for path in [plain, empty + "/inside"] {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: false)
        }
        for path in [plain, empty, empty + "/inside", fixture.directory + "/missing"] {
            let refused = try fixture.run(
                CommandTests.program, ["import", fixture.store, "--git", path])
            #expect(refused.code == 1 && refused.errors.hasPrefix("codexflow: "), "\(path)")
            #expect(refused.errors.contains(path), "\(refused.errors)")
        }
        let without = try fixture.run(
            CommandTests.program, ["import", fixture.store, "--git", fixture.repository],
            path: plain)
        #expect(without.code == 1 && without.errors.contains("no git in the folders of PATH"))
    }

    private static func userID(_ email: String) -> String {
        switch email.lowercased() {
        case "": "none~@git.invalid"
        case "bot#ci@example.com": "bot%23ci%40example.com@git.invalid"
        case "li.lei@例え.jp": "li.lei@xn--r8jz45g.jp"
        case let address: address
        }
    }
}
