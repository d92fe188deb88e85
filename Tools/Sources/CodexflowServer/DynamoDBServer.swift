#if Server
    import Foundation
    import Hummingbird
    import HummingbirdCore
    import Logging
    import NIOCore
    import NIOHTTP1
    import NIOPosix

    /// DynamoDB's API over HTTP: a POST to `/` is a request, and a GET checks that the server runs.
    ///
    /// Hummingbird accepts connections up to the permitted number, and closes them in order.
    /// ``ConnectionHandler`` handles their content.
    package struct DynamoDBServer: Sendable {
        private let endpoint: Endpoint

        /// Creates a server.
        package init(_ endpoint: Endpoint) { self.endpoint = endpoint }

        /// Serves until the process is told to end.
        ///
        /// The nodes of a model of Alternator have one port, at an address each.
        ///
        /// - Parameters:
        ///   - host: The address to listen on.
        ///   - port: The port; 0 takes any free one, unless there are several nodes.
        ///   - connectionCountMax: The most connections of a node at a time; others wait.
        ///   - onRunning: Called when the server accepts connections, before it prints its address.
        ///     From then on, `SIGTERM` and `SIGINT` end it in order.
        /// - Throws: The errors of listening at the address.
        package func run(
            host: String, port: Int, connectionCountMax: Int,
            onRunning: @escaping @Sendable () -> Void = {}
        ) async throws {
            // Tasks run on their connection's event loop, so that a request's steps change no
            // threads.
            NIOSingletons
                .unsafeTryInstallSingletonPosixEventLoopGroupAsConcurrencyGlobalExecutor()
            var logger = Logger(label: "codexflow")
            logger.logLevel = .warning
            let listener = Listener(
                port: port, connectionCountMax: connectionCountMax, logger: logger)
            var application = listener.application(host, endpoint) { channel in
                onRunning()
                let address = channel.localAddress
                let host = address?.ipAddress ?? ""
                let line =
                    "serving DynamoDB on http://\(host.contains(":") ? "[\(host)]" : host):"
                    + "\(address?.port ?? 0)\n"
                try? FileHandle.standardOutput.write(contentsOf: Data(line.utf8))
            }
            let others = (endpoint.nodes?.all ?? []).filter { $0 != endpoint.nodes?.own }
            let (running, feed) = AsyncStream<Void>.makeStream()
            for node in others {
                application.addServices(
                    listener.application(node.address, endpoint.answering(as: node)) { _ in
                        feed.yield()
                    })
            }
            // The first node says that it runs when all of them do.
            let count = others.count
            application.beforeServerStarts {
                var nodes = running.makeAsyncIterator()
                for _ in 0..<count { _ = await nodes.next() }
            }
            try await application.runService()
        }
    }

    /// What the listeners of all nodes have in common.
    private struct Listener {
        let port: Int
        let connectionCountMax: Int
        let logger: Logger
        let date = HTTPDate()

        /// A listener at an address.
        func application(
            _ host: String, _ endpoint: Endpoint,
            onRunning: @escaping @Sendable (any Channel) -> Void
        ) -> Application<RouterResponder<BasicRequestContext>> {
            Application(
                // No request reaches the router: the connections have their own handler.
                router: Router(context: BasicRequestContext.self),
                server: HTTPServerBuilder { [date] _ in
                    ServedConnections(endpoint: endpoint, date: date)
                },
                configuration: .init(
                    address: .hostname(host, port: port),
                    availableConnectionsDelegate: MaximumAvailableConnections(connectionCountMax)),
                onServerRunning: { onRunning($0) }, logger: logger)
        }
    }

    /// Connections with the HTTP handlers and the connection's handler.
    struct ServedConnections: ServerChildChannel {
        let endpoint: Endpoint
        let date: HTTPDate
        /// The function that answers requests; `nil` is the endpoint.
        var responder: ConnectionHandler.Responder?

        /// A connection.
        struct Value: ServerChildChannelValue {
            let channel: any Channel
        }

        /// The limits of what the parser keeps of a request's head.
        ///
        /// The limit of the head itself is ``RequestRules/headByteCountMax``. The parser keeps at
        /// most 80 KiB of a request line.
        private static var limits: NIOHTTPDecoderLimitConfiguration {
            var limits = NIOHTTPDecoderLimitConfiguration()
            limits.maxHeaderFieldSize = 16 << 10
            limits.maxHeaderListSize = 32 << 10
            limits.maxHeaderFieldCount = 100
            return limits
        }

        func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
            channel.eventLoop.makeCompletedFuture {
                try prepare(channel)
                return Value(channel: channel)
            }
        }

        /// Sets the limits of a connection, and adds its handlers.
        func prepare(_ channel: any Channel) throws {
            try Self.limitBuffers(channel)
            try Self.addHandlers(to: channel, endpoint, date, responder)
        }

        /// Limits the memory of a connection before a request reserves any.
        ///
        /// A thousand connections use at most some 100 MB.
        private static func limitBuffers(_ channel: any Channel) throws {
            let options = channel.syncOptions
            try options?.setOption(ChannelOptions.maxMessagesPerRead, value: 1)
            // A client that closes its side is gone, and its request is abandoned.
            try options?.setOption(ChannelOptions.allowRemoteHalfClosure, value: false)
            try options?.setOption(
                ChannelOptions.recvAllocator,
                value: AdaptiveRecvByteBufferAllocator(
                    minimum: 1024, initial: 2048, maximum: 32 << 10))
            try options?.setOption(
                ChannelOptions.writeBufferWaterMark,
                value: ChannelOptions.Types.WriteBufferWaterMark(low: 16 << 10, high: 32 << 10))
        }

        /// Adds the HTTP handlers, and the connection's handler.
        static func addHandlers(
            to channel: any Channel, _ endpoint: Endpoint, _ date: HTTPDate,
            _ responder: ConnectionHandler.Responder? = nil
        ) throws {
            let pipeline = channel.pipeline.syncOperations
            let gate = InputGate()
            try pipeline.addHandler(gate)
            try pipeline.configureHTTPServerPipeline(
                // The pipeline handler is added below, after its limit.
                withPipeliningAssistance: false,
                // The connection's handler answers input that is not HTTP.
                withErrorHandling: false,
                // The server creates the headers of answers itself.
                withOutboundHeaderValidation: false,
                withEncoderConfiguration: .init(), withDecoderLimitConfiguration: limits)
            try pipeline.addHandler(PipelineLimit())
            try pipeline.addHandler(HTTPServerPipelineHandler())
            try pipeline.addHandler(ConnectionHandler(endpoint, date, gate, responder))
        }

        func handle(value: Value, logger: Logger) async {
            try? await value.channel.closeFuture.get()
        }
    }
#endif
