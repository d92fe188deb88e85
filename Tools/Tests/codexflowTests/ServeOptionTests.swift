#if Server
    import Foundation
    import Testing

    @testable import codexflow

    /// What `codexflow serve` refuses before it serves, and what it says while it does.
    @Suite("codexflow, serve: options")
    struct ServeOptionTests {
        private let base: CommandTests

        init() throws { base = try CommandTests() }

        /// What the program says of an option that it refuses as wrong usage.
        private func refusal(_ option: String, _ value: String) throws -> String {
            let port = option == "--port" ? [] : ["--port", "0"]
            let refused = try base.run(["serve", base.store, option, value] + port)
            #expect(refused.code == 64, "\(option) \(value)")
            return refused.errors
        }

        @Test(
            "Numbers out of their ranges are refused",
            .timeLimit(.minutes(30)),
            arguments: [
                ("--port", ["65536", "70000", "\(Int.max)"]),
                ("--connections", ["0", "1000001", "\(Int.max)"]),
                ("--timeout", ["0", "3601", "\(Int.max)"]),
                ("--memory", ["0", "63", "1048577", "\(Int.max)"]),
            ])
        func numbers(option: String, values: [String]) throws {
            for value in values {
                #expect(try refusal(option, value).contains("Error: "), "\(value)")
            }
        }

        @Test(
            "An origin that no browser sends is refused with what to write",
            .timeLimit(.minutes(30)),
            arguments: ["*", "https://a.example/", "https://*.example", "a.example", "null", ""])
        func origins(origin: String) throws {
            let errors = try refusal("--allow-origin", origin)
            #expect(errors.contains("as https://a.example or http://localhost:3000"))
        }

        @Test(
            "A host that no request names is refused with what to write",
            .timeLimit(.minutes(30)),
            arguments: [
                "*", "*.example", "https://a.example", "a.example/", "a.example:80", "[::1]", "",
            ])
        func hosts(host: String) throws {
            #expect(try refusal("--allow-host", host).contains("as db.example or 192.0.2.1"))
        }

        @Test("A region that no signature names is refused with what to write")
        func regions() throws {
            for region in ["", "US-EAST-1", "us east 1", String(repeating: "a", count: 65)] {
                #expect(try refusal("--region", region).contains("as us-east-1"), "\(region)")
            }
        }

        @Test("An account that no ARN has is refused with what to write")
        func accounts() throws {
            for account in ["", "12345678901", "1234567890123", "12345678901x", "１２３４"] {
                #expect(try refusal("--account", account).contains("is 12 digits"), "\(account)")
            }
        }

        // MARK: Open files

        private static let connectionCount = 300
        private static let needed = DescriptorLimit.count(forConnections: connectionCount)

        /// The soft limit of a process's open files.
        private func limit(of process: Process) throws -> Int {
            let path = "/proc/\(process.processIdentifier)/limits"
            let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
            let line = try #require(lines.first { $0.hasPrefix("Max open files") })
            let words = line.split(separator: " ")
            return try #require(words.count > 3 ? Int(words[3]) : nil)
        }

        @Test("A soft limit of open files is raised to what connections need", arguments: -1...1)
        func softLimit(difference: Int) throws {
            let server = try RunningServer(
                base.store, "--connections", "\(Self.connectionCount)",
                openFiles: "-Sn \(Self.needed + difference)")
            #expect(try limit(of: server.process) == max(Self.needed, Self.needed + difference))
            #expect(try server.curl().hasPrefix("healthy"))
        }

        @Test("A hard limit that is too low is refused with what to do")
        func hardLimit() throws {
            let count = "\(Self.connectionCount)"
            for difference in 0...1 {
                let server = try RunningServer(
                    base.store, "--connections", count, openFiles: "-n \(Self.needed + difference)")
                #expect(try server.curl().hasPrefix("healthy"))
            }
            let (process, errors) = (Process(), Pipe())
            RunningServer.prepare(
                process, ["serve", base.store, "--port", "0", "--connections", count],
                openFiles: "-n \(Self.needed - 1)")
            process.standardError = errors
            try process.run()
            let text = errors.fileHandleForReading.readDataToEndOfFile()
            process.waitUntilExit()
            #expect(process.terminationStatus == 1)
            let message = String(decoding: text, as: UTF8.self)
            #expect(message.contains("ulimit -n \(Self.needed)"), "\(message)")
        }

        // MARK: Events of the store

        @Test("What an operator must know is a line on standard error", .timeLimit(.minutes(30)))
        func events() throws {
            let server = try RunningServer(base.store, takesErrors: true)
            try server.makeTable()
            try FileManager.default.moveItem(atPath: base.store, toPath: base.store + "-moved")
            let put = #"{"TableName":"abc","Item":{"p":{"S":"a secret"}}}"#
            #expect(try server.ask("PutItem", put) == "{}")
            let line = try server.nextError()
            #expect(line.hasPrefix("codexflow: \(base.store): the store's directory was moved"))
            #expect(!line.contains("secret"))
        }
    }
#endif
