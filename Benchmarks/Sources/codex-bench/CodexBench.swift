import ArgumentParser
import Foundation

/// Codex beside what a user would pick instead, in one run, on the same data.
///
/// Everything is written into a folder of its own that is removed at the end. It must lie on a disk:
/// a flush in memory costs nothing.
@main
struct CodexBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "codex-bench",
        abstract: "Codex beside bare LMDB and SQLite, measured in one run.",
        subcommands: [
            Headline.self, YCSB.self, Scale.self, Durable.self, Bulk.self, Domain.self,
            CacheRun.self, ClaimWorker.self,
            BackupRun.self, FollowerRun.self, FollowerProcess.self, BulkWriter.self,
        ],
        defaultSubcommand: Headline.self)
}

/// Where the stores of a run lie.
struct Scratch: ParsableArguments, Sendable {
    @Option(help: "Where the folder for the stores is made, on a disk.")
    var directory = ".build-demo"

    /// Makes a folder, hands it to `body`, and removes it.
    func use<R>(_ body: (String) async throws -> R) async throws -> R {
        let path = directory + "/codex-bench-\(ProcessInfo.processInfo.processIdentifier)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try await body(path)
    }
}
