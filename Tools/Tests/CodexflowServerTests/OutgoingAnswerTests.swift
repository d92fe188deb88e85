#if Server
    import CodexDynamoDB
    import NIOCore
    import NIOEmbedded
    import Testing

    @testable import CodexflowServer

    /// Answers while clients take them.
    @Suite("Answers on their way")
    struct OutgoingAnswerTests {
        private let budget = MemoryBudget(limit: 64 << 20)

        private func request(_ byteCount: Int) -> ReceivedRequest {
            let memory = MemoryReservation(budget)
            _ = memory.grow(by: byteCount)
            return ReceivedRequest(
                AcceptedHead(target: nil, contentEncoding: nil, acceptsGzip: false), body: [],
                memory: memory)
        }

        @Test(
            "A part counts until all of it is written, and no longer",
            arguments: [
                [1 << 20], [65_536, 65_536, 65_537], [1, 32_768, 32_769, 0, 100_000], [0],
                [0, 7, 0],
            ])
        func parts(byteCounts: [Int]) {
            let parts = byteCounts.map { [UInt8](repeating: 1, count: $0) }
            let request = request(byteCounts.reduce(0, +))
            let outgoing = OutgoingAnswer(
                HTTPAnswer(DynamoDBResponse(status: 200, parts: parts), request), closes: false)
            var written = 0
            while let portion = outgoing.takePortion() {
                #expect((1...OutgoingAnswer.portionByteCount).contains(portion.readableBytes))
                written += portion.readableBytes
                var (left, end) = (0, 0)
                for count in byteCounts {
                    end += count
                    if end > written { left += count }
                }
                #expect(request.memory.byteCount == left)
                // It is known with the last portion, and not only after it.
                #expect(outgoing.isDone == (written == byteCounts.reduce(0, +)))
            }
            #expect(outgoing.isDone)
            #expect(written == byteCounts.reduce(0, +) && request.memory.byteCount == 0)
        }

        @Test("A refusal of the server is an error of the protocol's form")
        func refusals() {
            let refusal = RequestRefusal("AccessDeniedException", "a \"b\"", status: 403)
            #expect(
                refusal.response
                    == DynamoDBResponse.error("AccessDeniedException", "a \"b\"", status: 403))
            let refused = String(decoding: RequestRefusal.outOfMemory.response.body, as: UTF8.self)
            #expect(refused.contains("com.amazonaws.dynamodb.v20120810#ThrottlingException"))
            #expect(refused.contains(DynamoDBResponse.outOfMemoryMessage))
        }

        @Test("Connections take turns, with a pause before each for all else that is to be done")
        func turns() {
            let loop = EmbeddedEventLoop()
            let turns = WriteTurns.of(loop)
            #expect(WriteTurns.of(loop) === turns && WriteTurns.of(EmbeddedEventLoop()) !== turns)
            var written: [String] = []
            func write(_ name: String, _ count: Int) {
                turns.enqueue {
                    written.append("\(name)\(count)")
                    if count > 1 { write(name, count - 1) }
                }
            }
            write("a", 3)
            write("b", 2)
            write("c", 1)
            for turn in ["a3", "b2", "c1", "a2", "b1", "a1"] {
                // What is ready runs without a turn between.
                loop.run()
                #expect(written.isEmpty)
                loop.advanceTime(by: .microseconds(50))
                #expect(written == [turn])
                written = []
            }
            loop.advanceTime(by: .seconds(1))
            #expect(written.isEmpty)
        }
    }
#endif
