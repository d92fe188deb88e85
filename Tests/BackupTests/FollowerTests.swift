import CodexTesting
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import CodexCore
@testable import CodexStore

/// A store that takes over another one's commits.
@Suite("Followers")
struct FollowerTests {
    /// Cuts a stream of bytes into other pieces, and ends it after so many bytes.
    struct Cut: AsyncSequence, Sendable {
        let records: ReplicationStream
        let seed: UInt64
        let byteCountMax: Int

        struct AsyncIterator: AsyncIteratorProtocol {
            var records: ReplicationStream.AsyncIterator
            var random: SplitMix
            var rest: ArraySlice<UInt8> = []
            var left: Int

            mutating func next() async throws -> [UInt8]? {
                guard left > 0 else { return nil }
                while rest.isEmpty { rest = (try await records.next() ?? [])[...] }
                let count = 1 + random.below(Swift.min(rest.count, left, 50_000))
                defer {
                    rest = rest.dropFirst(count)
                    left -= count
                }
                return Array(rest.prefix(count))
            }
        }

        func makeAsyncIterator() -> AsyncIterator {
            AsyncIterator(
                records: records.makeAsyncIterator(), random: SplitMix(seed: seed),
                left: byteCountMax)
        }
    }

    private func expectEqualChanges(
        _ follower: Store, _ leader: Store, after sequence: UInt64
    ) throws {
        func changes(_ store: Store) throws -> [String] {
            try store.retainedChanges(
                after: .sequenceNumber(SequenceNumber(commit: sequence))
            ).map {
                "\($0.sequenceNumber) \($0.time) \($0.kind) \($0.table) \(try $0.key) "
                    + "\($0.isExpiry) \(try $0.oldImage ?? [:]) \(try $0.newImage ?? [:])"
            }
        }
        #expect(try changes(follower) == changes(leader))
    }

    @Test(
        "A follower equals its leader after random stops, with indexes that come and go, and loads")
    func equals() async throws {
        let seed = UInt64.random(in: 1...1_000_000)
        print("followers: seed \(seed)")
        let history = try RandomHistory(seed: seed)
        let leader = history.store
        for _ in 0..<20 { try await history.step() }
        let backup = history.directory + "/backup"
        let start = try await leader.backup(to: backup).sequence
        let path = history.directory + "/follower"
        try await Store.restore(backup, at: path, asFollower: true)
        var options = StoreOptions()
        options.checkpoints.changeCount = 100
        options.redoneChangeCountMax = 16
        var follower = try Store(at: path, options: options)
        #expect(try follower.followerState()?.sequence == start)
        for round in 0..<40 {
            for _ in 0...history.random.below(20) { try await history.step() }
            let state = try #require(try follower.followerState())
            if history.random.chance(30) {
                // A transport that ends in the middle of a record.
                let records = Cut(
                    records: leader.replicationStream(after: state.sequence),
                    seed: seed + UInt64(round),
                    byteCountMax: 1 + history.random.below(20_000))
                // What there is may be less than that.
                let following = _Concurrency.Task { [follower] in
                    try await follower.follow(records)
                }
                _ = try? await _Concurrency.Task.sleep(for: .milliseconds(20))
                following.cancel()
                _ = try? await following.value
            }
            if history.random.chance(30) {
                follower.close()
                follower = try Store(at: path, options: options)
            }
            if history.random.chance(40) {
                let sequence = try leader.stats().sequence
                try await FollowerPair.catchUp(follower, to: sequence, from: leader)
                try await FollowerPair.expectEqual(follower, leader, "seed \(seed), round \(round)")
            }
        }
        let sequence = try leader.stats().sequence
        try await FollowerPair.catchUp(follower, to: sequence, from: leader)
        try await FollowerPair.expectEqual(follower, leader, "seed \(seed)")
        try expectEqualChanges(follower, leader, after: start)
        follower.close()
        // What its own log has is enough.
        let reopened = try Store(at: path)
        try await FollowerPair.expectEqual(reopened, leader, "seed \(seed)")
        reopened.close()
    }

    @Test("A follower refuses writes of every kind, and additions to its schema")
    func refusals() async throws {
        let pair = try await FollowerPair()
        let follower = pair.follower
        await #expect(throws: CodexError(.following, "")) {
            _ = try await follower.write { try $0.put(["p": "p", "s": "new"], in: "t") }
        }
        #expect(throws: CodexError(.following, "")) {
            let write: () throws -> Void = {
                _ = try follower.write { try $0.put(["p": "p", "s": "new"], in: "t") }
            }
            try write()
        }
        let index = IndexDefinition("new", partitionKey: [KeyAttribute("w")])
        await #expect(throws: CodexError(.following, "")) {
            try await follower.addIndex(index, to: "t")
        }
        await #expect(throws: CodexError(.following, "")) {
            try await follower.removeIndex("byG", from: "t")
        }
        await #expect(throws: CodexError(.following, "")) {
            try await follower.load(into: "loaded") { nil }
        }
        await #expect(throws: CodexError(.following, "")) {
            try await follower.addConsumer("c")
        }
        let state = try #require(try follower.followerState())
        #expect(state.sequence == 10 && state.leaderSequence == 10 && state.lagCommitCount == 0)
        follower.close()
        let table = try #require(RandomHistory.schema.tables.first)
        let more = Schema(tables: [table.with(indexes: [index])])
        #expect(throws: CodexError(.schemaMismatch, "")) {
            try Store(at: pair.directory + "/follower", schema: more)
        }
        // The same schema is none.
        try Store(at: pair.directory + "/follower", schema: RandomHistory.schema).close()
        #expect(try pair.leader.followerState() == nil)
        await #expect(throws: CodexError(.notFollowing, "")) {
            try await pair.leader.follow(
                FollowerPair.pieces(try await pair.records(after: 5)))
        }
        await #expect(throws: CodexError(.notFollowing, "")) { try await pair.leader.promote() }
    }

    @Test(
        "What is applied already is skipped, a gap is named, and what follows a gap waits for the rest"
    )
    func gaps() async throws {
        let pair = try await FollowerPair()
        for number in 10..<20 { try await FollowerPair.put(number, pair.leader) }
        let late = try await pair.records(after: 12)
        await #expect(throws: CodexError(.recordsMissing, "")) {
            try await pair.follower.follow(FollowerPair.pieces(late))
        }
        #expect(try pair.follower.stats().sequence == 10)
        // What is known and not applied counts.
        #expect(try pair.follower.followerState()?.lagCommitCount == 10)
        let all = try await pair.records(after: 3)
        #expect(try await pair.follower.follow(FollowerPair.pieces(all)).sequence == 20)
        #expect(try await pair.follower.follow(FollowerPair.pieces(late, all, late)).sequence == 20)
        try await FollowerPair.expectEqual(pair.follower, pair.leader, "after a gap")
        await #expect(throws: CodexError(.diverged, "")) {
            for try await _ in pair.leader.replicationStream(after: 21) {}
        }
    }

    @Test("No byte of a record can be changed")
    func flips() async throws {
        let pair = try await FollowerPair()
        for number in 10..<12 { try await FollowerPair.put(number, pair.leader) }
        let bytes = try await pair.records(after: 10)
        let expected = try RandomHistory.items(of: pair.follower)
        for place in 0..<bytes.count {
            var changed = bytes
            changed[place] ^= 1 << UInt8.random(in: 0..<8)
            do {
                try await pair.follower.follow(FollowerPair.pieces(changed))
                // Of the second record, what follows was waited for; and padding says nothing.
                #expect(place >= bytes.count / 2 - 8, "byte \(place)")
            } catch let error as CodexError {
                #expect(
                    [.corrupted, .unsupportedFormat].contains(error.code), "byte \(place): \(error)"
                )
            }
            // The first is applied as soon as it comes whole.
            if try pair.follower.stats().sequence > 10 { break }
            #expect(try RandomHistory.items(of: pair.follower) == expected)
        }
        #expect(try pair.follower.stats().sequence > 10)
        try await pair.follower.follow(FollowerPair.pieces(bytes))
        try await FollowerPair.expectEqual(pair.follower, pair.leader, "after flips")
    }

    @Test("A leader that was put back to an earlier state is not followed on")
    func fork() async throws {
        let pair = try await FollowerPair()
        for number in 10..<13 { try await FollowerPair.put(number, pair.leader) }
        try await pair.catchUp()
        pair.leader.close()
        // The same store, as of commit 10, that makes other commits.
        try await Store.restore(pair.directory + "/backup", at: pair.directory + "/other")
        let other = try Store(at: pair.directory + "/other")
        for number in 30..<36 { try await FollowerPair.put(number, other) }
        var (bytes, decoder) = ([UInt8](), RecordDecoder())
        for try await chunk in other.replicationStream(after: 13) {
            decoder.append(chunk)
            while let record = try decoder.next() {
                // As if it had the leader's identity still.
                LeaderRecord.append(
                    record.record, of: pair.leader.core.logDirectory.storeID,
                    lastSequence: record.lastSequence, to: &bytes)
            }
            break
        }
        other.close()
        await #expect(throws: CodexError(.diverged, "")) {
            try await pair.follower.follow(FollowerPair.pieces(bytes))
        }
        #expect(try pair.follower.stats().sequence == 13)
    }

    // MARK: Promotion

    @Test("A promoted follower goes on where its leader ended; one that lags says so")
    func promotion() async throws {
        let pair = try await FollowerPair()
        let (leader, follower) = (pair.leader, pair.follower)
        for number in 10..<20 { try await FollowerPair.put(number, leader) }
        let token = "a request"
        try await leader.perform(
            [.put(table: "t", ["p": "p", "s": "once"])], idempotencyToken: token)
        let records = try await pair.records(after: 10)
        await #expect(throws: CodexError(.recordsMissing, "")) {
            try await follower.follow(
                FollowerPair.pieces(records + (try pair.record(sequence: 40) { $0 += [] })))
        }
        // It has heard of commit 40.
        await #expect(throws: CodexError(.behindLeader, "")) { try await follower.promote() }
        await #expect(throws: CodexError(.following, "")) {
            try await FollowerPair.put(99, follower)
        }
        let state = try await follower.promote(evenIfBehind: true)
        #expect(state.sequence == 21 && state.leaderSequence == 40 && state.lagCommitCount == 19)
        #expect(try follower.followerState() == nil)
        try await FollowerPair.put(99, follower)
        #expect(try follower.stats().sequence == 23)
        // A request that the leader answered is not done again.
        try await follower.perform(
            [.put(table: "t", ["p": "p", "s": "once"])], idempotencyToken: token)
        #expect(try follower.stats().sequence == 23)
        await #expect(throws: CodexError(.notFollowing, "")) {
            try await follower.follow(FollowerPair.pieces(records))
        }
        await #expect(throws: CodexError(.notFollowing, "")) { try await follower.promote() }
        // It stays so, and can be followed itself.
        follower.close()
        let promoted = try Store(at: pair.directory + "/follower")
        defer { promoted.close() }
        #expect(try promoted.followerState() == nil)
        try await promoted.backup(to: pair.directory + "/second")
        try await Store.restore(
            pair.directory + "/second", at: pair.directory + "/third", asFollower: true)
        let third = try Store(at: pair.directory + "/third")
        defer { third.close() }
        try await promoted.addIndex(
            IndexDefinition("byV", partitionKey: [KeyAttribute("v", .number)]), to: "t")
        try await FollowerPair.put(100, promoted, 3)
        try await FollowerPair.catchUp(third, to: try promoted.stats().sequence, from: promoted)
        try await promoted.waitUntilReady()
        try await FollowerPair.expectEqual(third, promoted, "a follower of a promoted store")
    }

    @Test("A follower's follower has the same, also after its leader's promotion")
    func chain() async throws {
        let pair = try await FollowerPair()
        try await pair.follower.backup(to: pair.directory + "/second")
        try await Store.restore(
            pair.directory + "/second", at: pair.directory + "/third", asFollower: true)
        let third = try Store(at: pair.directory + "/third")
        defer { third.close() }
        let index = IndexDefinition(
            "byV", partitionKey: [KeyAttribute("v", .number)], projection: .include(["w"]))
        try await pair.leader.addIndex(index, to: "t")
        for number in 5..<25 { try await FollowerPair.put(number, pair.leader, number) }
        try await pair.leader.waitUntilReady()
        try await pair.catchUp()
        try await FollowerPair.catchUp(
            third, to: try pair.leader.stats().sequence, from: pair.follower)
        try await FollowerPair.expectEqual(third, pair.leader, "two steps away")
        try await pair.follower.promote()
        try await FollowerPair.put(77, pair.follower)
        try await pair.follower.removeIndex("byV", from: "t")
        try await pair.follower.addIndex(
            IndexDefinition("byW", partitionKey: [KeyAttribute("w")]), to: "t")
        try await pair.follower.waitUntilReady()
        try await FollowerPair.catchUp(
            third, to: try pair.follower.stats().sequence, from: pair.follower)
        try await FollowerPair.expectEqual(third, pair.follower, "after a promotion")
        #expect(try third.followerState() != nil)
    }

    /// A table with a time to live or without, beside the one that is loaded.
    private func schema(timeToLive: String? = nil) -> Schema {
        Schema(tables: [
            AgentTable.definition(timeToLive: timeToLive), RandomHistory.schema.tables[1],
        ])
    }

    @Test("Expired items go when the leader's do")
    func expiry() async throws {
        let clock = ManualClock()
        var options = StoreOptions()
        options.use(clock)
        let pair = try await FollowerPair(schema: schema(), options: options)
        // A time to live is added to items that are there, which builders stamp.
        let ends = clock.now.timeIntervalSince1970 + 100
        _ = try await pair.leader.write { transaction in
            for number in 0..<5 {
                try transaction.put(
                    [
                        "p": "p", "s": .string("\(number)"), "v": 1,
                        "ends": .number(Number(Int(ends))),
                    ], in: "t")
            }
        }
        pair.leader.close()
        options.sweepInterval = nil
        let leader = try Store(
            at: pair.directory + "/leader", schema: schema(timeToLive: "ends"), options: options)
        defer { leader.close() }
        try await leader.waitUntilReady()
        try await FollowerPair.catchUp(
            pair.follower, to: try leader.stats().sequence, from: leader)
        try await FollowerPair.expectEqual(pair.follower, leader, "with a time to live")
        clock.advance(by: 200)
        // Reads do not find them, and they are there until the leader removes them.
        #expect(try pair.follower.items(scanning: TableScan(table: "t")).items.count == 5)
        await #expect(throws: CodexError(.following, "")) {
            try await pair.follower.removeExpired()
        }
        #expect(try await leader.removeExpired() == 5)
        try await FollowerPair.catchUp(
            pair.follower, to: try leader.stats().sequence, from: leader)
        try await FollowerPair.expectEqual(pair.follower, leader, "after the sweep")
    }

    @Test("A follower that is built before its leader has no differences, and is stamped later")
    func earlierThanLeader() async throws {
        let pair = try await FollowerPair(schema: schema())
        let ends = Number(Int(Date().timeIntervalSince1970) + 1000)
        _ = try await pair.leader.write { transaction in
            try transaction.put(["p": "p", "s": "0", "ends": .number(ends)], in: "t")
        }
        pair.leader.close()
        var options = StoreOptions()
        options.parts.builds = BuildsOnDemand()
        let leader = try Store(
            at: pair.directory + "/leader", schema: schema(timeToLive: "ends"), options: options)
        defer { leader.close() }
        func catchUp() async throws {
            try await FollowerPair.catchUp(
                pair.follower, to: try leader.stats().sequence, from: leader)
        }
        try await catchUp()
        try await pair.follower.waitUntilReady()
        #expect(try !leader.buildStatus().isEmpty)
        #expect(try pair.follower.verify().differences == [])
        while try leader.build(stepCountMax: 100) == .more {}
        try await catchUp()
        try await FollowerPair.expectEqual(pair.follower, leader, "after the leader's build")
    }

    @Test(
        "A time to live is removed and replaced as the leader's is", arguments: ["ends", "other"])
    func formerExpiry(next: String) async throws {
        let clock = ManualClock()
        var options = StoreOptions()
        options.use(clock)
        options.sweepInterval = nil
        let pair = try await FollowerPair(schema: schema(timeToLive: "ends"), options: options)
        let now = Int(clock.now.timeIntervalSince1970)
        _ = try await pair.leader.write { transaction in
            for number in 0..<6 {
                try transaction.put(
                    [
                        "p": "p", "s": .string("\(number)"), "ends": .number(Number(now + 100)),
                        "other": .number(Number(now + (number < 2 ? 100 : 1000))),
                    ], in: "t")
            }
        }
        clock.advance(by: 200)
        func count(_ store: Store) throws -> Int {
            try store.items(scanning: TableScan(table: "t")).items.count
        }
        try await pair.catchUp()
        #expect(try count(pair.follower) == 4)
        try await pair.leader.removeTimeToLive(from: "t")
        try await pair.leader.waitUntilReady()
        try await pair.catchUp()
        #expect(try count(pair.follower) == 10)
        try await FollowerPair.expectEqual(pair.follower, pair.leader, "without a time to live")
        try await pair.leader.addTimeToLive(next, to: "t")
        try await pair.leader.waitUntilReady()
        try await pair.catchUp()
        #expect(try count(pair.follower) == (next == "ends" ? 4 : 8))
        try await FollowerPair.expectEqual(pair.follower, pair.leader, "with another one")
    }

    @Test("A unique index with equal keys conflicts as it does at the leader, until they differ")
    func conflict() async throws {
        let pair = try await FollowerPair(schema: schema())
        let unique = IndexDefinition(
            "unique", partitionKey: [KeyAttribute("v", .number)], isUnique: true)
        await #expect(throws: CodexError(.indexNotReady, "")) {
            try await pair.leader.addIndex(unique, to: "t")
        }
        try await pair.catchUp()
        await #expect(throws: CodexError(.indexNotReady, "")) {
            try await pair.follower.waitUntilReady()
        }
        _ = try await pair.leader.write { transaction in
            for number in 0..<10 {
                try transaction.put(
                    ["p": "p", "s": .string("\(number)"), "v": .number(Number(number))], in: "t")
            }
        }
        try await pair.leader.waitUntilReady()
        try await pair.catchUp()
        try await FollowerPair.expectEqual(pair.follower, pair.leader, "after equal keys")
    }

    // MARK: Kills

    @Test("Leader and follower are killed at random; the follower equals the leader at the end")
    func kills() async throws {
        let seed = UInt64.random(in: 1...1_000_000)
        print("killed followers: seed \(seed)")
        var random = SplitMix(seed: seed)
        let directory = try TemporaryStore.makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let (leaderPath, path) = (directory + "/leader", directory + "/follower")
        do {
            let leader = try Store(at: leaderPath, schema: BackupTests.schema)
            defer { leader.close() }
            try await leader.backup(to: directory + "/backup")
            try await Store.restore(directory + "/backup", at: path, asFollower: true)
        }
        for round in 0..<8 {
            let writer = try Agent("write", leaderPath, "100000", "\(seed + UInt64(round))")
            writer.waitUntilBegun()
            var follower = try Agent("follow", path, leaderPath)
            follower.waitUntilBegun()
            for _ in 0...random.below(2) {
                try await _Concurrency.Task.sleep(for: .milliseconds(random.below(150)))
                follower.kill()
                follower = try Agent("follow", path, leaderPath)
                follower.waitUntilBegun()
            }
            try await _Concurrency.Task.sleep(for: .milliseconds(random.below(150)))
            if round == 4 {
                // Something to build while both are killed.
                let agent = try Agent("index", leaderPath, "byGV")
                agent.wait()
            }
            if random.chance(50) {
                writer.kill()
                follower.kill()
            } else {
                follower.kill()
                writer.kill()
            }
        }
        let leader = try Store(at: leaderPath)
        defer { leader.close() }
        let follower = try Store(at: path)
        defer { follower.close() }
        let sequence = try leader.stats().sequence
        #expect(try follower.stats().sequence > 0 && follower.stats().sequence <= sequence)
        try await FollowerPair.catchUp(follower, to: sequence, from: leader)
        try await leader.waitUntilReady()
        try await follower.waitUntilReady()
        let scan = TableScan(table: "t")
        #expect(
            try follower.items(scanning: scan).items == leader.items(scanning: scan).items,
            "seed \(seed)")
        #expect(try follower.verify().isSound && leader.verify().isSound, "seed \(seed)")
        #expect(follower.schema == leader.schema, "seed \(seed)")
    }
}
