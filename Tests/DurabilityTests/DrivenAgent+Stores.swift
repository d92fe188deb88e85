import CodexCore
import Foundation
import TestSupport

extension DrivenAgent {
    /// Starts a process that opens a store under the name `s`.
    convenience init(opening path: String, _ options: String = "") throws {
        try self.init()
        try must("open s \(path) \(options)")
    }
}

extension DrivenAgent.Answer {
    /// Whether it is an error with a code.
    func isError(_ code: CodexError.Code) -> Bool { self.code == code.description }
}

/// An empty directory that goes with the value.
final class TestDirectory {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "/codex-" + UUID().uuidString
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: false)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// The length of a file in it; -1 if there is none.
    func byteCount(_ name: String) -> Int {
        var info = stat()
        return stat("\(path)/\(name)", &info) == 0 ? Int(info.st_size) : -1
    }

    /// Gives something in it another name.
    func move(_ name: String, to other: String) throws {
        try FileManager.default.moveItem(
            atPath: "\(path)/\(name)", toPath: "\(path)/\(other)")
    }
}
