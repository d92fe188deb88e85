import CDurablePeers
import CodexStore
import Foundation
import Synchronization

/// What 64 writers did alone, and while a backup was made at each pace.
struct BackupFigures {
    /// A pace of a backup.
    struct Pace: Sendable {
        fileprivate let name: String
        fileprivate let pace: BackupPace
        /// How many times its p99 without a backup a writer's may be.
        fileprivate let goal: String

        /// The pace of backups for which none is chosen.
        static let byDefault = Pace(name: "the default pace", pace: .yielding, goal: "<= 1.5")
        /// Without pauses.
        static let unpaced = Pace(name: "no pace", pace: .unlimited, goal: "")
    }

    fileprivate let taskCount: Int
    fileprivate let paces: [Pace]
    fileprivate var alone: [WriterRun] = []
    /// Of each pace: the writers of each round.
    fileprivate var beside: [[WriterRun]]
    /// Of each pace: how long the backup of each round took, in seconds.
    fileprivate var durations: [[Double]]

    fileprivate init(taskCount: Int, _ paces: [Pace]) {
        (self.taskCount, self.paces) = (taskCount, paces)
        beside = paces.map { _ in [] }
        durations = paces.map { _ in [] }
    }

    /// The milliseconds that 99 % of the commits of each round took at most.
    private func p99(_ runs: [WriterRun]) -> [Double] {
        runs.map { $0.latencies.quantile(0.99) / 1e6 }
    }

    /// Writes the part of the report.
    func report() {
        say("\n64 writers beside a backup of \(taskCount) tasks")
        row("alone, updates/s", alone.map(\.rate))
        row("alone, p99, ms", p99(alone))
        for (place, pace) in paces.enumerated() {
            row("\(pace.name): the backup, s", durations[place])
            row("\(pace.name): updates/s", beside[place].map(\.rate))
            row("\(pace.name): p99, ms", p99(beside[place]))
            row(
                "\(pace.name): p99 beside / alone", ratios(p99(beside[place]), p99(alone)),
                goal: pace.goal)
        }
    }

    /// Adds the headline's figure: of the first pace.
    func add(to headline: inout HeadlineReport) {
        headline.add(
            Figure(
                "commit p99 beside a backup, 64 writers", ours: p99(beside.first ?? []),
                peer: p99(alone), peerName: "Codex without a backup", unit: "ms", goal: 0.667))
    }
}

/// Lets 64 writers write alone, and while a backup is made at each pace, in turn.
///
/// - Parameters:
///   - store: The store, with the tasks of the workload.
///   - workload: What is updated.
///   - directory: The folder for the backups, which are removed.
///   - paces: The paces.
///   - rounds: How often all sides take their turn.
///   - seconds: How long the writers write alone in a turn.
/// - Returns: The figures.
/// - Throws: The errors of the store.
func measureBackup(
    _ store: Store, _ workload: Workload, _ directory: String, paces: [BackupFigures.Pace],
    rounds: Int, seconds: Double
) async throws -> BackupFigures {
    let path = directory + "/backup"
    var figures = BackupFigures(taskCount: workload.count, paces)
    for round in 0..<rounds {
        for turn in 0...paces.count {
            let side = (round + turn) % (paces.count + 1)
            settle()
            if side == paces.count {
                figures.alone.append(
                    try await runWriters(store, workload, for: seconds, seed: UInt64(100 + round)))
            } else {
                let (run, duration) = try await runBesideBackup(
                    store, workload, path, paces[side].pace)
                figures.beside[side].append(run)
                figures.durations[side].append(duration)
                try FileManager.default.removeItem(atPath: path)
            }
        }
    }
    return figures
}

/// Writers while a backup is made: as long as it takes, and no longer.
private func runBesideBackup(
    _ store: Store, _ workload: Workload, _ path: String, _ pace: BackupPace
) async throws -> (run: WriterRun, seconds: Double) {
    let ended = Flag()
    let backup = Task.detached { () -> Double in
        defer { ended.set() }
        let start = durableSeconds()
        try await store.backup(to: path, pace: pace)
        return durableSeconds() - start
    }
    var run = WriterRun()
    while !ended.isSet {
        let turn = try await runWriters(
            store, workload, for: 0.2, seed: UInt64.random(in: 1000...9_999_999))
        run.latencies.merge(turn.latencies)
        run.seconds += turn.seconds
    }
    return (run, try await backup.value)
}

/// Seconds of a clock that all processes share.
func durableSeconds() -> Double { Double(durable_now()) / 1e9 }

/// Set once, by another task.
private final class Flag: Sendable {
    private let value = Atomic(false)
    var isSet: Bool { value.load(ordering: .acquiring) }
    func set() { value.store(true, ordering: .releasing) }
}
