import CodexTesting
import Foundation
import PlantedFaults
import TestSupport
import Testing

@testable import CodexCore
@testable import CodexStore

/// What a follower keeps for itself: what is built, what is known of the leader, whether it is open.
@Suite("A follower's own state")
struct FollowerStateTests {
    /// The leader's records after a commit, one by one.
    private func records(_ pair: FollowerPair, after sequence: UInt64) async throws -> [[UInt8]] {
        var decoder = RecordDecoder()
        decoder.append(try await pair.records(after: sequence))
        var encoded: [[UInt8]] = []
        while let record = try decoder.next() {
            var bytes: [UInt8] = []
            LeaderRecord.append(
                record.record, of: record.storeID, lastSequence: record.lastSequence, to: &bytes)
            encoded.append(bytes)
        }
        return encoded
    }

    /// Waits for what a store's builder does by itself.
    private func waitUntilBuilt(_ store: Store) async throws {
        let end = ContinuousClock.now + Hang.limit
        while try store.buildStatus().contains(where: { $0.state != .ready }) {
            try #require(ContinuousClock.now < end)
            try await _Concurrency.Task.sleep(for: .milliseconds(5))
        }
    }

    @Test("What the leader adds is built by the follower itself, and what it removes goes")
    func builds() async throws {
        let pair = try await FollowerPair()
        let index = IndexDefinition("byV", partitionKey: [KeyAttribute("v", .number)])
        for _ in 0..<3 {
            try await pair.leader.addIndex(index, to: "t")
            try await pair.leader.waitUntilReady()
            try await pair.catchUp()
            try await waitUntilBuilt(pair.follower)
            let query = TableQuery(table: "t", index: "byV", partition: [0])
            #expect(try pair.follower.items(matching: query).items.count == 10)
            try await pair.leader.removeIndex("byV", from: "t")
            try await pair.leader.waitUntilReady()
            try await pair.catchUp()
        }
        // Of another kind under the same name.
        let other = IndexDefinition(
            "byV", partitionKey: [KeyAttribute("p")], sortKey: [KeyAttribute("v", .number)],
            projection: .keysOnly)
        try await pair.leader.addIndex(other, to: "t")
        try await pair.catchUp()
        try await FollowerPair.expectEqual(pair.follower, pair.leader, "another index")
        let retired = pair.follower.core.catalog.manifest.tables["t"]?.retired ?? []
        #expect(retired.isEmpty)
    }

    @Test("A sum that does not fit stops no follower: the counter conflicts, as the leader's does")
    func overflow() async throws {
        let schema = Schema(tables: [
            AgentTable.definition(
                counters: [CounterDefinition("sum", group: [KeyAttribute("p")], sums: ["v"])]),
            TableDefinition(
                "loaded", partitionKey: KeyAttribute("p"), sortKey: KeyAttribute("s"),
                counters: [CounterDefinition("sum", group: [KeyAttribute("p")], sums: ["v"])]),
        ])
        let pair = try await FollowerPair(schema: schema)
        var rest: [Item] = [
            ["p": "p", "s": "1", "v": .number(try Number(parsing: "1e30"))],
            ["p": "p", "s": "2", "v": .number(try Number(parsing: "1e-20"))],
            ["p": "q", "s": "2", "v": 2],
        ]
        await #expect(throws: CodexError(.indexNotReady, "")) {
            try await pair.leader.load(into: "loaded") { rest.popLast() }
        }
        try await pair.catchUp()
        let (follower, leader) = (pair.follower, pair.leader)
        #expect(try follower.items(scanning: TableScan(table: "loaded")).items.count == 3)
        #expect(throws: CodexError(.indexNotReady, "")) {
            try follower.read { try $0.total(of: "sum", in: "loaded", group: ["q"]) }
        }
        // Its own log has the same in it.
        follower.close()
        let reopened = try Store(at: pair.directory + "/follower")
        defer { reopened.close() }
        _ = try await leader.write {
            try $0.delete(in: "loaded", key: PrimaryKey("p", "2"))
        }
        try await leader.waitUntilReady()
        try await FollowerPair.catchUp(reopened, to: try leader.stats().sequence, from: leader)
        try await reopened.waitUntilReady()
        try await FollowerPair.expectEqual(reopened, leader, "after a sum that did not fit")
        #expect(
            try reopened.read { try $0.total(of: "sum", in: "loaded", group: ["p"]) }.count == 1)
    }

    @Test("Another history is noticed by a change of the schema, too")
    func fork() async throws {
        let pair = try await FollowerPair()
        for number in 10..<12 { try await FollowerPair.put(number, pair.leader) }
        try await pair.catchUp()
        try await Store.restore(pair.directory + "/backup", at: pair.directory + "/other")
        let other = try Store(at: pair.directory + "/other")
        defer { other.close() }
        for number in 30..<32 { try await FollowerPair.put(number, other) }
        try await other.addCounter(
            CounterDefinition("new", group: [KeyAttribute("p")]), to: "t")
        var decoder = RecordDecoder()
        for try await chunk in other.replicationStream(after: 12) {
            decoder.append(chunk)
            break
        }
        let record = try #require(try decoder.next())
        var bytes: [UInt8] = []
        LeaderRecord.append(
            record.record, of: pair.leader.core.logDirectory.storeID, lastSequence: 13, to: &bytes)
        await #expect(throws: CodexError(.diverged, "")) {
            try await pair.follower.follow(FollowerPair.pieces(bytes))
        }
        #expect(try pair.follower.stats().sequence == 12)
    }

    @Test("Items that the leader had not stamped expire after a promotion")
    func stamps() async throws {
        let clock = ManualClock()
        var options = StoreOptions()
        options.use(clock)
        options.sweepInterval = nil
        let plain = AgentTable.definition()
        let pair = try await FollowerPair(
            schema: Schema(tables: [plain, RandomHistory.schema.tables[1]]), options: options)
        let ends = Int(clock.now.timeIntervalSince1970 + 100)
        _ = try await pair.leader.write { transaction in
            for number in 0..<5 {
                try transaction.put(
                    ["p": "p", "s": .string("\(number)"), "ends": .number(Number(ends))], in: "t")
            }
        }
        try await pair.catchUp()
        pair.leader.close()
        let leader = try Store(
            at: pair.directory + "/leader",
            schema: Schema(tables: [plain.with(timeToLive: "ends"), RandomHistory.schema.tables[1]]
            ),
            options: options)
        defer { leader.close() }
        try await leader.waitUntilReady()
        let start = try pair.follower.stats().sequence
        var decoder = RecordDecoder()
        for try await chunk in leader.replicationStream(after: start) {
            decoder.append(chunk)
            break
        }
        // The change of the schema, and not what the builder did.
        let first = try #require(try decoder.next())
        var bytes: [UInt8] = []
        LeaderRecord.append(
            first.record, of: first.storeID, lastSequence: first.header.sequence, to: &bytes)
        try await pair.follower.follow(FollowerPair.pieces(bytes))
        try await pair.follower.waitUntilReady()
        // Also so long that the clock of the restored store is confirmed.
        clock.advance(by: 400)
        let scan = TableScan(table: "t")
        #expect(try pair.follower.items(scanning: scan).items.count == 10)
        try await pair.follower.promote()
        try await pair.follower.waitUntilReady()
        #expect(try pair.follower.items(scanning: scan).items.count == 5)
        #expect(try await pair.follower.removeExpired() == 5)
        #expect(try pair.follower.verify().isSound)
    }

    @Test("What was heard of the leader is kept with what is applied")
    func heard() async throws {
        let pair = try await FollowerPair()
        for number in 10..<20 { try await FollowerPair.put(number, pair.leader) }
        let records = try await records(pair, after: 10)
        try await pair.follower.follow(FollowerPair.pieces(records[0]))
        #expect(try pair.follower.followerState()?.lagCommitCount == 9)
        pair.follower.close()
        let follower = try Store(at: pair.directory + "/follower")
        defer { follower.close() }
        let state = try #require(try follower.followerState())
        #expect(state.leaderSequence == 20 && state.sequence == 11)
        #expect(state.committedAt.map { Date().timeIntervalSince($0) < 600 } == true)
        await #expect(throws: CodexError(.behindLeader, "")) { try await follower.promote() }
        try await follower.follow(FollowerPair.pieces(records.flatMap { $0 }))
        try await follower.promote()
    }

    @Test("A record is refused, and not unknown, if a flush fails before it is written")
    func flushBeforeRecord() async throws {
        let pair = try await FollowerPair()
        var random = SplitMix(seed: 1)
        // They cannot be compressed.
        let bytes = (0..<100_000).map { _ in UInt8(random.below(256)) }
        for number in 0..<3 {
            _ = try await pair.leader.write {
                try $0.put(["p": "q", "s": .string("\(number)"), "b": .binary(bytes)], in: "t")
            }
        }
        let records = try await records(pair, after: 10)
        pair.follower.close()
        let calls = FailingCall(.flushLog)
        var options = StoreOptions()
        options.checkpoints.interval = .seconds(600)
        options.parts.calls = calls
        let follower = try Store(at: pair.directory + "/follower", options: options)
        defer { follower.close() }
        for record in records.dropLast() { try await follower.follow(FollowerPair.pieces(record)) }
        calls.arm()
        // The first segment has 256 KiB. It is flushed before the next one begins.
        await #expect(throws: CodexError(.writesRefused, "")) {
            try await follower.follow(FollowerPair.pieces(records[2]))
        }
        #expect(try follower.items(scanning: TableScan(table: "t")).items.count == 12)
    }

    @Test("Following ends when the store is closed, and when it is promoted")
    func ends() async throws {
        let pair = try await FollowerPair()
        let silent = AsyncStream<[UInt8]>.makeStream()
        try await Store.restore(
            pair.directory + "/backup", at: pair.directory + "/third", asFollower: true)
        for isPromotion in [true, false] {
            let follower =
                isPromotion ? pair.follower : try Store(at: pair.directory + "/third")
            defer { follower.close() }
            let leader = pair.leader
            let following = _Concurrency.Task {
                try await follower.follow(leader.replicationStream(after: 10))
            }
            if isPromotion {
                try await follower.promote()
                await #expect(throws: CodexError(.notFollowing, "")) { try await following.value }
            } else {
                follower.close()
                await #expect(throws: CodexError(.closed, "")) { try await following.value }
                // And nothing of it can be used.
                await #expect(throws: CodexError(.closed, "")) {
                    _ = try await follower.write { try $0.put(["p": "p", "s": "x"], in: "t") }
                }
                await #expect(throws: CodexError(.closed, "")) {
                    try await follower.follow(silent.stream)
                }
                await #expect(throws: CodexError(.closed, "")) { try await follower.promote() }
            }
        }
    }

    @Test("A follower's archive knows of no time after its last commit")
    func archive() async throws {
        let clock = ManualClock()
        var options = StoreOptions()
        options.use(clock)
        let pair = try await FollowerPair(options: options)
        clock.advance(by: 60)
        try await FollowerPair.put(11, pair.leader)
        let last = clock.now
        try await pair.catchUp()
        clock.advance(by: 600)
        let (backup, archive) = (pair.directory + "/own", pair.directory + "/archive")
        try await pair.follower.backup(to: backup)
        try await pair.follower.archiveLog(to: archive)
        let coverage = try await Store.verifyBackup(backup, archive: archive)
        #expect(coverage.lastCommittedAt == last && coverage.coveredThrough == last)
        await #expect(throws: CodexError(.notCovered, "")) {
            try await Store.restore(
                backup, archive: archive, to: .time(last + 300), at: pair.directory + "/restored")
        }
        // What is restored of a follower is a store that takes writes.
        try await FollowerPair.put(12, pair.leader)
        try await pair.leader.addCounter(
            CounterDefinition("new", group: [KeyAttribute("p")]), to: "t")
        try await pair.catchUp()
        try await pair.follower.archiveLog(to: archive)
        try await Store.restore(backup, archive: archive, at: pair.directory + "/restored")
        let restored = try Store(at: pair.directory + "/restored")
        defer { restored.close() }
        try await FollowerPair.expectEqual(restored, pair.leader, "a restored follower")
        try await FollowerPair.put(13, restored)
    }

    @Test("A follower's backup and archive are restored across its promotion")
    func restoredAcrossPromotion() async throws {
        let pair = try await FollowerPair()
        let (leader, follower) = (pair.leader, pair.follower)
        let (backup, archive) = (pair.directory + "/own", pair.directory + "/archive")
        let index = IndexDefinition("byV", partitionKey: [KeyAttribute("v", .number)])
        try await leader.addIndex(index, to: "t")
        _ = try await leader.write { try $0.put(["p": "gone", "s": "gone"], in: "loaded") }
        try await pair.catchUp()
        try await follower.waitUntilReady()
        try await follower.backup(to: backup)
        try await follower.archiveLog(to: archive)
        // What goes is emptied here, which no log says, and its trees are used again.
        try await leader.removeTable("loaded")
        try await leader.removeIndex("byV", from: "t")
        try await leader.waitUntilReady()
        try await pair.catchUp()
        try await follower.waitUntilReady()
        try await leader.addTable(
            TableDefinition("extra", partitionKey: KeyAttribute("p"), sortKey: KeyAttribute("s")))
        _ = try await leader.write { try $0.put(["p": "extra", "s": "1"], in: "extra") }
        try await leader.addCounter(
            CounterDefinition("new", group: [KeyAttribute("p")]), to: "t")
        try await leader.addIndex(
            IndexDefinition("byS", partitionKey: [KeyAttribute("s")]), to: "t")
        try await pair.catchUp()
        try await follower.waitUntilReady()
        try await follower.promote()
        _ = try await follower.write { try $0.put(["p": "extra", "s": "2"], in: "extra") }
        try await FollowerPair.put(20, follower)
        try await follower.archiveLog(to: archive)
        try await Store.restore(backup, archive: archive, at: pair.directory + "/restored")
        let restored = try Store(at: pair.directory + "/restored")
        defer { restored.close() }
        try await restored.waitUntilReady()
        for table in ["t", "extra"] {
            #expect(
                try restored.items(scanning: TableScan(table: table)).items
                    == follower.items(scanning: TableScan(table: table)).items)
        }
        let scan = TableScan(table: "t", index: "byS")
        #expect(try restored.items(scanning: scan).items == follower.items(scanning: scan).items)
        #expect(try restored.verify().isSound)
        #expect(try restored.followerState() == nil)
        _ = try await restored.write { try $0.put(["p": "extra", "s": "3"], in: "extra") }
    }
}
