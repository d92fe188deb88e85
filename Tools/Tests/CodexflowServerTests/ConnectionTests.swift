#if Server
    import CodexCore
    import CodexDynamoDB
    import CodexStore
    import CodexTesting
    import Foundation
    import NIOCore
    import NIOEmbedded
    import NIOHTTP1
    import Testing

    @testable import CodexflowServer

    /// A connection's handlers, without a socket: what they refuse, and when they end it.
    @Suite("Connections")
    struct ConnectionTests {
        private let temporary: TemporaryStore
        private let memory = MemoryBudget(limit: 1 << 20)
        private static let workers = WorkerPool(threadCount: 1)

        init() throws {
            temporary = try TemporaryStore(schema: Schema(tables: []))
        }

        private func connection(_ credentials: Credentials? = nil) throws -> EmbeddedChannel {
            let endpoint = Endpoint(
                DynamoDBService(temporary.store), credentials: credentials,
                rules: RequestRules(boundTo: "127.0.0.1"), memory: memory,
                workers: Self.workers, timeout: .seconds(10))
            let channel = EmbeddedChannel()
            try ServedConnections.addHandlers(to: channel, endpoint, HTTPDate())
            try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 8000)).wait()
            return channel
        }

        private func send(_ text: String, _ channel: EmbeddedChannel) throws {
            try channel.writeInbound(ByteBuffer(string: text))
        }

        /// What was written since the last call.
        private func written(_ channel: EmbeddedChannel) throws -> String {
            var text = ""
            while let part = try channel.readOutbound(as: ByteBuffer.self) {
                text += String(buffer: part)
            }
            return text
        }

        private static let post =
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.0\r\n"

        @Test("A GET is answered, and the connection goes on")
        func health() throws {
            let channel = try connection()
            for _ in 0..<2 {
                try send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", channel)
                let answer = try written(channel)
                #expect(answer.hasPrefix("HTTP/1.1 200") && answer.contains("healthy"))
                #expect(answer.contains("date: ") && !answer.contains("connection: close"))
            }
            #expect(channel.isActive)
        }

        @Test("A connection of HTTP/1.0 ends with the answer")
        func oldHTTP() throws {
            let channel = try connection()
            try send(
                "GET / HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n", channel)
            let answer = try written(channel)
            #expect(answer.contains(" 200 ") && answer.contains("connection: close"))
            #expect(!channel.isActive)
        }

        @Test("Chunks that are none are answered with 400, and what follows is dropped")
        func chunks() throws {
            let channel = try connection()
            try send(Self.post + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", channel)
            #expect(try written(channel).isEmpty)
            try send("zz\r\n", channel)
            let answer = try written(channel)
            #expect(answer.hasPrefix("HTTP/1.1 400") && answer.contains("SerializationException"))
            #expect(!channel.isActive)
        }

        @Test(
            "What follows the last request is dropped before it is kept",
            arguments: [
                "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: a\r\n\r\n",
                "CONNECT a HTTP/1.1\r\nHost: localhost\r\n\r\n",
                "GET / HTTP/3.1\r\nHost: localhost\r\n\r\n",
                "GET / HTTP/1.0\r\nHost: localhost\r\n\r\n",
                "no HTTP\r\n\r\n",
            ])
        func flood(request: String) throws {
            let channel = try connection()
            let gate = try channel.pipeline.syncOperations.handler(type: InputGate.self)
            try send(request, channel)
            #expect(try written(channel).hasPrefix("HTTP/1.1 "))
            #expect(gate.isClosed)
        }

        @Test("A gate that is closed keeps nothing, and one that is not, nothing back")
        func gate() throws {
            let gate = InputGate()
            let channel = EmbeddedChannel(handler: gate)
            let part = ByteBuffer(repeating: 0x61, count: 1000)
            try channel.writeInbound(part)
            #expect(try channel.readInbound(as: ByteBuffer.self) == part)
            gate.close()
            try channel.writeInbound(part)
            #expect(try channel.readInbound(as: ByteBuffer.self) == nil)
        }

        @Test("A body in tiny chunks costs what it sends, and is refused past that")
        func tinyChunks() throws {
            let channel = try connection()
            try send(Self.post + "Transfer-Encoding: chunked\r\n\r\n", channel)
            let count = RequestRules.bodyByteCountMax / RequestBody.partByteCountMin
            let many = String(repeating: "1\r\n \r\n", count: 1024)
            for _ in 0..<(count / 1024) { try send(many, channel) }
            #expect(try written(channel).isEmpty)
            try send(String(repeating: "1\r\n \r\n", count: 2), channel)
            #expect(try written(channel).hasPrefix("HTTP/1.1 413"))
        }

        @Test("Without a signature a body is not waited for")
        func unsigned() throws {
            let channel = try connection(
                Credentials(accessKeyID: "a", secretKey: "b", region: "us-east-1"))
            try send(Self.post + "Content-Length: 1000000\r\n\r\n", channel)
            let answer = try written(channel)
            #expect(answer.contains("MissingAuthenticationTokenException"))
            #expect(!channel.isActive && memory.usedByteCount == 0)
        }

        @Test("A client that waits to be told to go on is told so, or refused")
        func expectations() throws {
            let channel = try connection()
            try send(Self.post + "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n", channel)
            #expect(try written(channel).hasPrefix("HTTP/1.1 100"))
            let other = try connection()
            try send(
                "POST / HTTP/1.1\r\nHost: a.example\r\nExpect: 100-continue\r\n"
                    + "Content-Length: 2\r\n\r\n", other)
            #expect(try written(other).hasPrefix("HTTP/1.1 403"))
        }

        @Test("A body waits for memory, and goes on once there is some")
        func waiting() throws {
            let channel = try connection()
            let other = MemoryReservation(memory)
            #expect(other.grow(by: 3 << 18))
            let body = String(repeating: " ", count: 1 << 17)
            try send(Self.post + "Content-Length: \(body.utf8.count + 1)\r\n\r\n\(body)", channel)
            #expect(memory.usedByteCount == 3 << 18)
            other.shrink(by: 1 << 18)
            channel.embeddedEventLoop.advanceTime(by: .milliseconds(20))
            #expect(memory.usedByteCount == 2 << 18 + 1 << 17)
            #expect(try written(channel).isEmpty && channel.isActive)
        }

        @Test("A body for which there is no memory for a second is refused")
        func refused() throws {
            let channel = try connection()
            let other = MemoryReservation(memory)
            #expect(other.grow(by: 3 << 18))
            let body = String(repeating: " ", count: 1 << 17)
            try send(Self.post + "Content-Length: \(body.utf8.count + 1)\r\n\r\n\(body)", channel)
            channel.embeddedEventLoop.advanceTime(by: .milliseconds(980))
            #expect(try written(channel).isEmpty)
            channel.embeddedEventLoop.advanceTime(by: .milliseconds(20))
            let answer = try written(channel)
            #expect(answer.hasPrefix("HTTP/1.1 400") && answer.contains("ThrottlingException"))
            #expect(memory.usedByteCount == 3 << 18)
        }

        @Test("A request that does not arrive in time ends the connection, whatever trickles in")
        func deadline() throws {
            let channel = try connection()
            try send(Self.post + "Content-Length: 100\r\n\r\n", channel)
            for _ in 0..<9 {
                channel.embeddedEventLoop.advanceTime(by: .seconds(1))
                try send("{", channel)
            }
            #expect(channel.isActive)
            channel.embeddedEventLoop.advanceTime(by: .seconds(1))
            #expect(!channel.isActive)
        }

        @Test("A connection without requests ends in time, one that is used goes on")
        func idle() throws {
            let channel = try connection()
            for _ in 0..<3 {
                channel.embeddedEventLoop.advanceTime(by: .seconds(9))
                try send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", channel)
            }
            #expect(channel.isActive)
            channel.embeddedEventLoop.advanceTime(by: .seconds(10))
            #expect(!channel.isActive)
        }

        @Test(
            "Requests that wait for an answer are few: one more ends the connection",
            arguments: [-1, 0, 1])
        func pipelined(difference: Int) throws {
            let channel = try connection()
            let other = MemoryReservation(memory)
            #expect(other.grow(by: 3 << 18))
            // The first waits for memory, and the others for its answer.
            let body = String(repeating: " ", count: 1 << 17)
            try send(Self.post + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)", channel)
            let count = PipelineLimit.unansweredCountMax - 1 + difference
            let get = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
            try send(String(repeating: get, count: count), channel)
            #expect(channel.isActive == (difference <= 0))
        }

        @Test("Requests that are answered at once are as many as they like")
        func pipelinedAndAnswered() throws {
            let channel = try connection()
            let get = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
            try send(String(repeating: get, count: 100), channel)
            #expect(try written(channel).components(separatedBy: "HTTP/1.1 200").count == 101)
            #expect(channel.isActive)
        }

        @Test("A HEAD is refused without a body")
        func head() throws {
            let channel = try connection()
            try send("HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n", channel)
            let answer = try written(channel)
            #expect(answer.hasPrefix("HTTP/1.1 405") && answer.hasSuffix("\r\n\r\n"))
        }

        @Test("An answer ends with its last portion, though the client has to take it first")
        func lastPortion() throws {
            let channel = try connection()
            // The head and the body fill what the connection may have in memory.
            try channel.pipeline.syncOperations.addHandler(FullBuffer(after: 2), position: .first)
            let turns = WriteTurns.of(channel.embeddedEventLoop)
            for _ in 0..<10 { turns.enqueue {} }
            try send("GET / HTTP/1.0\r\nHost: localhost\r\n\r\n", channel)
            let answer = try written(channel)
            #expect(!channel.isWritable && answer.contains("healthy"))
            // The connection is closed after the end of the answer.
            #expect(!channel.isActive)
        }

        @Test("An answer waits for a client that has not taken its head")
        func fullBuffer() throws {
            let channel = try connection()
            try channel.pipeline.syncOperations.addHandler(FullBuffer(after: 1), position: .first)
            try send("GET / HTTP/1.0\r\nHost: localhost\r\n\r\n", channel)
            let head = try written(channel)
            #expect(head.hasPrefix("HTTP/1.1 200") && !head.contains("healthy"))
            #expect(channel.isActive)
            channel.isWritable = true
            channel.pipeline.fireChannelWritabilityChanged()
            channel.embeddedEventLoop.advanceTime(by: .microseconds(50))
            #expect(try written(channel).contains("healthy"))
            #expect(!channel.isActive)
        }

        @Test("A connection stays open until the client has taken the end of its answer")
        func lateClient() throws {
            let channel = try connection()
            let client = LateClient()
            try channel.pipeline.syncOperations.addHandler(client, position: .first)
            try send("GET / HTTP/1.0\r\nHost: localhost\r\n\r\n", channel)
            channel.embeddedEventLoop.advanceTime(by: .seconds(2))
            #expect(channel.isActive)
            client.take()
            #expect(try written(channel).contains("healthy"))
            channel.embeddedEventLoop.advanceTime(by: .seconds(2))
            #expect(!channel.isActive)
        }

        // MARK: In place

        private static func request(_ operation: String, _ body: String) -> String {
            post + "X-Amz-Target: DynamoDB_20120810.\(operation)\r\n"
                + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
        }

        private static let get = request(
            "GetItem", #"{"TableName":"table","Key":{"p":{"S":"a"}}}"#)

        /// Makes a table with an item.
        private func makeItem() async {
            let service = DynamoDBService(temporary.store)
            for (operation, body) in [
                (
                    "CreateTable",
                    """
                    {"TableName":"table","BillingMode":"PAY_PER_REQUEST",
                    "KeySchema":[{"AttributeName":"p","KeyType":"HASH"}],
                    "AttributeDefinitions":[{"AttributeName":"p","AttributeType":"S"}]}
                    """
                ),
                ("PutItem", #"{"TableName":"table","Item":{"p":{"S":"a"},"n":{"N":"17"}}}"#),
            ] {
                let response = await service.response(
                    target: "DynamoDB_20120810." + operation, body: Array(body.utf8))
                #expect(response.status == 200)
            }
        }

        private func answerCount(_ channel: EmbeddedChannel) throws -> Int {
            try written(channel).components(separatedBy: #""n":{"N":"17"}"#).count - 1
        }

        @Test("A read of a small item is answered while it arrives, the next of its turn is not")
        func inPlace() async throws {
            await makeItem()
            // The channel stays on this thread: nothing is waited for from here on.
            let channel = try connection()
            for _ in 0..<3 {
                try send(Self.get, channel)
                #expect(try answerCount(channel) == 1)
            }
            try send(Self.get + Self.get, channel)
            #expect(try answerCount(channel) == 1)
            channel.embeddedEventLoop.run()
            #expect(try answerCount(channel) == 1)
            #expect(channel.isActive && memory.usedByteCount == 0)
        }

        @Test("A refusal is made in a task, and the connection goes on")
        func refusedInTask() async throws {
            await makeItem()
            let channel = try connection()
            try send(Self.request("GetItem", #"{"TableName":"table"}"#), channel)
            #expect(try written(channel).isEmpty)
            channel.embeddedEventLoop.run()
            #expect(try written(channel).contains("ValidationException"))
            try send(Self.get, channel)
            #expect(try answerCount(channel) == 1)
        }

        @Test("An abandoned request has no time left")
        func gone() {
            let clock = RequestClock(.seconds(1000))
            #expect(!clock.isOver)
            clock.abandon()
            #expect(clock.isOver)
        }

        @Test("The date is as HTTP writes it")
        func date() {
            #expect(HTTPDate.text(784_111_777) == "Sun, 06 Nov 1994 08:49:37 GMT")
            #expect(HTTPDate.text(0) == "Thu, 01 Jan 1970 00:00:00 GMT")
        }
    }

    /// Makes a channel unwritable with one of its writes, as a client does that takes no more.
    private final class FullBuffer: ChannelOutboundHandler {
        typealias OutboundIn = IOData
        typealias OutboundOut = IOData

        private var writeCount: Int

        init(after writeCount: Int) { self.writeCount = writeCount }

        func write(
            context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?
        ) {
            writeCount -= 1
            if writeCount == 0, let channel = context.channel as? EmbeddedChannel {
                channel.isWritable = false
            }
            context.write(data, promise: promise)
        }
    }

    /// Keeps what is written until the client takes it.
    private final class LateClient: ChannelOutboundHandler {
        typealias OutboundIn = IOData
        typealias OutboundOut = IOData

        private var held: [(data: NIOAny, promise: EventLoopPromise<Void>?)] = []
        private var context: ChannelHandlerContext?

        func handlerAdded(context: ChannelHandlerContext) { self.context = context }

        func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

        func write(
            context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?
        ) {
            held.append((data, promise))
        }

        func flush(context: ChannelHandlerContext) {}

        func take() {
            guard let context else { return }
            for (data, promise) in held { context.write(data, promise: promise) }
            held = []
            context.flush()
        }
    }
#endif
