import CodexCore
import CodexStore
import CodexTesting
import Foundation
import TestSupport
import Testing

/// Any moment between a backup and the archive's end, against a model that knows what the store held then.
@Suite("Restoring any moment")
struct RandomMomentTests {
    /// What the store held after a commit.
    private struct Moment {
        let sequence: UInt64
        let time: Date
        let items: [String: Item]
    }

    private static let schema = Schema(tables: [
        TableDefinition(
            "t", partitionKey: KeyAttribute("p"), sortKey: KeyAttribute("s"),
            indexes: [IndexDefinition("byG", partitionKey: [KeyAttribute("g")])],
            counters: [CounterDefinition("sums", group: [KeyAttribute("g")], sums: ["v"])]),
        TableDefinition(
            "loaded", partitionKey: KeyAttribute("p"), sortKey: KeyAttribute("s"),
            indexes: [IndexDefinition("byV", partitionKey: [KeyAttribute("v", .number)])]),
    ])

    /// A store that lives a while, with its backups and archive beside it.
    private final class Life {
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
            options.now = { clock.now }
            options.sweepInterval = nil
            options.checkpoints.changeCount = 200
            temporary = try TemporaryStore(schema: RandomMomentTests.schema, options: options)
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
            case 1:
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
            try await store.whenReady()
        }
    }

    private func items(of store: Store) throws -> [String: Item] {
        var found: [String: Item] = [:]
        for table in ["t", "loaded"] {
            for item in try store.items(scanning: TableScan(table: table)).items {
                found["\(table)/\(item["p"]?.string ?? "")/\(item["s"]?.string ?? "")"] = item
            }
        }
        return found
    }

    @Test("50 random moments")
    func moments() async throws {
        let seed = UInt64.random(in: 1...1_000_000)
        print("restores: seed \(seed)")
        let life = try Life(seed: seed)
        let store = life.store
        let archive = life.directory + "/archive"
        var backups: [(path: String, sequence: UInt64, time: Date)] = []
        try life.note()
        for step in 0..<360 {
            if [30, 150, 250].contains(step) {
                let path = life.directory + "/backup-\(step)"
                let report = try await store.backup(to: path)
                #expect(report.sequence == life.moments.last?.sequence)
                #expect(report.committedAt == life.moments.last?.time)
                let time = try #require(report.committedAt)
                backups.append((path, report.sequence, time))
            }
            if step % 45 == 29 {
                let report = try await store.archiveLog(to: archive)
                #expect(!report.hasGap && report.sequence == life.moments.last?.sequence)
            }
            try await life.step()
        }
        // Until then there are no others.
        life.clock.advance(by: 60)
        try await store.archiveLog(to: archive)
        #expect(life.moments.last.map { $0.sequence > 360 } == true)
        for round in 0..<50 {
            let backup = life.random.pick(backups)
            let possible = life.moments.filter { $0.sequence >= backup.sequence }
            let moment = life.random.pick(possible)
            let path = life.directory + "/restored"
            let target: RestoreTarget
            let expected: Moment
            if round % 2 == 0 {
                (target, expected) = (.sequence(moment.sequence), moment)
            } else {
                let time = moment.time + Double(life.random.below(24)) / 8
                target = .time(time)
                expected = try #require(possible.last { $0.time <= time })
            }
            let report = try await Store.restore(
                backup.path, archive: archive, to: target, at: path)
            #expect(report.sequence == expected.sequence, "seed \(seed)")
            #expect(report.committedAt == expected.time, "seed \(seed)")
            #expect(report.commitCount == Int(expected.sequence - backup.sequence))
            try await check(path, expected.items, "seed \(seed), round \(round)")
            try FileManager.default.removeItem(atPath: path)
        }
    }

    private func check(
        _ path: String, _ expected: [String: Item], _ comment: Comment
    ) async throws {
        let restored = try Store(at: path)
        defer { restored.close() }
        #expect(restored.recovery?.commitCount == 0)
        #expect(try items(of: restored) == expected, comment)
        try await restored.whenReady()
        let verified = try restored.verify()
        #expect(verified.isSound, "\(comment) \(verified.differences.prefix(3))")
        // It goes on from there.
        let sequence = try restored.stats().sequence
        _ = try await restored.write { try $0.put(["p": "new", "s": "new"], in: "t") }
        #expect(try restored.stats().sequence == sequence + 1)
    }
}
