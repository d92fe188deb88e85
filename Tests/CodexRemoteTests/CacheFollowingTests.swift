#if Remote
    import CodexCore
    import CodexDynamoDB
    import CodexStore
    import CodexTesting
    import Foundation
    import Testing

    @testable import CodexRemote

    /// A cache whose entries a consumer of the table's stream removes.
    @Suite("A cache that follows a stream")
    struct CacheFollowingTests {
        private let temporary: TemporaryStore
        private let table: RemoteTable

        init() throws {
            temporary = try TemporaryStore(schema: Schema(tables: []))
            let options = RemoteOptions.through(
                ServiceTransport(service: DynamoDBService(temporary.store)))
            table = RemoteTable(
                try CacheScene.schema.table("parts"), try RemoteClient(options))
        }

        @Test(
            "A write of another program is visible long before the bound",
            .timeLimit(.minutes(1)))
        func follow() async throws {
            try await table.create(accepting: Set(RemoteTableDesign.Omission.Reason.allCases))
            let entities = try RemoteEntities(table, schema: CacheScene.schema)
            let cache = try BoundedStalenessCache(
                entities, policy: BoundedStalenessCache.Policy(maximumAge: .seconds(3600)))
            var options = RemoteConsumerOptions()
            options.pollInterval = .milliseconds(5)
            let consumer = try RemoteConsumer(
                "cache of this process", of: try await table.stream(), in: table, options: options)
            try await consumer.register(from: .time(Date()))
            let following = Task { try await cache.follow(consumer) }
            for count in 1...3 {
                try await entities.put(CachedPart("a", count: count))
                while try await cache.get(CachedPart.lookup("a"))?.count != count {
                    await Task.yield()
                }
            }
            following.cancel()
            let result = await following.result
            #expect(throws: CancellationError.self) { try result.get() }
            try await consumer.remove()
        }
    }
#endif
