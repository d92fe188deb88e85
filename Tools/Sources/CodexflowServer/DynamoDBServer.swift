#if Server
    import Foundation
    import Hummingbird
    import HummingbirdCore
    import Logging
    import NIOCore
    import NIOHTTP1
    import NIOPosix

    /// DynamoDB's API over HTTP: a POST to `/` is a request, a GET says that the server is there.
    ///
    /// Hummingbird accepts connections, as many as are allowed at a time, and ends them in order.
    /// What they carry is ``ConnectionHandler``'s.
    package struct DynamoDBServer: Sendable {
        private let endpoint: Endpoint

        /// Makes a server.
        package init(_ endpoint: Endpoint) { self.endpoint = endpoint }

        /// Serves until the process is told to end.
        ///
        /// - Parameters:
        ///   - host: The address to listen on.
        ///   - port: The port; 0 takes any that is free.
        ///   - connectionCountMax: Most connections at a time; others wait.
        /// - Throws: What listening at the address throws.
        package func run(host: String, port: Int, connectionCountMax: Int) async throws {
            // Tasks run where their connection is: no change of threads for each step of a request.
            NIOSingletons
                .unsafeTryInstallSingletonPosixEventLoopGroupAsConcurrencyGlobalExecutor()
            var logger = Logger(label: "codexflow")
            logger.logLevel = .warning
            try await application(host, port, connectionCountMax, logger).runService()
        }

        private func application(
            _ host: String, _ port: Int, _ connectionCountMax: Int, _ logger: Logger
        ) -> some ApplicationProtocol {
            let date = HTTPDate()
            return Application(
                // Nothing reaches it: the connections have a handler of their own.
                router: Router(context: BasicRequestContext.self),
                server: HTTPServerBuilder { [endpoint] _ in
                    ServedConnections(endpoint: endpoint, date: date)
                },
                configuration: .init(
                    address: .hostname(host, port: port),
                    availableConnectionsDelegate: MaximumAvailableConnections(connectionCountMax)),
                onServerRunning: { channel in
                    let address = channel.localAddress
                    let host = address?.ipAddress ?? ""
                    let line =
                        "serving DynamoDB on http://\(host.contains(":") ? "[\(host)]" : host):"
                        + "\(address?.port ?? 0)\n"
                    try? FileHandle.standardOutput.write(contentsOf: Data(line.utf8))
                },
                logger: logger)
        }
    }

    /// Connections, each with the handlers of HTTP and its own.
    struct ServedConnections: ServerChildChannel {
        let endpoint: Endpoint
        let date: HTTPDate
        /// What answers requests; `nil` is the endpoint.
        var responder: ConnectionHandler.Responder?

        /// A connection.
        struct Value: ServerChildChannelValue {
            let channel: any Channel
        }

        /// Headers of a request: those of AWS's clients have some kilobytes.
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

        /// Gives a connection its limits and handlers.
        func prepare(_ channel: any Channel) throws {
            try Self.limitBuffers(channel)
            try Self.addHandlers(to: channel, endpoint, date, responder)
        }

        /// Limits what a connection has in memory before a request asks for any.
        ///
        /// With a thousand connections that is some 100 MB at most.
        private static func limitBuffers(_ channel: any Channel) throws {
            let options = channel.syncOptions
            try options?.setOption(ChannelOptions.maxMessagesPerRead, value: 1)
            // A client that closes its side is gone: its request is not worked on any more.
            try options?.setOption(ChannelOptions.allowRemoteHalfClosure, value: false)
            try options?.setOption(
                ChannelOptions.recvAllocator,
                value: AdaptiveRecvByteBufferAllocator(
                    minimum: 1024, initial: 2048, maximum: 32 << 10))
            try options?.setOption(
                ChannelOptions.writeBufferWaterMark,
                value: ChannelOptions.Types.WriteBufferWaterMark(low: 16 << 10, high: 32 << 10))
        }

        /// Adds the handlers of HTTP, and the connection's.
        static func addHandlers(
            to channel: any Channel, _ endpoint: Endpoint, _ date: HTTPDate,
            _ responder: ConnectionHandler.Responder? = nil
        ) throws {
            let pipeline = channel.pipeline.syncOperations
            let gate = InputGate()
            try pipeline.addHandler(gate)
            try pipeline.configureHTTPServerPipeline(
                // It is added below, behind its limit.
                withPipeliningAssistance: false,
                // The connection's handler answers what is no HTTP.
                withErrorHandling: false,
                // The headers of answers are the server's own.
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
