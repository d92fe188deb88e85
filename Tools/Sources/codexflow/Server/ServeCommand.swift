#if Server
    import ArgumentParser
    import CodexCore
    import CodexDynamoDB
    import CodexStore
    import Foundation
    import Hummingbird
    import HummingbirdCore
    import Logging
    import NIOCore
    import NIOPosix

    struct Serve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Serves a store by DynamoDB's HTTP API, to any AWS client.",
            discussion: """
                The store is made if it is not there, without tables. Other programs may have it open meanwhile.

                  codexflow serve data.codex
                  aws dynamodb list-tables --endpoint-url http://127.0.0.1:8000

                It listens on this machine only, and takes any credentials. With \
                CODEXFLOW_ACCESS_KEY_ID and CODEXFLOW_SECRET_ACCESS_KEY in its environment it takes \
                requests that are signed with those (Signature Version 4), and no others.
                """)

        @Argument(help: "The store's directory.") var store: String
        @Option(help: "The address to listen on.") var host = "127.0.0.1"
        @Option(help: "The port; 0 takes any that is free.") var port = 8000
        @Option(help: "The region that ARNs name.") var region = "us-east-1"
        @Option(help: "Most connections at a time; others wait.") var connections = 1000
        @Option(help: "Seconds after which a connection without a whole request is closed.")
        var timeout = 60
        @Flag(help: "Take unsigned requests from other machines.") var allowUnsigned = false

        func validate() throws {
            guard (0...65_535).contains(port), connections > 0, (1...3600).contains(timeout) else {
                throw ValidationError(
                    "A port is at most 65535, connections at least 1, and a timeout 1 to 3600 seconds."
                )
            }
        }

        func run() async throws {
            // Tasks run where their connection is: no change of threads for each step of a request.
            NIOSingletons.unsafeTryInstallSingletonPosixEventLoopGroupAsConcurrencyGlobalExecutor()
            let credentials = try Credentials(ProcessInfo.processInfo.environment)
            let isLocal = ["127.0.0.1", "::1", "localhost"].contains(host)
            guard isLocal || credentials != nil || allowUnsigned else {
                throw CodexError(
                    .invalidArgument,
                    "Whoever reaches \(host) could read and change everything. Set "
                        + "CODEXFLOW_ACCESS_KEY_ID and CODEXFLOW_SECRET_ACCESS_KEY, or say --allow-unsigned."
                )
            }
            let opened = try open()
            defer { opened.close() }
            var logger = Logger(label: "codexflow")
            logger.logLevel = .warning
            let application = DynamoDBServer(
                service: DynamoDBService(opened, region: region, endpoint: "\(host):\(port)"),
                credentials: credentials
            ).application(
                address: .hostname(host, port: port), connectionCountMax: connections,
                timeout: .seconds(Int64(timeout)), logger: logger)
            try await application.runService()
        }

        private func open() throws -> Store {
            do {
                return try Store(at: store)
            } catch  where error.code == .notFound {
                return try Store(at: store, schema: Schema(tables: []))
            }
        }
    }
#endif
