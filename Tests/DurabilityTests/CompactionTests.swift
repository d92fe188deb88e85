import CodexCore
import CodexTesting
import CrashSupport
import Dispatch
import Foundation
import TestSupport
import Testing

@testable import CodexStore

/// A compaction makes the data file small, and nothing else of a store changes.
@Suite("Compaction", .serialized)
struct CompactionTests {
    static let schema = Schema(tables: [
        TableDefinition(
            "t", partitionKey: KeyAttribute("p"), sortKey: KeyAttribute("s"),
            indexes: [
                IndexDefinition("byG", partitionKey: [KeyAttribute("g")]),
                IndexDefinition("keys", partitionKey: [KeyAttribute("s")], projection: .keysOnly),
            ],
            counters: [CounterDefinition("sums", group: [KeyAttribute("g")], sums: ["v"])]),
        TableDefinition("other", partitionKey: KeyAttribute("p")),
    ])

    /// Long keys, and now and then a value in chunks.
    static func item(_ number: Int) -> Item {
        let length = number % 7 == 0 ? 900 : 10
        return [
            "p": .string("p\(number % 20)"),
            "s": .string("\(number)-" + String(repeating: "k", count: length)),
            "g": .string("g\(number % 5)"), "v": .number(Number(number)),
            "text": .string(noise(number, byteCount: number % 50 == 1 ? 40_000 : 600)),
        ]
    }

    /// Text that hardly compresses.
    private static func noise(_ number: Int, byteCount: Int) -> String {
        var dice = Dice(seed: UInt64(number) + 1)
        var text = ""
        while text.utf8.count < byteCount { text += String(dice.next(), radix: 36) }
        return text
    }

    static func key(_ number: Int) throws -> PrimaryKey {
        let item = item(number)
        return PrimaryKey(try #require(item["p"]), item["s"])
    }

    static func fill(_ store: Store, _ numbers: Range<Int>) async throws {
        for start in stride(from: numbers.lowerBound, to: numbers.upperBound, by: 100) {
            let batch = start..<min(start + 100, numbers.upperBound)
            try await store.write { transaction in
                for number in batch { try transaction.put(Self.item(number), in: "t") }
            }
        }
    }

    /// Deletes nine of ten.
    static func thin(_ store: Store, _ numbers: Range<Int>) async throws {
        for start in stride(from: numbers.lowerBound, to: numbers.upperBound, by: 100) {
            let batch = start..<min(start + 100, numbers.upperBound)
            try await store.write { transaction in
                for number in batch where number % 10 != 0 {
                    try transaction.delete(in: "t", key: try Self.key(number))
                }
            }
        }
    }

    private func dataByteCount(_ path: String) throws -> Int {
        let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path + "/data.mdb"))
        defer { try? file.close() }
        return Int(try file.seekToEnd())
    }

    private func names(_ path: String) throws -> Set<String> {
        Set(try FileManager.default.contentsOfDirectory(atPath: path))
    }

    /// What of a store must not change.
    private struct Contents: Equatable {
        let items: [Item]
        let byGroup: [Item]
        let sequence: UInt64
        let trimmed: UInt64
        let consumers: [String: SequenceNumber]
        let changes: [SequenceNumber]
        let storeID: UUID
        let databases: [String]

        init(_ store: Store) throws {
            items = try store.items(scanning: TableScan(table: "t")).items
            let query = TableQuery(table: "t", index: "byG", partition: ["g0"])
            byGroup = try store.items(matching: query).items
            let stats = try store.stats()
            (sequence, trimmed) = (stats.sequence, stats.trimmedSequence)
            consumers = Dictionary(
                uniqueKeysWithValues: try store.consumers().map { ($0.name, $0.sequenceNumber) })
            changes = try store.retainedChanges(after: .trimHorizon).map(\.sequenceNumber)
            storeID = store.core.catalog.manifest.storeID
            let core = store.core
            databases = try core.withSchemaLock { () throws(CodexError) in
                try core.environment.databaseNames()
            }
        }
    }

    // MARK: What stays

    @Test("Contents, numbers, identity, consumers and tokens stay, and the file is smaller")
    func everythingStays() async throws {
        let temporary = try TemporaryStore(schema: Self.schema)
        let store = temporary.store
        try await Self.fill(store, 0..<2000)
        try await store.addConsumer("c", after: .trimHorizon)
        let first = try #require(try store.retainedChanges(after: .trimHorizon).first)
        try await store.write { try $0.checkpoint("c", at: first) }
        let list: [WriteAction] = [.put(table: "other", ["p": "once"])]
        #expect(try await store.perform(list, idempotencyToken: "once"))
        try await Self.thin(store, 0..<2000)
        let scan = TableScan(table: "t")
        let page = try store.items(scanning: scan, limits: PageLimits(returned: 20))
        let before = try Contents(store)
        let transaction = store.core.environment.lastTransactionID

        let report = try await store.compact()

        #expect(try Contents(store) == before)
        #expect(store.core.environment.lastTransactionID > transaction)
        #expect(report.byteCountAfter < report.byteCountBefore / 2)
        #expect(try dataByteCount(temporary.path) == report.byteCountAfter)
        #expect(try names(temporary.path).isDisjoint(with: ["compaction", "compacting"]))
        let rest = try store.items(scanning: scan, after: page.next)
        #expect(page.items + rest.items == before.items)
        #expect(try await store.perform(list, idempotencyToken: "once") == false)
        #expect(try store.verify().isSound)
        // It takes writes, and another compaction.
        try await Self.fill(store, 2000..<2300)
        try await store.compact()
        let filled = try Contents(store)
        #expect(filled.sequence > before.sequence && filled.storeID == before.storeID)
        store.close()
        let reopened = try Store(at: temporary.path)
        defer { reopened.close() }
        #expect(try Contents(reopened).items == filled.items)
        #expect(try Contents(reopened).changes == filled.changes)
        #expect(try reopened.verify().isSound)
    }

    @Test("Handles of databases keep their numbers, whatever was removed before")
    func handles() async throws {
        let temporary = try TemporaryStore(schema: Self.schema)
        let store = temporary.store
        try await Self.fill(store, 0..<100)
        try await store.removeTable("other")
        try await store.removeIndex("byG", from: "t")
        try await store.addTable(TableDefinition("new", partitionKey: KeyAttribute("p")))
        try await store.waitUntilReady()
        try await store.removeTable("new")
        try await store.waitUntilReady()
        let catalog = store.core.catalog
        try await store.compact()
        #expect(store.core.catalog === catalog)
        #expect(try store.verify().isSound)
        try await store.addTable(TableDefinition("last", partitionKey: KeyAttribute("p")))
        try await store.write { _ = try $0.put(["p": "1"], in: "last") }
        #expect(try store.item(in: "last", key: PrimaryKey("1")) == ["p": "1"])
        try await store.compact()
        #expect(try store.item(in: "last", key: PrimaryKey("1")) == ["p": "1"])
        #expect(try store.items(scanning: TableScan(table: "t")).items.count == 100)
        #expect(try store.verify().isSound)
    }

    @Test("Backups, archives and followers go on after a compaction of either side")
    func copies() async throws {
        let directory = try TestDirectory()
        let temporary = try TemporaryStore(schema: Self.schema)
        let leader = temporary.store
        try await Self.fill(leader, 0..<300)
        try await leader.backup(to: directory.path + "/backup")
        try await leader.archiveLog(to: directory.path + "/archive")
        try await Self.thin(leader, 0..<300)
        try await leader.compact()
        try await Self.fill(leader, 300..<400)
        #expect(try await leader.archiveLog(to: directory.path + "/archive").hasGap == false)
        let expected = try leader.items(scanning: TableScan(table: "t")).items

        try await Store.restore(
            directory.path + "/backup", archive: directory.path + "/archive",
            at: directory.path + "/restored")
        let restored = try Store(at: directory.path + "/restored")
        defer { restored.close() }
        #expect(try restored.items(scanning: TableScan(table: "t")).items == expected)

        try await Store.restore(
            directory.path + "/backup", at: directory.path + "/follower", asFollower: true)
        let follower = try Store(at: directory.path + "/follower")
        defer { follower.close() }
        let start = try follower.stats().sequence
        let following = _Concurrency.Task {
            try await follower.follow(leader.replicationStream(after: start))
        }
        try await Self.wait(follower, for: try leader.stats().sequence)
        try await follower.compact()
        #expect(try follower.items(scanning: TableScan(table: "t")).items == expected)
        try await Self.fill(leader, 400..<450)
        try await Self.wait(follower, for: try leader.stats().sequence)
        following.cancel()
        _ = await following.result
        let last = try leader.items(scanning: TableScan(table: "t")).items
        #expect(try follower.items(scanning: TableScan(table: "t")).items == last)
        #expect(try follower.verify().isSound)
    }

    /// Waits until a store has applied a commit.
    private static func wait(_ store: Store, for sequence: UInt64) async throws {
        while true {
            let (position, id) = try store.core.appliedState()
            if position.sequence >= sequence { return }
            try await store.core.commits.wait(after: id)
        }
    }

    // MARK: Refused

    @Test("It is refused while a snapshot is open, whose reads go on")
    func snapshot() async throws {
        let temporary = try TemporaryStore(schema: Self.schema)
        let store = temporary.store
        try await Self.fill(store, 0..<50)
        let context = try store.core.acquireReadContext()
        await #expect(throws: CodexError(.inUse, "")) { try await store.compact() }
        store.core.releaseReadContext(context)
        #expect(try store.items(scanning: TableScan(table: "t")).items.count == 50)
        #expect(try names(temporary.path).isDisjoint(with: ["compaction", "compacting"]))
        try await store.compact()
        #expect(try store.verify().isSound)
    }

    @Test("It is refused inside of a body that reads, and reads inside of that go on")
    func body() throws {
        let temporary = try TemporaryStore(schema: Self.schema)
        let store = temporary.store
        try store.write { _ = try $0.put(Self.item(1), in: "t") }
        let key = try Self.key(1)
        let code = Locked<CodexError.Code?>(nil)
        try store.read { snapshot in
            let ended = DispatchSemaphore(value: 0)
            _Concurrency.Task {
                do {
                    try await store.compact()
                } catch {
                    code.withLock { $0 = (error as? CodexError)?.code }
                }
                ended.signal()
            }
            // Readers are barred for a part of this time.
            while ended.wait(timeout: .now()) == .timedOut {
                let (own, other) = (
                    try snapshot.item(in: "t", key: key), try store.item(in: "t", key: key)
                )
                #expect(own == Self.item(1) && other == own)
            }
        }
        #expect(code.withLock { $0 } == .inUse)
    }

    @Test("It is refused while another process has the store open, and not after that")
    func otherProcess() async throws {
        let directory = try TestDirectory()
        let path = directory.path + "/store"
        let store = try Store(at: path, schema: NumberedItems.schema())
        defer { store.close() }
        try NumberedItems.put(0..<100, byteCount: 2000, in: store)
        for options in ["", "schema=no readonly"] {
            let other = try DrivenAgent(opening: path, options)
            await #expect(throws: CodexError(.inUse, "")) { try await store.compact() }
            // Both go on.
            #expect(try other.must("state s").number == 100)
            try NumberedItems.put(0..<100, byteCount: 2000, in: store)
            other.quit()
        }
        try await store.compact()
        let late = try DrivenAgent()
        #expect(try late.must("open s \(path)").text == "joined")
        #expect(try late.must("state s").number == 100)
        try late.must("put s 100 10 2000")
        #expect(try NumberedItems.state(store).numbers == Set(0..<110))
        late.quit()
    }

    @Test("A read-only store is not compacted, nor one that is closed")
    func readOnly() async throws {
        let temporary = try TemporaryStore(schema: Self.schema)
        temporary.store.close()
        await #expect(throws: CodexError(.closed, "")) { try await temporary.store.compact() }
        let store = try Store(at: temporary.path, options: StoreOptions(isReadOnly: true))
        defer { store.close() }
        await #expect(throws: CodexError(.readOnly, "")) { try await store.compact() }
    }

    // MARK: Cut short

    @Test("Cut short, it is undone or completed by the next opening for writing, and by no other")
    func cut() throws {
        for step in ProtocolStep.allCases where ProtocolStep.compaction.contains(step) {
            let directory = try TestDirectory()
            var store = CrashStore(directory.path + "/store")
            let agent = try CrashAgent(
                store.path, writers: 0..<2, seed: 1, killedAt: step, compactsEvery: 10)
            agent.waitForEnd()
            store.note(agent)
            #expect(agent.wasKilled, "\(step)")
            let isCut = try names(store.path).contains("compaction")
            let cuts: [ProtocolStep] = [
                .compactionIntended, .compactionRenamed, .compactionPublished,
            ]
            #expect(isCut == cuts.contains(step), "\(step)")
            if isCut {
                #expect(throws: CodexError(.needsRecovery, ""), "\(step)") {
                    try Store(at: store.path, options: StoreOptions(isReadOnly: true))
                }
            }
            try store.check()
            #expect(
                try names(store.path).isDisjoint(with: ["compaction", "compacting"]), "\(step)")
        }
    }

    @Test("A damaged record of a compaction that was cut short is named, and nothing is changed")
    func damaged() throws {
        let directory = try TestDirectory()
        var store = CrashStore(directory.path + "/store")
        let agent = try CrashAgent(
            store.path, writers: 0..<2, seed: 1, killedAt: .compactionRenamed, compactsEvery: 10)
        agent.waitForEnd()
        store.note(agent)
        let file = URL(fileURLWithPath: store.path + "/compaction")
        let whole = try Data(contentsOf: file)
        var bytes = whole
        bytes[100] ^= 1
        for damaged in [bytes, whole.prefix(60), Data()] {
            try Data(damaged).write(to: file)
            #expect(throws: CodexError(.corrupted, "")) { try Store(at: store.path) }
        }
        try whole.write(to: file)
        try store.check()
    }
}
