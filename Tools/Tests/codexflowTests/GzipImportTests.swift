import Foundation
import Testing

@testable import codexflow

/// `codexflow import` of gzip files and pipes that are whole, damaged, or followed by other data.
@Suite("codexflow import, gzip")
struct GzipImportTests {
    let program: CommandTests
    private var folder: String { program.directory.path }

    init() throws { program = try CommandTests() }

    private func line(_ name: String) -> String {
        #"{"PK":{"S":"BOOK#\#(name)"},"SK":{"S":"X"}}"# + "\n"
    }

    private func member(_ text: String) throws -> Data {
        let file = folder + "/member"
        let writer = try GzipWriter(file, compresses: true)
        try writer.write(text)
        try writer.finish()
        return try Data(contentsOf: URL(fileURLWithPath: file))
    }

    private func emptyStore() throws -> String {
        let path = folder + "/" + UUID().uuidString
        try #require(try program.run("init", path).code == 0)
        return path
    }

    private func count(_ store: String) throws -> Int {
        try program.run("scan", store).output.split(separator: "\n").count
    }

    /// Runs the program with the data in its standard input, which is a pipe.
    private func pipe(_ data: Data, into arguments: String...) throws -> (Int32, String) {
        let process = Process()
        process.executableURL = CommandTests.program
        process.arguments = arguments
        let (input, errors) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = FileHandle.nullDevice
        process.standardError = errors
        try process.run()
        // The data is smaller than the pipe's buffer. It arrives in two pieces.
        try input.fileHandleForWriting.write(contentsOf: data.prefix(1))
        try input.fileHandleForWriting.write(contentsOf: data.dropFirst())
        try input.fileHandleForWriting.close()
        let text = try errors.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: text, as: UTF8.self))
    }

    @Test("Several members are one file, from a file and from a pipe, also in a bulk load")
    func members() throws {
        var data = try member(line("A") + line("B"))
        for text in ["\n", line("C")] { data.append(try member(text)) }
        data.append(Data(count: 512))
        let file = folder + "/items.gz"
        try data.write(to: URL(fileURLWithPath: file))
        for options in [[], ["--bulk"]] {
            let store = try emptyStore()
            let imported = try program.run(["import", store, file] + options)
            #expect(imported.code == 0, "\(imported.errors)")
            #expect(imported.output == "3 items stored, 0 bad lines\n")
        }
        let store = try emptyStore()
        let (code, errors) = try pipe(data, into: "import", store)
        #expect(code == 0, "\(errors)")
        #expect(try count(store) == 3)
    }

    @Test("Data that no member has is an error, and the lines before it are stored")
    func followed() throws {
        let whole = try member(line("A"))
        var renamed = try member(line("B"))
        renamed[0] ^= 0x01
        for (name, rest) in [("text", Data(line("B").utf8)), ("bit", renamed)] {
            let file = folder + "/\(name).json.gz"
            var data = whole
            data.append(rest)
            try data.write(to: URL(fileURLWithPath: file))
            let store = try emptyStore()
            for options in [[], ["--skip-bad"]] {
                let imported = try program.run(["import", store, file] + options)
                #expect(imported.code == 1)
                #expect(imported.errors.contains("\(file) is damaged: other data follows"))
            }
            #expect(try count(store) == 1)
            let bulk = try program.run("import", try emptyStore(), file, "--bulk")
            #expect(bulk.code == 1 && bulk.errors.contains("\(file) is damaged"))
            let (code, errors) = try pipe(data, into: "import", store)
            #expect(code == 1 && errors.contains("standard input is damaged"), "\(errors)")
            let inFolder = try program.run("import", store, folder)
            #expect(inFolder.code == 1 && inFolder.errors.contains(".json.gz is damaged"))
            try FileManager.default.removeItem(atPath: file)
        }
    }

    @Test("An empty file with the name of a gzip file is an error")
    func empty() throws {
        let file = folder + "/items.json.gz"
        try Data().write(to: URL(fileURLWithPath: file))
        let imported = try program.run("import", try emptyStore(), file)
        #expect(imported.code == 1 && imported.errors.contains("\(file) is empty"))
    }
}
