#if Remote
    import CodexCore
    import CodexDynamoDB
    import CodexStore
    import CodexTesting
    import Foundation
    import Testing

    @testable import CodexRemote

    /// What a table is asked for when a program connects.
    @Suite("Connections to tables")
    struct ConnectingTests {
        /// Gives requests to a service in this process, which lacks some operations.
        private struct PartialTransport: HTTPTransport {
            let service: DynamoDBService
            var lacking: Set<String> = []

            func send(_ request: TransportRequest) async throws -> TransportResponse {
                let target = request.headers.first { $0.name == "x-amz-target" }?.value ?? ""
                let operation = target.split(separator: ".").last.map { String($0) } ?? ""
                if lacking.contains(operation) {
                    return try await FakeTransport.refusal("UnknownOperationException")(request)
                }
                let response = await service.response(target: target, body: request.body)
                return TransportResponse(status: response.status, body: response.body)
            }

            func close() async {}
        }

        private static let definition = TableDefinition(
            "notes", partitionKey: KeyAttribute("pk"),
            indexes: [
                IndexDefinition(
                    "byKind", partitionKey: [KeyAttribute("kind"), KeyAttribute("place")])
            ], timeToLive: "endsAt")

        private let temporary: TemporaryStore

        init() throws { temporary = try TemporaryStore() }

        private func client(lacking: Set<String> = []) throws -> RemoteClient {
            let options = RemoteOptions.through(
                PartialTransport(service: DynamoDBService(temporary.store), lacking: lacking))
            var parts = RemoteClient.Parts()
            parts.clock = FakeClock()
            parts.environment = [:]
            parts.read = { _ in nil }
            return try RemoteClient(options, parts)
        }

        @Test("A table is created with its indexes, stream and time to live, and then connected to")
        func creation() async throws {
            let client = try client()
            let absent = await Scene.error {
                _ = try await RemoteTable.connect(to: Self.definition, client)
            }
            #expect(absent?.code == .unknownTable)
            try await RemoteTable(Self.definition, client).create()
            let table = try await RemoteTable.connect(
                to: Self.definition, client,
                requiring: [
                    .transactions(actionCount: 100), .batchReads, .stream, .timeToLive,
                    .compositeIndexKeys,
                ])
            #expect(table.capabilities == .dynamoDB)
            #expect(try await table.timeToLive() == "endsAt")
            let description = try await table.describe()
            let design = RemoteTableDesign(Self.definition)
            #expect(design.differences(from: description, timeToLive: "endsAt").isEmpty)
            let again = await Scene.error { try await table.create() }
            #expect(again?.code == .inUse)
        }

        @Test("A table that was there before stays as it is if the answer to a creation is lost")
        func lostCreation() async throws {
            let keys = #"[{"AttributeName":"id","KeyType":"HASH"}]"#
            let attributes = #"[{"AttributeName":"id","AttributeType":"S"}]"#
            let scene = try Scene([
                FakeTransport.failure(.interrupted),
                FakeTransport.refusal("ResourceInUseException"),
                FakeTransport.answer(
                    #"{"Table":{"TableName":"notes","TableStatus":"ACTIVE","#
                        + #""KeySchema":\#(keys),"AttributeDefinitions":\#(attributes)}}"#),
            ])
            let table = RemoteTable(Self.definition, scene.client)
            let error = await Scene.error { try await table.create() }
            #expect(error?.code == .inUse)
            #expect(
                scene.transport.operations == ["CreateTable", "CreateTable", "DescribeTable"])
        }

        // MARK: The time to live

        private static let expiring = TableDefinition(
            "notes", partitionKey: KeyAttribute("id"), timeToLive: "endsAt")
        private static let description = FakeTransport.answer(
            #"{"Table":{"TableName":"notes","TableStatus":"ACTIVE","#
                + #""KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],"#
                + #""AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}]}}"#)

        @Test(
            "A creation without an answer waits for the table, and sets its time to live",
            arguments: [0, 1, 59, 60])
        func lateTable(unknownCount: Int) async throws {
            var steps: [FakeTransport.Step] = [
                FakeTransport.failure(.interrupted),
                FakeTransport.refusal("ResourceInUseException"),
            ]
            let unknown = FakeTransport.refusal("ResourceNotFoundException")
            for _ in 0..<unknownCount { steps.append(unknown) }
            steps += [Self.description, FakeTransport.answer()]
            let scene = try Scene(steps)
            let table = RemoteTable(Self.expiring, scene.client)
            let error = await Scene.error { try await table.create(hasStream: false) }
            let isFound = unknownCount < 60
            #expect(error?.code == (isFound ? nil : .outcomeUnknown))
            var expected = ["CreateTable", "CreateTable"]
            expected += Array(repeating: "DescribeTable", count: unknownCount)
            if isFound { expected += ["DescribeTable", "UpdateTimeToLive"] }
            #expect(scene.transport.operations == expected)
        }

        @Test(
            "If the answer to the time to live is lost, the table tells it",
            arguments: [("ENABLED", true), ("ENABLING", true), ("DISABLED", false)])
        func lostTimeToLive(status: String, isSet: Bool) async throws {
            let scene = try Scene([
                FakeTransport.answer(), Self.description, FakeTransport.failure(.interrupted),
                FakeTransport.refusal("ValidationException"),
                FakeTransport.answer(
                    #"{"TimeToLiveDescription":{"TimeToLiveStatus":"\#(status)","#
                        + #""AttributeName":"endsAt"}}"#),
            ])
            let table = RemoteTable(Self.expiring, scene.client)
            let error = await Scene.error { try await table.create(hasStream: false) }
            #expect(error?.code == (isSet ? nil : .outcomeUnknown))
            #expect(scene.transport.operations.last == "DescribeTimeToLive")
        }

        @Test("If a look after a lost answer fails, the outcome stays unknown")
        func failingLooks() async throws {
            let refusal = FakeTransport.refusal("AccessDeniedException")
            let lost = [
                FakeTransport.failure(.interrupted),
                FakeTransport.refusal("ResourceInUseException"),
            ]
            for (steps, operation) in [
                (lost, "DescribeTable"),
                ([FakeTransport.answer(), Self.description] + lost, "DescribeTimeToLive"),
            ] {
                let scene = try Scene(steps + [refusal])
                let table = RemoteTable(Self.expiring, scene.client)
                let error = await Scene.error { try await table.create(hasStream: false) }
                #expect(error?.code == .outcomeUnknown)
                #expect(scene.transport.operations.last == operation)
            }
        }

        @Test("A creation that is cancelled while it is at work has an unknown outcome")
        func cancelledCreation() async throws {
            let scene = try Scene([FakeTransport.hang])
            let table = RemoteTable(Self.expiring, scene.client)
            let task = Task { await Scene.error { try await table.create(hasStream: false) } }
            while scene.transport.requests.isEmpty { await Task.yield() }
            task.cancel()
            #expect(await task.value?.code == .outcomeUnknown)
        }

        @Test("A service that does not tell the time to live is connected to")
        func untoldTimeToLive() async throws {
            let scene = try Scene([Self.description, FakeTransport.refusal("ValidationException")])
            let table = try await RemoteTable.connect(
                to: Self.expiring, scene.client, requiring: [.timeToLive])
            #expect(scene.transport.operations.last == "DescribeTimeToLive")
            #expect(table.capabilities.expiry == TableCapabilities.dynamoDB.expiry)
        }

        @Test("A table whose items do not expire as defined is refused")
        func otherTimeToLive() async throws {
            let client = try client()
            for (name, found) in [("plain", nil), ("expiring", "endsAt")] as [(String, String?)] {
                func definition(_ timeToLive: String?) -> TableDefinition {
                    TableDefinition(
                        name, partitionKey: KeyAttribute("id"), timeToLive: timeToLive)
                }
                try await RemoteTable(definition(found), client).create()
                for wanted in [nil, "endsAt", "until"] as [String?] {
                    let error = await Scene.error {
                        _ = try await RemoteTable.connect(to: definition(wanted), client)
                    }
                    let isTaken = wanted == nil || wanted == found
                    #expect(error?.code == (isTaken ? nil : .schemaMismatch))
                    #expect(isTaken || error?.message.contains("do not expire") == true)
                }
            }
        }

        // MARK: Capabilities

        @Test("Each operation that the service lacks is found, and refused by its name")
        func probes() async throws {
            try await RemoteTable(Self.definition, try client()).create(hasStream: false)
            let cases: [(String, TableCapabilities.Need)] = [
                ("TransactWriteItems", .transactions(actionCount: 1)),
                ("BatchGetItem", .batchReads), ("BatchWriteItem", .batchWrites),
                ("DescribeTimeToLive", .timeToLive),
            ]
            for (operation, need) in cases {
                let poor = try client(lacking: [operation])
                let table = try await RemoteTable.connect(to: Self.definition, poor)
                #expect(table.capabilities.missing([need]) == [need])
                // A table without a stream has none, although the service has streams.
                #expect(table.capabilities.missing([.stream]) == [.stream])
                let error = await Scene.error {
                    _ = try await RemoteTable.connect(
                        to: Self.definition, poor, requiring: [.consistentItems, need])
                }
                #expect(error?.code == .unsupportedOperation)
                #expect(error?.message.contains(need.description) == true)
            }
        }

        @Test("A table with other keys, or without an index, is refused with what differs")
        func mismatch() async throws {
            let client = try client()
            try await RemoteTable(Self.definition, client).create()
            let other = TableDefinition(
                "notes", partitionKey: KeyAttribute("pk"), sortKey: KeyAttribute("sk"),
                indexes: [IndexDefinition("byDay", partitionKey: [KeyAttribute("day")])])
            let error = await Scene.error { _ = try await RemoteTable.connect(to: other, client) }
            #expect(error?.code == .schemaMismatch)
            #expect(error?.message.contains("index byDay is missing") == true)
            #expect(error?.message.contains("table notes has another primary key") == true)
        }

        @Test("Without transactions, a list is refused, and batches are single requests")
        func poorTable() async throws {
            try await RemoteTable(Self.definition, try client()).create()
            var poor = TableCapabilities.alternator
            poor.batchReadCountMax = 0
            poor.batchWriteCountMax = 0
            let table = RemoteTable(Self.definition, try client(), capabilities: poor)
            let list = await Scene.error {
                try await table.transact([.put(table: "notes", ["pk": "a"])])
            }
            #expect(list?.code == .unsupportedOperation)
            let writes = await Scene.error { try await table.batchWrite([.put(["pk": "a"])]) }
            #expect(writes?.code == .unsupportedOperation)
            _ = try await table.put(["pk": "a"])
            #expect(
                try await table.batchGet([PrimaryKey("b"), PrimaryKey("a")]) == [nil, ["pk": "a"]])
        }

        @Test("A consistent query of a global index is refused before it is sent")
        func consistency() async throws {
            try await RemoteTable(Self.definition, try client()).create()
            let table = RemoteTable(Self.definition, try client())
            let query = TableQuery(table: "notes", index: "byKind", partition: ["a", "b"])
            let error = await Scene.error {
                _ = try await table.items(matching: query, consistency: .consistent)
            }
            #expect(error?.code == .unsupportedOperation)
            #expect(try await table.items(matching: query).items.isEmpty)
        }

        @Test("A single action is a write, and a check alone is a read")
        func actions() async throws {
            try await RemoteTable(Self.definition, try client()).create()
            let table = RemoteTable(Self.definition, try client())
            let key = PrimaryKey("a")
            let exists = Condition.attributeExists("pk")
            let check = WriteAction.check(table: "notes", key: key, condition: exists)
            let failed = await Scene.error { try await table.perform(check) }
            #expect(failed?.code == .conditionFailed)
            try await table.perform(.put(table: "notes", ["pk": "a", "n": 1]))
            try await table.perform(check)
            let new = try await table.perform(
                .update(table: "notes", key: key, Update([.add("n", 2)])), returning: .updatedNew)
            #expect(new == ["n": 3])
            try await table.perform(.delete(table: "notes", key: key, condition: exists))
            #expect(try await table.item(in: "notes", key: key, consistency: .consistent) == nil)
            let foreign = await Scene.error {
                _ = try await table.item(in: "other", key: key, consistency: .consistent)
            }
            #expect(foreign?.code == .unknownTable)
        }
    }
#endif
