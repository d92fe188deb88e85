import CodexCore
import CodexStore
import CodexTesting
import Foundation
import TestSupport
import Testing

/// A store that lives a while, with its backups and archive beside it.
final class RandomHistory {
    /// What the store held after a commit.
    struct Moment {
        let sequence: UInt64
        let time: Date
        let items: [String: Item]
    }

    static let schema = Schema(tables: [
        AgentTable.definition(
            indexes: [AgentTable.byG],
            counters: [CounterDefinition("sums", group: [KeyAttribute("g")], sums: ["v"])]),
        TableDefinition(
            "loaded", partitionKey: KeyAttribute("p"), sortKey: KeyAttribute("s"),
            indexes: [IndexDefinition("byV", partitionKey: [KeyAttribute("v", .number)])]),
    ])

    let clock = ManualClock()
    let temporary: TemporaryStore
    var store: Store
    var random: SplitMix
    var items: [String: Item] = [:]
    var moments: [Moment] = []
    let directory: String
    private var loadCount = 0

    init(seed: UInt64) throws {
        var options = StoreOptions()
        let clock = clock
        options.use(clock)
        options.sweepInterval = nil
        options.checkpoints.changeCount = 200
        temporary = try TemporaryStore(schema: RandomHistory.schema, options: options)
        store = temporary.store
        random = SplitMix(seed: seed)
        directory = try TemporaryStore.makeDirectory()
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    func item(_ number: Int) -> Item {
        [
            "p": .string("p\(number % 5)"), "s": .string("s\(number)"),
            "g": .string("g\(random.below(6))"), "v": .number(Number(random.below(1000))),
            "w": .string(
                String(repeating: "w\(random.next())", count: random.chance(5) ? 2000 : 80)),
        ]
    }

    private func keep(_ item: Item, in table: String) {
        items["\(table)/\(item["p"]?.string ?? "")/\(item["s"]?.string ?? "")"] = item
    }

    /// Takes note of what the store holds, if the step was a commit.
    func note() throws {
        let sequence = try store.stats().sequence
        if sequence == moments.last?.sequence { return }
        moments.append(Moment(sequence: sequence, time: clock.now, items: items))
    }

    func step() async throws {
        if random.chance(70) { clock.advance(by: Double(random.below(32)) / 8) }
        switch random.below(40) {
        case 0: try await changeParts()
        case 1: try await changeLayout()
        case 2:
            loadCount += 1
            let table = loadCount == 1 ? "loaded" : "t"
            var new = (0..<40).map { item(1000 * loadCount + $0) }
            for item in new { keep(item, in: table) }
            try await store.load(into: table) { new.popLast() }
        default:
            var changes: [(Int, Item?)] = []
            for _ in 0...random.below(4) {
                let number = random.below(60)
                changes.append((number, random.chance(25) ? nil : item(number)))
            }
            try await store.write { [changes] transaction in
                for (number, item) in changes {
                    guard let item else {
                        let key = PrimaryKey(
                            .string("p\(number % 5)"), .string("s\(number)"))
                        try transaction.delete(in: "t", key: key)
                        continue
                    }
                    try transaction.put(item, in: "t")
                }
            }
            for (number, item) in changes {
                items["t/p\(number % 5)/s\(number)"] = nil
                if let item { keep(item, in: "t") }
            }
        }
        try note()
    }

    /// Adds an index or counter, or takes one away: what the log does not have the entries of.
    private func changeParts() async throws {
        let projection: IndexProjection = random.chance(50) ? .include(["w"]) : .all
        let index = IndexDefinition(
            "byVG", partitionKey: [KeyAttribute("v", .number)], sortKey: [KeyAttribute("g")],
            projection: projection)
        let table = try #require(store.schema.tables.first { $0.name == "t" })
        if table.indexes.contains(where: { $0.name == "byVG" }) {
            try await store.removeIndex("byVG", from: "t")
        } else {
            try await store.addIndex(index, to: "t")
        }
        if table.counters.contains(where: { $0.name == "byP" }) {
            try await store.removeCounter("byP", from: "t")
        } else {
            try await store.addCounter(
                CounterDefinition("byP", group: [KeyAttribute("p")]), to: "t")
        }
        try await store.waitUntilReady()
    }

    /// Gives an index the other layout, whose entries the log does not have either.
    private func changeLayout() async throws {
        let indexes = try store.buildStatus().filter { $0.kind == .index }
        let index = random.pick(indexes)
        try await store.changeLayout(
            ofIndex: index.name, in: index.table,
            to: index.layout == .copies ? .references : .copies)
        try await store.waitUntilReady()
    }

    /// All items, by table and key.
    static func items(of store: Store) throws -> [String: Item] {
        var found: [String: Item] = [:]
        for table in ["t", "loaded"] {
            for item in try store.items(scanning: TableScan(table: table)).items {
                found["\(table)/\(item["p"]?.string ?? "")/\(item["s"]?.string ?? "")"] = item
            }
        }
        return found
    }
}
