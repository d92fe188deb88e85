import ArgumentParser
import CodexCore
import CodexStore
import Foundation

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
            try await measureObserver(store, workload, rounds: rounds, seconds: seconds).report()
            try await measureBackup(
                store, workload, directory, paces: [.byDefault, .unpaced], rounds: rounds,
                seconds: seconds
            ).report()
            store.close()
            try await measureRestore(path, workload, directory)
        }
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
