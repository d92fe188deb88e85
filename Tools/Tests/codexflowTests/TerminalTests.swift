import CodexCore
import Foundation
import Testing

@testable import codexflow

/// The output of the program for text that others wrote.
@Suite("codexflow, control characters")
struct TerminalTests {
    let base: CommandTests

    init() throws { base = try CommandTests() }

    /// Characters that a terminal obeys, or that change the direction of text, between letters.
    private static let hostile =
        "a\u{1B}[2Jb\u{9B}31mc\u{7F}d\u{202E}e\u{7}f\u{2028}g\u{61C}h\u{85}i\u{2066}j\rk\nl\tm\u{8}"

    /// Whether a terminal shows the character; ends of lines are between lines.
    private static func isShown(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value >= 0x20 && !(0x7F...0x9F).contains(scalar.value)
            && ![0x61C, 0x200E, 0x200F].contains(scalar.value)
            && !(0x2028...0x202E).contains(scalar.value)
            && !(0x2066...0x2069).contains(scalar.value)
    }

    private func expectShown(
        _ text: String, _ lineCount: Int? = nil, _ location: SourceLocation = #_sourceLocation
    ) {
        // A terminal gets both characters at the end of a line.
        let lines = text.replacing("\r\n", with: "\n").unicodeScalars.split { $0 == "\n" }
        #expect(!lines.isEmpty, sourceLocation: location)
        for line in lines {
            #expect(
                line.allSatisfy(Self.isShown), "\(text.debugDescription)",
                sourceLocation: location)
        }
        if let lineCount { #expect(lines.count == lineCount, sourceLocation: location) }
    }

    /// What the program writes to a terminal.
    private func terminal(
        _ arguments: [String], isError: Bool = false
    ) throws -> (code: Int32, text: String) {
        var (screen, terminal): (Int32, Int32) = (-1, -1)
        let status = openpty(&screen, &terminal, nil, nil, nil)
        try #require(status == 0)
        defer { close(screen) }
        // Processes of other tests must not keep the terminal open.
        for descriptor in [screen, terminal] { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        let process = Process()
        process.executableURL = CommandTests.program
        process.arguments = arguments
        let output = FileHandle(fileDescriptor: terminal, closeOnDealloc: false)
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = isError ? FileHandle.nullDevice : output
        process.standardError = isError ? output : FileHandle.nullDevice
        do {
            defer { close(terminal) }
            try process.run()
        }
        var (bytes, chunk) = ([UInt8](), [UInt8](repeating: 0, count: 4096))
        while true {
            let count = read(screen, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            // The end of a terminal is an error.
            guard count > 0 else { break }
            bytes += chunk.prefix(count)
        }
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: bytes, as: UTF8.self))
    }

    /// A store with one hostile item, and the item.
    private func makeStore() throws -> Item {
        let text = Self.hostile
        let item: Item = [
            "PK": .string("K" + text), "SK": .string("A" + text), "name": .string(text),
            "list": .list([.string(text), .map([text: .string(text)])]), text: .string(text),
            "n": .number(Number(1)),
        ]
        try #require(try base.run("init", base.store).code == 0)
        let put = try base.run("put", base.store, input: DynamoDBJSON.text(item))
        try #require(put.code == 0, "\(put.errors)")
        return item
    }

    @Test("Tables, changes and lines of JSON have no characters that a terminal obeys")
    func items() throws {
        let item = try makeStore()
        let (partition, sort) = ("K" + Self.hostile, "A" + Self.hostile)
        let commands: [(arguments: [String], lineCount: Int?)] = [
            (["get", base.store, partition, sort], nil),
            (["get", base.store, partition, sort, "--json"], 1),
            (["get", base.store, partition, sort, "--plain"], 1),
            (["query", base.store, partition], nil), (["scan", base.store], nil),
            (["scan", base.store, "--json"], 1), (["export", base.store], 1),
            (["export", base.store, "--header"], 1),
            (["tail", base.store, "--from-start", "--count", "1"], 1),
            (["tail", base.store, "--from-start", "--count", "1", "--json"], 1),
            (
                [
                    "update", base.store, partition, sort, "--expression", "SET n = n + :n",
                    "--values", #"{":n":{"N":"1"}}"#,
                ], nil
            ),
            (["stats", base.store, "--schema"], nil), (["verify", base.store], nil),
        ]
        for (arguments, lineCount) in commands {
            let (code, text) = try terminal(arguments)
            #expect(code == 0, "\(arguments.first ?? "")")
            expectShown(text, lineCount)
        }
        let json = try base.run("scan", base.store, "--json").output
        expectShown(json, 1)
        var changed = item
        changed["n"] = .number(Number(2))
        #expect(try DynamoDBJSON.item(parsing: Array(json.utf8)) == changed)
        let plain = try base.run("scan", base.store, "--plain").output
        #expect(try DynamoDBJSON.item(parsingPlain: Array(plain.utf8)) == changed)
    }

    @Test("Exports have the same escapes in a file, and are imported unchanged")
    func exports() throws {
        let item = try makeStore()
        let (file, other) = (base.directory.path + "/items.json", base.directory.path + "/other")
        #expect(try base.run("export", base.store, "-o", file).code == 0)
        let exported = try String(contentsOfFile: file, encoding: .utf8)
        expectShown(exported, 1)
        #expect(try base.run("export", base.store).output == exported)
        #expect(try base.run("init", other).code == 0)
        #expect(try base.run("import", other, file).code == 0)
        let stored = try base.run("scan", other).output
        #expect(try DynamoDBJSON.item(parsing: Array(stored.utf8)) == item)
    }

    @Test("Errors show names, paths and arguments without such characters, on one line each")
    func errors() throws {
        _ = try makeStore()
        let text = Self.hostile
        for arguments in [
            ["stats", base.directory.path + "/" + text],
            ["get", base.store, "x", "y", "--table", text],
            ["query", base.store, "x", "--index", text],
            ["import", base.store, base.directory.path + "/" + text],
            ["import", base.store, "--git", base.directory.path + "/" + text],
            ["index", "remove", base.store, text],
        ] {
            let refused = try base.run(arguments)
            #expect(refused.code == 1 && refused.errors.hasPrefix("codexflow: "))
            expectShown(refused.errors, 1)
            let (code, shown) = try terminal(arguments, isError: true)
            #expect(code == 1)
            // The program itself clears the line of its progress.
            expectShown(shown.replacing("\r\u{1B}[K", with: ""), 1)
        }
        for arguments in [
            ["scan", base.store, "--\(text)"], ["tail", base.store, "--count", text],
        ] {
            let refused = try base.run(arguments)
            #expect(refused.code == 64)
            expectShown(refused.errors)
            #expect(!refused.errors.contains("\r"))
        }
    }

    @Test("A bad line is reported with the printable name of its file")
    func fileNames() throws {
        try #require(try base.run("init", base.store).code == 0)
        let folder = base.directory.path + "/lines"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: false)
        try "{\n".write(
            toFile: folder + "/\(Self.hostile).json", atomically: false, encoding: .utf8)
        let imported = try base.run("import", base.store, folder)
        #expect(imported.code == 1 && imported.errors.contains("line 1: "))
        expectShown(imported.errors, 1)
    }

    @Test("Tasks of agents have escapes in JSON")
    func tasks() throws {
        let made = try base.run(
            "task", "init", "--store", base.store, "--project", "p", "--as", "ada")
        try #require(made.code == 0, "\(made.errors)")
        let body = Self.hostile
        let scope = ["--store", base.store, "--project", "p", "--as", "ada"]
        for arguments in [
            ["task", "add", "Title", "--id", "a", "--body", body], ["task", "show", "a"],
            ["task", "show", "a", "--text"], ["task", "claim", "a"],
        ] {
            let shown = try base.run(arguments + scope)
            #expect(shown.code == 0, "\(shown.errors)")
            expectShown(shown.output, arguments.contains("--text") ? nil : 1)
            if arguments == ["task", "show", "a"] {
                let json = try DynamoDBJSON.item(parsingPlain: Array(shown.output.utf8))
                #expect(json["task"]?.map?["body"] == .string(body))
            }
        }
    }

    @Test("Records are binary, and not written to a terminal")
    func records() throws {
        _ = try makeStore()
        let (code, text) = try terminal(["tail", base.store, "--records", "--from-start"])
        #expect(code == 1 && text.isEmpty)
    }

    @Test("JSON keeps its value, and what needs no escape stays")
    func json() {
        let cases: [(text: String, expected: String)] = [
            ("{}", "{}"), (#"{"a":"Zürich 👩‍🚀 日本 ‘x’ ش"}"#, #"{"a":"Zürich 👩‍🚀 日本 ‘x’ ش"}"#),
            ("{\"\u{7F}\":\"\u{80}\u{9F}\u{A0}\"}", "{\"\\u007f\":\"\\u0080\\u009f\u{A0}\"}"),
            (
                "[\"\u{61B}\u{61C}\u{61D}\", \"\u{2027}\u{2028}\u{202E}\u{202F}\"]",
                "[\"\u{61B}\\u061c\u{61D}\", \"\u{2027}\\u2028\\u202e\u{202F}\"]"
            ),
            (
                "[\"\u{2065}\u{2066}\u{2069}\u{206A}\"]",
                "[\"\u{2065}\\u2066\\u2069\u{206A}\"]"
            ),
            ("{\n  \"a\": 1\n}", "{\n  \"a\": 1\n}"),
        ]
        for (text, expected) in cases {
            #expect(Array(text.printableJSON.utf8) == Array(expected.utf8), "\(expected)")
            #expect(text.printableJSON.printableJSON == text.printableJSON)
        }
    }

    @Test("No code but the console prints")
    func sources() throws {
        let root = (0..<3).reduce(URL(fileURLWithPath: #filePath)) { url, _ in
            url.deletingLastPathComponent()
        }
        let folder = root.appendingPathComponent("Sources/codexflow")
        let names = try FileManager.default.subpathsOfDirectory(atPath: folder.path).filter {
            $0.hasSuffix(".swift") && $0 != "Console.swift"
        }
        #expect(names.count > 30)
        for name in names {
            let text = try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
            for line in text.split(separator: "\n") {
                let words = line.split { !$0.isLetter && !".(".contains($0) }
                let prints = words.contains { $0.hasPrefix("print(") || $0.hasPrefix("(print(") }
                #expect(!prints && !line.contains("debugPrint("), "\(name): \(line)")
                #expect(!line.contains("FileHandle.standardOutput"), "\(name): \(line)")
                #expect(!line.contains("FileHandle.standardError"), "\(name): \(line)")
            }
        }
    }
}
