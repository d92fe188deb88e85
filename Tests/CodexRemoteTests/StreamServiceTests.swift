#if Remote
    import CodexCore
    import CodexDynamoDB
    import CodexStore
    import CodexTesting
    import Foundation
    import Synchronization
    import TestSupport
    import Testing

    @testable import CodexRemote

    /// Consumers of a stream of the protocol's service in this process.
    @Suite("Consumers of a service's stream")
    struct StreamServiceTests {
        private static let definition = TableDefinition(
            "notes", partitionKey: KeyAttribute("pk"), sortKey: KeyAttribute("sk"))

        private let temporary: TemporaryStore
        private let table: RemoteTable

        init() throws {
            temporary = try TemporaryStore(schema: Schema(tables: []))
            let options = RemoteOptions.through(
                ServiceTransport(service: DynamoDBService(temporary.store)))
            table = RemoteTable(Self.definition, try RemoteClient(options))
        }

        /// The table, created, with its stream.
        private func stream() async throws -> RemoteStream {
            try await table.create(
                hasStream: true, accepting: Set(RemoteTableDesign.Omission.Reason.allCases))
            return try await table.stream()
        }

        private static func note(_ number: Int, _ count: Int) -> Item {
            [
                "pk": .string("NOTE#\(number)"), "sk": "note", "n": .number(Number(count)),
            ]
        }

        /// Adds the numbers of changed notes, in the table of the notes itself.
        private static let adding = ChangeHandler.transactional(batchCount: 10) { changes in
            let sum = changes.compactMap { $0.newImage?["n"]?.number?.int64 }.reduce(0, +)
            return [
                .update(
                    table: "notes", key: PrimaryKey("SUM", "sum"),
                    Update([.add("sum", .number(Number(sum)))]))
            ]
        }

        @Test("Checkpoints and effects may be in the table of the stream itself")
        func sameTable() async throws {
            let consumer = try RemoteConsumer("sums", of: try await stream(), in: table)
            try await consumer.register(filter: ChangeFilter(partitionKeyPrefix: "NOTE#"))
            let worker = try await consumer.worker(Self.adding)
            var readers: [ShardReader] = []
            try await worker.survey { readers.append($0) }
            var reader = try #require(readers.first)
            var expected = 0
            for round in 1...5 {
                for number in 0..<20 {
                    try await table.put(Self.note(number, round * number))
                    expected += round * number
                }
                // The checkpoints are changes of the table too: the consumer must not follow them.
                for _ in 0..<4 { _ = try await reader.turn() }
                let sum = try await table.get(PrimaryKey("SUM", "sum"))?["sum"]
                #expect(sum == .number(Number(expected)))
            }
        }

        @Test("A running consumer gets all changes, and ends with its task")
        func running() async throws {
            let stream = try await stream()
            var options = RemoteConsumerOptions()
            options.pollInterval = .milliseconds(5)
            let consumer = try RemoteConsumer("events", of: stream, in: table, options: options)
            try await consumer.register()
            let (numbers, feed) = AsyncStream<Int>.makeStream()
            let task = Task {
                defer { feed.finish() }
                try await consumer.deliver { change in
                    if let number = change.newImage?["n"]?.number?.int64 { feed.yield(Int(number)) }
                }
            }
            for number in 0..<50 { try await table.put(Self.note(number % 7, number)) }
            var found: [Int] = []
            for await number in numbers {
                found.append(number)
                if found.count == 50 { break }
            }
            #expect(found == Array(0..<50))
            task.cancel()
            let result = await task.result
            #expect(throws: CancellationError.self) { try result.get() }
            // Its leases are free again.
            #expect(try await consumer.status().workerCount == 0)
        }

        @Test("An error of the body ends a running consumer")
        func failing() async throws {
            let stream = try await stream()
            var options = RemoteConsumerOptions()
            options.pollInterval = .milliseconds(5)
            options.attemptCount = 1
            let consumer = try RemoteConsumer("events", of: stream, in: table, options: options)
            try await consumer.register()
            try await table.put(Self.note(1, 1))
            let error = await Scene.error {
                try await consumer.deliver { _ in throw CodexError(.invalidItem, "No.") }
            }
            #expect(error?.code == .invalidItem)
        }

        @Test("A stream that was replaced is refused")
        func otherStream() async throws {
            let stream = try await stream()
            try await RemoteConsumer("c", of: stream, in: table).register()
            let other = RemoteStream(table, arn: stream.arn + "0", view: stream.view)
            let consumer = try RemoteConsumer("c", of: other, in: table)
            let error = await Scene.error { _ = try await consumer.worker(Self.adding) }
            #expect(error?.code == .changesTrimmed)
        }
    }
#endif
