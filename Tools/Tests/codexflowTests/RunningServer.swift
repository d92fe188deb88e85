import Foundation
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// `codexflow serve` on a free port, which ends with its test.
final class RunningServer {
    let process = Process()
    let port: Int
    /// What it said when it was ready.
    let line: String
    /// What it says on standard error, if that was asked for.
    private let errors = Pipe()

    static let contentType = "Content-Type: application/x-amz-json-1.0"

    /// Starts the program over a store, and waits until it serves.
    ///
    /// - Parameters:
    ///   - store: The store's directory.
    ///   - options: More arguments.
    ///   - environment: Variables in place of this process's.
    ///   - openFiles: What `ulimit` is called with before.
    ///   - takesErrors: Whether ``nextError()`` gets what it says on standard error.
    /// - Throws: If the program ends instead.
    convenience init(
        _ store: String, _ options: String..., environment: [String: String] = [:],
        openFiles: String? = nil, takesErrors: Bool = false
    ) throws {
        try self.init(
            arguments: [store] + options, environment: environment, openFiles: openFiles,
            takesErrors: takesErrors)
    }

    /// Starts the program with arguments, and waits until it serves.
    ///
    /// - Parameters:
    ///   - arguments: The arguments.
    ///   - requestedPort: The port; 0 is a free one.
    ///   - environment: Variables in place of this process's.
    ///   - openFiles: What `ulimit` is called with before.
    ///   - takesErrors: Whether ``nextError()`` gets what it says on standard error.
    /// - Throws: If the program ends instead.
    init(
        arguments: [String], requestedPort: Int = 0, environment: [String: String] = [:],
        openFiles: String? = nil, takesErrors: Bool = false
    ) throws {
        let output = Pipe()
        Self.prepare(
            process, ["serve", "--port", "\(requestedPort)"] + arguments, openFiles: openFiles)
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardOutput = output
        if takesErrors { process.standardError = errors }
        try process.run()
        line = try Self.line(output)
        port = try #require(line.split(separator: ":").last.flatMap { Int($0.dropLast()) })
    }

    deinit {
        process.terminate()
        process.waitUntilExit()
    }

    /// Has a process run the program, perhaps under a limit of open files.
    static func prepare(_ process: Process, _ arguments: [String], openFiles: String?) {
        process.executableURL = CommandTests.program
        process.arguments = arguments
        guard let openFiles else { return }
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        let command = "ulimit \(openFiles) && exec \"$0\" \"$@\""
        process.arguments = ["-c", command, CommandTests.program.path] + arguments
    }

    /// The next line of standard error.
    func nextError() throws -> String { try Self.line(errors) }

    private static func line(_ pipe: Pipe) throws -> String {
        var line = Data()
        while line.last != UInt8(ascii: "\n") {
            let byte = try pipe.fileHandleForReading.read(upToCount: 1) ?? Data()
            try #require(!byte.isEmpty, "The program ended.")
            line += byte
        }
        return String(decoding: line, as: UTF8.self)
    }

    // MARK: Requests

    /// What curl gets.
    func curl(_ arguments: String..., input: Data? = nil) throws -> String {
        let curl = Process()
        let (output, sent) = (Pipe(), Pipe())
        curl.executableURL = URL(fileURLWithPath: "/usr/bin/curl")
        curl.arguments =
            ["-s", "-H", Self.contentType, "http://127.0.0.1:\(port)/"] + arguments
        curl.standardOutput = output
        curl.standardInput = sent
        try curl.run()
        let writer = Thread {
            try? sent.fileHandleForWriting.write(contentsOf: input ?? Data())
            try? sent.fileHandleForWriting.close()
        }
        writer.start()
        let text = output.fileHandleForReading.readDataToEndOfFile()
        curl.waitUntilExit()
        return String(decoding: text, as: UTF8.self)
    }

    /// A connection on which bytes are sent as they are.
    ///
    /// `receiveByteCount` is the size of its buffer for what it is sent.
    func connect(receiveByteCount: Int32? = nil) throws -> Int32 {
        let connection = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        if var size = receiveByteCount {
            setsockopt(
                connection, SOL_SOCKET, SO_RCVBUF, &size,
                socklen_t(MemoryLayout<Int32>.size))
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(connection, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        #expect(result == 0)
        return connection
    }

    /// What a request is answered.
    func ask(_ operation: String, _ body: String) throws -> String {
        try curl(
            "-H", "X-Amz-Target: DynamoDB_20120810.\(operation)", "--data-binary", "@-",
            input: Data(body.utf8))
    }

    /// Makes the table `abc` with the key `p`.
    func makeTable() throws {
        let made = try ask(
            "CreateTable",
            """
            {"TableName":"abc","BillingMode":"PAY_PER_REQUEST",
            "KeySchema":[{"AttributeName":"p","KeyType":"HASH"}],
            "AttributeDefinitions":[{"AttributeName":"p","AttributeType":"S"}]}
            """)
        #expect(made.contains(#""TableStatus":"CREATING""#))
    }
}
