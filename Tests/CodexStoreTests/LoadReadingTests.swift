import CodexCore
import CodexTesting
import Foundation
import TestSupport
import Testing

@testable import CodexStore

/// Loads whose keys are read and sorted, and whose entries are prepared, on a second thread.
@Suite("Loads on two threads")
struct LoadReadingTests {
    private static let indexes = [
        IndexDefinition("all", partitionKey: [KeyAttribute("g")]),
        IndexDefinition("keys", partitionKey: [KeyAttribute("g")], projection: .keysOnly),
        IndexDefinition(
            "some", partitionKey: [KeyAttribute("v", .number)], projection: .include(["g"])),
        IndexDefinition("one", partitionKey: [KeyAttribute("u")], isUnique: true),
    ]
    private static let schema = Schema(tables: [
        AgentTable.definition(indexes: indexes),
        TableDefinition("other", partitionKey: KeyAttribute("p")),
    ])

    /// The number of items whose trees are compared.
    private static let itemCount = TestLength.count(300, long: 1200)

    private static func item(_ number: Int, _ version: Int = 0) -> Item {
        [
            "p": "p", "s": .string(String(100_000 + number)),
            "g": .string("g\((number &+ version) &* 7919 % 31)"),
            "v": .number(Number(number % 13 + version)),
            "u": .string("u\(number)-\(version)"),
        ]
    }

    private func load(_ items: [Item], into store: Store, batchCount: Int = 100) async throws {
        var position = 0
        try await store.load(into: "t", batchCount: batchCount) {
            guard position < items.count else { return nil }
            defer { position += 1 }
            return items[position]
        }
    }

    /// The keys and values of a tree.
    private func entries(_ store: Store, _ index: String) throws -> [[UInt8]] {
        try store.core.withReadContext { context -> [[UInt8]] in
            let table = try context.catalog.table("t")
            let tree = try table.knownIndex(index).tree
            return try context.transaction.withCursor(tree) { cursor -> [[UInt8]] in
                var entries: [[UInt8]] = []
                var entry = try cursor.first()
                while let current = entry {
                    entries.append(Array(current.key))
                    entries.append(Array(current.value))
                    entry = try cursor.next()
                }
                return entries
            }
        }
    }

    /// Loads the same items on one thread, and returns the store.
    private func loadSerially(
        _ items: [Item], _ batchCount: Int, _ options: StoreOptions = StoreOptions(),
        entryCountMax: Int = 1000
    ) async throws -> TemporaryStore {
        var options = options
        options.parts.builds = BuildsOnDemand(entryCountMax: entryCountMax)
        let temporary = try TemporaryStore(schema: Self.schema, options: options)
        // The load itself waits for no build on demand.
        await #expect(throws: CodexError(.indexNotReady, "")) {
            try await load(items, into: temporary.store, batchCount: batchCount)
        }
        while try temporary.store.build() == .more {}
        return temporary
    }

    private func expectEqual(_ left: Store, _ right: Store) throws {
        for index in Self.indexes {
            #expect(try entries(left, index.name) == entries(right, index.name), "\(index.name)")
        }
        #expect(try left.verify().isSound)
    }

    enum Order: String, CaseIterable { case ascending, descending, shuffled, repeated }

    @Test(
        "Trees are the same, byte by byte, as after a load on one thread",
        arguments: Order.allCases, [7, itemCount * 5 / 12])
    func equality(order: Order, batchCount: Int) async throws {
        let seed = UInt64.random(in: .min ... .max)
        var random = SplitMix(seed: seed)
        let count = Self.itemCount
        var items = (0..<count).map { Self.item($0) }
        switch order {
        case .ascending: break
        case .descending: items.reverse()
        case .shuffled: items.shuffle(using: &random)
        // Later versions replace items, also in the same batch.
        case .repeated:
            for number in 0..<(count / 4) {
                items.insert(
                    Self.item(random.below(count), number), at: random.below(items.count))
            }
        }
        let options = StoreOptions(durability: .none)
        let parallel = try TemporaryStore(schema: Self.schema, options: options)
        try await load(items, into: parallel.store, batchCount: batchCount)
        // The entries of each index take two steps.
        let serial = try await loadSerially(
            items, batchCount, options, entryCountMax: count * 5 / 6)
        try expectEqual(parallel.store, serial.store)
        #expect(try parallel.store.count(TableScan(table: "t")).count == count, "seed \(seed)")
    }

    @Test("Equal keys in a unique index are found at the end")
    func conflict() async throws {
        var items = (0..<500).map { Self.item($0) }
        items[400]["u"] = items[100]["u"]
        let temporary = try TemporaryStore(schema: Self.schema)
        await #expect(throws: CodexError(.indexNotReady, "")) {
            try await load(items, into: temporary.store)
        }
        let duplicates = try temporary.store.duplicates(ofIndex: "one", in: "t")
        #expect(duplicates.count == 1)
        #expect(try temporary.store.count(TableScan(table: "t", index: "all")).count == 500)
    }

    @Test("The end of one index's build does not slow down the next one")
    func exactness() async throws {
        let filter = ExactSteps()
        var options = StoreOptions()
        options.parts.maintenance = filter
        let temporary = try await loadSerially((0..<500).map { Self.item($0) }, 100, options)
        // Each index has one step. Entries with some attributes are always looked at.
        let steps = filter.steps.withLock { $0 }
        #expect(steps.count == 4 && steps.filter { $0 }.count == 3)
        #expect(try temporary.store.verify().isSound)
    }

    /// Records whether each step of a build knows that no item has changed.
    private final class ExactSteps: MaintenanceFilter {
        let steps = Locked<[Bool]>([])

        func addsUnseen(_ isUnchanged: Bool) -> Bool {
            steps.withLock { $0.append(isUnchanged) }
            return isUnchanged
        }
    }

    // MARK: Keys that are read during a load

    enum Disturbance: CaseIterable { case none, order, otherTable, earlierItem }

    @Test(
        "Keys that were read during a load are used only if each change stored a new item",
        arguments: Disturbance.allCases)
    func readKeys(disturbance: Disturbance) async throws {
        let temporary = try TemporaryStore(schema: Self.schema)
        let store = temporary.store
        let builder = try #require(store.builder)
        var reading: LoadReading?
        var wereExact: Bool?
        var number = 0
        try await store.load(into: "t", batchCount: 10) {
            if reading == nil {
                let position = try store.core.withReadContext { try $0.storedPosition() }
                if disturbance == .earlierItem {
                    // It comes between the begin of the load and that of the reading. The load
                    // replaces it, after its keys were read.
                    try store.write { _ = try $0.put(Self.item(0, 1), in: "t") }
                }
                reading = LoadReading(
                    store.core, try store.core.catalog.table("t"), after: position.changeCount)
            }
            reading?.readOn()
            if number == 50, disturbance == .otherTable {
                try store.write { _ = try $0.put(["p": "p"], in: "other") }
            }
            if number == 100 {
                reading?.finish(for: builder)
                wereExact = builder.loadedKeys.withLock { keys in keys != nil }
                return nil
            }
            defer { number += 1 }
            return Self.item(disturbance == .order ? 1000 - number : number)
        }
        #expect(wereExact == (disturbance == .none))
        #expect(builder.loadedKeys.withLock { keys in keys == nil })
        #expect(try store.verify().isSound)
        #expect(try store.count(TableScan(table: "t", index: "keys")).count == 100)
    }

    // MARK: Loads that end early

    @Test("A load whose commits fail leaves sound indexes", arguments: [1, 3, 6])
    func failures(count: Int) async throws {
        let trouble = BuilderRetryTests.Trouble()
        var options = StoreOptions()
        options.parts.beforeCommit = { try trouble.check() }
        let temporary = try TemporaryStore(schema: Self.schema, options: options)
        let store = temporary.store
        var number = 0
        // The commits that fail are the load's, or steps of the build that follows.
        _ = try? await store.load(into: "t", batchCount: 50) {
            if number == 500 {
                trouble.begin(.diskFull, times: count)
                return nil
            }
            defer { number += 1 }
            return Self.item(number)
        }
        try await store.waitUntilReady()
        let stored = try store.count(TableScan(table: "t")).count
        #expect(stored >= 400)
        #expect(try store.count(TableScan(table: "t", index: "keys")).count == stored)
        #expect(try store.verify().isSound)
    }

    @Test("A cancelled load leaves sound indexes")
    func cancellation() async throws {
        let temporary = try TemporaryStore(schema: Self.schema)
        let store = temporary.store
        let load = Task {
            var number = 0
            return try await store.load(into: "t", batchCount: 50) {
                if number == 300 { withUnsafeCurrentTask { $0?.cancel() } }
                guard number < 100_000 else { return nil }
                defer { number += 1 }
                return Self.item(number)
            }
        }
        await #expect(throws: CodexError(.cancelled, "")) { try await load.value }
        try await store.waitUntilReady()
        let stored = try store.count(TableScan(table: "t")).count
        #expect(stored < 100_000)
        #expect(try store.count(TableScan(table: "t", index: "keys")).count == stored)
        #expect(try store.verify().isSound)
    }
}
