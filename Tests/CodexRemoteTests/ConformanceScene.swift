#if Remote
    import CodexCore
    import CodexDynamoDB
    import CodexDynamoDBFaults
    import CodexStore
    import CodexTesting
    import Foundation
    import TestSupport
    import Testing

    @testable import CodexRemote

    /// A service that the tests of conformance run against.
    struct TestedService: Sendable, CustomTestStringConvertible {
        let name: String
        /// The address; `nil` is a service in this process.
        var address: String?
        /// The faults of a service in this process.
        var rules: [FaultRule] = []
        /// Whether it is a model of Alternator in this process.
        var isAlternator = false
        /// Where it differs from DynamoDB's documentation.
        var differences: Set<ServiceDifference> = [.presentIndexes]

        var testDescription: String { name }

        /// Whether it differs from DynamoDB's documentation in something that a test looks at.
        func differs(_ difference: ServiceDifference) -> Bool { differences.contains(difference) }

        /// The age of stale indexes in milliseconds.
        static let age = 500

        /// The services in this process, and those that `make remote` starts.
        static let all = inProcess + addressed

        private static let inProcess =
            streamed + [
                TestedService(name: "faulty service", rules: faults),
                TestedService(
                    name: "service with stale indexes",
                    rules: faults + [FaultRule(.staleIndex(milliseconds: age))], differences: []),
            ]

        /// The services in this process without faults that stop a request.
        static let streamed = [
            TestedService(name: "service"),
            TestedService(
                name: "service with many shards", rules: [FaultRule(.splitStream(shardCount: 5))]),
            TestedService(
                name: "model of Alternator", isAlternator: true,
                differences: ServiceDifference.ofService("model of Alternator")),
        ]

        private static let faults = [
            FaultRule(.throttle(nil), schedule: .every(11)),
            FaultRule(
                .internalError(.either),
                operations: ["BatchGetItem", "GetItem", "Query", "TransactWriteItems"],
                schedule: .every(7)),
            FaultRule(
                .transactionConflict, operations: ["TransactWriteItems", "UpdateItem"],
                schedule: .every(13)),
            FaultRule(.unprocessed(share: 0.5), schedule: .every(5)),
        ]

        /// Those of the variable, such as `moto=http://127.0.0.1:5000`, separated by commas.
        private static var addressed: [TestedService] {
            let text = ProcessInfo.processInfo.environment["CODEX_REMOTE_ENDPOINTS"] ?? ""
            return text.split(separator: ",").compactMap { part in
                let sides = part.split(separator: "=", maxSplits: 1)
                guard sides.count == 2 else { return nil }
                let name = String(sides[0])
                return TestedService(
                    name: name, address: String(sides[1]),
                    differences: ServiceDifference.ofService(name))
            }
        }
    }

    /// A client of a tested service.
    struct ConformanceScene: Sendable {
        let client: RemoteClient
        private let service: TestedService
        /// The store of a service in this process.
        private let temporary: TemporaryStore?
        /// The time of faults, and of a model.
        private let clock: ManualClock

        init(_ service: TestedService) throws {
            self.service = service
            let clock = ManualClock()
            self.clock = clock
            var options = RemoteOptions()
            options.region = "us-east-1"
            options.credentials = StaticCredentials(accessKeyID: "KEY", secretAccessKey: "SECRET")
            options.retries.attemptCountMax = 10
            if let address = service.address {
                temporary = nil
                options.endpoint = address
            } else {
                let (store, responder) = try Self.responder(service, clock)
                temporary = store
                options.transport = ServiceTransport(service: responder)
                options.retries.firstPause = .milliseconds(1)
                options.retries.pauseMax = .milliseconds(4)
            }
            if service.isAlternator { options.capabilities = .alternator }
            if service.differs(.singleIndexKeys) {
                options.capabilities.hasCompositeIndexKeys = false
            }
            client = try RemoteClient(options)
        }

        /// A service in this process, with its store.
        private static func responder(
            _ service: TestedService, _ clock: ManualClock
        ) throws -> (TemporaryStore, any DynamoDBResponder) {
            let plan = FaultPlan(seed: 28, rules: service.rules)
            guard service.isAlternator else {
                let store = try TemporaryStore(schema: Schema(tables: []))
                let faulty = try FaultyDynamoDBService(
                    DynamoDBService(store.store), plan: plan, elapsed: { clock.elapsed },
                    sleep: { _ in })
                return (store, faulty)
            }
            var storeOptions = StoreOptions()
            storeOptions.use(clock)
            let store = try TemporaryStore(schema: Schema(tables: []), options: storeOptions)
            var options = AlternatorModel.Options()
            options.indexLag = .milliseconds(TestedService.age)
            options.streamShardCount = 8
            let model = try AlternatorModel(
                DynamoDBService(store.store, now: { clock.now }), options: options, plan: plan,
                elapsed: { clock.elapsed }, sleep: { _ in })
            return (store, model)
        }

        /// Lets indexes get as new as their table.
        func settle() async throws {
            guard service.address == nil else {
                return try await Task.sleep(for: .milliseconds(TestedService.age / 5))
            }
            pass(Double(TestedService.age) / 1000)
        }

        /// Lets so many seconds pass for faults, and for a model.
        func pass(_ seconds: Double) { clock.advance(by: seconds) }

        /// Runs a test on a new table, which is deleted afterwards.
        func using(
            _ definition: TableDefinition, hasStream: Bool = false,
            _ body: (RemoteTable) async throws -> Void
        ) async throws {
            let table = RemoteTable(definition, client)
            try await table.create(
                hasStream: hasStream, accepting: Set(RemoteTableDesign.Omission.Reason.allCases))
            do {
                try await body(table)
            } catch {
                try? await delete(table)
                throw error
            }
            try await delete(table)
        }

        private func delete(_ table: RemoteTable) async throws {
            let body = RequestWriter.body { $0.text("TableName", table.definition.name) }
            _ = try await client.send(
                RemoteRequest(operation: "DeleteTable", body: body, repetition: .guarded))
        }
    }
#endif
