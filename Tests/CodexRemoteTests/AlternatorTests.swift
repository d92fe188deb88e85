#if Remote
    import CodexCore
    import CodexDynamoDB
    import CodexDynamoDBFaults
    import CodexStore
    import CodexTesting
    import CodexWorkspace
    import Foundation
    import Synchronization
    import Testing

    @testable import CodexRemote

    /// A note, for typed reads and writes.
    private struct AlternatorNote: Codable, Entity, Equatable {
        static let definition = EntityDefinition(
            "note", table: "notes", keys: ["pk": "BOOK#{book}", "sk": "NOTE#{id}"],
            fields: [
                .required("book", .string), .required("id", .string), .required("text", .string),
            ])
        var book: String
        var id: String
        var text: String
    }

    /// The client on several nodes of the model of Alternator: a service without transactions.
    @Suite("On a model of Alternator")
    struct AlternatorTests {
        private static let definition = TableDefinition(
            "notes", partitionKey: KeyAttribute("pk"), sortKey: KeyAttribute("sk"),
            indexes: [
                IndexDefinition("byKind", partitionKey: [KeyAttribute("kind")]),
                IndexDefinition(
                    "byPlace", partitionKey: [KeyAttribute("kind"), KeyAttribute("place")]),
            ], timeToLive: "end")
        private static let isNew = Condition.attributeNotExists("pk")

        private let temporary: TemporaryStore
        private let serviceClock = ManualClock()
        private let scene: ClusterScene

        init() throws {
            var storeOptions = StoreOptions()
            storeOptions.use(serviceClock)
            // What is expired is removed by the tests.
            storeOptions.sweepInterval = nil
            let store = try TemporaryStore(schema: Schema(tables: []), options: storeOptions)
            temporary = store
            let clock = serviceClock
            var options = AlternatorModel.Options()
            options.indexLag = .seconds(2)
            options.streamShardCount = 8
            let model = try AlternatorModel(
                DynamoDBService(store.store, now: { clock.now }), options: options,
                elapsed: { clock.elapsed }, sleep: { _ in })
            let service = ServiceTransport(service: model)
            let addresses = ClusterScene.addresses(3)
            scene = try ClusterScene(
                FakeCluster(addresses.map { FakeCluster.Node($0) }) { try await service.send($0) },
                seeds: [addresses[0]])
        }

        /// Creates the table, and connects to it.
        private func connected(
            requiring needs: [TableCapabilities.Need] = []
        ) async throws -> RemoteTable {
            let declared = RemoteTable(Self.definition, scene.client)
            try await declared.create(
                accepting: Set(RemoteTableDesign.Omission.Reason.allCases))
            return try await RemoteTable.connect(
                to: Self.definition, scene.client, requiring: needs)
        }

        // MARK: Capabilities

        @Test("A workspace is refused at connecting, with the names of what is missing")
        func workspace() async throws {
            let table = try await connected(
                requiring: [
                    .consistentItems, .consistentQueries, .conditionalWrites, .batchReads,
                    .batchWrites, .stream, .timeToLive,
                ])
            let needs = CodexFlow.TableWorkspaceBackend.needs
            let refused = await Scene.error {
                _ = try await RemoteTable.connect(
                    to: Self.definition, scene.client, requiring: needs)
            }
            let later = await Scene.error { _ = try CodexFlow.TableWorkspaceBackend(table) }
            for error in [refused, later] {
                #expect(error?.code == .unsupportedOperation)
                #expect(error?.message.contains("transactions of 100 actions") == true)
                #expect(error?.message.contains("idempotency tokens") == true)
            }
        }

        @Test("Transactions are found to be missing, also if they are declared")
        func probe() async throws {
            _ = try await connected()
            var declared = RemoteOptions()
            declared.region = "us-east-1"
            declared.endpoint = "http://10.0.0.1:8000"
            declared.credentials = StaticCredentials(accessKeyID: "KEY", secretAccessKey: "SECRET")
            declared.transport = scene.cluster
            let plain = TableDefinition(
                "notes", partitionKey: KeyAttribute("pk"), sortKey: KeyAttribute("sk"))
            let table = try await RemoteTable.connect(to: plain, try RemoteClient(declared))
            let missing = table.capabilities.missing([
                .transactions(actionCount: 1), .idempotencyTokens, .batchReads,
            ])
            #expect(missing == [.transactions(actionCount: 1), .idempotencyTokens])
        }

        @Test("What the service lacks is refused by its name, and nothing is sent")
        func refusals() async throws {
            let table = try await connected()
            let count = scene.cluster.hosts.count
            let put = WriteAction.put(table: "notes", ["pk": "a", "sk": "b"])
            let index = TableQuery(table: "notes", index: "byKind", partition: ["k"])
            let composite = TableQuery(table: "notes", index: "byPlace", partition: ["k", "p"])
            let calls: [(name: String, call: () async throws -> Void)] = [
                ("transactions", { try await table.transact([put]) }),
                ("transactions", { _ = try await table.transactionalGet([PrimaryKey("a", "b")]) }),
                (
                    "consistent queries of indexes",
                    { _ = try await table.items(matching: index, consistency: .consistent) }
                ),
                (
                    "index keys of several attributes",
                    { _ = try await table.items(matching: composite) }
                ),
            ]
            for (name, call) in calls {
                let error = await Scene.error(of: call)
                #expect(error?.code == .unsupportedOperation, "\(name)")
                #expect(error?.message.contains(name) == true, "\(name)")
            }
            #expect(scene.cluster.hosts.count == count)
        }

        // MARK: Items

        @Test("Entities are read and written, and single conditions hold")
        func entities() async throws {
            let table = try await connected()
            let notes = try RemoteEntities(
                table,
                schema: Schema(
                    tables: [Self.definition], entities: [AlternatorNote.definition]))
            let note = AlternatorNote(book: "b", id: "1", text: "first")
            let lookup = Lookup<AlternatorNote>(partition: "BOOK#b", sort: .string("NOTE#1"))
            try await notes.insert(note)
            let again = await Scene.error { try await notes.insert(note) }
            #expect(again?.code == .conditionFailed)
            try await notes.update(lookup) { $0.text = "second" }
            #expect(try await notes.get(lookup)?.text == "second")
            #expect(try await notes.delete(lookup))
            #expect(try await notes.get(lookup) == nil)
        }

        @Test("Conditional writes of a key are at one node, and each node sees them")
        func conditions() async throws {
            let table = try await connected()
            let key = PrimaryKey("a", "b")
            try await table.put(["pk": "a", "sk": "b", "n": 0], condition: Self.isNew)
            let start = scene.cluster.hosts.count
            for _ in 0..<9 { try await table.update(key, Update([.add("n", 1)])) }
            #expect(Set(scene.cluster.hosts[start...]).count == 1)
            for _ in 0..<3 { #expect(try await table.get(key)?["n"] == 9) }
            #expect(Set(scene.cluster.hosts).count == 3)
        }

        @Test("A query of an index is late; one of the table is not")
        func lateIndex() async throws {
            let table = try await connected()
            try await table.put(["pk": "a", "sk": "b", "kind": "k"])
            let index = TableQuery(table: "notes", index: "byKind", partition: ["k"])
            #expect(try await table.items(matching: index).items.isEmpty)
            let own = TableQuery(table: "notes", partition: ["a"])
            #expect(
                try await table.items(matching: own, consistency: .consistent).items.count == 1)
            serviceClock.advance(by: 2)
            #expect(try await table.items(matching: index).items.count == 1)
        }

        // MARK: Streams

        @Test("A consumer gets the changes of all shards late, in order, and with their kinds")
        func stream() async throws {
            let table = try await connected()
            let stream = try await table.stream()
            let consumer = try RemoteConsumer("c", of: stream, in: table)
            try await consumer.register()
            let consume = await Scene.error { try await consumer.consume { _ in [] } }
            #expect(consume?.code == .unsupportedOperation)
            for value in 0..<2 {
                for key in 0..<10 {
                    try await table.put([
                        "pk": .string("NOTE#\(key)"), "sk": "s", "n": .number(Number(value)),
                    ])
                }
            }
            for key in 0..<10 { try await table.delete(PrimaryKey(.string("NOTE#\(key)"), "s")) }
            let log = ChangeLog()
            let worker = try await consumer.worker(.delivering { log.append($0) })
            var readers: [ShardReader] = []
            try await worker.survey { readers.append($0) }
            #expect(readers.count == 8)
            for round in 0..<2 {
                for place in readers.indices {
                    var reader = readers[place]
                    _ = try await reader.turn()
                    readers[place] = reader
                }
                #expect(log.kinds.count == (round == 0 ? 0 : 10))
                serviceClock.advance(by: 10)
            }
            #expect(log.kinds.values.allSatisfy { $0 == [.insert, .modify, .remove] })
        }
    }

    /// The kinds of changes, by the partition keys.
    final class ChangeLog: Sendable {
        private let state = Mutex<[PrimaryKey: [ChangeKind]]>([:])

        var kinds: [PrimaryKey: [ChangeKind]] { state.withLock { $0 } }

        func append(_ change: RemoteChange) {
            state.withLock { $0[change.key, default: []].append(change.kind) }
        }
    }
#endif
