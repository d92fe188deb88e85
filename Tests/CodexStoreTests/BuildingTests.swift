import CodexCore
import CodexStore
import CodexTesting
import Foundation
import TestSupport
import Testing

/// Indexes and counters on a live store.
@Suite("Building")
struct BuildingTests {
    static let schema = AgentTable.schema()
    static let byG = IndexDefinition(
        "byG", partitionKey: [KeyAttribute("g")], sortKey: [KeyAttribute("v", .number)])

    static func item(_ number: Int) -> Item {
        [
            "p": .string("p\(number % 50)"), "s": .string("s\(number)"),
            "g": .string("g\(number % 7)"), "v": .number(Number(number)),
        ]
    }

    private func fill(_ store: Store, _ count: Int) async throws {
        var number = 0
        try await store.load(into: "t") {
            guard number < count else { return nil }
            defer { number += 1 }
            return Self.item(number)
        }
    }

    /// A store with the same items whose parts were there from the beginning.
    private func expectEqualToFresh(_ store: Store) async throws {
        let fresh = try TemporaryStore(schema: store.schema)
        let items = try store.items(scanning: TableScan(table: "t")).items
        try await fresh.store.write { transaction in
            for item in items { try transaction.put(item, in: "t") }
        }
        for index in store.schema.tables[0].indexes {
            let scan = TableScan(table: "t", index: index.name)
            #expect(
                try store.items(scanning: scan).items == fresh.store.items(scanning: scan).items)
        }
        for counter in store.schema.tables[0].counters {
            #expect(
                try store.totals(of: counter.name, in: "t")
                    == fresh.store.totals(of: counter.name, in: "t"))
        }
        let report = try store.verify()
        #expect(report.isSound, "\(report.differences.prefix(3))")
    }

    @Test("A new index and a new counter of a small table are ready at once")
    func small() async throws {
        let temporary = try TemporaryStore(schema: Self.schema)
        let store = temporary.store
        try await fill(store, 500)
        try await store.addIndex(Self.byG, to: "t")
        try await store.addCounter(
            CounterDefinition("count", group: [KeyAttribute("g")], sums: ["v"]), to: "t")
        #expect(try store.buildStatus().allSatisfy { $0.state == .ready })
        #expect(try store.total(of: "count", in: "t", group: ["g1"]).count == 72)
        try await expectEqualToFresh(store)
        // Also where opening brings them.
        store.close()
        let byV = IndexDefinition("byV", partitionKey: [KeyAttribute("v", .number)])
        let again = try Store(at: temporary.path, schema: AgentTable.schema(indexes: [byV]))
        #expect(try again.count(TableQuery(table: "t", index: "byV", partition: [7])).count == 1)
        #expect(again.schema.tables[0].indexes.map(\.name) == ["byG", "byV"])
        again.close()
    }

    @Test("A large table's index is built while others write, and equals a fresh one")
    func underWrites() async throws {
        let temporary = try TemporaryStore(schema: Self.schema)
        let store = temporary.store
        try await fill(store, 30_000)
        try await store.addIndex(Self.byG, to: "t")
        try await store.addCounter(
            CounterDefinition("count", group: [KeyAttribute("g")], sums: ["v"]), to: "t")
        var number = 0
        repeat {
            let current = number
            try await store.write { transaction in
                try transaction.put(Self.item(40_000 + current), in: "t")
                try transaction.delete(
                    in: "t", key: PrimaryKey(.string("p\(current % 50)"), .string("s\(current)")))
                var moved = Self.item(29_999 - current)
                moved["g"] = "moved"
                try transaction.put(moved, in: "t")
            }
            number += 1
        } while try store.buildStatus().contains(where: { $0.state == .building })
        try await store.waitUntilReady()
        try await expectEqualToFresh(store)
    }

    @Test("Builds that are killed midway, under writes of several processes, equal a fresh one")
    func killed() async throws {
        let temporary = try TemporaryStore(schema: Self.schema)
        let store = temporary.store
        try await fill(store, 20_000)
        for (round, kind) in ["index", "counter", "index"].enumerated() {
            let builder = try Agent(kind, temporary.path, "part\(round)")
            let writer = try Agent("write", temporary.path, "300", "\(round)")
            builder.waitUntilBegun()
            for number in 0..<(10 + 20 * round) {
                try await store.put(Self.item(50_000 + number), in: "t")
            }
            builder.kill()
            writer.wait()
        }
        try await store.waitUntilReady()
        #expect(try store.buildStatus().allSatisfy { $0.state == .ready })
        try await expectEqualToFresh(store)
    }

    @Test("A bulk load into an empty table ends with its indexes built, or says what they found")
    func load() async throws {
        let temporary = try TemporaryStore(schema: Self.schema)
        let store = temporary.store
        try await store.addIndex(Self.byG, to: "t")
        try await store.addCounter(CounterDefinition("count", group: [KeyAttribute("g")]), to: "t")
        try await store.addIndex(
            IndexDefinition("one", partitionKey: [KeyAttribute("u")], isUnique: true), to: "t")
        try await fill(store, 12_000)
        #expect(try store.buildStatus().allSatisfy { $0.state == .ready })
        try await expectEqualToFresh(store)
        // A table that is not empty keeps its indexes ready meanwhile.
        var number = 12_000
        try await store.load(into: "t", batchCount: 100) {
            let status = try store.buildStatus()
            #expect(status.allSatisfy { $0.state == .ready })
            guard number < 12_250 else { return nil }
            defer { number += 1 }
            return Self.item(number)
        }
        try await expectEqualToFresh(store)
        try await store.deleteItems(
            matching: TableQuery(table: "t", index: "byG", partition: ["g1"]))
        for group in 0..<7 where group != 1 {
            try await store.deleteItems(
                matching: TableQuery(table: "t", index: "byG", partition: [.string("g\(group)")]))
        }
        // What ends a load early is thrown, and leaves the store in order.
        struct Stop: Error {}
        number = 0
        await #expect(throws: Stop.self) {
            try await store.load(into: "t", batchCount: 100) {
                if number == 250 { throw Stop() }
                defer { number += 1 }
                return Self.item(number)
            }
        }
        try await store.waitUntilReady()
        #expect(try store.count(TableScan(table: "t", index: "byG")).count == 200)
        #expect(try store.verify().isSound)
    }

    @Test("A bulk load that is killed leaves what it committed, and its indexes are built after")
    func killedLoad() async throws {
        let temporary = try TemporaryStore(schema: Self.schema)
        try await temporary.store.addIndex(Self.byG, to: "t")
        temporary.store.close()
        let agent = try Agent("load", temporary.path, "1000000")
        agent.waitUntilBegun()
        agent.kill()
        let store = try Store(at: temporary.path)
        try await store.waitUntilReady()
        #expect(try store.count(TableScan(table: "t")).count >= 500)
        try await expectEqualToFresh(store)
        store.close()
    }

    @Test("A removed index is unknown at once and gone in the end; its number serves again")
    func removal() async throws {
        let temporary = try TemporaryStore(schema: Self.schema)
        let store = temporary.store
        try await fill(store, 12_000)
        try await store.addIndex(Self.byG, to: "t")
        try await store.waitUntilReady()
        try await store.removeIndex("byG", from: "t")
        #expect(throws: CodexError(.unknownIndex, "")) {
            try store.count(TableScan(table: "t", index: "byG"))
        }
        await #expect(throws: CodexError(.unknownIndex, "")) {
            try await store.removeIndex("byG", from: "t")
        }
        try await store.waitUntilReady()
        #expect(try store.stats().trees.map(\.index) == [nil])
        try await store.addIndex(
            IndexDefinition(
                "large", partitionKey: [KeyAttribute("g")], projection: .include(["body"])), to: "t"
        )
        try await store.waitUntilReady()
        var large = Self.item(1)
        large["body"] = .binary((0..<30_000).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 3) })
        try await store.put(large, in: "t")
        try await expectEqualToFresh(store)
        // Its entries' chunks go with them.
        try await store.removeIndex("large", from: "t")
        try await store.waitUntilReady()
        #expect(try store.verify().isSound)
    }

    @Test(
        "Equal keys that the build of a unique index finds are listed; once they differ it is ready"
    )
    func duplicates() async throws {
        let temporary = try TemporaryStore(schema: Self.schema)
        let store = temporary.store
        for number in 0..<3 {
            var item = Self.item(number)
            item["u"] = number < 2 ? "same" : "other"
            try await store.put(item, in: "t")
        }
        let index = IndexDefinition("one", partitionKey: [KeyAttribute("u")], isUnique: true)
        await #expect(throws: CodexError(.indexNotReady, "")) {
            try await store.addIndex(index, to: "t")
        }
        #expect(
            try store.duplicates(ofIndex: "one", in: "t") == [PrimaryKey("p1", "s1")])
        #expect(throws: CodexError(.indexNotReady, "")) {
            try store.count(TableQuery(table: "t", index: "one", partition: ["same"]))
        }
        try await store.delete(in: "t", key: PrimaryKey("p1", "s1"))
        try await store.waitUntilReady()
        var third = Self.item(3)
        third["u"] = "same"
        await #expect(throws: CodexError(.uniqueViolation, "")) {
            try await store.put(third, in: "t")
        }
        #expect(
            try store.count(TableQuery(table: "t", index: "one", partition: ["same"])).count == 1)
        #expect(try store.verify().isSound)
    }

    @Test("Items that contradict a new index's definition stay, can be changed, and are listed")
    func contradiction() async throws {
        let temporary = try TemporaryStore(schema: Self.schema)
        let store = temporary.store
        var odd = Self.item(1)
        odd["g"] = 5
        try await store.put(odd, in: "t")
        try await store.put(Self.item(2), in: "t")
        try await store.addIndex(Self.byG, to: "t")
        try await store.addCounter(CounterDefinition("count", group: [KeyAttribute("g")]), to: "t")
        #expect(try store.count(TableScan(table: "t", index: "byG")).count == 1)
        #expect(
            try store.verify().differences.map(\.kind) == [.unindexableItem, .unindexableItem])
        odd["v"] = 2
        let refused = odd
        await #expect(throws: CodexError(.invalidKey, "")) { try await store.put(refused, in: "t") }
        try await store.put(Self.item(1), in: "t")
        #expect(try store.verify().isSound)
        #expect(try store.total(of: "count", in: "t", group: ["g1"]).count == 1)
    }

    @Test("A counter has every item, whatever is left for its build's last step")
    func counterSteps() async throws {
        for count in [1, 999, 1000, 1001, 2001] {
            let temporary = try TemporaryStore(schema: Self.schema)
            try await fill(temporary.store, count)
            try await temporary.store.addCounter(
                CounterDefinition("count", group: [KeyAttribute("g")]), to: "t")
            let totals = try temporary.store.totals(of: "count", in: "t")
            #expect(totals.reduce(0) { $0 + $1.count } == count)
        }
    }

    @Test("A counter whose sums do not fit stops nothing else, and is built once they do")
    func unsummable() async throws {
        let temporary = try TemporaryStore(schema: Self.schema)
        let store = temporary.store
        let numbers = [try Number(parsing: "1E100"), try Number(parsing: "1E-20")]
        for (position, number) in numbers.enumerated() {
            try await store.put(
                ["p": "p", "s": .string("\(position)"), "g": "g", "v": .number(number)], in: "t")
        }
        await #expect(throws: CodexError(.indexNotReady, "")) {
            try await store.addCounter(
                CounterDefinition("sum", group: [KeyAttribute("g")], sums: ["v"]), to: "t")
        }
        #expect(try store.buildStatus().map(\.state) == [.conflicting])
        try await store.addIndex(Self.byG, to: "t")
        #expect(try store.count(TableScan(table: "t", index: "byG")).count == 2)
        // Neither sum alone is in the way of the other's change.
        try await store.put(["p": "p", "s": "0", "g": "g", "v": 5], in: "t")
        try await store.waitUntilReady()
        #expect(
            try store.total(of: "sum", in: "t", group: ["g"]).sums["v"]
                == Number(parsing: "5.00000000000000000001"))
        try await store.delete(in: "t", key: PrimaryKey("p", "1"))
        try await store.put(
            ["p": "p", "s": "0", "g": "g", "v": .number(try Number(parsing: "1E-30"))], in: "t")
        try await store.put(
            ["p": "p", "s": "0", "g": "g", "v": .number(try Number(parsing: "1E30"))], in: "t")
        do {
            try await store.perform([
                .put(
                    table: "t",
                    ["p": "p", "s": "2", "g": "g", "v": .number(try Number(parsing: "1E-30"))]),
                .put(table: "t", ["p": "p", "s": "3", "g": 3]),
            ])
            Issue.record("a sum that does not fit was taken")
        } catch let error as CodexError {
            #expect(error.code == .transactionCancelled)
            #expect(error.reasons.map { $0?.code } == [nil, .invalidKey])
        }
        #expect(try store.verify().isSound)
    }

    @Test("A failed move of an item whose keys are older than an index leaves it where it was")
    func undoneMove() async throws {
        struct Thing: Codable, Entity {
            static let definition = EntityDefinition("thing", table: "e", keys: ["p": "T#{id}"])
            var id: String
            var u: String
        }
        let schema = Schema(
            tables: [TableDefinition("e", partitionKey: KeyAttribute("p"))],
            entities: [Thing.definition])
        let temporary = try TemporaryStore(schema: schema)
        let store = temporary.store
        for id in ["a", "b", "c"] { try await store.put(Thing(id: id, u: "same")) }
        await #expect(throws: CodexError(.indexNotReady, "")) {
            try await store.addIndex(
                IndexDefinition("one", partitionKey: [KeyAttribute("u")], isUnique: true), to: "e")
        }
        try await store.write { transaction in
            let moved = try? transaction.update(Lookup<Thing>(partition: "T#a")) { $0.id = "b" }
            #expect(moved == nil)
        }
        #expect(try store.get(Lookup<Thing>(partition: "T#a"))?.id == "a")
        #expect(try store.get(Lookup<Thing>(partition: "T#b"))?.id == "b")
        #expect(try store.verify().isSound)
    }

    @Test("Processes see each other's indexes, tables and entities without opening anew")
    func otherProcesses() async throws {
        let temporary = try TemporaryStore(schema: Self.schema)
        let store = temporary.store
        try await fill(store, 100)
        let agents = try (0..<4).map { try Agent("write", temporary.path, "150", "\($0)") }
        let indexer = try Agent("index", temporary.path, "byG")
        indexer.waitUntilBegun()
        for number in 0..<100 { try await store.put(Self.item(number), in: "t") }
        indexer.wait()
        for agent in agents { agent.wait() }
        #expect(
            try store.count(TableScan(table: "t", index: "byG")).count
                == store.count(TableScan(table: "t")).count)
        try await expectEqualToFresh(store)
    }
}
