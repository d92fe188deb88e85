import CodexCore
import CrashSupport
import Foundation
import TestSupport

@testable import CodexStore

/// A store that is tortured, on a small disk where tests may mount one, and its follower.
final class TortureField {
    /// Where the store is, and what workers copy.
    let directory: String
    let disk: LoopDisk?
    private let folder: TestDirectory
    private let identity: String
    private var strangerCount = 0
    /// Stores that were in the place of this one, and are not any more.
    private var strangers: [(path: String, identity: String)] = []
    var ledger = TortureLedger()

    var live: String { directory + "/live" }
    var follower: String { folder.path + "/follower" }

    init() async throws {
        let folder = try TestDirectory()
        let disk = try LoopDisk.isPossible ? LoopDisk(byteCount: 96 << 20) : nil
        let directory = disk?.path ?? folder.path
        identity = try Self.makeStore(directory + "/live")
        (self.folder, self.disk, self.directory) = (folder, disk, directory)
        try await makeFollower()
    }

    /// Makes a store that says which it is.
    private static func makeStore(_ path: String) throws -> String {
        let identity = String(UInt32.random(in: .min ... .max), radix: 16)
        let store = try Store(
            at: path, schema: Schema(tables: [CrashWorkload.table]), options: .crashing)
        defer { store.close() }
        let key = CrashWorkload.identityKey
        try store.write { transaction in
            _ = try transaction.put(
                ["w": key.partition, "s": key.sort ?? "", "id": .string(identity)], in: "t")
        }
        return identity
    }

    /// Makes another store; it is checked, and gone, at the end of the round.
    func makeStranger() throws -> String {
        strangerCount += 1
        let path = "\(directory)/stranger-\(strangerCount)"
        strangers.append((path, try Self.makeStore(path)))
        return path
    }

    // MARK: Checks

    /// Sees that nothing is lost or torn in any store, backup or follower, with all processes gone.
    func check() async throws {
        for stranger in strangers {
            try check(stranger.path, stranger.identity)
            try FileManager.default.removeItem(atPath: stranger.path)
            ledger.forget(stranger.identity)
        }
        strangers = []
        try check(live, identity)
        try await checkCopies()
        try await checkFollower()
    }

    private func check(_ path: String, _ identity: String) throws {
        _ = try CrashWorkload.check(path, ledger.groups[identity] ?? [:])
    }

    /// Verifies backups, with the archive beside them, and removes them.
    private func checkCopies() async throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: directory) {
            let path = "\(directory)/\(name)"
            let parts = name.split(separator: "-")
            guard parts.first == "backup" || parts.first == "waste" else { continue }
            if parts.first == "backup", !name.contains(".making-") {
                try await Store.verifyBackup(path)
                try await verify(path, archive: "\(directory)/archive-\(parts[1])")
            }
            try FileManager.default.removeItem(atPath: path)
        }
    }

    private func verify(_ backup: String, archive: String) async throws {
        guard FileManager.default.fileExists(atPath: archive) else { return }
        do {
            try await Store.verifyBackup(backup, archive: archive)
        } catch let error as CodexError where error.code == .notCovered {
            // The log was not retained for as long as nobody archived it.
        }
    }

    // MARK: The follower

    private func makeFollower() async throws {
        try? FileManager.default.removeItem(atPath: follower)
        let backup = folder.path + "/seed"
        let leader = try Store(at: live)
        defer { leader.close() }
        try await leader.backup(to: backup)
        defer { try? FileManager.default.removeItem(atPath: backup) }
        try await Store.restore(backup, at: follower, asFollower: true)
    }

    /// Lets the follower catch up: it has the leader's items then.
    private func checkFollower() async throws {
        do {
            try await catchUp()
        } catch let error as CodexError where error.code == .changesTrimmed {
            // A full disk took the history.
            try await makeFollower()
        }
    }

    private func catchUp() async throws {
        let leader = try Store(at: live)
        defer { leader.close() }
        let follower = try Store(at: follower)
        defer { follower.close() }
        try await follow(leader, follower)
        let scan = TableScan(table: "t")
        guard try leader.items(scanning: scan).items == follower.items(scanning: scan).items else {
            throw CrashFinding(description: "the follower differs from its leader")
        }
        guard try follower.verify().isSound else {
            throw CrashFinding(description: "the follower is not sound")
        }
    }

    private func follow(_ leader: Store, _ follower: Store) async throws {
        let last = try leader.stats().sequence
        let start = try follower.stats().sequence
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await follower.follow(leader.replicationStream(after: start))
            }
            group.addTask {
                while true {
                    let (position, id) = try follower.core.appliedState()
                    if position.sequence >= last { return }
                    try await follower.core.commits.wait(after: id)
                }
            }
            // Whatever ends first: what following failed with, or that it is done.
            defer { group.cancelAll() }
            try await group.next()
        }
    }
}
