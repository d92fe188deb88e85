import ArgumentParser
import CDurablePeers
import CodexCore
import CodexStore
import Foundation
import Synchronization

/// What 64 writers did alone, and beside a follower in another process; how far that was behind.
struct FollowerFigures {
    fileprivate let taskCount: Int
    fileprivate var alone: [WriterRun] = []
    fileprivate var followed: [WriterRun] = []
    /// Of each round, in milliseconds.
    fileprivate var medians: [Double] = []
    fileprivate var highs: [Double] = []
    fileprivate var worst: [Double] = []
    /// In seconds, after each turn of the writers without a follower.
    fileprivate var catchUps: [Double] = []

    /// Writes the part of the report.
    func report() {
        say(
            "\n64 writers, and a follower of \(taskCount) tasks in another process, durable as "
                + "they are")
        row("alone, updates/s", alone.map(\.rate))
        row("followed, updates/s", followed.map(\.rate))
        row(
            "followed / alone", ratios(followed.map(\.rate), alone.map(\.rate)), goal: ">= 0.85")
        row("lag, median, ms", medians, goal: "< 50")
        row("lag, p99, ms", highs)
        row("lag, worst, ms", worst)
        row("catching up with a turn's commits, s", catchUps)
    }

    /// Adds the headline's figure.
    func add(to headline: inout HeadlineReport) {
        headline.add(
            Figure(
                "durable-update beside a follower, 64 writers", ours: followed.map(\.rate),
                peer: alone.map(\.rate), peerName: "Codex without a follower",
                unit: "updates/s", goal: 0.85, isRate: true))
    }
}

/// Lets 64 writers write alone, and beside a follower in another process, in turn.
///
/// - Parameters:
///   - store: The leader, with the tasks of the workload.
///   - workload: What is updated.
///   - directory: The folder for the follower, which is removed.
///   - rounds: How often both sides take their turn.
///   - seconds: How long the writers write in a turn.
/// - Returns: The figures.
/// - Throws: The errors of the stores, and an error if the follower has other items at the end.
func measureFollower(
    _ store: Store, _ workload: Workload, _ directory: String, rounds: Int, seconds: Double
) async throws -> FollowerFigures {
    let (path, backup) = (directory + "/follower", directory + "/follower-backup")
    try await store.backup(to: backup)
    try await Store.restore(backup, at: path, asFollower: true)
    try FileManager.default.removeItem(atPath: backup)
    var turns = FollowerTurns(store: store, workload: workload, path: path, seconds: seconds)
    for round in 0..<rounds {
        let seed = UInt64(2 * round)
        // The follower catches up after each turn without it: then it is level in the next one.
        if round.isMultiple(of: 2) {
            try await turns.writeAlone(seed)
            let follower = try turns.catchUp()
            try await turns.writeBeside(follower, seed + 1)
        } else {
            try await turns.writeBeside(FollowerProcessRun(path, of: store), seed + 1)
            try await turns.writeAlone(seed)
            try turns.catchUp().stop()
        }
    }
    try requireSameItems(path, store)
    try FileManager.default.removeItem(atPath: path)
    return turns.figures
}

/// The turns of writers, with and without a follower.
private struct FollowerTurns {
    let store: Store
    let workload: Workload
    /// The follower's folder.
    let path: String
    let seconds: Double
    private(set) var figures: FollowerFigures

    init(store: Store, workload: Workload, path: String, seconds: Double) {
        (self.store, self.workload, self.path) = (store, workload, path)
        self.seconds = seconds
        figures = FollowerFigures(taskCount: workload.count)
    }

    mutating func writeAlone(_ seed: UInt64) async throws {
        settle()
        figures.alone.append(try await runWriters(store, workload, for: seconds, seed: seed))
    }

    /// Starts the follower, which applies what came while nobody followed.
    mutating func catchUp() throws -> FollowerProcessRun {
        let follower = try FollowerProcessRun(path, of: store)
        figures.catchUps.append(follower.catchUpSeconds)
        return follower
    }

    /// Lets the writers write beside a follower, which then ends.
    mutating func writeBeside(_ follower: FollowerProcessRun, _ seed: UInt64) async throws {
        settle()
        let watch = follower.watch
        let sampling = Task.detached { try watch.sample() }
        figures.followed.append(try await runWriters(store, workload, for: seconds, seed: seed))
        watch.stop()
        let lags = try await sampling.value
        try follower.stop()
        figures.medians.append(lags.quantile(0.5) / 1e6)
        figures.highs.append(lags.quantile(0.99) / 1e6)
        figures.worst.append(lags.quantile(1) / 1e6)
    }
}

/// A follower that runs in another process.
private struct FollowerProcessRun {
    private let process = Process()
    let watch: FollowerWatch
    /// How long it took until the follower had all that its leader had.
    let catchUpSeconds: Double

    /// Starts the process, and waits until the follower has all that its leader has.
    init(_ path: String, of leader: Store) throws {
        process.executableURL = URL(fileURLWithPath: CommandLine.arguments[0])
        process.arguments = ["follower-process", path, leader.path]
        try process.run()
        let start = durable_now()
        // A commit that only a running follower has: the process may take a while to start.
        try leader.write { transaction in
            _ = try transaction.put(marker(), in: CodexFlow.table)
        }
        watch = try FollowerWatch(path, of: leader)
        try watch.waitUntilLevel()
        catchUpSeconds = Double(durable_now() - start) / 1e9
    }

    /// Ends the process when the follower has all that its leader has.
    func stop() throws {
        try watch.waitUntilLevel()
        watch.close()
        process.terminate()
        process.waitUntilExit()
    }
}

/// Requires that a follower has the items of its leader.
private func requireSameItems(_ path: String, _ leader: Store) throws {
    let follower = try Store(at: path)
    defer { follower.close() }
    let scan = TableScan(table: CodexFlow.table)
    var (ours, theirs): (PageToken?, PageToken?) = (nil, nil)
    repeat {
        let (mine, other) = (
            try follower.items(scanning: scan, after: ours),
            try leader.items(scanning: scan, after: theirs)
        )
        guard mine.items == other.items else {
            throw ValidationError("The follower has other items than its leader.")
        }
        (ours, theirs) = (mine.next, other.next)
    } while theirs != nil
}

/// Looks at a leader and its follower, to see when the one has what the other had.
private final class FollowerWatch: Sendable {
    private let leader: Store
    private let follower: Store
    private let isStopped = Atomic(false)

    private static let interval: UInt32 = 2000

    /// Waits until the follower is open.
    init(_ path: String, of leader: Store) throws {
        self.leader = leader
        while true {
            do {
                follower = try Store(at: path, options: StoreOptions(isReadOnly: true))
                return
            } catch  where error.code == .needsRecovery {
                usleep(Self.interval)
            }
        }
    }

    func close() { follower.close() }
    func stop() { isStopped.store(true, ordering: .releasing) }

    private func sequence() throws -> UInt64 {
        guard let state = try follower.followerState() else {
            throw ValidationError("The follower follows no more.")
        }
        return state.sequence
    }

    func waitUntilLevel() throws {
        while try sequence() < leader.stats().sequence { usleep(Self.interval) }
    }

    /// For how long the follower lacked what the leader had.
    func sample() throws -> Latencies {
        var lags = Latencies()
        var open: [(sequence: UInt64, time: UInt64)] = []
        while !isStopped.load(ordering: .acquiring) || !open.isEmpty {
            if !isStopped.load(ordering: .acquiring) {
                open.append((try leader.stats().sequence, durable_now()))
            }
            let done = try sequence()
            let now = durable_now()
            while let first = open.first, first.sequence <= done {
                lags.add(now - first.time)
                open.removeFirst()
            }
            usleep(Self.interval)
        }
        return lags
    }
}
