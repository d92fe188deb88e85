import CodexCore
import CodexStore
import CodexTesting
import Testing

/// Checks that run in the transaction of a change of the schema.
@Suite("Checks of changes of the schema")
struct SchemaCheckTests {
    private struct Refusal: Error, Equatable {}

    private static let other = TableDefinition("u", partitionKey: KeyAttribute("p"))

    private let temporary: TemporaryStore
    private var store: Store { temporary.store }

    init() throws {
        let table = TableDefinition(
            "t", partitionKey: KeyAttribute("p"),
            indexes: [IndexDefinition("old", partitionKey: [KeyAttribute("y")])],
            timeToLive: "e")
        temporary = try TemporaryStore(schema: Schema(tables: [table]))
    }

    /// The table, as a new snapshot has it.
    private func state() throws -> TableState? { try store.read { $0.tableState("t") } }

    @Test("A check that throws refuses the change, with its own error")
    func refused() async throws {
        let store = store
        let number = try store.number(of: "t")
        let index = IndexDefinition("i", partitionKey: [KeyAttribute("x")])
        let check: SchemaCheck = { _ in throw Refusal() }
        await #expect(throws: Refusal()) { try await store.addTable(Self.other, if: check) }
        await #expect(throws: Refusal()) {
            try await store.addIndex(index, to: "t", number: number, if: check)
        }
        await #expect(throws: Refusal()) {
            try await store.removeIndex("old", from: "t", number: number, if: check)
        }
        await #expect(throws: Refusal()) {
            try await store.addTimeToLive("f", to: "t", number: number, if: check)
        }
        await #expect(throws: Refusal()) {
            try await store.removeTimeToLive(from: "t", number: number, if: check)
        }
        await #expect(throws: Refusal()) {
            _ = try await store.removal(of: "t", number: number, if: check)
        }
        let table = try #require(try state())
        #expect(table.number == number && table.definition.timeToLive == "e")
        #expect(table.definition.indexes.map(\.name) == ["old"])
        #expect(store.definition(of: "u") == nil)
    }

    @Test("A check reads what was committed before, and no commit comes before the change")
    func reading() async throws {
        let store = store
        try await store.put(["p": "a", "n": 1], in: "t")
        let last = try store.commits().last
        let next = try store.read { $0.nextTableNumber }
        try await store.addTable(Self.other) { transaction in
            guard transaction.nextTableNumber == next else { throw Refusal() }
            let item = try transaction.item(in: "t", key: PrimaryKey("a"))
            let isNext = try transaction.nextCommit == last + 1
            guard item?["n"] == .number(1), isNext, transaction.tableNames == ["t"] else {
                throw Refusal()
            }
        }
        let number = try store.read { $0.tableNumber("u") }
        #expect(number == next)
        #expect(try store.commits().last == last + 1)
    }

    @Test("A change is for the table of a number, and not for a newer one of its name")
    func numbers() async throws {
        let store = store
        let former = try #require(try state())
        try await store.removeTable("t")
        try await store.addTable(former.definition)
        let present = try #require(try state())
        #expect(present.number != former.number && present.definition == former.definition)
        let index = IndexDefinition("i", partitionKey: [KeyAttribute("x")])
        for (number, isPresent) in [(former.number, false), (present.number, true)] {
            func expect(_ change: () async throws -> Void) async {
                do {
                    try await change()
                    #expect(isPresent)
                } catch {
                    #expect(!isPresent && (error as? CodexError)?.code == .unknownTable)
                }
            }
            await expect { try await store.addIndex(index, to: "t", number: number) { _ in } }
            await expect {
                try await store.removeIndex("old", from: "t", number: number) { _ in }
            }
            await expect { try await store.removeTimeToLive(from: "t", number: number, if: nil) }
        }
        #expect(try state()?.definition.indexes.map(\.name) == ["i"])
    }

    @Test("A transaction knows the number that its commit gets")
    func commit() async throws {
        for value in 1...3 {
            let number = try await store.write { transaction -> UInt64 in
                let number = try transaction.nextCommit
                try transaction.put(["p": "a", "n": .number(Number(value))], in: "t")
                guard try transaction.nextCommit == number else { throw Refusal() }
                return number
            }
            #expect(try store.commits().last == number)
        }
    }

    @Test("The commit that removed a table is known, also once the table is emptied")
    func removal() async throws {
        let number = try store.number(of: "t")
        #expect(try store.removalCommit(ofTable: number) == nil)
        try await store.put(["p": "a"], in: "t")
        let commit = try await store.removal(of: "t", number: number)
        #expect(try store.removalCommit(ofTable: number) == commit)
        try await store.waitUntilReady()
        #expect(try store.removalCommit(ofTable: number) == commit)
        #expect(try store.removalCommit(ofTable: number + 1) == nil)
    }
}
