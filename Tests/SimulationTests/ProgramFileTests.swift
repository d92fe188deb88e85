import Foundation
import TestSupport
import Testing

@testable import Simulation

/// Files of programs that are replayed.
@Suite("Files of simulated programs")
struct ProgramFileTests {
    /// Files that have no program, each with a part of what is told of it.
    private static let damaged: [(text: String, part: String)] = [
        ("", "is no program"),
        ("no JSON", "is no program"),
        ("[]", "has another type"),
        ("{}", "lacks"),
        (file(#""processCount":2"#), "it lacks commands"),
        (file(#""commands":[{"id":1}],"processCount":2"#), "commands[0] lacks"),
        (file(#""commands":"none","processCount":2"#), "commands has another type"),
        (file(#""commands":[],"processCount":0"#), "processCount is 0"),
        (file(#""commands":[],"processCount":9"#), "processCount is 9"),
        (file(#""commands":[],"planted":"moon","processCount":2"#), "planted is moon"),
        (file(of: "read", process: 2), "command 1 is of process 2"),
        (file(of: "read", process: -1), "command 1 is of process -1"),
        (file(of: "jump", process: 0), "request.command is damaged"),
        (file(of: "read", #""orders":[-1]"#), "a number that is too large or negative"),
        (file(of: "read", #""now":-1"#), "a number that is too large or negative"),
        (
            file(of: "write", #""actions":[{"add":{"by":2000000000000,"p":"a","s":0}}]"#),
            "a number that is too large or negative"
        ),
    ]

    /// The text of a program with these last fields.
    private static func file(_ fields: String) -> String {
        #"{"endsWithPowerCut":true,"faults":[],"seed":7,\#(fields)}"#
    }

    /// The text of a program with one command.
    private static func file(
        of name: String, _ field: String = #""markers":true"#, process: Int = 0
    ) -> String {
        let request = #"{"command":"\#(name)",\#(field)}"#
        let command = #"{"id":1,"isAlone":false,"process":\#(process),"request":\#(request)}"#
        return file(#""commands":[\#(command)],"processCount":2"#)
    }

    /// Passes the path of a file with a text to a body, and removes the file.
    private static func withFile(_ text: String, _ body: (String) throws -> Void) throws {
        let file = FileManager.default.temporaryDirectory
            .appendingPathComponent("program-\(UUID().uuidString).json")
        try Data(text.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        try body(file.path)
    }

    @Test("A file of a program is read")
    func program() throws {
        let program = ProgramGenerator.program(seed: 3, planted: "splitRead")
        try Self.withFile(program.json) { path in
            let read = try Program(contentsOfFile: path)
            #expect(read == program)
        }
    }

    @Test("A file that has no program is refused, and the error names it and the reason")
    func refused() throws {
        for (text, part) in Self.damaged {
            try Self.withFile(text) { path in
                let error = #expect(throws: ProgramFileError.self) {
                    try Program(contentsOfFile: path)
                }
                #expect(error?.path == path)
                #expect(error?.reason.contains(part) == true, "\(text): \(error?.reason ?? "")")
            }
        }
    }

    @Test("A file that cannot be read is refused")
    func unreadable() {
        for path in ["/nonexistent/program.json", NSTemporaryDirectory()] {
            let error = #expect(throws: ProgramFileError.self) {
                try Program(contentsOfFile: path)
            }
            #expect(error?.path == path)
            #expect(error?.reason.contains("cannot be read") == true)
        }
    }

    #if os(Linux)
        @Test("The command ends with 2 after such a file, and prints its path")
        func command() throws {
            try Self.withFile("[]") { path in
                for path in [path, "/nonexistent/program.json"] {
                    let process = Process()
                    let output = Pipe()
                    process.executableURL = Agent.executable.deletingLastPathComponent()
                        .appendingPathComponent("codex-simulate")
                    process.arguments = ["--replay", path]
                    process.standardOutput = output
                    try process.run()
                    let data = try output.fileHandleForReading.readToEnd() ?? Data()
                    process.waitUntilExit()
                    #expect(process.terminationReason == .exit)
                    #expect(process.terminationStatus == 2)
                    #expect(String(decoding: data, as: UTF8.self).contains(path))
                }
            }
        }
    #endif
}
