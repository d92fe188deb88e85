import ArgumentParser
import CDurablePeers
import CodexCore
import CodexStore
import Foundation
import Synchronization

/// How far a follower in another process is behind 64 writers at full speed, and what it costs them.
struct FollowerRun: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "follower", abstract: "A follower beside 64 writers: its lag, and their speed."
    )

    @OptionGroup var scratch: Scratch
    @Option(help: "How many tasks there are, seven digits at most.")
    var count = 1_000_000
    @Option(help: "How often both sides take their turn.")
    var rounds = 5
    @Option(help: "How long the writers write in a turn.")
    var seconds = 4.0

    func run() async throws {
        try await scratch.use { directory in
            let workload = Workload(count: count)
            let (path, backup) = (directory + "/store", directory + "/backup")
            let store = try Store(at: path, schema: Workload.schema)
            defer { store.close() }
            note("loading \(count) tasks")
            try await workload.load(into: store)
            try await store.backup(to: backup)
            try await Store.restore(backup, at: directory + "/follower", asFollower: true)
            try FileManager.default.removeItem(atPath: backup)
            try await measure(store, workload, directory + "/follower")
        }
    }

    private func measure(_ store: Store, _ workload: Workload, _ path: String) async throws {
        var (alone, followed): ([WriterRun], [WriterRun]) = ([], [])
        var (medians, highs, worst, catchUps): ([Double], [Double], [Double], [Double]) =
            ([], [], [], [])
        for round in 0..<rounds {
            settle()
            alone.append(
                try await runWriters(store, workload, for: seconds, seed: UInt64(2 * round)))
            let process = Process()
            process.executableURL = URL(fileURLWithPath: CommandLine.arguments[0])
            process.arguments = ["follower-process", path, store.path]
            try process.run()
            // What came while nobody followed.
            let start = durable_now()
            let watch = try FollowerWatch(path, of: store)
            try watch.waitUntilLevel()
            catchUps.append(Double(durable_now() - start) / 1e9)
            settle()
            let sampling = Task.detached { try watch.sample() }
            followed.append(
                try await runWriters(store, workload, for: seconds, seed: UInt64(2 * round + 1)))
            watch.stop()
            let lags = try await sampling.value
            try watch.waitUntilLevel()
            watch.close()
            process.terminate()
            process.waitUntilExit()
            medians.append(lags.quantile(0.5) / 1e6)
            highs.append(lags.quantile(0.99) / 1e6)
            worst.append(lags.quantile(1) / 1e6)
        }
        try check(path, store)
        say(
            "\n64 writers, and a follower of \(count) tasks in another process, durable as they are"
        )
        row("alone, updates/s", alone.map(\.rate))
        row("followed, updates/s", followed.map(\.rate))
        row("followed / alone", ratios(followed.map(\.rate), alone.map(\.rate)))
        row("lag, median, ms", medians, goal: "< 50")
        row("lag, p99, ms", highs)
        row("lag, worst, ms", worst)
        row("catching up with a turn's commits, s", catchUps)
    }

    /// What is followed is what was written.
    private func check(_ path: String, _ store: Store) throws {
        let follower = try Store(at: path)
        defer { follower.close() }
        let scan = TableScan(table: CodexFlow.table)
        var (ours, theirs): (PageToken?, PageToken?) = (nil, nil)
        repeat {
            let (mine, other) = (
                try follower.items(scanning: scan, after: ours),
                try store.items(scanning: scan, after: theirs)
            )
            guard mine.items == other.items else {
                throw ValidationError("The follower has other items than its leader.")
            }
            (ours, theirs) = (mine.next, other.next)
        } while theirs != nil
    }
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

/// A process that follows a leader until it is terminated.
struct FollowerProcess: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "follower-process", shouldDisplay: false)

    @Argument var path: String
    @Argument var leader: String

    func run() async throws {
        let follower = try Store(at: path)
        let opened = try Store(at: leader, options: StoreOptions(isReadOnly: true))
        let start = try follower.stats().sequence
        try await follower.follow(opened.replicationStream(after: start))
    }
}
