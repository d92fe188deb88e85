import Foundation
import Testing

@testable import CodexCore
@testable import CodexStore

/// Records that no leader writes, in front of a follower.
@Suite("Hostile leaders", .timeLimit(.minutes(30)))
struct HostileRecordTests {
    // One after the other: each has two stores.
    @Test(
        "A record that no leader writes is refused, and nothing of it applied", .serialized,
        arguments: HostileRecord.all)
    func refused(record: HostileRecord) async throws {
        let pair = try await FollowerPair()
        let follower = pair.follower
        let before = try RandomHistory.items(of: follower)
        let material = try HostileRecord.Material(pair)
        let bytes = try pair.record { try record.body(material, &$0) }
        await #expect(throws: CodexError(.diverged, "")) {
            try await follower.follow(FollowerPair.pieces(bytes))
        }
        #expect(try follower.stats().sequence == 10)
        #expect(try RandomHistory.items(of: follower) == before)
        #expect(try follower.verify().isSound)
    }

    @Test("A record of another store or another history, or none at all, is refused")
    func strangers() async throws {
        let pair = try await FollowerPair()
        let strangers: [(String, CodexError.Code, [UInt8])] = [
            ("of another store", .diverged, try pair.record(storeID: UUID()) { $0 += [] }),
            ("of another history", .diverged, try pair.record(previous: 1) { $0 += [] }),
            ("the last commit, another one", .diverged, try pair.record(sequence: 10) { $0 += [] }),
            ("no record", .corrupted, Array("{\"eventName\":\"INSERT\"}\n".utf8)),
        ]
        for (name, code, bytes) in strangers {
            await #expect(throws: CodexError(code, ""), "\(name)") {
                try await pair.follower.follow(FollowerPair.pieces(bytes))
            }
        }
        #expect(try pair.follower.stats().sequence == 10)
    }

    @Test("A follower that refused them all goes on with what is good, also before a bad one")
    func unharmed() async throws {
        let pair = try await FollowerPair()
        let follower = pair.follower
        let material = try HostileRecord.Material(pair)
        for record in HostileRecord.all {
            let bytes = try pair.record { try record.body(material, &$0) }
            await #expect(throws: CodexError(.diverged, ""), "\(record.testDescription)") {
                try await follower.follow(FollowerPair.pieces(bytes))
            }
        }
        for number in 10..<15 { try await FollowerPair.put(number, pair.leader) }
        let good = try await pair.records(after: 10)
        let bad = try pair.record(sequence: 16) { $0 += [77, 0, 0] }
        await #expect(throws: CodexError(.diverged, "")) {
            try await follower.follow(FollowerPair.pieces(good + bad))
        }
        try await FollowerPair.expectEqual(follower, pair.leader, "after hostile records")
        follower.close()
        let reopened = try Store(at: pair.directory + "/follower")
        defer { reopened.close() }
        try await FollowerPair.expectEqual(reopened, pair.leader, "after hostile records")
    }
}
