#if Remote
    import CodexCore
    import CodexDynamoDB
    import CodexStore
    import CodexTesting
    import Foundation
    import Testing

    @testable import CodexRemote

    /// The operations of a table, against the protocol's service over a store.
    @Suite("Tables of a service")
    struct RemoteTableTests {
        private static let definition = TableDefinition(
            "notes", partitionKey: KeyAttribute("pk"), sortKey: KeyAttribute("sk", .number),
            indexes: [
                IndexDefinition(
                    "byKind", partitionKey: [KeyAttribute("kind")],
                    sortKey: [KeyAttribute("rank", .number)])
            ])

        private let temporary: TemporaryStore
        private let table: RemoteTable

        private var store: Store { temporary.store }

        init() throws {
            temporary = try TemporaryStore(schema: Schema(tables: [Self.definition]))
            let options = RemoteOptions.through(
                ServiceTransport(service: DynamoDBService(temporary.store)))
            table = RemoteTable(Self.definition, try RemoteClient(options))
        }

        private func key(_ number: Int) -> PrimaryKey { PrimaryKey("p", .number(Number(number))) }

        private func note(_ number: Int) -> Item {
            [
                "pk": "p", "sk": .number(Number(number)), "kind": number % 2 == 0 ? "even" : "odd",
                "rank": .number(Number(-number)), "text": "é \"quoted\" \n \(number)",
                "tags": .stringSet(["a", "b"]), "data": .binary([0, 255]), "none": .null,
                "list": [1, true, ["x": .numberSet([1, 2])]],
            ]
        }

        private func fill(_ count: Int) async throws {
            try await table.batchWrite((0..<count).map { .put(note($0)) })
        }

        @Test("An item is read as it was written, by the client and by the store")
        func items() async throws {
            #expect(try await table.get(key(1)) == nil)
            #expect(try await table.put(note(1)) == nil)
            #expect(try await table.get(key(1)) == note(1))
            #expect(try store.item(in: "notes", key: key(1)) == note(1))
            let old = try await table.put(note(1), returning: .allOld)
            #expect(old == note(1))
            let part = try await table.get(key(1), projection: try Projection(["text", "none"]))
            #expect(part == ["text": "é \"quoted\" \n 1", "none": .null])
            #expect(try await table.delete(key(1), returning: .allOld) == note(1))
            #expect(try await table.delete(key(1)) == nil)
        }

        @Test("Conditions fail with the stored item")
        func conditions() async throws {
            _ = try await table.put(note(1))
            let error = await Scene.error {
                _ = try await table.put(note(1), condition: .attributeNotExists("pk"))
            }
            #expect(error?.code == .conditionFailed && error?.currentItem == note(1))
            let absent = await Scene.error {
                _ = try await table.delete(key(2), condition: .attributeExists("pk"))
            }
            #expect(absent?.code == .conditionFailed && absent?.currentItem == nil)
        }

        @Test("Updates change what they name, in lists and alone")
        func updates() async throws {
            let add = Update().appending(.add("n", 2))
            _ = try await table.update(key(1), add)
            _ = try await table.update(key(1), add)
            #expect(try await table.get(key(1))?["n"] == 4)
            let new = try await table.update(key(1), add, returning: .updatedNew)
            #expect(new == ["n": 6])
            let set = Update().appending(.set("n", .operand(.value(0))))
            _ = try await table.update(key(1), set)
            #expect(try await table.get(key(1))?["n"] == 0)
        }

        @Test("A list of actions happens as a whole, and once for its token")
        func lists() async throws {
            let add = WriteAction.update(
                table: "notes", key: key(1), Update().appending(.add("n", 1)))
            for _ in 0..<3 { try await table.transact([add], idempotencyToken: "one") }
            #expect(try await table.get(key(1))?["n"] == 1)
            let check = WriteAction.check(
                table: "notes", key: key(2), condition: .attributeExists("pk"))
            let error = await Scene.error { try await table.transact([add, check]) }
            let codes = error?.reasons.map { $0?.code }
            #expect(codes == [nil, .conditionFailed])
            #expect(try await table.get(key(1))?["n"] == 1)
            let other = await Scene.error {
                try await table.transact(
                    [.delete(table: "notes", key: key(1))], idempotencyToken: "one")
            }
            #expect(other?.code == .idempotencyMismatch)
            #expect(
                try await table.transactionalGet([key(2), key(1)]).map { $0?["n"] } == [nil, 1])
        }

        @Test("Actions of other tables, and too many of them, are refused")
        func refusedLists() async throws {
            let foreign = await Scene.error {
                try await table.transact([.delete(table: "other", key: key(1))])
            }
            #expect(foreign?.code == .unknownTable)
            for (count, isTaken) in [(99, true), (100, true), (101, false)] {
                let actions = (0..<count).map {
                    WriteAction.put(table: "notes", ["pk": "p", "sk": .number(Number($0))])
                }
                let error = await Scene.error { try await table.transact(actions) }
                #expect(error?.code == (isTaken ? nil : .transactionTooLarge))
            }
        }

        @Test("Pages of a query have the results of the store, for all limits")
        func queries() async throws {
            try await fill(30)
            var query = TableQuery(
                table: "notes", partition: ["p"], sort: .between(3, 20), direction: .backward)
            let isOdd: Condition = Attribute<String>("kind") == "odd"
            for filter in [nil, isOdd] {
                query.filter = filter
                let expected = try store.items(matching: query).items
                for limit in [1, 2, expected.count - 1, expected.count, expected.count + 1] {
                    var found: [Item] = []
                    var token: PageToken?
                    repeat {
                        let page = try await table.items(
                            matching: query, limits: PageLimits(returned: limit), after: token,
                            consistency: .consistent)
                        #expect(page.items.count <= limit)
                        found += page.items
                        token = page.next
                    } while token != nil
                    #expect(found == expected)
                }
            }
        }

        @Test("An index, and a scan in segments, find all their items")
        func indexes() async throws {
            try await fill(30)
            let query = TableQuery(table: "notes", index: "byKind", partition: ["even"])
            let even = try await table.items(matching: query, limits: PageLimits(examined: 4))
            #expect(even.items.map { $0["sk"] } == [28, 26, 24, 22] && even.examinedCount == 4)
            let rest = try await table.items(matching: query, after: even.next)
            #expect(rest.items.count == 11 && rest.next == nil)
            var count = 0
            for number in 0..<4 {
                let scan = RemoteScan(segment: RemoteScan.Segment(number, of: 4))
                count += try await table.items(scanning: scan).items.count
            }
            #expect(count == 30)
        }

        @Test("A token of another query, and a damaged one, are refused")
        func tokens() async throws {
            try await fill(3)
            let page = try await table.items(
                scanning: RemoteScan(), limits: PageLimits(returned: 1))
            let token = try #require(page.next)
            let texts = [token.description + "A", "", "!", String(token.description.dropLast(4))]
            for text in texts {
                let error = await Scene.error {
                    _ = try await table.items(scanning: RemoteScan(), after: PageToken(text))
                }
                #expect(error?.code == .invalidPageToken)
            }
            let query = TableQuery(table: "notes", partition: ["p"])
            let other = await Scene.error {
                _ = try await table.items(matching: query, after: token)
            }
            #expect(other?.code == .invalidPageToken)
        }

        @Test("Batches read and write any number of items")
        func batches() async throws {
            try await fill(130)
            let keys = (0..<131).reversed().map { key($0) }
            let found = try await table.batchGet(keys)
            var expected: [Item?] = [nil]
            for number in (0..<130).reversed() { expected.append(note(number)) }
            #expect(found == expected)
            try await table.batchWrite((0..<130).map { .delete(key($0)) })
            #expect(try await table.batchGet(keys).allSatisfy { $0 == nil })
        }

        @Test("The description has the keys and indexes")
        func description() async throws {
            let description = try await table.describe()
            #expect(description.definition == Self.definition && description.status == "ACTIVE")
            let missing = RemoteTable(TableDefinition("none", partitionKey: "pk"), table.client)
            let error = await Scene.error { _ = try await missing.describe() }
            #expect(error?.code == .unknownTable)
        }
    }
#endif
