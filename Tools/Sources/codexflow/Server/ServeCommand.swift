#if Server
    import ArgumentParser
    import CodexCore
    import CodexDynamoDB
    import CodexDynamoDBFaults
    import CodexSignatures
    import CodexStore
    import CodexflowServer
    import Foundation

    struct Serve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Serves a store by DynamoDB's HTTP API, to any AWS client.",
            discussion: """
                The store is created without tables if it does not exist. Other programs may have \
                it open at the same time.

                  codexflow serve data.codex
                  aws dynamodb list-tables --endpoint-url http://127.0.0.1:8000

                By default, the server listens on this machine only, and takes any credentials. If \
                CODEXFLOW_ACCESS_KEY_ID and CODEXFLOW_SECRET_ACCESS_KEY are in its environment, it \
                takes only requests that are signed with them (Signature Version 4) for --region.

                The Host of a request must be localhost, a loopback address or the value of \
                --host. --allow-host adds other names, such as the name of a proxy.

                For tests, --ephemeral serves a new store, which is removed at the end. --faults \
                names a JSON file with faults, so that a program can test its retries:

                  {"seed": 7, "rules": [{"fault": "throttle", "rate": 0.1}]}

                --as alternator is a model of ScyllaDB's Alternator: a service without \
                transactions, with several nodes. It is built from Alternator's documentation, and \
                was never compared with Alternator itself.

                  codexflow serve --ephemeral --as alternator --node 127.0.0.2 --node 127.0.0.3

                When the server accepts connections, it prints its address. Events for the \
                operator go to standard error, one line for each event.
                """)

        @Argument(help: "The store's directory; none with --ephemeral.") var store: String?
        @Option(help: "The address to listen on.") var host = "127.0.0.1"
        @Option(help: "The port; 0 chooses a free one.") var port = 8000
        @Option(help: "The region in ARNs, and in the signatures of clients.")
        var region = "us-east-1"
        @Option(help: "The account in ARNs: 12 digits.") var account = "000000000000"
        @Option(help: "The maximum number of open connections, 1 to 1000000; others wait.")
        var connections = 1000
        @Option(
            help: """
                The seconds within which a request must arrive, be answered, and its answer be \
                read, each: 1 to 3600.
                """)
        var timeout = 60
        @Option(
            help: """
                The memory of all requests and answers in MiB, 64 to 1048576. A request that finds \
                no room gets a ThrottlingException.
                """)
        var memory = 256
        @Option(help: "Another name or address of the server that requests may use; repeatable.")
        var allowHost: [String] = []
        @Option(
            help: """
                An origin whose pages may send requests, exactly as the browser sends it: scheme, \
                host and port; no path, no `*`. Repeatable.
                """)
        var allowOrigin: [String] = []
        @Flag(
            help: """
                Let the pages of all sites send requests, from any browser that reaches the \
                server.
                """)
        var allowAnyOrigin = false
        @Option(
            help: """
                A JSON file with tables and entities, as `stats --schema` prints it. Those that \
                the store lacks are added. Without this file, only the store's own schema names \
                the encrypted fields.
                """)
        var schema: String?
        @Flag(
            help: """
                Serve a new store in a temporary directory, in memory if possible. It is removed \
                when the program ends, also by SIGTERM, SIGINT or SIGHUP.
                """)
        var ephemeral = false
        @Option(
            help: """
                A JSON file with rules of faults: throttling, errors, latency, stale indexes, \
                unprocessed items, repeated records, streams of many shards. The document \
                DynamoDB.md has its format.
                """)
        var faults: String?
        @Flag(help: "Take unsigned requests from other machines.") var allowUnsigned = false
        @OptionGroup(title: "Another service") var alternator: AlternatorArguments
        @OptionGroup var keys: KeyFileArguments

        func validate() throws {
            guard (store == nil) == ephemeral else {
                throw ValidationError(
                    ephemeral
                        ? "--ephemeral makes a store of its own. Leave out the directory."
                        : "Name the store's directory, or give --ephemeral.")
            }
            guard (0...65_535).contains(port), (1...1_000_000).contains(connections),
                (1...3600).contains(timeout)
            else {
                throw ValidationError(
                    "A port is at most 65535, connections are 1 to 1000000, and a timeout 1 to 3600 "
                        + "seconds.")
            }
            guard (64...(1 << 20)).contains(memory) else {
                throw ValidationError("--memory is 64 to 1048576 mebibytes.")
            }
            guard port != 0 || alternator.node.isEmpty else {
                throw ValidationError(
                    "All nodes have one port, and --port 0 chooses one for each. Name a port.")
            }
            let addresses = [host] + alternator.otherNodes.map(\.address)
            guard Set(addresses).count == addresses.count else {
                throw ValidationError("Each --node has an address of its own, other than --host.")
            }
            try validateNames()
        }

        /// Refuses names that cannot occur in a request.
        private func validateNames() throws {
            guard AuthorizationHeader.isRegion(region) else {
                throw ValidationError(
                    "--region is 1 to 64 lowercase letters, digits, hyphens and underscores, as "
                        + "us-east-1.")
            }
            guard account.utf8.count == 12,
                account.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
            else {
                throw ValidationError("--account is 12 digits, as 000000000000.")
            }
            for host in allowHost where HostName(host) == nil {
                throw ValidationError(
                    "--allow-host is a name or an address, as db.example or 192.0.2.1: no scheme, "
                        + "no port, no brackets, no *.")
            }
            for origin in allowOrigin where WebOrigin(origin) == nil {
                throw ValidationError(
                    "--allow-origin is a scheme and a host, and a port if it is not the usual one, "
                        + "as https://a.example or http://localhost:3000: no path, no slash at the "
                        + "end, no *.")
            }
        }

        func run() async throws {
            let plan = try faults.map { try FaultPlan(file: $0) }
            let credentials = try Credentials(
                ProcessInfo.processInfo.environment, region: region)
            let isLocal =
                ["127.0.0.1", "::1", "localhost"].contains(host)
                && alternator.otherNodes.allSatisfy { HostName($0.address)?.isLoopback == true }
            guard isLocal || credentials != nil || allowUnsigned else {
                throw CodexError(
                    .invalidArgument,
                    "Any program that reaches the server could read and change everything. Set "
                        + "CODEXFLOW_ACCESS_KEY_ID and CODEXFLOW_SECRET_ACCESS_KEY, or give "
                        + "--allow-unsigned.")
            }
            let nodeCount = 1 + alternator.otherNodes.count
            try DescriptorLimit.raise(forConnections: connections * nodeCount)
            if let store {
                try await serve(store, plan, credentials) {}
            } else {
                try await serveEphemeral(plan, credentials)
            }
        }

        /// Serves a store that is removed at the end.
        private func serveEphemeral(
            _ plan: FaultPlan?, _ credentials: Credentials?
        ) async throws {
            let directory = EphemeralDirectory()
            let signals = EndingSignals { directory.remove() }
            defer { directory.remove() }
            try directory.make()
            try await serve(directory.store, plan, credentials) { signals.beginServing() }
        }

        private func serve(
            _ path: String, _ plan: FaultPlan?, _ credentials: Credentials?,
            onRunning: @escaping @Sendable () -> Void
        ) async throws {
            let opened = try open(path)
            defer { opened.close() }
            let service = DynamoDBService(
                opened, region: region, account: account, endpoint: "\(host):\(port)")
            let nodes = alternator.nodes(host)
            let endpoint = Endpoint(
                try alternator.responder(service, plan), credentials: credentials,
                rules: RequestRules(
                    boundTo: host, hosts: allowHost, origins: allowOrigin,
                    allowsAnyOrigin: allowAnyOrigin, servesNodes: nodes != nil),
                memory: MemoryBudget(limit: memory << 20), workers: WorkerPool(),
                timeout: .seconds(timeout), nodes: nodes)
            reportRisks(plan, isOpen: credentials == nil)
            try await DynamoDBServer(endpoint).run(
                host: host, port: port, connectionCountMax: connections, onRunning: onRunning)
        }

        /// Reports options that no server for real data has.
        private func reportRisks(_ plan: FaultPlan?, isOpen: Bool) {
            if alternator.service == .alternator {
                Console.report(
                    "--as alternator: a model of ScyllaDB's Alternator, built from its "
                        + "documentation")
            }
            if let plan, let faults {
                Console.report(
                    "\(faults): requests get faults by \(plan.rules.count) rules, seed "
                        + "\(plan.seed)")
            }
            if allowAnyOrigin, isOpen {
                Console.report(
                    "--allow-any-origin: a page of any site, in a browser that reaches the "
                        + "server, can read and change everything")
            }
        }

        private var storeOptions: StoreOptions {
            var options = StoreOptions()
            if ephemeral {
                // Nothing of the store outlives the program, and its log is in memory.
                options.durability = .none
                options.changeRetention.byteCount = 256 << 20
            }
            return options
        }

        private func open(_ path: String) throws -> Store {
            let options = storeOptions
            if let schema {
                return try keys.openReporting(
                    path, schema: try Schema(file: schema), options: options)
            }
            do throws(CodexError) {
                return try keys.openReporting(path, options: options)
            } catch  where error.code == .notFound {
                return try keys.openReporting(path, schema: Schema(tables: []), options: options)
            }
        }
    }
#endif
