import ArgumentParser
import CodexCore
import CodexStore
import Foundation

struct PurgePlaintext: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "purge-plaintext",
        abstract: "Removes plain values that were stored before their field was encrypted.",
        discussion: """
            It encrypts plain values (with the keys), removes the history of changes, and compacts \
            the data file. No other process may have the store open. Consumers and followers that \
            have not read all changes start over, and the archive may get a gap. So let them catch \
            up, and run `archive`, first. The command prints what it cannot reach. If it is \
            interrupted, run it again.
            """)

    @Argument(help: "The store's directory.")
    var store: String

    @OptionGroup var keys: KeyFileArguments

    @Flag(help: "Print JSON also on a terminal.")
    var json = false

    func run() async throws {
        let opened = try keys.openForWriting(store)
        defer { opened.close() }
        let report = try await opened.purgePlaintext { report in
            Console.progress("\(report.examinedCount) items")
        }
        Console.endProgress()
        for failure in report.resealing.failures { Console.report(failure) }
        if !json, Console.isTerminal { printLines(report) } else { printJSON(report) }
    }

    private func printLines(_ report: PlaintextPurgeReport) {
        let (before, after) = (
            Console.text(bytes: report.compaction.byteCountBefore),
            Console.text(bytes: report.compaction.byteCountAfter)
        )
        Console.print(
            "\(report.resealing.migratedCount) items encrypted; \(before) before, \(after) now")
        Console.print(
            "changes up to commit \(report.trimmedSequence) removed, "
                + "\(report.segmentCount) segments of the log")
        for reader in report.readers { Console.print("starts over: \(reader)") }
        for remnant in report.remnants { Console.print("not reached: \(remnant.text)") }
    }

    private func printJSON(_ report: PlaintextPurgeReport) {
        Console.print(
            json: DynamoDBJSON.plainText([
                "encrypted": .number(Number(report.resealing.migratedCount)),
                "trimmedCommits": .number(Number(Int(report.trimmedSequence))),
                "segments": .number(Number(report.segmentCount)),
                "readers": .list(report.readers.map { .string($0) }),
                "bytesBefore": .number(Number(report.compaction.byteCountBefore)),
                "bytes": .number(Number(report.compaction.byteCountAfter)),
                "notReached": .list(report.remnants.map { .string($0.rawValue) }),
            ]))
    }
}

extension PlaintextRemnant {
    /// The description of the remnant, and the advice about it.
    fileprivate var text: String {
        switch self {
        case .backups: "backups from before; remove them once there is a new one"
        case .archives: "archives of the log from before; begin a new one, and remove them"
        case .followers: "followers; run this command for each, once it has caught up"
        case .exports: "exports, and what programs wrote down that read the store"
        case .devices: "blocks that the device or a snapshot of the file system still has"
        }
    }
}
