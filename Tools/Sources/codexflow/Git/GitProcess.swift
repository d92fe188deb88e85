import CodexCore
import Foundation
import Synchronization

/// A running `git` whose output is read while it runs.
///
/// It runs no program that the repository's configuration names: no pager, hook, file system
/// monitor, signature check or transport. It therefore does not fetch objects that a partial clone
/// lacks.
final class GitProcess {
    /// The beginning of git's output on standard error, in one line.
    struct Complaint: Error, CustomStringConvertible {
        let description: String
    }

    /// The standard output of git.
    let output: FileHandle
    private let process = Process()
    private let errors = ErrorText()
    private let errorsEnd = DispatchGroup()

    /// Starts git with the arguments.
    ///
    /// - Throws: ``CodexError/Code/notFound`` if there is no git.
    init(_ arguments: [String], in repository: String) throws {
        let (outputPipe, errorPipe) = (Pipe(), Pipe())
        output = outputPipe.fileHandleForReading
        process.executableURL = try Self.program()
        process.arguments = Self.options + ["-C", repository] + arguments
        process.environment = Self.environment
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = outputPipe
        process.standardError = errorPipe
        do {
            try process.run()
        } catch {
            throw CodexError(
                .notFound, "git cannot be run. Install it, or repair PATH.", cause: error)
        }
        // Standard error is drained in parallel, since a full pipe would stop git.
        let (errors, handle) = (errors, errorPipe.fileHandleForReading)
        DispatchQueue.global().async(group: errorsEnd) {
            while let data = try? handle.read(upToCount: 1 << 12), !data.isEmpty {
                errors.append(data)
            }
        }
    }

    /// Waits for git to exit, after its output has ended.
    func finish() -> (isSuccess: Bool, complaint: Complaint) {
        process.waitUntilExit()
        // Git's own output is available at once. A child process that it left behind is not
        // awaited.
        _ = errorsEnd.wait(timeout: .now() + .seconds(1))
        let isSuccess = process.terminationReason == .exit && process.terminationStatus == 0
        return (isSuccess, Complaint(description: errors.line))
    }

    /// The whole of a short output, without the line feed at its end.
    func answer() throws -> (isSuccess: Bool, text: String, complaint: Complaint) {
        var bytes = Array(try output.readToEnd() ?? Data())
        if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
        let (isSuccess, complaint) = finish()
        return (isSuccess, String(decoding: bytes, as: UTF8.self), complaint)
    }

    /// Ends git, if it still runs, at its next write.
    ///
    /// A signal is not enough: git inherits the signal mask of the thread that started it. Threads
    /// of the concurrency pool block SIGTERM.
    func stop() {
        try? output.close()
        process.waitUntilExit()
    }

    private static let options = [
        "--no-pager", "-c", "core.pager=cat", "-c", "core.fsmonitor=false",
        "-c", "core.hooksPath=/dev/null", "-c", "log.showSignature=false",
        "-c", "log.showRoot=true", "-c", "protocol.allow=never",
    ]

    /// The program's environment without variables that would select another repository.
    private static var environment: [String: String] {
        var environment = ProcessInfo.processInfo.environment
        for name in [
            "GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_INDEX_FILE", "GIT_NAMESPACE",
            "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_SHALLOW_FILE",
            "GIT_GRAFT_FILE", "GIT_REPLACE_REF_BASE", "GIT_PREFIX", "GIT_EXTERNAL_DIFF",
        ] {
            environment[name] = nil
        }
        let fixed = [
            "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_PAGER": "cat",
            "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "none",
        ]
        return environment.merging(fixed) { $1 }
    }

    private static func program() throws(CodexError) -> URL {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
        // With relative folders, the current directory would choose the program.
        for folder in path.split(separator: ":") where folder.hasPrefix("/") {
            let candidate = "\(folder)/git"
            if FileManager.default.isExecutableFile(atPath: candidate) {
                return URL(fileURLWithPath: candidate)
            }
        }
        throw CodexError(
            .notFound, "There is no git in the folders of PATH. Install git, or repair PATH.")
    }
}

/// The beginning of a process's output on standard error.
private final class ErrorText: Sendable {
    private static let byteCountMax = 400
    private let bytes = Mutex<[UInt8]>([])

    func append(_ data: Data) {
        bytes.withLock { $0 += data.prefix(Self.byteCountMax - $0.count) }
    }

    /// The first line, without control characters, which could control a terminal.
    var line: String {
        let text = String(decoding: bytes.withLock { $0 }, as: UTF8.self)
        let first = text.unicodeScalars.prefix { $0 != "\n" }
        return String(
            String.UnicodeScalarView(first.filter { $0.properties.generalCategory != .control }))
    }
}
