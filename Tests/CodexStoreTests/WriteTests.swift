import CodexCore
import CodexStore
import CodexTesting
import TestSupport
import Testing

/// Puts, updates and deletes of one item.
@Suite("Writes")
struct WriteTests {
    private let temporary: TemporaryStore
    private var store: Store { temporary.store }

    init() throws { temporary = try TemporaryStore(schema: SampleTable.schema(sort: .number)) }

    private func key(_ number: Int) -> PrimaryKey {
        PrimaryKey("p", .number(Number(number)))
    }

    private func item(_ number: Int) -> Item {
        [
            "partition": "p", "sort": .number(Number(number)), "group": "group",
            "value": .number(Number(number * 10)),
        ]
    }

    @Test("Return values of put, update and delete")
    func returnValues() async throws {
        #expect(try await store.put(item(1), in: "samples", returning: .allOld) == nil)
        var changed = item(1)
        changed["value"] = 11
        #expect(try await store.put(changed, in: "samples", returning: .allOld) == item(1))
        #expect(try await store.put(changed, in: "samples", returning: .allNew) == changed)
        await #expect(throws: CodexError(.invalidArgument, "")) {
            try await store.put(changed, in: "samples", returning: .updatedNew)
        }
        let update = Update().adding(1, to: Attribute<Int>("value"))
            .setting(Attribute<Int>(path: DocumentPath("new")), to: 5)
        func run(_ returning: ReturnValues) async throws -> Item? {
            try await store.update(in: "samples", key: key(1), update, returning: returning)
        }
        #expect(try await run(.none) == nil)
        #expect(try await run(.updatedOld) == ["value": 12, "new": 5])
        #expect(try await run(.updatedNew) == ["value": 14, "new": 5])
        #expect(try await run(.allOld)?["value"] == 14)
        #expect(try await run(.allNew)?["value"] == 16)
        #expect(
            try await store.update(in: "samples", key: key(9), update, returning: .updatedOld)
                == nil)
        #expect(
            try await store.delete(in: "samples", key: key(9), returning: .allOld)?["value"] == 1)
        #expect(try await store.delete(in: "samples", key: key(9), returning: .allOld) == nil)
    }

    @Test("A false condition carries the current item, and writes nothing")
    func conditions() async throws {
        try await store.put(item(1), in: "samples")
        for attempt in 0..<3 {
            do {
                let no = Attribute<Int>("value") == 99
                switch attempt {
                case 0:
                    try await store.put(
                        ["partition": "p", "sort": 1], in: "samples", condition: no)
                case 1:
                    try await store.update(
                        in: "samples", key: key(1),
                        Update().setting(Attribute<Int>("value"), to: 0), condition: no)
                default: try await store.delete(in: "samples", key: key(1), condition: no)
                }
                Issue.record("attempt \(attempt) passed")
            } catch CodexError.Code.conditionFailed {
                #expect(try store.item(in: "samples", key: key(1)) == item(1))
            }
        }
        do {
            try await store.delete(
                in: "samples", key: key(2), condition: Attribute<Int>("value").exists)
            Issue.record("a condition on nothing passed")
        } catch let error as CodexError {
            #expect(error.code == .conditionFailed && error.currentItem == nil)
        }
        #expect(try store.item(in: "samples", key: key(2)) == nil)
    }

    @Test("No error's description contains users' data")
    func privacy() async throws {
        try await store.put(["partition": "p", "sort": 1, "secret": "hunter2"], in: "samples")
        do {
            try await store.put(
                ["partition": "p", "sort": 1, "secret": "hunter3"], in: "samples",
                condition: Attribute<String>("secret").doesNotExist)
            Issue.record("the condition passed")
        } catch let error as CodexError {
            #expect(error.currentItem?["secret"] == "hunter2")
            #expect(!"\(error)".contains("hunter") && !error.message.contains("hunter"))
        }
    }

    @Test("Updates do not touch keys; overlapping and malformed ones change nothing")
    func invalidUpdates() async throws {
        try await store.put(item(1), in: "samples")
        for update in [
            Update([.set("partition", .operand(.value("x")))]), Update([.remove("sort")]), Update(),
            Update([.remove("value"), .remove("value")]), Update([.add("partition", 1)]),
        ] {
            await #expect(throws: CodexError(.invalidExpression, "")) {
                try await store.update(in: "samples", key: key(1), update)
            }
        }
        #expect(try store.item(in: "samples", key: key(1)) == item(1))
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
