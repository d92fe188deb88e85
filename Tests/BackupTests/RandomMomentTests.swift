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
            let expected: Life.Moment
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
        #expect(try Life.items(of: restored) == expected, comment)
        try await restored.whenReady()
        let verified = try restored.verify()
        #expect(verified.isSound, "\(comment) \(verified.differences.prefix(3))")
        // It goes on from there.
        let sequence = try restored.stats().sequence
        _ = try await restored.write { try $0.put(["p": "new", "s": "new"], in: "t") }
        #expect(try restored.stats().sequence == sequence + 1)
    }
}
