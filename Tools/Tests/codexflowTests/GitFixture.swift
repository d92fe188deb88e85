import Foundation
import Testing

/// A repository with a made-up history, and a store that it was imported into.
struct GitFixture {
    @TaskLocal static var current: GitFixture?

    static let commitCount = 20_000

    struct Failure: Error {
        let program: String
        let errors: String
    }

    let directory: String
    /// A bare repository; its name has a `#`, which an identifier may not have.
    var repository: String { directory + "/his#tory.git" }
    var store: String { directory + "/store" }

    init(commitCount: Int = Self.commitCount) throws {
        directory = NSTemporaryDirectory() + "/codexflow-git-" + UUID().uuidString
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: false)
        do {
            try make(commitCount: commitCount)
        } catch {
            remove()
            throw error
        }
    }

    private func make(commitCount: Int) throws {
        _ = try succeed(Self.env, ["git", "init", "--quiet", "--bare", "-b", "main", repository])
        _ = try succeed(
            Self.env,
            ["git", "-C", repository, "fast-import", "--quiet", "--date-format=raw-permissive"],
            input: GitStream(commitCount: commitCount).data)
        try codexflow("init", store)
        try codexflow("import", store, "--git", repository)
    }

    func remove() { try? FileManager.default.removeItem(atPath: directory) }

    /// What git prints, split at `separator`.
    func git(_ arguments: String..., separator: Unicode.Scalar = "\n") throws -> [String] {
        try git(arguments, separator: separator)
    }

    func git(_ arguments: [String], separator: Unicode.Scalar = "\n") throws -> [String] {
        let output = try succeed(Self.env, ["git", "-C", repository] + arguments)
        var parts = Array(output).split(
            separator: UInt8(ascii: separator), omittingEmptySubsequences: false)
        if parts.last?.isEmpty == true { parts.removeLast() }
        return parts.map { String(decoding: $0, as: UTF8.self) }
    }

    /// What the program prints; it must end with 0.
    @discardableResult
    func codexflow(_ arguments: String...) throws -> String {
        String(decoding: try succeed(CommandTests.program, arguments), as: UTF8.self)
    }

    /// The items of a partition.
    func query<Model: Decodable>(_ partition: String, _ options: String...) throws -> [Model] {
        let output = try succeed(
            CommandTests.program, ["query", store, partition, "--plain"] + options)
        let decoder = JSONDecoder()
        return try Array(output).split(separator: UInt8(ascii: "\n")).map {
            try decoder.decode(Model.self, from: Data($0))
        }
    }

    /// Runs a program to its end; its streams are files, so that none can block another.
    func run(
        _ program: URL, _ arguments: [String], input: Data = Data(), path: String? = nil
    ) throws -> (code: Int32, output: Data, errors: String) {
        let streams = directory + "/" + UUID().uuidString
        let files = ["in", "out", "err"].map { "\(streams).\($0)" }
        defer { for file in files { try? FileManager.default.removeItem(atPath: file) } }
        for file in files {
            try (file == files[0] ? input : Data()).write(to: URL(fileURLWithPath: file))
        }
        let process = Process()
        process.executableURL = program
        process.arguments = arguments
        var environment = ProcessInfo.processInfo.environment
        environment.merge(["TZ": "UTC", "LC_ALL": "C"]) { $1 }
        if let path { environment["PATH"] = path }
        process.environment = environment
        process.standardInput = FileHandle(forReadingAtPath: files[0])
        process.standardOutput = FileHandle(forWritingAtPath: files[1])
        process.standardError = FileHandle(forWritingAtPath: files[2])
        try process.run()
        process.waitUntilExit()
        return (
            process.terminationStatus, try Data(contentsOf: URL(fileURLWithPath: files[1])),
            String(decoding: try Data(contentsOf: URL(fileURLWithPath: files[2])), as: UTF8.self)
        )
    }

    private func succeed(
        _ program: URL, _ arguments: [String], input: Data = Data()
    ) throws -> Data {
        let outcome = try run(program, arguments, input: input)
        guard outcome.code == 0 else {
            throw Failure(program: program.lastPathComponent, errors: outcome.errors)
        }
        return outcome.output
    }

    private static let env = URL(fileURLWithPath: "/usr/bin/env")
}

/// Makes one repository and store for all tests of a suite, and removes them after the last.
struct GitFixtureTrait: SuiteTrait, TestScoping {
    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        let fixture = try GitFixture()
        defer { fixture.remove() }
        try await GitFixture.$current.withValue(fixture) { try await function() }
    }
}

extension Trait where Self == GitFixtureTrait {
    static var gitFixture: Self { Self() }
}

/// A made-up history, the same each time, as `git fast-import` reads it.
///
/// The first commits are odd in one way each; of every fifty, one is on a side branch and one
/// merges it.
struct GitStream {
    static let people =
        [
            ("José Núñez", "jose@example.com"), ("李雷", "li.lei@例え.jp"),
            ("", "noname@example.com"), ("No Mail", ""), ("Bot", "bot#ci@example.com"),
            ("Zoë \"Quote\" O'Neil", "ZOË@example.com"),
        ] + (6..<60).map { ("Dev \($0)", "dev\($0)@example.com") }

    private static let oddPaths = [
        "new\nline/a", "quo\"te/b", "tab\there/c", "日本語/é.txt", "\u{1}/d", " space/e", "-dash/f",
        "back\\slash/g", "odd\nfile \"\t.txt",
    ]
    private static let folders = ["Sources", "Tests", "Docs", "Größe", "ci", "Tools/Sources"]

    private(set) var data = Data()
    private var tip = 0
    private var side = 0
    private var renamed: String?

    init(commitCount: Int) {
        for mark in 1...9 { append("blob\nmark :\(mark)\ndata 2\n\(mark)\n") }
        let mailmap = "Nobody <nobody@example.com> <dev10@example.com>\n"
        append("blob\nmark :10\ndata \(mailmap.utf8.count)\n\(mailmap)")
        for number in 1...commitCount { commit(number) }
        append("done\n")
    }

    private mutating func commit(_ number: Int) {
        let mark = 100 + number
        let isSide = number % 50 == 10
        let isMerge = number % 50 == 20
        var (name, email) = Self.people[(number * 7 + number / 60) % Self.people.count]
        if number % 3 == 0 { (name, email) = (name.uppercased(), email.uppercased()) }
        let author = (name.isEmpty ? "" : name + " ") + "<\(email)>"
        let time = 1_600_000_000 + number * 60
        let written = [1: -86_400, 2: 99_999_999_999][number] ?? time - 3600
        append("commit refs/heads/\(isSide ? "side" : "main")\nmark :\(mark)\n")
        append("author \(author) \(written) +0200\n")
        append("committer \(isMerge ? "Release <release@example.com>" : author) \(time) -0330\n")
        if number == 9 { append("encoding ISO-8859-1\n") }
        let message = Self.message(number)
        append("data \(message.count)\n")
        data.append(contentsOf: message)
        append("\n")
        if tip > 0 { append("from :\(tip)\n") }
        if isMerge { append("merge :\(side)\n") }
        changeFiles(number, isSide: isSide)
        if isSide { side = mark } else { tip = mark }
    }

    private mutating func changeFiles(_ number: Int, isSide: Bool) {
        // A side branch leaves other commits' files alone.
        let folder = isSide ? "side" : Self.folders[number % Self.folders.count]
        append("M 100644 :\(number % 9 + 1) \"\(folder)/\(number % 3)/file \(number % 11)\"\n")
        if number % 4 == 0, !isSide { append("M 100644 :\(number % 9 + 1) root\(number % 5)\n") }
        switch number {
        case 5: append("M 100644 :10 .mailmap\n")
        case 8: for path in Self.oddPaths { append("M 100644 :1 \(Self.quoted(path))\n") }
        case 11: for folder in 100..<140 { append("M 100644 :2 many\(folder)/file\n") }
        case 12: append("D many100/file\n")
        case _ where number % 97 == 13 && !isSide:
            append("M 100644 :3 from/\(number)\n")
            renamed = "\(number)"
        default:
            guard !isSide, let name = renamed else { return }
            append("R from/\(name) to/\(name)\n")
            renamed = nil
        }
    }

    private static func message(_ number: Int) -> [UInt8] {
        switch number {
        case 3: []
        case 4: Array("Long\n\n".utf8) + [UInt8](repeating: UInt8(ascii: "x"), count: 500_000)
        case 7: Array("not ".utf8) + [0xFF] + Array(" UTF-8".utf8)
        case 9: Array("Caf".utf8) + [0xE9] + Array(" in Latin 1".utf8)
        case _ where number % 5 == 0: Array("fix: change \(number)\nin two lines\n\nWhy: é.\n".utf8)
        default: Array("Change \(number)\n".utf8)
        }
    }

    private static func quoted(_ path: String) -> String {
        let escaped = path.utf8.map { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2E, 0x2F:
                String(Unicode.Scalar(byte))
            default: "\\" + [byte >> 6, byte >> 3 & 7, byte & 7].map { "\($0)" }.joined()
            }
        }
        return "\"" + escaped.joined() + "\""
    }

    private mutating func append(_ text: String) { data.append(contentsOf: text.utf8) }
}
