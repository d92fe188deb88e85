#if Remote
    import Foundation
    import NIOCore
    import NIOPosix
    import Testing

    @testable import CodexRemote

    /// Answers that stop before their end, over a socket of this machine.
    @Suite("Deadlines of answers")
    struct TransportDeadlineTests {
        /// Sends the same bytes for each part of a request, and keeps the connection.
        private final class Answering: ChannelInboundHandler, Sendable {
            typealias InboundIn = ByteBuffer
            typealias OutboundOut = ByteBuffer

            private let answer: String

            init(_ answer: String) { self.answer = answer }

            func channelRead(context: ChannelHandlerContext, data: NIOAny) {
                let bytes = ByteBuffer(string: answer)
                context.writeAndFlush(Self.wrapOutboundOut(bytes), promise: nil)
            }
        }

        private static let head = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"

        /// Sends a request to a server with one answer, over a transport that waits for each byte.
        private static func send(
            answer: String, within time: Duration
        ) async throws -> TransportResponse {
            let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(Answering(answer))
                    }
                }
                .bind(host: "127.0.0.1", port: 0).get()
            let port = try #require(server.localAddress?.port)
            let transport = AsyncHTTPTransport(readTimeout: .seconds(3600))
            let request = TransportRequest(
                method: "GET", url: "http://127.0.0.1:\(port)/", timeout: time,
                responseByteCountMax: 100)
            let result: Result<TransportResponse, any Error>
            do {
                result = .success(try await transport.send(request))
            } catch {
                result = .failure(error)
            }
            await transport.close()
            try await server.close()
            return try result.get()
        }

        @Test("A whole answer is one")
        func whole() async throws {
            let answer = Self.head + "0123456789"
            let response = try await Self.send(answer: answer, within: .seconds(60))
            #expect(response.status == 200 && response.body == Array("0123456789".utf8))
        }

        @Test(
            "An answer whose rest does not come ends at the deadline of the request",
            .timeLimit(.minutes(1)), arguments: ["", "01234"])
        func stalled(part: String) async throws {
            do {
                _ = try await Self.send(answer: Self.head + part, within: .milliseconds(300))
                Issue.record("The answer has no end.")
            } catch let failure as TransportFailure {
                #expect(failure.kind == .timedOut)
            }
        }

        @Test("A task that is cancelled while the rest is missing ends", .timeLimit(.minutes(1)))
        func cancelled() async throws {
            let task = Task {
                try await Self.send(answer: Self.head + "01234", within: .seconds(3600))
            }
            task.cancel()
            let result = await task.result
            #expect(throws: CancellationError.self) { try result.get() }
        }
    }
#endif
