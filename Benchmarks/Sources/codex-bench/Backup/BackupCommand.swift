import ArgumentParser
import CDurablePeers
import CodexCore
import CodexStore
import Foundation
import MeasuredPaths
import Synchronization

/// What backups, archives, restores and observers take, and what they cost those who write.
struct BackupRun: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Backups and observers beside 64 writers; archives and restores.")

    @OptionGroup var scratch: Scratch
    @Option(help: "How many tasks there are, seven digits at most.")
    var count = 1_000_000
    @Option(help: "How many commits the archive has after the backup.")
    var commitCount = 100_000
    @Option(help: "How often all sides take their turn.")
    var rounds = 5
    @Option(help: "How long the writers write in a round.")
    var seconds = 4.0

    func run() async throws {
        try await scratch.use { directory in
            let workload = Workload(count: count)
            let path = directory + "/store"
            let store = try Store(at: path, schema: Workload.schema)
            note("loading \(count) tasks")
            try await workload.load(into: store)
            try await measureObservation(store, workload)
            try await measureBackup(store, workload, directory)
            store.close()
            try await measureRestore(path, workload, directory)
        }
    }

    /// Writers beside whoever observes a hundred tasks that nobody changes.
    private func measureObservation(_ store: Store, _ workload: Workload) async throws {
        for number in 0..<100 {
            var task = try SampleTasks.task(number)
            (task.projectID, task.number) = ("observed", number + 1)
            try await store.put(task)
        }
        var (alone, observed): ([WriterRun], [WriterRun]) = ([], [])
        for round in 0..<rounds {
            settle()
            alone.append(
                try await runWriters(store, workload, for: seconds, seed: UInt64(2 * round)))
            let (began, begin) = AsyncStream<Int>.makeStream()
            let observer = Task.detached {
                var count = 0
                for try await tasks in store.observe(.tasks(in: "observed")) {
                    count += 1
                    if count == 1 { begin.yield(tasks.count) }
                }
            }
            for await count in began {
                guard count == 100 else { throw ValidationError("The observer sees \(count).") }
                break
            }
            settle()
            observed.append(
                try await runWriters(store, workload, for: seconds, seed: UInt64(2 * round + 1)))
            observer.cancel()
            _ = await observer.result
        }
        say("\n64 writers beside an observer of 100 tasks, of which none changes")
        row("alone, updates/s", alone.map(\.rate))
        row("observed, updates/s", observed.map(\.rate))
        row("observed / alone", ratios(observed.map(\.rate), alone.map(\.rate)), goal: "1")
    }

    /// Writers alone, and while a backup is made at each pace, in turn.
    private func measureBackup(
        _ store: Store, _ workload: Workload, _ directory: String
    ) async throws {
        let paces: [(name: String, pace: BackupPace, goal: String)] = [
            ("the default pace", .yielding, "<= 1.5"), ("no pace", .unlimited, ""),
        ]
        var alone: [WriterRun] = []
        var beside = paces.map { _ in [WriterRun]() }
        var durations = paces.map { _ in [Double]() }
        for round in 0..<rounds {
            settle()
            alone.append(
                try await runWriters(store, workload, for: seconds, seed: UInt64(100 + round)))
            for index in paces.indices {
                let place = (index + round) % paces.count
                settle()
                let (run, duration) = try await runBesideBackup(
                    store, workload, directory + "/backup", paces[place].pace)
                beside[place].append(run)
                durations[place].append(duration)
            }
        }
        func p99(_ runs: [WriterRun]) -> [Double] {
            runs.map { $0.latencies.quantile(0.99) / 1e6 }
        }
        say("\n64 writers beside a backup of \(count) tasks")
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

    /// Writers while a backup is made: as long as it takes, and no longer.
    private func runBesideBackup(
        _ store: Store, _ workload: Workload, _ path: String, _ pace: BackupPace
    ) async throws -> (run: WriterRun, seconds: Double) {
        try? FileManager.default.removeItem(atPath: path)
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

    /// An archive of single commits, and a restore of the last backup with it.
    private func measureRestore(
        _ path: String, _ workload: Workload, _ directory: String
    ) async throws {
        var options = StoreOptions()
        options.durability = .interval(losing: .seconds(1))
        let store = try Store(at: path, options: options)
        defer { store.close() }
        let (backup, archive) = (directory + "/backup", directory + "/archive")
        try? FileManager.default.removeItem(atPath: backup)
        try await store.backup(to: backup)
        note("\(commitCount) commits")
        try writeOneByOne(store, workload)
        let archiving = durableSeconds()
        let archived = try await store.archiveLog(to: archive)
        let verifying = durableSeconds()
        try await Store.verifyBackup(backup, archive: archive)
        let verified = durableSeconds()
        var durations: [Double] = []
        for _ in 0..<3 {
            settle()
            let restored = directory + "/restored"
            try? FileManager.default.removeItem(atPath: restored)
            let start = durableSeconds()
            let report = try await Store.restore(backup, archive: archive, at: restored)
            let copy = try Store(at: restored)
            durations.append(durableSeconds() - start)
            guard report.commitCount == commitCount else {
                throw ValidationError("\(report.commitCount) commits were restored.")
            }
            copy.close()
        }
        say("\nA restore of \(count) tasks and \(commitCount) commits after them")
        row("archiving, s", [verifying - archiving])
        row("the archive, MiB", [Double(archived.byteCount) / 1_048_576])
        row("verify-backup, s", [verified - verifying])
        row("restore and opening, s", durations, goal: "< 60")
    }

    private func writeOneByOne(_ store: Store, _ workload: Workload) throws {
        var random: UInt64 = 7
        for _ in 0..<commitCount {
            let change = workload.change(&random)
            try store.write { transaction in
                _ = try transaction.update(in: CodexFlow.table, key: change.key, change.update)
            }
        }
    }
}

private func durableSeconds() -> Double { Double(durable_now()) / 1e9 }

/// Set once, by another task.
private final class Flag: Sendable {
    private let value = Atomic(false)
    var isSet: Bool { value.load(ordering: .acquiring) }
    func set() { value.store(true, ordering: .releasing) }
}
