import CodexCore
import CodexStore
import CodexTesting
import Testing

@Suite("Operations")
struct OperationTests {
    static let schema = Schema(tables: [
        TableDefinition(
            "t", partitionKey: KeyAttribute("p"), sortKey: KeyAttribute("s", .number),
            indexes: [
                IndexDefinition(
                    "g", partitionKey: [KeyAttribute("g")], sortKey: [KeyAttribute("s", .number)],
                    projection: .keysOnly)
            ])
    ])
    let temporary: TemporaryStore
    var store: Store { temporary.store }

    init() throws { temporary = try TemporaryStore(schema: Self.schema) }

    func key(_ number: Int) -> PrimaryKey { PrimaryKey("p", .number(Number(number))) }

    func item(_ number: Int) -> Item {
        ["p": "p", "s": .number(Number(number)), "g": "group", "v": .number(Number(number * 10))]
    }

    func fill(_ count: Int) async throws {
        let items = (0..<count).map(item)
        try await store.write { transaction in
            for item in items { try transaction.put(item, in: "t") }
        }
    }

    @Test("Return values of put, update and delete")
    func returnValues() async throws {
        #expect(try await store.put(item(1), in: "t", returning: .allOld) == nil)
        var changed = item(1)
        changed["v"] = 11
        #expect(try await store.put(changed, in: "t", returning: .allOld) == item(1))
        #expect(try await store.put(changed, in: "t", returning: .allNew) == changed)
        await #expect(throws: CodexError(.invalidArgument, "")) {
            try await store.put(changed, in: "t", returning: .updatedNew)
        }
        let update = Update().adding(1, to: Attribute<Int>("v"))
            .setting(Attribute<Int>(path: DocumentPath("new")), to: 5)
        func run(_ returning: ReturnValues) async throws -> Item? {
            try await store.update(in: "t", key: key(1), update, returning: returning)
        }
        #expect(try await run(.none) == nil)
        #expect(try await run(.updatedOld) == ["v": 12, "new": 5])
        #expect(try await run(.updatedNew) == ["v": 14, "new": 5])
        #expect(try await run(.allOld)?["v"] == 14)
        #expect(try await run(.allNew)?["v"] == 16)
        #expect(
            try await store.update(in: "t", key: key(9), update, returning: .updatedOld) == nil)
        #expect(try await store.delete(in: "t", key: key(9), returning: .allOld)?["v"] == 1)
        #expect(try await store.delete(in: "t", key: key(9), returning: .allOld) == nil)
    }

    @Test("A false condition carries the current item, and writes nothing")
    func conditions() async throws {
        try await store.put(item(1), in: "t")
        for attempt in 0..<3 {
            do {
                let no = Attribute<Int>("v") == 99
                switch attempt {
                case 0: try await store.put(["p": "p", "s": 1], in: "t", condition: no)
                case 1:
                    try await store.update(
                        in: "t", key: key(1), Update().setting(Attribute<Int>("v"), to: 0),
                        condition: no)
                default: try await store.delete(in: "t", key: key(1), condition: no)
                }
                Issue.record("attempt \(attempt) passed")
            } catch CodexError.Code.conditionFailed {
                #expect(try store.item(in: "t", key: key(1)) == item(1))
            }
        }
        do {
            try await store.delete(in: "t", key: key(2), condition: Attribute<Int>("v").exists)
            Issue.record("a condition on nothing passed")
        } catch let error as CodexError {
            #expect(error.code == .conditionFailed && error.currentItem == nil)
        }
        #expect(try store.item(in: "t", key: key(2)) == nil)
    }

    @Test("No error's description contains users' data")
    func privacy() async throws {
        try await store.put(["p": "p", "s": 1, "secret": "hunter2"], in: "t")
        do {
            try await store.put(
                ["p": "p", "s": 1, "secret": "hunter3"], in: "t",
                condition: Attribute<String>("secret").doesNotExist)
            Issue.record("the condition passed")
        } catch let error as CodexError {
            #expect(error.currentItem?["secret"] == "hunter2")
            #expect(!"\(error)".contains("hunter") && !error.message.contains("hunter"))
        }
    }

    @Test("Updates do not touch keys; overlapping and malformed ones change nothing")
    func invalidUpdates() async throws {
        try await store.put(item(1), in: "t")
        for update in [
            Update([.set("p", .operand(.value("x")))]), Update([.remove("s")]), Update(),
            Update([.remove("v"), .remove("v")]), Update([.add("p", 1)]),
        ] {
            await #expect(throws: CodexError(.invalidExpression, "")) {
                try await store.update(in: "t", key: key(1), update)
            }
        }
        #expect(try store.item(in: "t", key: key(1)) == item(1))
    }

    @Test("A list of actions names no item twice, and happens whole or not at all")
    func actionLists() async throws {
        try await store.put(item(1), in: "t")
        await #expect(throws: CodexError(.duplicateTarget, "")) {
            try await store.perform([
                .put(table: "t", item(2)), .delete(table: "t", key: key(2)),
            ])
        }
        do {
            try await store.perform([
                .put(table: "t", item(2)), .delete(table: "t", key: key(1)),
                .check(table: "t", key: key(3), condition: .attributeExists("p")),
                .put(table: "t", item(4), condition: .attributeNotExists("p")),
                .update(table: "t", key: key(5), Update([.set("p", .operand(.value("x")))])),
            ])
            Issue.record("a list with failing actions was done")
        } catch let error as CodexError {
            #expect(error.code == .transactionCancelled)
            #expect(
                error.reasons.map { $0?.code }
                    == [nil, nil, .conditionFailed, nil, .invalidExpression])
        }
        #expect(try store.items(in: "t", keys: [key(1), key(2), key(3)]) == [item(1), nil, nil])
        try await store.perform([
            .put(table: "t", item(2)), .delete(table: "t", key: key(1)),
            .update(table: "t", key: key(3), Update().setting(Attribute<Int>("v"), to: 3)),
            .check(table: "t", key: key(4), condition: .attributeNotExists("p")),
        ])
        #expect(try store.items(in: "t", keys: [key(1), key(2)]) == [nil, item(2)])
        #expect(try store.item(in: "t", key: key(3))?["v"] == 3)
        #expect(try store.verify().isSound)
    }

    @Test("Limits on returned and on examined items differ; the last page has no token")
    func limits() async throws {
        try await fill(20)
        var query = TableQuery(table: "t", partition: ["p"])
        query.filter = Attribute<Int>("v") >= 100
        let examined = try store.items(matching: query, limits: PageLimits(examined: 12))
        #expect(examined.items.count == 2 && examined.examinedCount == 12 && examined.next != nil)
        let returned = try store.items(matching: query, limits: PageLimits(returned: 2))
        #expect(returned.items == [item(10), item(11)] && returned.examinedCount == 12)
        #expect(try store.items(matching: query, limits: PageLimits(returned: 10)).next == nil)
        #expect(try store.items(matching: query).items.count == 10)
        #expect(try store.count(query) == QueryCount(count: 10, examinedCount: 20))
        for limits in [PageLimits(returned: 0), PageLimits(examined: -1)] {
            #expect(throws: CodexError(.invalidArgument, "")) {
                try store.items(matching: query, limits: limits)
            }
        }
    }

    @Test("Tokens: stable while others write, refused when altered, foreign or of another store")
    func tokens() async throws {
        try await fill(20)
        let query = TableQuery(table: "t", partition: ["p"])
        let page = try store.items(matching: query, limits: PageLimits(returned: 5))
        let token = try #require(page.next)
        // Before, at and after the place where the page ended.
        try await store.delete(in: "t", key: key(4))
        try await store.delete(in: "t", key: key(0))
        try await store.put(item(-5), in: "t")
        try await store.delete(in: "t", key: key(7))
        let rest = try store.items(matching: query, after: token)
        #expect(rest.items == ([5, 6] + Array(8..<20)).map(item))

        for index in token.description.indices {
            var text = token.description
            text.replaceSubrange(index...index, with: text[index] == "A" ? "B" : "A")
            #expect(throws: CodexError(.invalidPageToken, ""), "at \(index)") {
                try store.items(matching: query, after: PageToken(text))
            }
        }
        for text in ["", "x", "====", String(repeating: "A", count: 100)] {
            #expect(throws: CodexError(.invalidPageToken, "")) {
                try store.items(matching: query, after: PageToken(text))
            }
        }
        var others = [query, query, query, query]
        others[0].direction = .backward
        others[1].partition = ["q"]
        others[2].filter = .attributeExists("v")
        others[3].sort = .greater(1)
        for other in others {
            #expect(throws: CodexError(.invalidPageToken, "")) {
                try store.items(matching: other, after: token)
            }
        }
        let another = try TemporaryStore(schema: Self.schema)
        #expect(throws: CodexError(.invalidPageToken, "")) {
            try another.store.items(matching: query, after: token)
        }
    }

    @Test("Unknown names, wrong types and impossible conditions are named")
    func badQueries() throws {
        func code(_ query: TableQuery) -> CodexError.Code? {
            do {
                _ = try store.items(matching: query)
                return nil
            } catch {
                return (error as? CodexError)?.code
            }
        }
        #expect(code(TableQuery(table: "x", partition: ["p"])) == .unknownTable)
        #expect(code(TableQuery(table: "t", index: "x", partition: ["p"])) == .unknownIndex)
        #expect(code(TableQuery(table: "t", partition: [])) == .invalidKey)
        #expect(code(TableQuery(table: "t", partition: ["p", "q"])) == .invalidKey)
        #expect(code(TableQuery(table: "t", partition: [1])) == .invalidKey)
        #expect(code(TableQuery(table: "t", partition: [""])) == .invalidKey)
        #expect(code(TableQuery(table: "t", partition: ["p"], sort: .equal("x"))) == .invalidKey)
        #expect(
            code(TableQuery(table: "t", partition: ["p"], sort: .between(2, 1)))
                == .invalidExpression)
        #expect(
            code(TableQuery(table: "t", partition: ["p"], sort: .beginsWith(1)))
                == .invalidExpression)
        #expect(
            code(TableQuery(table: "t", partition: ["p"], filter: .attributeExists("s")))
                == .invalidExpression)
        #expect(throws: CodexError(.invalidKey, "")) {
            try store.item(in: "t", key: PrimaryKey("p"))
        }
    }

    @Test("BETWEEN includes both ends")
    func between() async throws {
        try await fill(5)
        let query = TableQuery(table: "t", partition: ["p"], sort: .between(1, 3))
        #expect(try store.items(matching: query).items == [1, 2, 3].map(item))
    }

    @Test("Projections apply to queries; KEYS_ONLY entries have the keys")
    func projections() async throws {
        try await fill(2)
        let values = TableQuery(table: "t", partition: ["p"], projection: try Projection(["v"]))
        #expect(try store.items(matching: values).items == [["v": 0], ["v": 10]])
        let keys = TableQuery(table: "t", index: "g", partition: ["group"])
        #expect(
            try store.items(matching: keys).items
                == [0, 1].map {
                    ["p": "p", "s": .number(Number($0)), "g": "group"]
                })
    }

    @Test("A closure that throws leaves nothing; the others of its group stand")
    func rollback() async throws {
        struct Stop: Error {}
        let store = store
        let items = (0..<40).map(item)
        await withTaskGroup(of: Void.self) { group in
            for (number, item) in items.enumerated() {
                group.addTask {
                    do {
                        try await store.write { transaction in
                            try transaction.put(item, in: "t")
                            var moved = item
                            moved["g"] = "other"
                            try transaction.put(moved, in: "t")
                            let found = try transaction.items(
                                matching: TableQuery(
                                    table: "t", index: "g", partition: ["other"],
                                    sort: .equal(item["s"]!)))
                            #expect(found.items.count == 1)
                            if number % 2 == 1 { throw Stop() }
                        }
                        #expect(number % 2 == 0)
                    } catch {
                        #expect(error is Stop && number % 2 == 1)
                    }
                }
            }
        }
        #expect(try store.count(TableQuery(table: "t", partition: ["p"])).count == 20)
        #expect(
            try store.count(TableQuery(table: "t", index: "g", partition: ["other"])).count == 20)
        #expect(try store.verify().isSound)
    }

    @Test("A body that breaks the LMDB transaction fails alone; the others of its group run again")
    func brokenTransaction() async throws {
        var options = StoreOptions()
        options.mapByteCount = 2 << 20
        let temporary = try TemporaryStore(schema: Self.schema, options: options)
        let store = temporary.store
        let items = (0..<20).map(item)
        var random = SystemRandomNumberGenerator()
        let noise = (0..<100_000).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        await withTaskGroup(of: Void.self) { group in
            for (number, item) in items.enumerated() {
                group.addTask {
                    do {
                        try await store.write { transaction in
                            try transaction.put(item, in: "t")
                            guard number == 7 else { return }
                            for part in 0..<40 {
                                // A body that swallows the error does not save the transaction.
                                _ = try? transaction.put(
                                    ["p": "big", "s": .number(Number(part)), "x": .binary(noise)],
                                    in: "t")
                            }
                        }
                        #expect(number != 7)
                    } catch {
                        #expect(number == 7)
                        #expect((error as? CodexError)?.code == .storeFull)
                    }
                }
            }
        }
        #expect(try store.count(TableQuery(table: "t", partition: ["big"])).count == 0)
        #expect(try store.count(TableQuery(table: "t", partition: ["p"])).count == 19)
        #expect(try store.item(in: "t", key: key(7)) == nil)
        #expect(try store.verify().isSound)
    }

    @Test("A delete removes the entries of values whose encryption is undecided")
    func undecidedKey() throws {
        let schema = Schema(tables: [
            TableDefinition(
                "u", partitionKey: KeyAttribute("p"),
                indexes: [IndexDefinition("byB", partitionKey: [KeyAttribute("b", .binary)])],
                counters: [CounterDefinition("ofB", group: [KeyAttribute("b", .binary)])])
        ])
        let temporary = try TemporaryStore(schema: schema)
        let sealed = AttributeValue.binary([0x9E, 0x43, 0x44, 0x58, 1, 2, 3])
        let item: Item = ["p": "1", "b": sealed]
        _ = try temporary.store.write { transaction in
            try transaction.put(item.recognizingSealedValues(), in: "u")
        }
        try temporary.store.write { _ = try $0.delete(in: "u", key: PrimaryKey("1")) }
        #expect(try temporary.store.verify().isSound)
        #expect(try temporary.store.total(of: "ofB", in: "u", group: [sealed]).count == 0)
    }
}
