#if Remote
    import CodexCore
    import CodexDynamoDB
    import CodexStore
    import CodexTesting
    import Foundation
    import Synchronization

    @testable import CodexRemote

    /// A part in a box, which may expire.
    struct CachedPart: Codable, Entity, Equatable {
        static let definition = EntityDefinition(
            "part", table: "parts", keys: ["pk": "BOX#{box}", "sk": "PART#{id}"],
            fields: [
                .required("box", .string), .required("id", .string), .required("count", .number),
                .optional("until", .number),
            ])
        var box: String
        var id: String
        var count: Int
        var until: Int?

        init(_ id: String, in box: String = "b", count: Int, until: Int? = nil) {
            (self.box, self.id, self.count, self.until) = (box, id, count, until)
        }

        static func key(_ id: String, in box: String = "b") -> PrimaryKey {
            PrimaryKey(.string("BOX#\(box)"), .string("PART#\(id)"))
        }

        static func lookup(_ id: String, in box: String = "b") -> Lookup<Self> {
            Lookup(.primaryKey(key(id, in: box)))
        }

        static func all(in box: String = "b") -> CodexCore.Query<Self> {
            CodexCore.Query(partition: .string("BOX#\(box)"))
        }
    }

    /// Gives requests to a service in this process, through a hook of a test.
    final class HookedTransport: HTTPTransport {
        typealias Send = @Sendable () async throws -> TransportResponse
        /// Gets an operation, and sends the request, or does not.
        typealias Hook =
            @Sendable (_ operation: String, _ send: Send) async throws -> TransportResponse

        private struct State {
            var hook: Hook?
            var operations: [String] = []
        }

        private let service: ServiceTransport
        private let state = Mutex(State())

        init(_ service: DynamoDBService) { self.service = ServiceTransport(service: service) }

        /// What later requests go through.
        func setHook(_ hook: Hook?) { state.withLock { $0.hook = hook } }

        /// How often an operation was asked for.
        func count(of operation: String) -> Int {
            state.withLock { state in state.operations.count { $0 == operation } }
        }

        func send(_ request: TransportRequest) async throws -> TransportResponse {
            let target = request.headers.first { $0.name == "x-amz-target" }?.value ?? ""
            let operation = String(target.split(separator: ".").last ?? "")
            let hook = state.withLock { state in
                state.operations.append(operation)
                return state.hook
            }
            let service = service
            guard let hook else { return try await service.send(request) }
            return try await hook(operation) { try await service.send(request) }
        }

        func close() async {}
    }

    /// Something that one task waits for, and another one lets happen.
    struct Gate: Sendable {
        private let stream: AsyncStream<Void>
        private let continuation: AsyncStream<Void>.Continuation

        init() { (stream, continuation) = AsyncStream<Void>.makeStream() }

        func wait() async { for await _ in stream {} }

        func open() { continuation.finish() }
    }

    /// A cache in front of a table of parts, whose clock a test moves.
    struct CacheScene: Sendable {
        typealias Policy = BoundedStalenessCache.Policy

        static let schema = Schema(
            tables: [
                TableDefinition(
                    "parts", partitionKey: KeyAttribute("pk"), sortKey: KeyAttribute("sk"),
                    indexes: [
                        IndexDefinition(
                            "byCount", partitionKey: [KeyAttribute("count", .number)])
                    ], timeToLive: "until")
            ], entities: [CachedPart.definition])

        let clock: FakeClock
        let temporary: TemporaryStore
        let transport: HookedTransport
        let entities: RemoteEntities
        let cache: BoundedStalenessCache

        init(_ policy: Policy = Policy(maximumAge: .seconds(10))) throws {
            let clock = FakeClock()
            self.clock = clock
            var storeOptions = StoreOptions(durability: .none)
            storeOptions.now = { clock.now }
            temporary = try TemporaryStore(
                schema: Schema(tables: Self.schema.tables), options: storeOptions)
            transport = HookedTransport(DynamoDBService(temporary.store))
            var options = RemoteOptions()
            options.region = "us-east-1"
            options.credentials = StaticCredentials(accessKeyID: "KEY", secretAccessKey: "SECRET")
            options.transport = transport
            var parts = RemoteClient.Parts()
            parts.clock = clock
            parts.environment = [:]
            parts.read = { _ in nil }
            entities = try RemoteEntities(
                RemoteTable(
                    try Self.schema.table("parts"), try RemoteClient(options, parts)),
                schema: Self.schema)
            cache = try BoundedStalenessCache(entities, policy: policy)
        }

        /// The count of a part, as the cache has it.
        func count(_ id: String) async throws -> Int? {
            try await cache.get(CachedPart.lookup(id))?.count
        }

        /// The number of reads of items that the table got.
        var readCount: Int { transport.count(of: "GetItem") }
    }
#endif
