import CodexCore
import CodexStore
import CodexTesting
import Foundation
import TestSupport
import Testing

/// Any moment between a backup and the archive's end, against a model that knows what the store held then.
@Suite("Restoring any moment")
struct RandomMomentTests {
    @Test("50 random moments")
    func moments() async throws {
        let seed = UInt64.random(in: 1...1_000_000)
        print("restores: seed \(seed)")
        let history = try RandomHistory(seed: seed)
        let store = history.store
        let archive = history.directory + "/archive"
        var backups: [(path: String, sequence: UInt64, time: Date)] = []
        try history.note()
        for step in 0..<360 {
            if [30, 150, 250].contains(step) {
                let path = history.directory + "/backup-\(step)"
                let report = try await store.backup(to: path)
                #expect(report.sequence == history.moments.last?.sequence)
                #expect(report.committedAt == history.moments.last?.time)
                let time = try #require(report.committedAt)
                backups.append((path, report.sequence, time))
            }
            if step % 45 == 29 {
                let report = try await store.archiveLog(to: archive)
                #expect(!report.hasGap && report.sequence == history.moments.last?.sequence)
            }
            try await history.step()
        }
        // Until then there are no others.
        history.clock.advance(by: 60)
        try await store.archiveLog(to: archive)
        #expect(history.moments.last.map { $0.sequence > 360 } == true)
        for round in 0..<50 {
            let backup = history.random.pick(backups)
            let possible = history.moments.filter { $0.sequence >= backup.sequence }
            let moment = history.random.pick(possible)
            let path = history.directory + "/restored"
            let target: RestoreTarget
            let expected: RandomHistory.Moment
            if round % 2 == 0 {
                (target, expected) = (.sequence(moment.sequence), moment)
            } else {
                let time = moment.time + Double(history.random.below(24)) / 8
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
        #expect(try RandomHistory.items(of: restored) == expected, comment)
        try await restored.waitUntilReady()
        let verified = try restored.verify()
        #expect(verified.isSound, "\(comment) \(verified.differences.prefix(3))")
        // It goes on from there.
        let sequence = try restored.stats().sequence
        _ = try await restored.write { try $0.put(["p": "new", "s": "new"], in: "t") }
        #expect(try restored.stats().sequence == sequence + 1)
    }
}
