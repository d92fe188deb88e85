import CodexCore
import CodexTesting
import Foundation
import Testing

@testable import CodexStore

/// Errors of the system: each names the file or directory that it is about.
@Suite("Errors of the system")
struct SystemErrorTests {
    private let path: String
    private let directory: Directory

    init() throws {
        path = try TemporaryStore.makeDirectory()
        directory = try Directory(path)
    }

    private func expect(
        _ code: CodexError.Code, naming name: String, _ body: () throws(CodexError) -> Void
    ) throws {
        let error = try #require(throws: CodexError.self) { try body() }
        #expect(error.code == code)
        #expect(error.message.contains("The path is"), "\(error)")
        #expect(error.message.contains("/\(name)."), "\(error)")
        #expect(error.cause is SystemFailure)
    }

    @Test("Opening, reading and renaming name the path")
    func paths() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        try expect(.notFound, naming: "missing") { () throws(CodexError) in
            _ = try Directory(path + "/missing")
        }
        try expect(.notFound, naming: "missing") { () throws(CodexError) in
            _ = try Directory("missing", in: directory)
        }
        try expect(.notFound, naming: "missing") { () throws(CodexError) in
            _ = try File("missing", in: directory, .read)
        }
        try expect(.notFound, naming: "missing") { () throws(CodexError) in
            _ = try FileLock("missing", in: directory, mayCreate: false)
        }
        try expect(.notFound, naming: "missing") { () throws(CodexError) in
            try directory.rename("missing", to: "other")
        }
        try expect(.notFound, naming: "missing") { () throws(CodexError) in
            _ = try directory.byteCount("missing")
        }
        try expect(.notFound, naming: "missing") { () throws(CodexError) in
            _ = try FileSystem.identity(path + "/missing")
        }
        try directory.makeDirectory("inner")
        try expect(.inputOutput, naming: "inner") { () throws(CodexError) in
            try directory.makeDirectory("inner")
        }
    }

    @Test("A file that was closed names its path")
    func closed() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        let file = try File("data", in: directory, .create)
        file.close()
        for call in 0..<5 {
            try expect(.inputOutput, naming: "data") { () throws(CodexError) in
                switch call {
                case 0: _ = try file.byteCount()
                case 1: _ = try file.read(at: 0, count: 1)
                case 2: try file.write([1], at: 0)
                case 3: try file.flush()
                default: try file.setByteCount(1)
                }
            }
        }
    }

    @Test("The path of a store is not added to a message that has it")
    func located() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        let error = CodexError.system("pread", 5, path: path + "/data.mdb")
        let message = error.located(at: path).message
        #expect(message.contains(path + "/data.mdb") && !message.contains("The store is"))
        let other = CodexError.system("pread", 5).located(at: path)
        #expect(other.message.hasSuffix("The store is \(path)."))
        #expect(other.cause is SystemFailure)
    }
}
