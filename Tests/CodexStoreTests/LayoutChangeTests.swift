import CodexCore
import CodexStore
import CodexTesting
import Foundation
import TestSupport
import Testing

/// Indexes of stores in use that get another layout.
@Suite("Changes of layouts")
struct LayoutChangeTests {
    private typealias Changes = LayoutChanges

    private static let table = LayoutChanges.table
    private static let name = LayoutChanges.name

    private func change(_ store: Store, to layout: IndexLayout) async throws {
        try await store.changeLayout(ofIndex: Self.name, in: Self.table, to: layout)
    }

    /// Does what a store has to build and to empty.
    private func build(_ store: Store) throws {
        while try store.build() == .more {}
    }

    @Test(
        "With writes between its steps, a changed index equals one that was made so",
        arguments: LayoutChanges.projections, IndexLayout.allCases)
    func steps(projection: IndexProjection, layout: IndexLayout) async throws {
        let seed = UInt64.random(in: 1...1_000_000)
        print("changes of layouts: seed \(seed)")
        var random = SplitMix(seed: seed)
        let next = Changes.other(layout)
        let temporary = try Changes.store(Changes.index(projection, layout))
        let oracle = try Changes.store(Changes.index(projection, next))
        let (store, stores) = (temporary.store, [temporary.store, oracle.store])
        for _ in 0..<80 { try await Changes.write(to: stores, &random) }
        try await change(store, to: next)
        var (stepCount, states) = (0, Set<[IndexLayout?]>())
        var outcome: BuildsOnDemand.Outcome
        repeat {
            outcome = try store.build(stepCountMax: 1)
            stepCount += 1
            let status = try Changes.status(store)
            #expect(status.state == .ready, "seed \(seed), step \(stepCount)")
            states.insert([status.layout, status.nextLayout])
            try await Changes.write(to: stores, &random)
            try Changes.expectEqual(store, oracle.store, "seed \(seed), step \(stepCount)")
        } while outcome == .more && stepCount < 500
        #expect(outcome == .done && stepCount > 5)
        let expected: Set<[IndexLayout?]> = [[layout, next], [next, nil]]
        #expect(states == expected)
        #expect(try Changes.parts(store) == [["i2"], [], []])
        if next == .references {
            let entries = try oracle.store.storedEntries(Self.name)
            #expect(try store.storedEntries(Self.name) == entries)
        }
    }

    @Test("A change ends by itself while tasks write, and pages of a query go on across it")
    func background() async throws {
        let index = Changes.index(.all, .copies)
        let temporary = try TemporaryStore(schema: SampleTable.schema(indexes: [index]))
        let store = temporary.store
        var number = 0
        try await store.load(into: Self.table) {
            guard number < 12_000 else { return nil }
            defer { number += 1 }
            return ["partition": .string("p\(number)"), "group": "g1", "value": 0]
        }
        let query = TableQuery(table: Self.table, index: Self.name, partition: ["g1"])
        try await change(store, to: .references)
        var (found, token): ([AttributeValue?], PageToken?) = ([], nil)
        repeat {
            let page = try store.items(
                matching: query, limits: PageLimits(returned: 200), after: token)
            found += page.items.map { $0["partition"] }
            token = page.next
            try await withThrowingTaskGroup(of: Void.self) { group in
                for key in 0..<4 {
                    group.addTask {
                        try await store.put(
                            ["partition": .string("p\(key)"), "group": "g1", "value": 1],
                            in: Self.table)
                    }
                }
                try await group.waitForAll()
            }
        } while token != nil
        #expect(found.count == 12_000 && Set(found).count == 12_000)
        try await store.waitUntilReady()
        let status = try Changes.status(store)
        #expect(status.layout == .references && status.nextLayout == nil)
        #expect(try Changes.parts(store) == [["i2"], [], []])
        #expect(try store.count(query).count == 12_000)
        let report = try store.verify()
        #expect(report.isSound && report.entryCount == 12_000, "\(report.differences.prefix(3))")
    }

    @Test(
        "A store that is killed after any step of a change ends the change when it is opened",
        arguments: LayoutChanges.projections, [false, true])
    func killed(projection: IndexProjection, hasCheckpoints: Bool) async throws {
        let seed = UInt64.random(in: 1...1_000_000)
        print("killed changes of layouts: seed \(seed)")
        var random = SplitMix(seed: seed)
        var options = Changes.options
        options.checkpoints.interval = .seconds(3600)
        let temporary = try TemporaryStore(
            schema: SampleTable.schema(indexes: [Changes.index(projection, .copies)]),
            options: options)
        let oracle = try Changes.store(Changes.index(projection, .references))
        let (store, stores) = (temporary.store, [temporary.store, oracle.store])
        for _ in 0..<60 { try await Changes.write(to: stores, &random) }
        try await change(store, to: .references)
        let copy = temporary.path + "-copy"
        var stepCount = 0
        var outcome: BuildsOnDemand.Outcome
        repeat {
            outcome = try store.build(stepCountMax: 1)
            stepCount += 1
            try await Changes.write(to: stores, &random)
            if hasCheckpoints { try await Changes.makeCheckpoint(store) }
            // The copy is what a killed process would leave.
            try FileManager.default.copyItem(atPath: temporary.path, toPath: copy)
            let recovered = try Store(at: copy, options: Changes.options)
            try Changes.expectEqual(
                recovered, oracle.store, "seed \(seed), step \(stepCount), recovered")
            try build(recovered)
            try Changes.expectEqual(
                recovered, oracle.store, "seed \(seed), step \(stepCount), ended")
            #expect(try Changes.status(recovered).layout == .references)
            #expect(try Changes.parts(recovered) == [["i2"], [], []])
            recovered.close()
            try FileManager.default.removeItem(atPath: copy)
        } while outcome == .more && stepCount < 500
        #expect(outcome == .done && stepCount > 5)
    }

    // MARK: Calls

    @Test("A repeated call changes nothing, and a call for the present layout ends the change")
    func repeated() async throws {
        let temporary = try Changes.store(Changes.index(.all, .copies))
        let store = temporary.store
        try await store.put(["partition": "a", "group": "g"], in: Self.table)
        func commits(_ layout: IndexLayout) async throws -> UInt64 {
            let before = try store.stats().sequence
            try await change(store, to: layout)
            return try store.stats().sequence - before
        }
        #expect(try await commits(.copies) == 0)
        #expect(try await commits(.references) == 1)
        #expect(try await commits(.references) == 0)
        #expect(try Changes.status(store).nextLayout == .references)
        #expect(try Changes.parts(store) == [["i1"], ["i2"], []])
        #expect(try await commits(.copies) == 1)
        #expect(try Changes.status(store).nextLayout == nil)
        #expect(try Changes.parts(store) == [["i1"], [], ["i2"]])
        // The next change may begin before the tree of the last one is empty.
        #expect(try await commits(.references) == 1)
        #expect(try Changes.parts(store) == [["i1"], ["i3"], ["i2"]])
        try build(store)
        #expect(try Changes.parts(store) == [["i3"], [], []])
        #expect(try Changes.status(store).layout == .references)
        #expect(try await commits(.references) == 0)
        #expect(try store.verify().isSound)
    }

    @Test("What has no index, or nothing to copy, is refused")
    func refused() async throws {
        let keys = IndexDefinition(
            "keys", partitionKey: [KeyAttribute("group")], projection: .keysOnly)
        let schema = SampleTable.schema(
            indexes: [Changes.index(.all, .copies), keys], timeToLive: "expires")
        let temporary = try TemporaryStore(schema: schema)
        let store = temporary.store
        let sequence = try store.stats().sequence
        for (index, table, code) in [
            ("byGroup", "none", .unknownTable), ("none", Self.table, .unknownIndex),
            ("$expiry", Self.table, .unknownIndex), ("keys", Self.table, .invalidSchema),
        ] as [(String, String, CodexError.Code)] {
            await #expect(throws: CodexError(code, ""), "\(index) \(table)") {
                try await store.changeLayout(ofIndex: index, in: table, to: .copies)
            }
        }
        try await store.changeLayout(ofIndex: "keys", in: Self.table, to: .references)
        #expect(try store.stats().sequence == sequence)
        let layouts = try store.buildStatus().map(\.layout)
        #expect(layouts == [.copies, .references, .references])
        store.close()
        let reading = try Store(at: temporary.path, options: StoreOptions(isReadOnly: true))
        defer { reading.close() }
        await #expect(throws: CodexError(.readOnly, "")) {
            try await change(reading, to: .references)
        }
        await #expect(throws: CodexError(.readOnly, "")) {
            try await reading.changeFormerLayouts()
        }
        #expect(try Changes.status(reading).layout == .copies)
    }

    // MARK: Other changes meanwhile

    @Test("Other parts come and go during a change, and so do the index and its table")
    func otherParts() async throws {
        for removal in ["index", "table"] {
            let temporary = try Changes.store(Changes.index(.include(["content"]), .copies))
            let store = temporary.store
            var random = SplitMix(seed: 7)
            for _ in 0..<60 { try await Changes.write(to: [store], &random) }
            try await change(store, to: .references)
            #expect(try store.build(stepCountMax: 2) == .more)
            let byValue = IndexDefinition("byValue", partitionKey: [KeyAttribute("value", .number)])
            try await store.addIndex(byValue, to: Self.table)
            try await store.addTimeToLive("expires", to: Self.table)
            #expect(try store.build(stepCountMax: 3) == .more)
            if removal == "index" {
                try await store.removeIndex(Self.name, from: Self.table)
            } else {
                try await store.removeTable(Self.table)
            }
            try build(store)
            // No chunk of the copies is left.
            let report = try store.verify()
            #expect(report.isSound, "\(removal): \(report.differences.prefix(3))")
            #expect(try store.stats().trees.allSatisfy { $0.index != Self.name })
            guard removal == "index" else {
                #expect(report.itemCount == 0)
                continue
            }
            #expect(report.itemCount > 10)
            #expect(try Changes.parts(store) == [["i3", "i4"], [], []])
        }
    }

    @Test("Compaction during a change leaves it as it is")
    func compacted() async throws {
        let temporary = try Changes.store(Changes.index(.all, .copies))
        let oracle = try Changes.store(Changes.index(.all, .references))
        let stores = [temporary.store, oracle.store]
        var random = SplitMix(seed: 11)
        for _ in 0..<60 { try await Changes.write(to: stores, &random) }
        try await change(temporary.store, to: .references)
        #expect(try temporary.store.build(stepCountMax: 2) == .more)
        _ = try await temporary.store.compact()
        #expect(try Changes.parts(temporary.store) == [["i1"], ["i2"], []])
        for _ in 0..<20 { try await Changes.write(to: stores, &random) }
        try build(temporary.store)
        try Changes.expectEqual(temporary.store, oracle.store, "compacted")
        let entries = try oracle.store.storedEntries(Self.name)
        #expect(try temporary.store.storedEntries(Self.name) == entries)
    }

    @Test("A load into an empty table during a change builds the index, and then ends the change")
    func loaded() async throws {
        let index = Changes.index(.all, .copies, isUnique: true)
        let temporary = try TemporaryStore(schema: SampleTable.schema(indexes: [index]))
        let store = temporary.store
        try await change(store, to: .references)
        var number = 0
        try await store.load(into: Self.table, batchCount: 50) {
            guard number < 500 else { return nil }
            defer { number += 1 }
            return ["partition": .string("p\(number)"), "group": .string("g\(number)")]
        }
        try await store.waitUntilReady()
        #expect(try Changes.status(store).layout == .references)
        #expect(try Changes.status(store).state == .ready)
        await #expect(throws: CodexError(.uniqueViolation, "")) {
            try await store.put(["partition": "new", "group": "g1"], in: Self.table)
        }
        let report = try store.verify()
        #expect(report.isSound && report.entryCount == 500, "\(report.differences.prefix(3))")
    }

    @Test("A unique index with equal keys keeps its conflict, and is ready once the keys differ")
    func conflicting() async throws {
        let plain = SampleTable.schema()
        let temporary = try TemporaryStore(schema: plain, options: Changes.options)
        let store = temporary.store
        for key in ["a", "b", "c"] {
            let group: AttributeValue = key == "c" ? "other" : "same"
            try await store.put(["partition": .string(key), "group": group], in: Self.table)
        }
        let index = Changes.index(.all, .copies, isUnique: true)
        try await store.addIndex(index, to: Self.table)
        try build(store)
        #expect(try Changes.status(store).state == .conflicting)
        try await change(store, to: .references)
        try build(store)
        let status = try Changes.status(store)
        #expect(status.state == .conflicting && status.layout == .references)
        #expect(
            try store.duplicates(ofIndex: Self.name, in: Self.table) == [PrimaryKey("b")])
        // It was never ready, so it refuses nothing.
        try await store.put(["partition": "d", "group": "other"], in: Self.table)
        for key in [PrimaryKey("b"), PrimaryKey("d")] {
            try await store.delete(in: Self.table, key: key)
        }
        // The second change begins before the index is tried again, which this call asks for.
        try await change(store, to: .copies)
        try await store.waitUntilReady()
        #expect(try Changes.status(store).state == .building)
        try build(store)
        let last = try Changes.status(store)
        #expect(last.state == .ready && last.layout == .copies)
        await #expect(throws: CodexError(.uniqueViolation, "")) {
            try await store.put(["partition": "e", "group": "other"], in: Self.table)
        }
        #expect(try store.verify().isSound)
    }

    @Test("A unique index in force refuses equal keys while it is checked again and changes")
    func inForce() async throws {
        let index = Changes.index(.all, .copies, isUnique: true)
        let temporary = try Changes.store(index)
        let store = temporary.store
        var items: [Item] = [
            ["partition": "a", "group": "same"], ["partition": "b", "group": "same"],
            ["partition": "c", "group": "other"],
        ]
        // The load leaves equal keys, and its index in force.
        await #expect(throws: CodexError(.indexNotReady, "")) {
            try await store.load(into: Self.table) { items.popLast() }
        }
        try build(store)
        #expect(try Changes.status(store).state == .conflicting)
        // This call has the keys checked again.
        try await store.waitUntilReady()
        #expect(try Changes.status(store).state == .building)
        try await change(store, to: .references)
        let refused: Item = ["partition": "d", "group": "other"]
        var (stepCount, outcome) = (0, BuildsOnDemand.Outcome.more)
        repeat {
            await #expect(throws: CodexError(.uniqueViolation, ""), "step \(stepCount)") {
                try await store.put(refused, in: Self.table)
            }
            outcome = try store.build(stepCountMax: 1)
            stepCount += 1
        } while outcome == .more && stepCount < 100
        #expect(outcome == .done && stepCount > 2)
        await #expect(throws: CodexError(.uniqueViolation, "")) {
            try await store.put(refused, in: Self.table)
        }
        let status = try Changes.status(store)
        #expect(status.state == .conflicting && status.layout == .references)
        try await store.delete(in: Self.table, key: PrimaryKey("b"))
        try await store.waitUntilReady()
        try build(store)
        #expect(try Changes.status(store).state == .ready)
        #expect(try store.verify().isSound)
    }
}
