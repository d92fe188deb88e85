import ArgumentParser
import CodexCore
import CodexStore
import Foundation

struct Backup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Makes a backup of a store that may be in use.",
        discussion:
            "The backup is a new directory. With an archive of the log, it restores any later time."
    )

    @Argument(help: "The store's directory.") var store: String
    @Argument(help: "The backup's directory, which must not exist.") var backup: String
    @OptionGroup var keys: KeyFileArguments

    func run() async throws {
        let opened = try keys.openForReading(store)
        defer { opened.close() }
        let report = try await opened.backup(to: backup)
        let time = report.committedAt.map { " of \(Timestamp.text($0))" } ?? ""
        Console.print("commit \(report.sequence)\(time), \(Console.text(bytes: report.byteCount))")
    }
}

struct Archive: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Brings an archive of a store's log up to date.",
        discussion:
            "Run it regularly. Commits after its last run are lost with the machine."
    )

    @Argument(help: "The store's directory.") var store: String
    @Argument(help: "The archive's directory; it is created if missing.") var archive: String
    @OptionGroup var keys: KeyFileArguments

    func run() async throws {
        let opened = try keys.openForWriting(store)
        defer { opened.close() }
        let report = try await opened.archiveLog(to: archive)
        Console.print(
            "commits \(report.firstSequence) to \(report.sequence); segments written: "
                + "\(report.segmentCount), \(Console.text(bytes: report.byteCount))")
        if report.hasGap {
            Console.report(
                "commits before \(report.firstSequence) are missing: make a new backup"
            )
            throw ExitCode.failure
        }
    }
}

struct Restore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Makes a store from a backup and an archive, as of any time that they cover.",
        discussion: "The new store needs its own backup and archive: make a backup of it.")

    @Argument(help: "The backup's directory.") var backup: String
    @Argument(help: "The new store's directory, which must not exist.") var store: String
    @Option(help: "The archive of the log.") var archive: String?
    @Option(help: "Restore to this time, as 2026-11-25T09:30:00.000Z.") var time: String?
    @Option(help: "Restore to the state after this commit.") var sequence: UInt64?
    @Flag(help: "Make a follower of the backup's store.") var follower = false

    func validate() throws {
        if time != nil, sequence != nil {
            throw ValidationError("Name a time or a commit, not both.")
        }
        if let time, Timestamp.date(time) == nil {
            throw ValidationError("A time is written as 2026-11-25T09:30:00.000Z.")
        }
    }

    func run() async throws {
        let target: RestoreTarget =
            if let date = time.flatMap(Timestamp.date) {
                .time(date)
            } else if let sequence {
                .sequence(sequence)
            } else {
                .latest
            }
        let start = ContinuousClock.now
        let report = try await Store.restore(
            backup, archive: archive, to: target, at: store, asFollower: follower)
        Console.print(
            "commit \(report.sequence) of \(Timestamp.text(report.committedAt)), "
                + "\(report.commitCount) commits redone, in \(Console.text(.now - start))")
    }
}

struct VerifyBackup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Reads every byte of a backup and its archive, and prints what they can restore.")

    @Argument(help: "The backup's directory.") var backup: String
    @Option(help: "The archive of the log.") var archive: String?

    func run() async throws {
        let coverage = try await Store.verifyBackup(backup, archive: archive)
        Console.print(
            "sound: from commit \(coverage.firstSequence) of \(Timestamp.text(coverage.firstCommittedAt)) "
                + "to \(coverage.lastSequence) of \(Timestamp.text(coverage.lastCommittedAt)); any time "
                + "up to \(Timestamp.text(coverage.coveredThrough))")
    }
}
