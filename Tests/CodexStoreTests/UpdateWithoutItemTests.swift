import CodexCore
import CodexStore
import CodexTesting
import TestSupport
import Testing

/// Updates of items that are not there: those that only remove create none.
@Suite("Updates of missing items")
struct UpdateWithoutItemTests {
    private let clock = ManualClock()
    private let temporary: TemporaryStore
    private var store: Store { temporary.store }
    private let key = PrimaryKey(.string("new"))

    init() throws {
        var options = StoreOptions()
        options.use(clock)
        options.sweepInterval = nil
        let table = TableDefinition(
            "t", partitionKey: KeyAttribute("p"),
            counters: [CounterDefinition("all", group: [KeyAttribute("p")])], timeToLive: "expires")
        temporary = try TemporaryStore(schema: Schema(tables: [table]), options: options)
    }

    private static let members = AttributeValue.stringSet(["a"])

    private static let removals = [
        Update([.remove("a")]), Update([.delete("a", members)]),
        Update([.remove("a"), .delete("b", members)]), Update([.remove(DocumentPath("a")["b"])]),
        Update([.delete(DocumentPath("a")[0], members)]),
    ]

    private static let creations = [
        Update([.set("a", .operand(.value(1)))]), Update([.add("a", members)]),
        Update([.remove("b"), .set("a", .operand(.value(1)))]),
        Update([.delete("b", members), .add("a", 1)]),
    ]

    private func changeCount() throws -> Int {
        try store.retainedChanges(after: .trimHorizon).count
    }

    @Test("An update that only removes changes nothing, and returns nothing", arguments: removals)
    func removal(update: Update) async throws {
        for returning in [ReturnValues.none, .allOld, .allNew, .updatedOld, .updatedNew] {
            let item = try await store.update(in: "t", key: key, update, returning: returning)
            #expect(item == nil)
        }
        #expect(try store.item(in: "t", key: key) == nil)
        #expect(try changeCount() == 0)
    }

    @Test("Nor in a list of actions", arguments: removals)
    func action(update: Update) async throws {
        let other: Item = ["p": "other"]
        let key = key
        try await store.write { transaction in
            _ = try transaction.perform(
                [
                    .update(table: "t", key: key, update, condition: nil),
                    .put(table: "t", other, condition: nil),
                ], idempotencyToken: "once")
        }
        #expect(try store.item(in: "t", key: key) == nil)
        #expect(try store.item(in: "t", key: PrimaryKey("other")) == other)
        #expect(try changeCount() == 1)
    }

    @Test("Other updates create the item", arguments: creations)
    func creation(update: Update) async throws {
        let item = try await store.update(in: "t", key: key, update, returning: .allNew)
        #expect(item?["p"] == "new" && item?["a"] != nil)
        #expect(try store.item(in: "t", key: key) == item)
        #expect(try changeCount() == 1)
    }

    @Test("The condition is checked first", arguments: removals)
    func condition(update: Update) async throws {
        await #expect(throws: CodexError(.conditionFailed, "")) {
            try await store.update(
                in: "t", key: key, update, condition: .attributeExists("p"))
        }
        _ = try await store.update(
            in: "t", key: key, update, condition: .attributeNotExists("p"))
        #expect(try changeCount() == 0)
    }

    @Test("An update that is invalid is refused, also without an item")
    func invalid() async throws {
        for update in [
            Update(), Update([.remove("a"), .remove("a")]), Update([.delete("a", 1)]),
            Update([.remove("p")]),
        ] {
            await #expect(throws: CodexError(.invalidExpression, "")) {
                try await store.update(in: "t", key: key, update)
            }
        }
    }

    @Test("An expired item counts as missing")
    func expired() async throws {
        try await store.put(
            ["p": "new", "a": 1, "expires": .number(Number(ExpiryTests.start + 5))], in: "t")
        clock.advance(by: 5)
        try await store.update(in: "t", key: key, Update([.remove("b")]))
        #expect(try store.item(in: "t", key: key) == nil)
        try await store.update(in: "t", key: key, Update([.add("b", 1)]))
        #expect(try store.item(in: "t", key: key) == ["p": "new", "b": 1])
    }
}
