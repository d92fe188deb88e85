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
    private let base: CommandTests

    init() throws { base = try CommandTests() }

    @Test("It makes a store, answers, and leaves what was written")
    func answers() throws {
        do {
            let server = try RunningServer(base.store)
            #expect(try server.curl().hasPrefix("healthy"))
            #expect(try server.ask("ListTables", "{}") == #"{"TableNames":[]}"#)
            try server.makeTable()
            let put = #"{"TableName":"abc","Item":{"p":{"S":"x"}}}"#
            #expect(try server.ask("PutItem", put) == "{}")
            let headers = try server.curl(
                "-i", "-H", "X-Amz-Target: DynamoDB_20120810.ListTables", "-d", "{}"
            ).lowercased()
            #expect(headers.contains("x-amzn-requestid: ") && headers.contains("x-amz-crc32: "))
            #expect(headers.contains("application/x-amz-json-1.0"))
        }
        #expect(
            try base.run("get", base.store, "x", "--table", "abc").output.contains(#"{"S":"x"}"#))
        #expect(try base.run("verify", base.store).code == 0)
    }

    @Test("What is wrong or too much is answered, and the connection and others go on")
    func limits() throws {
        let server = try RunningServer(base.store)
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
                ], "InternalServerError"
            ),
            (
                [
                    "-H", "X-Amz-Target: DynamoDB_20120810.ListTables", "-H",
                    "Content-Encoding: br",
                    "-d", "{}",
                ], "InternalServerError"
            ),
        ] {
            let curl = Process()
            let output = Pipe()
            curl.executableURL = URL(fileURLWithPath: "/usr/bin/curl")
            // The second request goes over the same connection.
            curl.arguments =
                ["-s", "-H", RunningServer.contentType, "http://127.0.0.1:\(server.port)/"]
                + arguments + [
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
        let server = try RunningServer(base.store)
        try server.makeTable()
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
        let server = try RunningServer(base.store, "--timeout", "1")
        let slow = try (0..<20).map { _ in try server.connect() }
        defer { for connection in slow { close(connection) } }
        for connection in slow {
            let head =
                "POST / HTTP/1.1\r\nHost: localhost\r\n\(RunningServer.contentType)\r\n"
                + "Content-Length: 100\r\n\r\n{"
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

    // MARK: Who may speak

    @Test("From other machines, only signed requests are taken", .timeLimit(.minutes(30)))
    func addresses() throws {
        for host in ["0.0.0.0", "::"] {
            let refused = try base.run("serve", base.store, "--host", host, "--port", "0")
            #expect(refused.code == 1 && refused.errors.contains("CODEXFLOW_ACCESS_KEY_ID"))
        }
        let server = try RunningServer(base.store)
        #expect(server.line == "serving DynamoDB on http://127.0.0.1:\(server.port)\n")
    }

    @Test("One credential alone is refused; with both, requests are signed or refused")
    func credentials() throws {
        let both = ["CODEXFLOW_ACCESS_KEY_ID": "key", "CODEXFLOW_SECRET_ACCESS_KEY": "secret"]
        for name in both.keys {
            let one = both.merging([name: ""]) { $1 }
            let refused = try base.run(["serve", base.store, "--port", "0"], environment: one)
            #expect(refused.code == 1 && refused.errors.contains("Set both"), "\(name)")
        }
        let server = try RunningServer(base.store, environment: both)
        let answer = try server.curl(
            "-w", " %{http_code}", "-H", "X-Amz-Target: DynamoDB_20120810.ListTables", "-d", "{}")
        #expect(answer.contains("MissingAuthenticationTokenException") && answer.hasSuffix(" 400"))
        #expect(!answer.contains("TableNames"))
    }

    /// Sends bytes as they are, and returns all that comes back until the server closes.
    private func exchange(_ server: RunningServer, _ request: String) throws -> String {
        let connection = try server.connect()
        defer { close(connection) }
        #expect(write(connection, request, request.utf8.count) == request.utf8.count)
        return String(decoding: received(connection), as: UTF8.self)
    }

    private func received(_ connection: Int32) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = read(connection, &chunk, chunk.count), count > 0 {
            bytes += chunk[..<count]
        }
        return bytes
    }

    /// Returns when the server has ended a connection that began now, for its request does not end.
    private func waitForTimeout(_ server: RunningServer) throws {
        let begun = post("Host: localhost\r\nContent-Length: 3", "{}")
        #expect(try exchange(server, begun).isEmpty)
    }

    private func post(
        _ headers: String, _ body: String, to target: String = "/", version: String = "1.1"
    ) -> String {
        "POST \(target) HTTP/\(version)\r\n\(RunningServer.contentType)\r\n"
            + "X-Amz-Target: DynamoDB_20120810.ListTables\r\n\(headers)\r\n\r\n\(body)"
    }

    @Test("A page that has its name resolved to this machine is refused, unless it is allowed")
    func rebinding() throws {
        let server = try RunningServer(base.store)
        let length = "Content-Length: 2\r\nConnection: close"
        for host in [
            "localhost", "LOCALHOST:\(server.port)", "127.0.0.1", "127.9.9.9:1", "[::1]:80",
        ] {
            let answer = try exchange(server, post("Host: \(host)\r\n\(length)", "{}"))
            #expect(answer.hasPrefix("HTTP/1.1 200"), "\(host): \(answer)")
            #expect(!answer.lowercased().contains("access-control"))
        }
        for host in ["a.example", "localhost.a.example", "127.0.0.1.a.example", "192.0.2.1"] {
            let answer = try exchange(server, post("Host: \(host)\r\n\(length)", "{}"))
            #expect(answer.hasPrefix("HTTP/1.1 403"), "\(host): \(answer)")
        }
        let page = "Host: localhost\r\nOrigin: http://a.example\r\n\(length)"
        #expect(try exchange(server, post(page, "{}")).hasPrefix("HTTP/1.1 403"))
        let open = try RunningServer(
            base.store + "-open", "--allow-host", "a.example", "--allow-origin", "http://a.example")
        let allowed = try exchange(
            open, post("Host: a.example\r\nOrigin: http://a.example\r\n\(length)", "{}"))
        #expect(allowed.hasPrefix("HTTP/1.1 200"))
        #expect(allowed.lowercased().contains("access-control-allow-origin: http://a.example"))
    }

    @Test("A doubtful request is refused, and its connection ends")
    func doubtful() throws {
        let server = try RunningServer(base.store)
        let host = "Host: localhost\r\n"
        let length = "Content-Length: 2"
        let chunked = host + "Transfer-Encoding: chunked"
        let target = "X-Amz-Target: DynamoDB_20120810.PutItem\r\n"
        let many = String(repeating: "A: b\r\n", count: 200)
        let requests: [(request: String, status: Int)] = [
            (post(length, "{}"), 400),
            (post(host + host + length, "{}"), 400),
            (post(chunked + "\r\n" + length, "2\r\n{}\r\n0\r\n\r\n"), 400),
            (post(host + length + "\r\nContent-Length: 3", "{}"), 400),
            (post(chunked, "zz\r\n{}\r\n"), 400),
            (post(chunked, "2\r\n{}x\r\n0\r\n\r\n"), 400),
            (post(host + "Transfer-Encoding: gzip, chunked", "0\r\n\r\n"), 400),
            (post(host + "Content-Length: 16777217", ""), 413),
            (post(host + target + length, "{}"), 400),
            (post(host + "A: " + String(repeating: "x", count: 17_000), ""), 400),
            (post(host + "A: " + String(repeating: "x", count: 40_000), ""), 400),
            (post(host + many + length, "{}"), 400),
            (post(host + length, "{}", to: "/" + String(repeating: "x", count: 17_000)), 400),
            (post(host + length, "{}", to: "/" + String(repeating: "x", count: 90_000)), 400),
            (post(host + length, "{}", to: "http://localhost/other"), 404),
            (post(host + length, "{}", to: "http://a.example/"), 403),
            ("no HTTP\r\n\r\n", 400),
        ]
        for (request, status) in requests {
            let answer = try exchange(server, request)
            #expect(answer.hasPrefix("HTTP/1.1 \(status)"), "\(request.prefix(200)): \(answer)")
            #expect(answer.contains("__type"), "\(answer)")
        }
        let plain = post(host + "Content-Length: 2", "{}").replacingOccurrences(
            of: "application/x-amz-json-1.0", with: "text/plain")
        #expect(try exchange(server, plain).hasPrefix("HTTP/1.1 415"))
        #expect(try server.curl().hasPrefix("healthy"))
    }

    @Test("A connection of HTTP/1.0 ends with its answer, whatever it asks for")
    func oldHTTP() throws {
        let server = try RunningServer(base.store)
        let answer = try exchange(
            server,
            post(
                "Host: localhost\r\nConnection: keep-alive\r\nContent-Length: 2", "{}",
                version: "1.0"))
        #expect(answer.contains("200") && answer.hasSuffix(#"{"TableNames":[]}"#), "\(answer)")
    }

    @Test("Requests behind one another are answered in order, over one connection")
    func pipelined() throws {
        let server = try RunningServer(base.store)
        let host = "Host: localhost\r\n"
        let one = post(host + "Content-Length: 2", "{}")
        let bad = post(host + "Content-Length: 1", "{")
        let last = post(host + "Connection: close\r\nContent-Length: 2", "{}")
        let answer = try exchange(server, one + bad + one + last)
        let statuses = answer.components(separatedBy: "HTTP/1.1 ").dropFirst().map { $0.prefix(3) }
        #expect(statuses == ["200", "400", "200", "200"])
    }

    @Test("A client that sends requests without waiting for answers is let go")
    func pipelineLimit() throws {
        let server = try RunningServer(base.store)
        let one = post("Host: localhost\r\nContent-Length: 2", "{}")
        let answer = try exchange(server, String(repeating: one, count: 100))
        #expect(answer.components(separatedBy: "HTTP/1.1 ").count - 1 <= 8)
        #expect(try server.curl().hasPrefix("healthy"))
    }

    /// Fills the store with `count` items of so many characters as JSON has them, and returns the
    /// request for all.
    private func fill(
        _ count: Int, _ characterCount: Int, _ character: String = "x"
    ) throws -> String {
        let server = try RunningServer(base.store)
        try server.makeTable()
        let text = String(repeating: character, count: characterCount)
        let keys = (0..<count).map { #""p":{"S":"\#($0)"}"# }
        for key in keys {
            let put = #"{"TableName":"abc","Item":{\#(key),"t":{"S":"\#(text)"}}}"#
            #expect(try server.ask("PutItem", put) == "{}")
        }
        let all = keys.map { "{\($0)}" }.joined(separator: ",")
        return #"{"RequestItems":{"abc":{"Keys":[\#(all)]}}}"#
    }

    @Test("A client that does not take its answer is let go", .timeLimit(.minutes(30)))
    func unread() throws {
        let body = try fill(5, 390_000, #"\u0001"#)
        let server = try RunningServer(base.store, "--timeout", "4")
        // Its answer has more than the buffers of both sides take.
        let connection = try server.connect(receiveByteCount: 4096)
        defer { close(connection) }
        let request = post("Host: localhost\r\nContent-Length: \(body.utf8.count)", body)
            .replacingOccurrences(of: "ListTables", with: "BatchGetItem")
        #expect(write(connection, request, request.utf8.count) == request.utf8.count)
        // The answer is being written now.
        var state = pollfd(fd: connection, events: Int16(POLLIN), revents: 0)
        #expect(poll(&state, 1, -1) == 1)
        for _ in 0..<2 { try waitForTimeout(server) }
        let answer = try Answer(received(connection))
        #expect(answer.head.hasPrefix("HTTP/1.1 200") && answer.byteCount > 3 * 6 * 390_000)
        #expect(answer.takenByteCount > 0 && answer.takenByteCount < answer.byteCount)
        #expect(try server.curl().hasPrefix("healthy"))
    }

    /// As much of an answer as was taken.
    private struct Answer {
        let head: String
        /// The bytes of the body that the head announces.
        let byteCount: Int
        let takenByteCount: Int

        init(_ bytes: [UInt8]) throws {
            let bytes = Data(bytes)
            let end = try #require(bytes.range(of: Data("\r\n\r\n".utf8)))
            head = String(decoding: bytes[..<end.lowerBound], as: UTF8.self)
            let name = "content-length: "
            let line = head.components(separatedBy: "\r\n").first {
                $0.lowercased().hasPrefix(name)
            }
            byteCount = try #require(line.flatMap { Int($0.dropFirst(name.count)) })
            takenByteCount = bytes.count - end.upperBound
        }
    }
}
