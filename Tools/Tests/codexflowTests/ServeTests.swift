import Foundation
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// `codexflow serve`, as a socket sees it.
///
/// What AWS's clients make of it is tested in `Tools/Differential`.
@Suite("codexflow, serve")
struct ServeTests {
    /// A server that ends with its test.
    private final class Server {
        let process = Process()
        let port: Int

        init(_ store: String, _ options: String...) throws {
            let output = Pipe()
            process.executableURL = CommandTests.program
            process.arguments = ["serve", store, "--port", "0"] + options
            process.standardOutput = output
            try process.run()
            var line = Data()
            while line.last != UInt8(ascii: "\n") {
                line += try #require(try output.fileHandleForReading.read(upToCount: 1))
            }
            let text = String(decoding: line, as: UTF8.self)
            port = try #require(text.split(separator: ":").last.flatMap { Int($0.dropLast()) })
        }

        deinit {
            process.terminate()
            process.waitUntilExit()
        }

        /// What curl gets.
        func curl(_ arguments: String..., input: Data? = nil) throws -> String {
            let curl = Process()
            let (output, sent) = (Pipe(), Pipe())
            curl.executableURL = URL(fileURLWithPath: "/usr/bin/curl")
            curl.arguments = ["-s", "http://127.0.0.1:\(port)/"] + arguments
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
        func connect() throws -> Int32 {
            let connection = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
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
    }

    private let base: CommandTests
    private static let target = ["-H", "X-Amz-Target: DynamoDB_20120810."]

    init() throws { base = try CommandTests() }

    private func ask(_ server: Server, _ operation: String, _ body: String) throws -> String {
        try server.curl("-H", "X-Amz-Target: DynamoDB_20120810.\(operation)", "-d", body)
    }

    @Test("It makes a store, answers, and leaves what was written")
    func answers() throws {
        do {
            let server = try Server(base.store)
            #expect(try server.curl().hasPrefix("healthy"))
            #expect(try ask(server, "ListTables", "{}") == #"{"TableNames":[]}"#)
            let made = try ask(
                server, "CreateTable",
                #"{"TableName":"abc","BillingMode":"PAY_PER_REQUEST","KeySchema":[{"AttributeName":"p","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"p","AttributeType":"S"}]}"#
            )
            #expect(made.contains(#""TableStatus":"ACTIVE""#))
            #expect(
                try ask(server, "PutItem", #"{"TableName":"abc","Item":{"p":{"S":"x"}}}"#) == "{}")
            let headers = try server.curl(
                "-i", "-H", "X-Amz-Target: DynamoDB_20120810.ListTables", "-d", "{}")
            #expect(headers.contains("x-amzn-RequestId: ") && headers.contains("x-amz-crc32: "))
            #expect(headers.contains("application/x-amz-json-1.0"))
        }
        #expect(
            try base.run("get", base.store, "x", "--table", "abc").output.contains(#"{"S":"x"}"#))
        #expect(try base.run("verify", base.store).code == 0)
    }

    @Test("What is wrong or too much is answered, and the connection and others go on")
    func limits() throws {
        let server = try Server(base.store)
        for (arguments, type) in [
            (["-d", "{}"], "UnknownOperationException"),
            (
                ["-H", "X-Amz-Target: DynamoDB_20120810.GetItem", "-d", "{"],
                "SerializationException"
            ),
            (
                [
                    "-H", "X-Amz-Target: DynamoDB_20120810.ListTables", "-H",
                    "Content-Encoding: gzip",
                    "-d", "no gzip",
                ], "SerializationException"
            ),
            (
                [
                    "-H", "X-Amz-Target: DynamoDB_20120810.ListTables", "-H",
                    "Content-Encoding: br",
                    "-d", "{}",
                ], "SerializationException"
            ),
        ] {
            let curl = Process()
            let output = Pipe()
            curl.executableURL = URL(fileURLWithPath: "/usr/bin/curl")
            // The second request goes over the same connection.
            curl.arguments =
                ["-s", "http://127.0.0.1:\(server.port)/"] + arguments + [
                    "--next", "-s", "-w", " connections %{num_connects}",
                    "http://127.0.0.1:\(server.port)/",
                ]
            curl.standardOutput = output
            try curl.run()
            let text = String(
                decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            curl.waitUntilExit()
            #expect(text.contains(type), "\(text)")
            #expect(text.hasSuffix("connections 0"), "\(text)")
        }
        let large = Data(repeating: UInt8(ascii: "x"), count: (16 << 20) + 1)
        let refused = try server.curl(
            "-w", " %{http_code}", "-H", "X-Amz-Target: DynamoDB_20120810.PutItem", "-H", "Expect:",
            "--data-binary", "@-", input: large)
        #expect(refused.hasSuffix("413") || refused.hasSuffix("000"), "\(refused.suffix(100))")
        #expect(try server.curl().hasPrefix("healthy"))
        #expect(
            try server.curl("-w", "%{http_code}", "-X", "DELETE").hasSuffix("404")
                || server.curl("-w", "%{http_code}", "-X", "DELETE").hasSuffix("405"))
    }

    @Test("Bodies may be gzip, both ways; one that unpacks to too much is refused")
    func compression() throws {
        let server = try Server(base.store)
        _ = try ask(
            server, "CreateTable",
            #"{"TableName":"abc","BillingMode":"PAY_PER_REQUEST","KeySchema":[{"AttributeName":"p","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"p","AttributeType":"S"}]}"#
        )
        func gzip(_ data: Data) throws -> Data {
            let gzip = Process()
            let (input, output) = (Pipe(), Pipe())
            gzip.executableURL = URL(fileURLWithPath: "/bin/gzip")
            gzip.arguments = ["-c"]
            gzip.standardInput = input
            gzip.standardOutput = output
            try gzip.run()
            let writer = Thread {
                try? input.fileHandleForWriting.write(contentsOf: data)
                try? input.fileHandleForWriting.close()
            }
            writer.start()
            defer { gzip.waitUntilExit() }
            return output.fileHandleForReading.readDataToEndOfFile()
        }
        let text = String(repeating: "x", count: 20_000)
        let put = #"{"TableName":"abc","Item":{"p":{"S":"x"},"text":{"S":"\#(text)"}}}"#
        let headers = [
            "-H", "Content-Encoding: gzip", "-H", "X-Amz-Target: DynamoDB_20120810.PutItem",
        ]
        #expect(
            try server.curl(
                headers[0], headers[1], headers[2], headers[3], "--data-binary", "@-",
                input: try gzip(Data(put.utf8))) == "{}")
        let got = try server.curl(
            "--compressed", "-w", " %{size_download}", "-H",
            "X-Amz-Target: DynamoDB_20120810.GetItem",
            "-d", #"{"TableName":"abc","Key":{"p":{"S":"x"}}}"#)
        #expect(got.contains(text))
        #expect(Int(got.split(separator: " ").last ?? "").map { $0 < 1000 } == true)
        let bomb = try gzip(Data(repeating: UInt8(ascii: " "), count: 64 << 20))
        #expect(
            try server.curl(
                headers[0], headers[1], headers[2], headers[3], "--data-binary", "@-", input: bomb
            ).contains("SerializationException"))
    }

    @Test("A client that sends a request slowly is let go, and holds up nobody")
    func slow() throws {
        let server = try Server(base.store, "--timeout", "1")
        let slow = try (0..<20).map { _ in try server.connect() }
        defer { for connection in slow { close(connection) } }
        for connection in slow {
            let head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"
            #expect(write(connection, head, head.utf8.count) == head.utf8.count)
        }
        #expect(try server.curl().hasPrefix("healthy"))
        // The end of each, as soon as its time is over.
        for connection in slow {
            var byte: UInt8 = 0
            while read(connection, &byte, 1) > 0 {}
        }
        #expect(try server.curl().hasPrefix("healthy"))
    }

    @Test("From other machines, only signed requests are taken")
    func addresses() throws {
        let refused = try base.run("serve", base.store, "--host", "0.0.0.0", "--port", "0")
        #expect(refused.code == 1 && refused.errors.contains("CODEXFLOW_ACCESS_KEY_ID"))
        #expect(try base.run("serve", base.store, "--port", "70000").code == 64)
    }
}
