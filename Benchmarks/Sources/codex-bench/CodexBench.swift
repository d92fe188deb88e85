import ArgumentParser
import CDurablePeers

/// Codex beside what a user would pick instead, in one run, on the same data.
///
/// Everything is written into a folder of its own that is removed at the end. It must lie on a disk:
/// a flush in memory costs nothing.
@main
struct CodexBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "codex-bench",
        abstract: "Codex beside bare LMDB and SQLite, measured in one run.",
        subcommands: [Headline.self, YCSB.self, Durable.self, Bulk.self, BulkWriter.self],
        defaultSubcommand: Headline.self)
}
