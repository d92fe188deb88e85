import Foundation
import TestSupport
import Testing

/// Everything at once that hosts and operators do to a store.
///
/// Directories are moved and replaced, disks fill up, processes are killed and frozen, clocks jump,
/// readers storm, tables come and go, and there are backups, archives and a follower. Half an hour
/// of it is `make torture`.
@Suite("Torture", .serialized)
struct TortureTests {
    private static func setting(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
    }

    private static let seconds = setting("CODEX_TORTURE_SECONDS") ?? 120
    private static let roundCount = 4

    @Test("Whatever happens at random, what was acknowledged is there, and the streams have no gap")
    func torture() async throws {
        let seed = Self.setting("CODEX_TORTURE_SEED") ?? UInt64.random(in: 1...1_000_000)
        print("torture: seed \(seed), \(Self.seconds) seconds")
        var random = SplitMix(seed: seed)
        var tally = TortureTally()
        let end = ContinuousClock.now + .seconds(Int(Self.seconds))
        while ContinuousClock.now < end {
            let field = try await TortureField()
            for _ in 0..<Self.roundCount where ContinuousClock.now < end {
                let roundSeed = random.next()
                let round = TortureRound(field, seed: roundSeed)
                do {
                    try await round.run()
                    try await field.check()
                } catch {
                    Issue.record("seed \(seed), round \(tally.roundCount): \(error)")
                    print("torture: \(tally)")
                    return
                }
                tally.add(round)
            }
            tally.add(field.ledger)
        }
        print("torture: \(tally)")
        // Workers that never get to write would lose nothing.
        #expect(tally.groupCount > tally.roundCount * 20)
    }
}

/// What was done in all rounds.
private struct TortureTally: CustomStringConvertible {
    private(set) var roundCount = 0
    private(set) var groupCount = 0
    private var compactionCount = 0
    private var troubles: [String: Int] = [:]
    private var failures: [String: Int] = [:]

    mutating func add(_ round: TortureRound) {
        roundCount += 1
        troubles.merge(round.counts, uniquingKeysWith: +)
    }

    mutating func add(_ ledger: TortureLedger) {
        groupCount += ledger.count
        compactionCount += ledger.compactionCount
        failures.merge(ledger.failures, uniquingKeysWith: +)
    }

    var description: String {
        "\(roundCount) rounds, \(groupCount) groups, \(compactionCount) compactions; "
            + "\(list(troubles)); failures: \(list(failures))"
    }

    private func list(_ counts: [String: Int]) -> String {
        counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
    }
}
