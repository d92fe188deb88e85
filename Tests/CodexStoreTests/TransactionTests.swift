import CodexCore
import CodexStore
import CodexTesting
import Foundation
import TestSupport
import Testing

/// Lists of actions, idempotency tokens, and what a failing transaction leaves.
@Suite("Transactions")
struct TransactionTests {
    static let schema = SampleTable.schema(
        sort: .number,
        indexes: [
            IndexDefinition("one", partitionKey: [KeyAttribute("unique")], isUnique: true),
            IndexDefinition(
                "byGroup", partitionKey: [KeyAttribute("group")],
                sortKey: [KeyAttribute("sort", .number)], projection: .keysOnly),
        ])
    let clock = ManualClock()
    let temporary: TemporaryStore
    var store: Store { temporary.store }

    init() throws {
        let clock = clock
        var options = StoreOptions()
        options.use(clock)
        temporary = try TemporaryStore(schema: Self.schema, options: options)
    }

    private func key(_ number: Int) -> PrimaryKey {
        PrimaryKey("p", .number(Number(number)))
    }

    private func item(_ number: Int, unique: String? = nil) -> Item {
        var item: Item = ["partition": "p", "sort": .number(Number(number))]
        item["unique"] = unique.map { .string($0) }
        return item
    }

    private func grouped(_ number: Int) -> Item {
        ["partition": "p", "sort": .number(Number(number)), "group": "group"]
    }

    // MARK: Lists

    @Test("Two items may exchange their unique keys in one list, and not take one twice")
    func exchange() async throws {
        try await store.perform([
            .put(table: "samples", item(1, unique: "a")),
            .put(table: "samples", item(2, unique: "b")),
        ])
        try await store.perform([
            .put(table: "samples", item(1, unique: "b")),
            .put(table: "samples", item(2, unique: "a")),
        ])
        #expect(try store.item(in: "samples", key: key(1)) == item(1, unique: "b"))
        do {
            try await store.perform([
                .put(table: "samples", item(3)), .put(table: "samples", item(4, unique: "c")),
                .put(table: "samples", item(5, unique: "c")),
                .delete(table: "samples", key: key(1)),
            ])
            Issue.record("one unique key was given to two items")
        } catch let error as CodexError {
            #expect(error.reasons.map { $0?.code } == [nil, nil, .uniqueViolation, nil])
        }
        #expect(try store.count(TableScan(table: "samples")).count == 2)
        #expect(try store.verify().isSound)
    }

    @Test("A list of actions names no item twice, and happens whole or not at all")
    func actionLists() async throws {
        try await store.put(item(1), in: "samples")
        await #expect(throws: CodexError(.duplicateTarget, "")) {
            try await store.perform([
                .put(table: "samples", item(2)), .delete(table: "samples", key: key(2)),
            ])
        }
        do {
            try await store.perform([
                .put(table: "samples", item(2)), .delete(table: "samples", key: key(1)),
                .check(table: "samples", key: key(3), condition: .attributeExists("partition")),
                .put(table: "samples", item(4), condition: .attributeNotExists("partition")),
                .update(
                    table: "samples", key: key(5),
                    Update([.set("partition", .operand(.value("x")))])),
            ])
            Issue.record("a list with failing actions was done")
        } catch let error as CodexError {
            #expect(error.code == .transactionCancelled)
            #expect(
                error.reasons.map { $0?.code }
                    == [nil, nil, .conditionFailed, nil, .invalidExpression])
        }
        let keys = [key(1), key(2), key(3)]
        #expect(try store.items(in: "samples", keys: keys) == [item(1), nil, nil])
        try await store.perform([
            .put(table: "samples", item(2)), .delete(table: "samples", key: key(1)),
            .update(
                table: "samples", key: key(3), Update().setting(Attribute<Int>("value"), to: 3)),
            .check(table: "samples", key: key(4), condition: .attributeNotExists("partition")),
        ])
        #expect(try store.items(in: "samples", keys: [key(1), key(2)]) == [nil, item(2)])
        #expect(try store.item(in: "samples", key: key(3))?["value"] == 3)
        #expect(try store.verify().isSound)
    }

    // MARK: Tokens

    @Test("A list with a token is done once, also after a restart, until the window is over")
    func tokens() async throws {
        let add: [WriteAction] = [
            .update(table: "samples", key: key(1), Update().adding(1, to: Attribute<Int>("count")))
        ]
        #expect(try await store.perform(add, idempotencyToken: "once"))
        #expect(try await store.perform(add, idempotencyToken: "once") == false)
        await #expect(throws: CodexError(.idempotencyMismatch, "")) {
            try await store.perform(
                [.delete(table: "samples", key: key(1))], idempotencyToken: "once")
        }
        store.close()
        let clock = clock
        var options = StoreOptions()
        options.use(clock)
        let again = try Store(at: temporary.path, options: options)
        clock.advance(by: 600)
        #expect(try await again.perform(add, idempotencyToken: "once") == false)
        clock.advance(by: 0.001)
        #expect(try await again.perform(add, idempotencyToken: "once"))
        #expect(try again.item(in: "samples", key: key(1))?["count"] == 2)
        again.close()
    }

    @Test("A token whose list failed, or whose transaction was undone, is not remembered")
    func failedTokens() async throws {
        let list: [WriteAction] = [
            .put(table: "samples", item(1), condition: .attributeExists("partition"))
        ]
        for _ in 0..<2 {
            await #expect(throws: CodexError(.transactionCancelled, "")) {
                try await store.perform(list, idempotencyToken: "x")
            }
        }
        struct Abandon: Error {}
        let put: [WriteAction] = [.put(table: "samples", item(1))]
        await #expect(throws: Abandon.self) {
            try await store.write { transaction in
                try transaction.perform(put, idempotencyToken: "y")
                throw Abandon()
            }
        }
        #expect(try await store.perform(put, idempotencyToken: "y"))
    }

    @Test("A token has 1 to 36 bytes")
    func tokenLimits() async throws {
        for (count, isAllowed) in [(0, false), (1, true), (35, true), (36, true), (37, false)] {
            let token = String(repeating: "t", count: count)
            let actions: [WriteAction] = [.put(table: "samples", item(count))]
            if isAllowed {
                #expect(try await store.perform(actions, idempotencyToken: token))
            } else {
                await #expect(throws: CodexError(.invalidArgument, "")) {
                    try await store.perform(actions, idempotencyToken: token)
                }
            }
        }
    }

    // MARK: What fails

    @Test("A failing transaction of 100,000 items is undone, and its memory is bounded")
    func largeUndo() async throws {
        struct Abandon: Error {}
        try await store.put(item(-1), in: "samples")
        let filler = AttributeValue.binary((0..<900).map { UInt8(truncatingIfNeeded: $0 &* 31) })
        try await store.write { transaction in
            for number in 0..<100 {
                try transaction.put(item(number), in: "samples")
            }
        }
        await #expect(throws: Abandon.self) {
            try await store.write { transaction in
                for round in 0..<2 {
                    for number in 0..<30_000 {
                        var item = item(number)
                        item["content"] = filler
                        item["round"] = .number(Number(round))
                        try transaction.put(item, in: "samples")
                    }
                }
                throw Abandon()
            }
        }
        #expect(try store.count(TableScan(table: "samples")).count == 101)
        #expect(try store.verify().isSound)
    }

    @Test("A closure that throws leaves nothing; the others of its group stand")
    func rollback() async throws {
        struct Stop: Error {}
        let store = store
        let items = (0..<40).map(grouped)
        await withTaskGroup(of: Void.self) { group in
            for (number, item) in items.enumerated() {
                group.addTask {
                    do {
                        try await store.write { transaction in
                            try transaction.put(item, in: "samples")
                            var moved = item
                            moved["group"] = "other"
                            try transaction.put(moved, in: "samples")
                            let found = try transaction.items(
                                matching: TableQuery(
                                    table: "samples", index: "byGroup", partition: ["other"],
                                    sort: .equal(item["sort"]!)))
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
        let moved = TableQuery(table: "samples", index: "byGroup", partition: ["other"])
        #expect(try store.count(TableQuery(table: "samples", partition: ["p"])).count == 20)
        #expect(try store.count(moved).count == 20)
        #expect(try store.verify().isSound)
    }

    @Test("A body that breaks the LMDB transaction fails alone; the others of its group run again")
    func brokenTransaction() async throws {
        var options = StoreOptions()
        options.mapByteCount = 2 << 20
        let temporary = try TemporaryStore(schema: Self.schema, options: options)
        let store = temporary.store
        let items = (0..<20).map { item($0) }
        var random = SystemRandomNumberGenerator()
        let noise = (0..<100_000).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        await withTaskGroup(of: Void.self) { group in
            for (number, item) in items.enumerated() {
                group.addTask {
                    do {
                        try await store.write { transaction in
                            try transaction.put(item, in: "samples")
                            guard number == 7 else { return }
                            for part in 0..<40 {
                                // A body that swallows the error does not save the transaction.
                                let large: Item = [
                                    "partition": "big", "sort": .number(Number(part)),
                                    "content": .binary(noise),
                                ]
                                _ = try? transaction.put(large, in: "samples")
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
        #expect(try store.count(TableQuery(table: "samples", partition: ["big"])).count == 0)
        #expect(try store.count(TableQuery(table: "samples", partition: ["p"])).count == 19)
        #expect(try store.item(in: "samples", key: key(7)) == nil)
        #expect(try store.verify().isSound)
    }
}
