#if Server
    import Foundation
    import Testing

    /// `codexflow serve --as alternator`, over HTTP.
    @Suite("codexflow, serve: Alternator")
    struct AlternatorServeTests {
        private let base: CommandTests

        init() throws { base = try CommandTests() }

        /// What the program says of arguments that it refuses as wrong usage.
        private func refusal(_ arguments: [String], port: Int = 8000) throws -> String {
            let refused = try base.run(["serve", base.store, "--port", "\(port)"] + arguments)
            #expect(refused.code == 64, "\(arguments)")
            return refused.errors
        }

        @Test("The program says that it is a model, and refuses what Alternator does not have")
        func refusals() throws {
            let server = try RunningServer(
                arguments: ["--ephemeral", "--as", "alternator"], takesErrors: true)
            #expect(try server.nextError().contains("built from its documentation"))
            for operation in ["TransactWriteItems", "TransactGetItems", "ExecuteStatement"] {
                let answer = try server.ask(operation, "{}")
                #expect(answer.contains("UnknownOperationException"))
                #expect(answer.contains("Unsupported operation \(operation)"))
            }
            try server.makeTable()
            let put = #"{"TableName":"abc","Item":{"p":{"S":"x"}}}"#
            #expect(try server.ask("PutItem", put) == "{}")
        }

        @Test("Nodes listen at their addresses over one store, and list each other")
        func nodes() throws {
            // A port that was free a moment ago.
            let port = try RunningServer(arguments: ["--ephemeral"]).port
            let server = try RunningServer(
                arguments: [
                    "--ephemeral", "--as", "alternator", "--node", "127.0.0.2,datacenter1,rack2",
                    "--node", "127.0.0.3,dc2,rack1",
                ], requestedPort: port)
            #expect(server.port == port)
            func list(_ address: String, _ query: String = "") throws -> String {
                let text = try server.curl("http://\(address):\(port)/localnodes\(query)")
                // The first line is that of the health check.
                return text.components(separatedBy: "\n").last ?? ""
            }
            for address in ["127.0.0.1", "127.0.0.2"] {
                #expect(try list(address) == #"["127.0.0.1","127.0.0.2"]"#)
                #expect(try list(address, "?rack=rack2") == #"["127.0.0.2"]"#)
                #expect(try list(address, "?dc=dc2") == #"["127.0.0.3"]"#)
                #expect(try list(address, "?dc=dc2&rack=rack2") == "[]")
            }
            #expect(try list("127.0.0.3") == #"["127.0.0.3"]"#)
            try server.makeTable()
            let tables = try server.curl(
                "-H", "X-Amz-Target: DynamoDB_20120810.ListTables", "-d", "{}",
                "http://127.0.0.3:\(port)/")
            #expect(tables == #"{"TableNames":["abc"]}{"TableNames":["abc"]}"#)
        }

        @Test("Nodes are listed without a signature, and all else needs one")
        func unsigned() throws {
            let server = try RunningServer(
                arguments: ["--ephemeral", "--as", "alternator"],
                environment: [
                    "CODEXFLOW_ACCESS_KEY_ID": "key", "CODEXFLOW_SECRET_ACCESS_KEY": "secret",
                ])
            let list = try server.curl("http://127.0.0.1:\(server.port)/localnodes")
            #expect(list.hasSuffix(#"["127.0.0.1"]"#))
            let refused = try server.ask("ListTables", "{}")
            #expect(refused.contains("MissingAuthenticationTokenException"))
        }

        @Test("DynamoDB has no list of nodes")
        func dynamoDB() throws {
            let server = try RunningServer(arguments: ["--ephemeral"])
            let answer = try server.curl(
                "-w", " %{http_code}", "http://127.0.0.1:\(server.port)/localnodes")
            #expect(answer.hasSuffix(" 404"))
        }

        @Test(
            "Numbers out of their ranges are refused",
            .timeLimit(.minutes(30)),
            arguments: [
                ("--index-lag", ["-1", "10001"]), ("--stream-delay", ["-1", "60001"]),
                ("--stream-shards", ["0", "4097"]),
            ])
        func numbers(option: String, values: [String]) throws {
            for value in values {
                let errors = try refusal(["--as", "alternator", "\(option)=\(value)"])
                #expect(errors.contains("Error: "), "\(value)")
            }
        }

        @Test(
            "What is no node is refused with what to write",
            .timeLimit(.minutes(30)),
            arguments: ["", ",", "127.0.0.2:80", "[::1]", "127.0.0.2,", "127.0.0.2,a,b,c", "*"])
        func wrongNodes(node: String) throws {
            let errors = try refusal(["--as", "alternator", "--node", node])
            #expect(errors.contains("127.0.0.2,datacenter1,rack2"))
        }

        @Test("Options that do not fit together are refused")
        func combinations() throws {
            for option in ["--node=127.0.0.2", "--index-lag=1", "--stream-shards=1"] {
                #expect(try refusal([option]).contains("need --as alternator"))
            }
            let alternator = ["--as", "alternator"]
            for address in ["127.0.0.1", "127.0.0.2"] {
                let nodes = ["--node", address, "--node", "127.0.0.2"]
                #expect(try refusal(alternator + nodes).contains("address of its own"))
            }
            let free = try refusal(alternator + ["--node", "127.0.0.2"], port: 0)
            #expect(free.contains("Name a port"))
            #expect(try refusal(["--as", "cassandra"]).contains("--as"))
            let open = try base.run(
                ["serve", base.store, "--port", "8000", "--node", "192.0.2.1"] + alternator)
            #expect(open.code == 1 && open.errors.contains("CODEXFLOW_ACCESS_KEY_ID"))
        }
    }
#endif
