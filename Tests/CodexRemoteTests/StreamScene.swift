#if Remote
    import CodexCore
    import CodexDynamoDB
    import CodexStore
    import CodexTesting
    import Foundation
    import TestSupport
    import Testing

    @testable import CodexRemote

    /// A model of a stream, a table with checkpoints and effects, and a clock.
    struct StreamScene {
        static let effects = TableDefinition(
            "effects", partitionKey: KeyAttribute("pk"), sortKey: KeyAttribute("sk"))

        let clock = FakeClock()
        let model: StreamModel
        let temporary: TemporaryStore
        var options = RemoteConsumerOptions()
        var filter = ChangeFilter.all
        var start = RemoteStreamStart.oldest

        init(
            shardCount: Int = 3, itemCount: Int = 12, seed: Int = 1, pageCount: Int = 7,
            emptyPercent: Int = 10
        ) throws {
            model = StreamModel(
                shardCount: shardCount, itemCount: itemCount, seed: UInt64(seed), clock: clock,
                pageCount: pageCount, emptyPercent: emptyPercent)
            // The processes that end are those of workers: the store's process goes on.
            temporary = try TemporaryStore(
                schema: Schema(tables: [Self.effects]), options: StoreOptions(durability: .none))
        }

        /// The network of a new process.
        func transport() -> MortalTransport {
            MortalTransport(
                StreamTransport(
                    model: model,
                    service: ServiceTransport(service: DynamoDBService(temporary.store))))
        }

        /// The consumer on a machine, whose clock may be another one.
        func consumer(
            _ transport: some HTTPTransport, at clock: FakeClock? = nil
        ) throws -> RemoteConsumer {
            var options = RemoteOptions()
            options.region = "us-east-1"
            options.credentials = StaticCredentials(accessKeyID: "KEY", secretAccessKey: "SECRET")
            options.transport = transport
            options.retries.attemptCountMax = 1
            var parts = RemoteClient.Parts()
            parts.clock = clock ?? self.clock
            parts.random = { 0 }
            parts.environment = [:]
            parts.read = { _ in nil }
            let client = try RemoteClient(options, parts)
            let stream = RemoteStream(
                RemoteTable(StreamModel.definition, client), arn: StreamModel.arn, view: .newImage)
            return try RemoteConsumer(
                "c", of: stream, in: RemoteTable(Self.effects, client), options: self.options)
        }

        /// A worker in a process of its own; it registers the consumer first.
        func worker(
            _ handler: ChangeHandler, _ transport: MortalTransport? = nil
        ) async throws -> SteppedWorker {
            let transport = transport ?? self.transport()
            let consumer = try consumer(transport)
            try await consumer.register(from: start, filter: filter)
            return SteppedWorker(transport, try await consumer.worker(handler))
        }

        /// Lets workers work until something is so.
        ///
        /// - Returns: Whether it came to be so.
        func work(
            _ workers: [SteppedWorker], until isDone: () throws -> Bool
        ) async throws -> Bool {
            for _ in 0..<400 {
                if try isDone() { return true }
                for worker in workers { try await worker.round() }
                clock.pass(.seconds(7))
            }
            return try isDone()
        }

        // MARK: Effects

        /// Appends the changes of each item to its log, in the transaction of the checkpoint.
        static let logging = ChangeHandler.transactional(batchCount: 4) { changes in
            var counts: [String: [AttributeValue]] = [:]
            for change in changes {
                let item = change.key.partition.string ?? ""
                counts[item, default: []].append(change.newImage?["n"] ?? .null)
            }
            return counts.map { item, numbers in
                let log = Update.Value.operand(
                    .listAppend(.ifNotExists("log", .value(.list([]))), .value(.list(numbers))))
                return WriteAction.update(
                    table: "effects", key: PrimaryKey(.string(item), "log"),
                    Update([.set("log", log)]))
            }
        }

        /// Which changes of an item the log has, in its order.
        func log(of item: Int) throws -> [Int] {
            let found = try temporary.store.item(
                in: "effects", key: PrimaryKey(.string("\(item)"), "log"))
            let numbers = found?["log"]?.list ?? []
            return numbers.compactMap { $0.number?.int64.map { Int($0) } }
        }

        /// Whether the log has at least as many changes as there were.
        func hasAll() throws -> Bool {
            for (item, count) in model.counts {
                let log = try log(of: item)
                if log.count < count { return false }
            }
            return true
        }

        /// Checks that the log has each change once, in the order of its item.
        func checkLog(_ comment: Comment) throws {
            for (item, count) in model.counts {
                let log = try log(of: item)
                #expect(log == Array(1...count), comment)
            }
        }
    }

    /// A worker whose steps a test chooses.
    final class SteppedWorker {
        let transport: MortalTransport
        let worker: StreamWorker
        private(set) var readers: [ShardReader] = []

        init(_ transport: MortalTransport, _ worker: StreamWorker) {
            self.transport = transport
            self.worker = worker
        }

        func survey() async throws {
            try await worker.survey { readers.append($0) }
        }

        /// Reads a page of one shard.
        @discardableResult
        func turn(_ place: Int) async throws -> ShardReader.Turn {
            var reader = readers[place]
            defer {
                if let place = readers.firstIndex(where: { $0.lease === reader.lease }) {
                    readers[place] = reader
                }
            }
            let turn = try await reader.turn()
            if turn == .finished || turn == .lost {
                worker.ended(reader.lease, turn)
                readers.remove(at: place)
            }
            return turn
        }

        /// A survey, and a page of each shard.
        func round() async throws {
            try await survey()
            for place in readers.indices.reversed() { try await turn(place) }
        }

        /// One of its steps.
        func step(_ random: inout SplitMix) async throws {
            if readers.isEmpty || random.chance(20) {
                try await survey()
            } else {
                try await turn(random.below(readers.count))
            }
        }
    }
#endif
