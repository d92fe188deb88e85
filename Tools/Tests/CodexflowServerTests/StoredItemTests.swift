#if Server
    import CodexCore
    import CodexDynamoDB
    import CodexStore
    import CodexTesting
    import NIOHTTP1
    import Testing

    @testable import CodexflowServer

    /// Stored items that take many times their size in memory, read by many at a time.
    @Suite("Large stored items")
    struct StoredItemTests {
        private let temporary: TemporaryStore
        private static let workers = WorkerPool(threadCount: 4)
        /// Each counts one byte, and takes 24 in memory and nine in JSON.
        private static let textCount = DynamoDBLimits.itemByteCountMax - 100

        init() async throws {
            temporary = try TemporaryStore(
                schema: Schema(tables: [TableDefinition("table", partitionKey: KeyAttribute("p"))]))
            let texts = [AttributeValue](repeating: .string(""), count: Self.textCount)
            let item: Item = ["p": "a", "d": .list(texts)]
            _ = try await temporary.store.write { try $0.put(item, in: "table") }
        }

        private func get(_ memory: MemoryBudget) async -> HTTPAnswer {
            let endpoint = Endpoint(
                DynamoDBService(temporary.store), credentials: nil,
                rules: RequestRules(boundTo: "127.0.0.1"), memory: memory, workers: Self.workers,
                timeout: .seconds(600))
            return await endpoint.answer(
                ReceivedRequest(
                    AcceptedHead(
                        target: "DynamoDB_20120810.GetItem", contentEncoding: nil,
                        acceptsGzip: false),
                    body: Array(#"{"TableName":"table","Key":{"p":{"S":"a"}}}"#.utf8),
                    memory: MemoryReservation(memory)), RequestClock(.seconds(600)))
        }

        @Test("An item that takes more memory than there is is refused", arguments: [4, 64])
        func memory(mebibytes: Int) async {
            let memory = MemoryBudget(limit: mebibytes << 20)
            let answer = await get(memory)
            #expect((answer.status == 200) == (mebibytes == 64))
            #expect(memory.usedByteCount <= answer.byteCount + (64 << 10))
        }

        @Test("Many that read it take no more than the memory, or are refused")
        func many() async {
            let memory = MemoryBudget(limit: 64 << 20)
            let answers = await withTaskGroup(of: HTTPAnswer.self) { group in
                for _ in 0..<24 { group.addTask { await get(memory) } }
                return await group.reduce(into: [HTTPAnswer]()) { $0.append($1) }
            }
            let taken = answers.filter { $0.status == 200 }
            // Three quarters are for large requests, and each answer has 3.7 MB.
            #expect(!taken.isEmpty && taken.count <= 13)
            #expect(answers.allSatisfy { $0.status == 200 || $0.status == 400 })
            #expect(memory.usedByteCount <= 48 << 20)
        }
    }
#endif
