import Foundation
import Testing

/// A store, and the commands on it, for one test of `codexflow import --git`.
struct GitScene {
    let base: CommandTests
    var store: String { base.store }

    /// The fields of a task that the tests compare.
    struct Task: Decodable {
        let taskId: String
        let title: String
        let body: String?
        let number: Int?
        let kind: String?
        let status: String?
        let labels: [String]?
        let createdAt: String?
        let completedAt: String?
    }

    init() throws {
        base = try CommandTests()
        try #require(try base.run("init", base.store).code == 0)
    }

    /// Starts the program, without its output.
    static func start(_ arguments: [String]) throws -> Process {
        let process = Process()
        process.executableURL = CommandTests.program
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        return process
    }

    /// A path in the directory of the test.
    func path(_ name: String) -> String { base.directory.path + "/" + name }

    /// A new repository in the directory of the test.
    func repository(_ name: String) throws -> TestRepository { try TestRepository(path(name)) }

    func importing(_ path: String, _ options: String...) throws -> CommandTests.Outcome {
        try base.run(["import", store, "--git", path] + options)
    }

    /// Imports a repository twice, and expects these counts of the first import.
    ///
    /// The second one must find nothing new, and change nothing.
    func expectImport(
        _ path: String, into project: String, new: Int, known: Int, absent: Int = 0,
        options: [String] = [], _ location: SourceLocation = #_sourceLocation
    ) throws {
        func expect(new: Int, known: Int) throws {
            let outcome = try base.run(["import", store, "--git", path] + options)
            #expect(outcome.code == 0, "\(outcome.errors)", sourceLocation: location)
            let counts = String(outcome.output.prefix { $0 != ";" })
            let people = outcome.output.firstMatch(of: #/ of (\d+) people/#).map { $0.1 } ?? "?"
            let expected =
                "\(new) new commits of \(people) people stored in project \(project), "
                + "\(known) known, \(absent) not in this history"
            #expect(counts == expected, sourceLocation: location)
        }
        try expect(new: new, known: known)
        let before = try base.run("export", store, "--header").output
        try expect(new: 0, known: new + known)
        let after = try base.run("export", store, "--header").output
        #expect(before == after, sourceLocation: location)
        let verified = try base.run("verify", store)
        #expect(verified.code == 0, "\(verified.output)", sourceLocation: location)
    }

    /// The tasks of a project, by number.
    func tasks(_ project: String) throws -> [Task] {
        let output = try base.run(
            "query", store, "PROJECT#" + project, "--begins-with", "TASK#", "--plain"
        ).output
        let decoder = JSONDecoder()
        return try output.split(separator: "\n").map {
            try decoder.decode(Task.self, from: Data($0.utf8))
        }.sorted { ($0.number ?? 0) < ($1.number ?? 0) }
    }

    /// The titles of a project's tasks, by number.
    func titles(_ project: String) throws -> [String] { try tasks(project).map(\.title) }

    /// The numbers of a project's tasks.
    func numbers(_ project: String) throws -> [Int] { try tasks(project).compactMap(\.number) }

    /// Adds a task by the services, as the owner of the project.
    func addTask(_ id: String, to project: String) throws {
        let added = try base.run(
            "task", "add", id, "--id", id, "--store", store, "--project", project, "--as",
            TestRepository.email)
        #expect(added.code == 0, "\(added.errors)")
    }

    /// Removes an item.
    func remove(_ partition: String, _ sort: String) throws {
        let removed = try base.run("delete", store, partition, sort)
        #expect(removed.code == 0, "\(removed.errors)")
    }
}

/// A repository of git that a test makes by commands.
struct TestRepository {
    struct Failure: Error {
        let arguments: [String]
        let errors: String
    }

    static let email = "ada@example.org"

    let path: String

    /// Makes an empty repository, with its folder.
    init(_ path: String) throws {
        self.path = path
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true)
        try git("init", "--quiet", "-b", "main")
    }

    /// The repository at a path.
    init(at path: String) { self.path = path }

    /// What git prints, without the line feed at its end.
    ///
    /// - Parameters:
    ///   - arguments: The command.
    ///   - date: The dates of commits, as git reads them.
    ///   - input: The standard input.
    /// - Returns: The output.
    /// - Throws: ``Failure`` unless git ends with 0.
    @discardableResult
    func git(
        _ arguments: String..., date: String = "1700000000 +0000", input: Data = Data()
    ) throws -> String {
        let files = ["in", "out", "err"].map { "\(path).\($0)" }
        defer { for file in files { try? FileManager.default.removeItem(atPath: file) } }
        for file in files {
            try (file == files[0] ? input : Data()).write(to: URL(fileURLWithPath: file))
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["git", "-C", path] + arguments
        process.environment = ProcessInfo.processInfo.environment.merging([
            "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C",
            "GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": Self.email, "GIT_AUTHOR_DATE": date,
            "GIT_COMMITTER_NAME": "Ada", "GIT_COMMITTER_EMAIL": Self.email,
            "GIT_COMMITTER_DATE": date, "GIT_EDITOR": "true",
        ]) { $1 }
        process.standardInput = FileHandle(forReadingAtPath: files[0])
        process.standardOutput = FileHandle(forWritingAtPath: files[1])
        process.standardError = FileHandle(forWritingAtPath: files[2])
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(
                arguments: arguments, errors: try String(contentsOfFile: files[2], encoding: .utf8))
        }
        let output = try String(contentsOfFile: files[1], encoding: .utf8)
        return output.hasSuffix("\n") ? String(output.dropLast()) : output
    }

    /// Adds a commit without files.
    ///
    /// - Returns: Its hash.
    @discardableResult
    func commit(_ message: String, date: String = "1700000000 +0000") throws -> String {
        try git("commit", "--quiet", "--allow-empty", "-m", message, date: date)
        return try head()
    }

    /// Adds a commit with exactly these dates and this message, which git itself would not make.
    ///
    /// - Parameters:
    ///   - message: The message.
    ///   - date: What follows the address of the author.
    ///   - committed: What follows the address of the committer; `nil` is `date`.
    ///   - name: The name of the author.
    /// - Returns: The hash.
    /// - Throws: The errors of git.
    @discardableResult
    func commit(
        bytes message: Data, date: String = "1700000000 +0000", committed: String? = nil,
        name: String = "Ada"
    ) throws -> String {
        let tree = try git("mktree")
        var text = "tree \(tree)\n"
        if let parent = try? head() { text += "parent \(parent)\n" }
        text += "author \(name) <\(Self.email)> \(date)\n"
        text += "committer Ada <\(Self.email)> \(committed ?? date)\n\n"
        var content = Data(text.utf8)
        content.append(message)
        let hash = try git(
            "hash-object", "-t", "commit", "-w", "--stdin", "--literally", input: content)
        try git("update-ref", "refs/heads/main", hash)
        return hash
    }

    /// The hash of the commit that is checked out.
    func head() throws -> String { try git("rev-parse", "--verify", "--quiet", "HEAD") }

    /// Removes what no branch has any more.
    func forgetOldCommits() throws {
        try git("reflog", "expire", "--expire=now", "--all")
        try git("gc", "--quiet", "--prune=now")
    }
}
