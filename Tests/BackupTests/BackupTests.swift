import CodexCore
import CodexStore
import CodexTesting
import Foundation
import TestSupport
import Testing

@Suite("Backups")
struct BackupTests {
    static let schema = AgentTable.schema(indexes: [AgentTable.byG])
    let directory: String
    let clock = ManualClock()

    init() throws { directory = try TemporaryStore.makeDirectory() }

    func cleaning(_ body: () async throws -> Void) async throws {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try await body()
    }

    func path(_ name: String) -> String { directory + "/" + name }

    func makeStore() throws -> TemporaryStore {
        var options = StoreOptions()
        let clock = clock
        options.use(clock)
        return try TemporaryStore(schema: Self.schema, options: options)
    }

    func put(_ numbers: Range<Int>, _ store: Store, byteCount: Int = 10) async throws {
        let noise = try #require(FileHandle(forReadingAtPath: "/dev/urandom"))
        for number in numbers {
            clock.advance(by: 1)
            let item: Item = [
                "p": "p", "s": .string("\(number)"), "g": "g",
                // Nothing that compresses.
                "bytes": .binary([UInt8](try noise.read(upToCount: byteCount) ?? Data())),
            ]
            _ = try await store.write { try $0.put(item, in: "t") }
        }
    }

    func count(_ path: String) throws -> Int {
        let store = try Store(at: path)
        defer { store.close() }
        #expect(try store.verify().isSound)
        return try store.items(scanning: TableScan(table: "t")).items.count
    }

    @Test("A backup alone is restored to its own moment, as a store of its own")
    func alone() async throws {
        try await cleaning {
            let temporary = try makeStore()
            let store = temporary.store
            try await put(0..<30, store)
            let report = try await store.backup(to: path("backup"))
            let time = clock.now
            #expect(report.sequence == 30 && report.committedAt == time)
            try await put(30..<40, store)
            let coverage = try await Store.verifyBackup(path("backup"))
            #expect(coverage.firstSequence == 30 && coverage.lastSequence == 30)
            for (place, target) in [
                RestoreTarget.latest, .sequence(30), .time(time),
            ].enumerated() {
                let restored = try await Store.restore(
                    path("backup"), to: target, at: path("restored-\(place)"))
                #expect(restored.sequence == 30 && restored.commitCount == 0)
                #expect(try count(path("restored-\(place)")) == 30)
            }
            // Beside the old one, with an identity of its own: a page token of that is refused.
            let scan = TableScan(table: "t")
            let page = try store.items(scanning: scan, limits: PageLimits(returned: 5))
            let restored = try Store(at: path("restored-0"))
            #expect(throws: CodexError(.invalidPageToken, "")) {
                try restored.items(scanning: scan, after: page.next)
            }
            try await put(40..<50, restored)
            #expect(try restored.stats().sequence == 40)
            restored.close()
            #expect(try count(path("restored-0")) == 40)
        }
    }

    @Test("Restored with its log, a store has its changes, and consumers go on where they were")
    func changes() async throws {
        try await cleaning {
            let temporary = try makeStore()
            let store = temporary.store
            try await put(0..<10, store)
            try await store.backup(to: path("backup"))
            try await store.addConsumer("c", after: .trimHorizon)
            try await put(10..<20, store, byteCount: 100_000)
            let first = try await store.archiveLog(to: path("archive"))
            #expect(first.segmentCount > 1 && !first.hasGap)
            try await put(20..<30, store)
            let second = try await store.archiveLog(to: path("archive"))
            #expect(second.segmentCount == 1 && second.firstSequence == 1)
            #expect(try await store.archiveLog(to: path("archive")).segmentCount == 0)
            let coverage = try await Store.verifyBackup(
                path("backup"), archive: path("archive"))
            #expect(
                coverage.lastSequence == second.sequence && coverage.lastCommittedAt == clock.now
                    && coverage.coveredThrough == clock.now)
            try await Store.restore(path("backup"), archive: path("archive"), at: path("restored"))
            let restored = try Store(at: path("restored"))
            defer { restored.close() }
            let consumer = try #require(try restored.stats().consumers.first)
            #expect(consumer.lagCommitCount == 31 && !consumer.isTrimmed)
            try await put(30..<31, restored)
            var keys: [String] = []
            for try await change in restored.changes(after: .trimHorizon) {
                keys.append(try change.key.sort?.string ?? "")
                if keys.last == "30" { break }
            }
            #expect(keys == (0...30).map { "\($0)" })
        }
    }

    @Test("A moment is covered up to when nothing else was committed, and not beyond")
    func coverage() async throws {
        try await cleaning {
            let temporary = try makeStore()
            let store = temporary.store
            try await put(0..<5, store)
            let start = clock.now
            clock.advance(by: 10)
            try await store.backup(to: path("backup"))
            try await put(5..<10, store)
            let last = clock.now
            clock.advance(by: 10)
            try await store.archiveLog(to: path("archive"))
            func restore(_ target: RestoreTarget, archived: Bool = true) async throws -> UInt64 {
                try? FileManager.default.removeItem(atPath: path("restored"))
                return try await Store.restore(
                    path("backup"), archive: archived ? path("archive") : nil, to: target,
                    at: path("restored")
                ).sequence
            }
            #expect(try await restore(.sequence(5)) == 5)
            #expect(try await restore(.sequence(10)) == 10)
            #expect(try await restore(.time(start)) == 5)
            #expect(try await restore(.time(last - 0.125)) == 9)
            #expect(try await restore(.time(last)) == 10)
            #expect(try await restore(.time(last - 0.001)) == 9)
            #expect(try await restore(.time(last + 10)) == 10)
            let refused: [(RestoreTarget, Bool)] = [
                (.sequence(4), true), (.sequence(11), true), (.sequence(.max), true),
                (.time(start - 0.125), true), (.time(last + 10.125), true),
                (.time(Date(timeIntervalSince1970: .infinity)), true),
                (.time(.distantPast), true), (.sequence(6), false), (.time(last), false),
            ]
            for (target, archived) in refused {
                await #expect(throws: CodexError(.notCovered, "")) {
                    try await restore(target, archived: archived)
                }
                #expect(try FileManager.default.contentsOfDirectory(atPath: directory).count == 2)
            }
        }
    }

    @Test(
        "Segments that were pruned before they were archived are a gap, which a later backup closes"
    )
    func gap() async throws {
        try await cleaning {
            var options = StoreOptions()
            options.changeRetention = ChangeRetention(age: .seconds(3600), byteCount: 0)
            options.checkpoints.changeCount = 5
            let temporary = try TemporaryStore(schema: Self.schema, options: options)
            var store = temporary.store
            try await store.backup(to: path("early"))
            try await store.archiveLog(to: path("archive"))
            try await put(0..<40, store, byteCount: 100_000)
            store.close()
            store = try Store(at: temporary.path, options: options)
            defer { store.close() }
            #expect(try store.stats().trimmedSequence > 0)
            let report = try await store.archiveLog(to: path("archive"))
            #expect(report.hasGap && report.firstSequence > 1)
            await #expect(throws: CodexError(.notCovered, "")) {
                try await Store.restore(path("early"), archive: path("archive"), at: path("r"))
            }
            try await store.backup(to: path("late"))
            try await put(40..<45, store)
            let later = try await store.archiveLog(to: path("archive"))
            #expect(!later.hasGap && later.firstSequence == report.firstSequence)
            try await Store.restore(path("late"), archive: path("archive"), at: path("r"))
            #expect(try count(path("r")) == 45)
        }
    }

    @Test("A gap is one, too, in a segment of which a part was archived")
    func gapInSegment() async throws {
        try await cleaning {
            var options = StoreOptions()
            options.changeRetention = ChangeRetention(age: .seconds(3600), byteCount: 0)
            let temporary = try TemporaryStore(schema: Self.schema, options: options)
            var store = temporary.store
            try await put(0..<1, store, byteCount: 100_000)
            #expect(try await store.archiveLog(to: path("archive")).segmentCount == 1)
            // One more in its segment, and others in the next; the first is pruned then.
            try await put(1..<5, store, byteCount: 100_000)
            store.close()
            store = try Store(at: temporary.path, options: options)
            defer { store.close() }
            let trimmed = try store.stats().trimmedSequence
            #expect((2...3).contains(trimmed))
            let report = try await store.archiveLog(to: path("archive"))
            #expect(report.hasGap && report.firstSequence == trimmed + 1)
        }
    }

    @Test("Of several that archive at once, none undoes what another did")
    func archivedAtOnce() async throws {
        try await cleaning {
            let temporary = try makeStore()
            let store = temporary.store
            try await store.backup(to: path("backup"))
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await put(0..<100, store, byteCount: 20_000) }
                for _ in 0..<4 {
                    group.addTask {
                        for _ in 0..<10 { try await store.archiveLog(to: path("archive")) }
                    }
                }
                try await group.waitForAll()
            }
            try await store.archiveLog(to: path("archive"))
            try await Store.restore(path("backup"), archive: path("archive"), at: path("restored"))
            #expect(try count(path("restored")) == 100)
        }
    }

    @Test("A backup that is newer than the archive is restored without it")
    func newerBackup() async throws {
        try await cleaning {
            let temporary = try makeStore()
            let store = temporary.store
            try await put(0..<5, store)
            try await store.archiveLog(to: path("archive"))
            try await put(5..<10, store)
            try await store.backup(to: path("backup"))
            let coverage = try await Store.verifyBackup(path("backup"), archive: path("archive"))
            #expect(coverage.firstSequence == 10 && coverage.lastSequence == 10)
            try await Store.restore(path("backup"), archive: path("archive"), at: path("restored"))
            #expect(try count(path("restored")) == 10)
        }
    }

    @Test(
        "A store that was put back to an earlier state does not go on with the archive of its other life"
    )
    func otherLife() async throws {
        try await cleaning {
            let temporary = try makeStore()
            try await put(0..<5, temporary.store)
            temporary.store.close()
            try FileManager.default.copyItem(atPath: temporary.path, toPath: path("copy"))
            var store = try Store(at: temporary.path)
            try await store.backup(to: path("backup"))
            try await put(5..<10, store)
            try await store.archiveLog(to: path("archive"))
            store.close()
            // As a snapshot of the machine would.
            store = try Store(at: path("copy"))
            defer { store.close() }
            try await put(5..<8, store)
            try await store.backup(to: path("other"))
            // Whether it is behind the archive, as far, or beyond.
            for numbers in [8..<8, 8..<10, 10..<20] {
                try await put(numbers, store)
                await #expect(throws: CodexError(.notAStore, "")) {
                    try await store.archiveLog(to: path("archive"))
                }
            }
            await #expect(throws: CodexError(.notCovered, "")) {
                try await Store.restore(path("other"), archive: path("archive"), at: path("r"))
            }
            try await store.archiveLog(to: path("others"))
            try await Store.restore(path("other"), archive: path("others"), at: path("r"))
            #expect(try count(path("r")) == 20)
        }
    }

    @Test("A restore makes checkpoints, so that the file does not grow with the log")
    func checkpoints() async throws {
        try await cleaning {
            let temporary = try makeStore()
            let store = temporary.store
            let items = (0..<2500).map { number -> Item in
                ["p": .string("\(number % 50)"), "s": .string("\(number)"), "g": "g"]
            }
            func putAll(_ round: Int) async throws {
                try await store.write { transaction in
                    for item in items {
                        var item = item
                        item["round"] = .number(Number(round))
                        try transaction.put(item, in: "t")
                    }
                }
            }
            try await putAll(0)
            try await store.backup(to: path("backup"))
            for round in 1..<80 { try await putAll(round) }
            try await store.archiveLog(to: path("archive"))
            let report = try await Store.restore(
                path("backup"), archive: path("archive"), at: path("restored"))
            #expect(report.commitCount == 79)
            #expect(try count(path("restored")) == 2500)
            func byteCount(_ file: String) throws -> Int {
                let values = try FileManager.default.attributesOfItem(atPath: path(file))
                return try #require(values[.size] as? Int)
            }
            // Thirteen rounds lie between two checkpoints.
            #expect(try byteCount("restored/data.mdb") < 10 * byteCount("backup/data.mdb"))
        }
    }

    @Test("Writers go on while a backup is made, and it is of one moment")
    func concurrent() async throws {
        try await cleaning {
            let temporary = try makeStore()
            let store = temporary.store
            try await put(0..<500, store, byteCount: 1000)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await put(500..<900, store) }
                group.addTask {
                    for number in 0..<5 { try await store.backup(to: path("backup-\(number)")) }
                }
                try await group.waitForAll()
            }
            for number in 0..<5 {
                let report = try await Store.restore(
                    path("backup-\(number)"), at: path("restored-\(number)"))
                #expect(try count(path("restored-\(number)")) == Int(report.sequence))
            }
        }
    }

    @Test("A time is one to the millisecond, however it is in binary")
    func milliseconds() throws {
        for _ in 0..<1000 {
            let milliseconds = Int.random(in: 1_700_000_000_000...1_900_000_000_000)
            let date = Date(timeIntervalSince1970: Double(milliseconds) / 1000)
            let text = try #require(Timestamp.date(Timestamp.text(date)))
            #expect(RestoreTarget.time(text) == .time(date))
            #expect(RestoreTarget.time(text) != .time(text - 0.001))
            #expect(RestoreTarget.time(text) == .time(text + 0.0005))
        }
    }

    // MARK: Kills

    @Test("A process that is killed while it makes backups leaves whole ones and none")
    func killed() async throws {
        try await cleaning {
            try Store(at: path("store"), schema: Self.schema).close()
            let seed = UInt64.random(in: 1...1_000_000)
            var random = SplitMix(seed: seed)
            for round in 0..<6 {
                let agent = try Agent("backup", path("store"), directory)
                agent.waitUntilBegun()
                let lines = try agent.lines(1 + random.below(12))
                agent.kill()
                let archived = try #require(
                    lines.last?.split(separator: " ").last.flatMap { Int($0) })
                let names = try FileManager.default.contentsOfDirectory(atPath: directory)
                let backups = names.filter { $0.hasPrefix("backup-") && !$0.contains(".making-") }
                #expect(!backups.isEmpty)
                let chosen = random.pick(backups)
                for backup in backups {
                    // Nothing is between what an archive had and what it has now.
                    let coverage = try await Store.verifyBackup(
                        path(backup), archive: path("archive"))
                    #expect(coverage.lastSequence >= coverage.firstSequence)
                    guard backup == chosen else { continue }
                    let report = try await Store.restore(
                        path(backup), archive: path("archive"), at: path("restored"))
                    let store = try Store(at: path("restored"))
                    defer { store.close() }
                    let items = try store.items(scanning: TableScan(table: "t")).items
                    let numbers = items.compactMap { $0["s"]?.string.flatMap { Int($0) } }
                    #expect(numbers == Array(0..<items.count), "seed \(seed), round \(round)")
                    #expect(items.count >= archived && items.count == Int(report.sequence))
                    #expect(try store.verify().isSound)
                }
                try? FileManager.default.removeItem(atPath: path("restored"))
                // The store itself is none the worse.
                let store = try Store(at: path("store"))
                #expect(try store.verify().isSound)
                #expect(try store.items(scanning: TableScan(table: "t")).items.count >= archived)
                store.close()
            }
        }
    }
}
