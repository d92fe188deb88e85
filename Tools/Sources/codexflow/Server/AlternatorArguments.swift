#if Server
    import ArgumentParser
    import CodexDynamoDB
    import CodexDynamoDBFaults
    import CodexflowServer

    /// The service that `codexflow serve` is.
    enum ServedService: String, CaseIterable, ExpressibleByArgument {
        case dynamodb, alternator
    }

    /// The options of `codexflow serve --as alternator`.
    struct AlternatorArguments: ParsableArguments {
        @Option(
            name: .customLong("as"),
            help: """
                The service that answers: dynamodb, or alternator, a model of ScyllaDB's \
                Alternator, built from its documentation. The document DynamoDB.md has what it \
                refuses and delays.
                """)
        var service = ServedService.dynamodb
        @Option(
            help: """
                With --as alternator: another node, as 127.0.0.2 or 127.0.0.2,DATACENTER,RACK. The \
                server listens there too, at the same port, and GET /localnodes lists it. \
                Repeatable. The first node is --host, in datacenter1 and rack1.
                """)
        var node: [String] = []
        @Option(
            help: """
                With --as alternator: the age of global indexes in milliseconds, 0 to 10000; 500 \
                without it.
                """)
        var indexLag: Int?
        @Option(
            help: """
                With --as alternator: the milliseconds after which a change appears in a stream, 0 \
                to 60000; 10000 without it.
                """)
        var streamDelay: Int?
        @Option(help: "With --as alternator: the shards of a stream, 1 to 4096; 256 without it.")
        var streamShards: Int?

        /// The most nodes beside the first one.
        private static let nodeCountMax = 99

        func validate() throws {
            let isUsed =
                !node.isEmpty || indexLag != nil || streamDelay != nil || streamShards != nil
            guard service == .alternator || !isUsed else {
                throw ValidationError(
                    "--node, --index-lag, --stream-delay and --stream-shards need --as alternator.")
            }
            guard (0...10_000).contains(indexLag ?? 0), (0...60_000).contains(streamDelay ?? 0),
                (1...4096).contains(streamShards ?? 1)
            else {
                throw ValidationError(
                    "--index-lag is 0 to 10000, --stream-delay 0 to 60000, and --stream-shards 1 "
                        + "to 4096.")
            }
            guard node.count <= Self.nodeCountMax else {
                throw ValidationError("--node is given at most \(Self.nodeCountMax) times.")
            }
            for text in node where ServedNodes.Node(parsing: text) == nil {
                throw ValidationError(
                    "--node is an address, perhaps with a data center and a rack after commas, as "
                        + "127.0.0.2,datacenter1,rack2: no port, no brackets.")
            }
        }

        /// The nodes beside the first one.
        var otherNodes: [ServedNodes.Node] {
            node.compactMap { ServedNodes.Node(parsing: $0) }
        }

        /// The nodes of which the first one is at an address; `nil` for DynamoDB.
        func nodes(_ host: String) -> ServedNodes? {
            guard service == .alternator else { return nil }
            return ServedNodes(ServedNodes.Node(host), others: otherNodes)
        }

        /// The service with its faults, or the model over it.
        ///
        /// - Parameters:
        ///   - service: The service.
        ///   - plan: The faults; `nil` is none.
        /// - Returns: What answers the requests.
        /// - Throws: ``CodexError/Code/invalidArgument`` for a wrong plan.
        func responder(
            _ service: DynamoDBService, _ plan: FaultPlan?
        ) throws -> any DynamoDBResponder {
            guard self.service == .alternator else {
                return try plan.map { try FaultyDynamoDBService(service, plan: $0) } ?? service
            }
            var options = AlternatorModel.Options()
            if let indexLag { options.indexLag = .milliseconds(indexLag) }
            if let streamDelay { options.streamDelay = .milliseconds(streamDelay) }
            if let streamShards { options.streamShardCount = streamShards }
            return try AlternatorModel(
                service, options: options, plan: plan ?? FaultPlan(rules: []))
        }
    }
#endif
