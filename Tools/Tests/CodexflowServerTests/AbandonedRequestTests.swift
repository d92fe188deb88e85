#if Server
    import CodexCore
    import CodexDynamoDB
    import CodexStore
    import CodexTesting
    import NIOCore
    import NIOPosix
    import Testing

    @testable import CodexflowServer

    /// A request whose client goes while it is answered, over a socket of this machine.
    @Suite("Abandoned requests")
    struct AbandonedRequestTests {
        private let temporary: TemporaryStore
        private static let workers = WorkerPool(threadCount: 1)
        private static let request =
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.0\r\n"
            + "X-Amz-Target: DynamoDB_20120810.ListTables\r\nContent-Length: 2\r\n\r\n{}"

        init() throws {
            temporary = try TemporaryStore(schema: Schema(tables: []))
        }

        /// Listens, and tells of each connection that it accepts.
        private func listen(
            _ accepted: AsyncStream<any Channel>.Continuation,
            _ responder: @escaping ConnectionHandler.Responder
        ) async throws -> any Channel {
            let endpoint = Endpoint(
                DynamoDBService(temporary.store), credentials: nil,
                rules: RequestRules(boundTo: "127.0.0.1"), memory: MemoryBudget(limit: 1 << 20),
                workers: Self.workers, timeout: .seconds(600))
            let connections = ServedConnections(
                endpoint: endpoint, date: HTTPDate(), responder: responder)
            return try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                // As Hummingbird has it.
                .childChannelOption(ChannelOptions.allowRemoteHalfClosure, value: true)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try connections.prepare(channel)
                        accepted.yield(channel)
                        return
                    }
                }
                .bind(host: "127.0.0.1", port: 0).get()
        }

        /// The first element of a stream that has one.
        private func first<E: Sendable>(_ stream: AsyncStream<E>) async throws -> E {
            let first = await stream.first { _ in true }
            return try #require(first)
        }

        @Test(
            "A request's time is over when its client closes its connection, or its side of it",
            .timeLimit(.minutes(30)), arguments: [CloseMode.all, .output])
        func closed(mode: CloseMode) async throws {
            let (clocks, started) = AsyncStream<RequestClock>.makeStream()
            let (channels, accepted) = AsyncStream<any Channel>.makeStream()
            let (end, ending) = AsyncStream<Void>.makeStream()
            let server = try await listen(accepted) { _, clock in
                started.yield(clock)
                // The answer is made until the test ends it.
                for await _ in end {}
                return .health(nil)
            }
            let client = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(to: try #require(server.localAddress)).get()
            try await client.writeAndFlush(ByteBuffer(string: Self.request))
            let clock = try await first(clocks)
            #expect(!clock.isOver)
            try await client.close(mode: mode)
            try await first(channels).closeFuture.get()
            #expect(clock.isOver)
            ending.finish()
            try await server.close()
        }
    }
#endif
