import CodexCore
import CodexTesting
import Foundation
import TestSupport
import Testing

@testable import CodexStore

/// Backups, archives and followers after the power failed.
@Suite("Power cuts of copies", .serialized)
struct CopyPowerCutTests {
    private static let schema = Schema(tables: [
        TableDefinition(
            "t", partitionKey: KeyAttribute("p"), sortKey: KeyAttribute("s"),
            indexes: [IndexDefinition("byG", partitionKey: [KeyAttribute("g")])])
    ])
    private static var cutCount: Int { max(4, PowerCutTests.cutCount / 4) }

    private func names(_ directory: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory)
    }

    @Test("A backup is there as a whole or not at all, and an archive has what it was said to have")
    func backups() async throws {
        guard LoopDisk.isPossible else { return }
        for number in 0..<Self.cutCount {
            let disk = try LoopDisk()
            try Store(at: disk.path + "/store", schema: Self.schema).close()
            let agent = try Agent("backup", disk.path + "/store", disk.path)
            defer { agent.kill() }
            agent.waitUntilBegun()
            var archived = 0
            for line in try agent.lines(1 + Int.random(in: 0...8)) {
                archived = line.split(separator: " ").last.flatMap { Int($0) } ?? archived
            }
            // The moment of the cut is what is tried here.
            usleep(UInt32.random(in: 0...30_000))
            // Copied elsewhere: what is looked at takes longer than a test may hold a thread.
            let kept = try TemporaryStore.makeDirectory()
            defer { try? FileManager.default.removeItem(atPath: kept) }
            let backups = try disk.withCut(flushed: number % 4 == 3) {
                agent.stop()
            } resumed: {
                agent.kill()
            } _: { mount in
                let found = try names(mount)
                for name in found where name.hasPrefix("backup-") || name == "archive" {
                    try FileManager.default.copyItem(
                        atPath: mount + "/" + name, toPath: kept + "/" + name)
                }
                return found.filter { $0.hasPrefix("backup-") && !$0.contains(".making-") }.sorted()
            }
            for backup in backups {
                try await Store.verifyBackup(kept + "/" + backup, archive: kept + "/archive")
            }
            guard let last = backups.last else {
                // Then none was said to be made.
                #expect(archived == 0, "cut \(number)")
                continue
            }
            try await Store.restore(
                kept + "/" + last, archive: kept + "/archive", at: kept + "/restored")
            let store = try Store(at: kept + "/restored")
            defer { store.close() }
            let items = try store.items(scanning: TableScan(table: "t")).items
            #expect(items.count >= archived, "cut \(number)")
            #expect(
                items.compactMap { $0["s"]?.string.flatMap { Int($0) } } == Array(0..<items.count))
            #expect(try store.verify().isSound)
        }
    }

    @Test("A follower goes on after a power cut where it was, and equals its leader")
    func followers() async throws {
        guard LoopDisk.isPossible else { return }
        let directory = try TemporaryStore.makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let disk = try LoopDisk()
        let (leaderPath, path) = (directory + "/leader", disk.path + "/follower")
        do {
            let leader = try Store(at: leaderPath, schema: Self.schema)
            try await leader.backup(to: directory + "/backup")
            leader.close()
            try await Store.restore(directory + "/backup", at: path, asFollower: true)
        }
        for number in 0..<Self.cutCount {
            let writer = try Agent("write", leaderPath, "100000", "\(number + 1)")
            let follower = try Agent("follow", path, leaderPath)
            writer.waitUntilBegun()
            follower.waitUntilBegun()
            usleep(UInt32.random(in: 50_000...300_000))
            var copy: String?
            try disk.withCut(flushed: number % 4 == 3) {
                follower.stop()
            } resumed: {
                writer.kill()
                follower.kill()
            } _: { mount in
                // Recovered there, then followed on elsewhere.
                let recovered = try Store(at: mount + "/follower")
                #expect(try recovered.verify().isSound, "cut \(number)")
                recovered.close()
                let kept = directory + "/cut-\(number)"
                try FileManager.default.copyItem(atPath: mount + "/follower", toPath: kept)
                copy = kept
            }
            let leader = try Store(at: leaderPath)
            defer { leader.close() }
            let kept = try Store(at: try #require(copy))
            defer { kept.close() }
            let last = try leader.stats().sequence
            let start = try kept.stats().sequence
            #expect(start <= last)
            let following = _Concurrency.Task {
                try await kept.follow(leader.replicationStream(after: start))
            }
            while true {
                let (position, id) = try kept.core.appliedState()
                if position.sequence >= last { break }
                try await kept.core.commits.wait(after: id)
            }
            following.cancel()
            _ = await following.result
            let scan = TableScan(table: "t")
            #expect(
                try kept.items(scanning: scan).items == leader.items(scanning: scan).items,
                "cut \(number)")
        }
    }
}
