import CodexCore
import CodexStore
import Foundation

extension SimulatedProcess {
    /// Makes a backup of the store.
    func backup(_ command: Command) async throws -> Answer {
        let path = try command.need(command.to, "to")
        let report = try await openStore().backup(to: path)
        return ["sequence": .count(report.sequence), "byteCount": .int(report.byteCount)]
    }

    /// Brings an archive of the log up to date.
    func archive(_ command: Command) async throws -> Answer {
        let path = try command.need(command.to, "to")
        let report = try await openStore().archiveLog(to: path)
        return [
            "firstSequence": .count(report.firstSequence), "sequence": .count(report.sequence),
            "hasGap": .bool(report.hasGap),
        ]
    }

    /// Makes a store from a backup, and reads it.
    func restore(_ command: Command) async throws -> Answer {
        let backup = try command.need(command.from, "from")
        let path = try command.need(command.to, "to")
        var target = RestoreTarget.latest
        if let sequence = command.sequence { target = .sequence(sequence) }
        let report = try await Store.restore(
            backup, archive: command.archive, to: target, at: path,
            asFollower: command.asFollower ?? false)
        var fields = [Answer.Field("sequence", .count(report.sequence))]
        if command.look ?? true {
            let restored = try Store(at: path, options: copyOptions)
            defer { restored.close() }
            fields += try await look(at: restored)
        }
        return .object(fields)
    }

    /// Brings a follower up to what the open store has, and reads it.
    ///
    /// Each chunk of the leader's records is applied by a call of its own, which ends with the
    /// chunk: the leader's stream itself never ends.
    func follow(_ command: Command) async throws -> Answer {
        let leader = try openStore()
        let path = try command.need(command.path, "path")
        if !FileManager.default.fileExists(atPath: path) {
            let backup = try command.need(command.from, "from")
            try await Store.restore(backup, at: path, asFollower: true)
        }
        let newest = try newestSequence(of: leader)
        let follower = try Store(at: path, options: copyOptions)
        defer { follower.close() }
        guard var sequence = try follower.followerState()?.sequence else {
            throw CodexError(.notFollowing, "The store follows none.")
        }
        var records = leader.replicationStream(after: sequence).makeAsyncIterator()
        while sequence < newest {
            guard let chunk = try await records.next() else { break }
            sequence = try await follower.follow(Self.stream(of: chunk)).sequence
        }
        var fields = [
            Answer.Field("sequence", .count(sequence)),
            Answer.Field("leaderSequence", .count(newest)),
        ]
        if command.look ?? true { fields += try await look(at: follower) }
        return .object(fields)
    }

    // Not isolated: the closure may run on any thread.
    private nonisolated static func stream(of chunk: [UInt8]) -> AsyncStream<[UInt8]> {
        AsyncStream { continuation in
            continuation.yield(chunk)
            continuation.finish()
        }
    }

    /// Reads a copy, and its whole change stream, once its indexes are built and it does nothing
    /// in the background.
    private func look(at store: Store) async throws -> [Answer.Field] {
        while try store.build() == .more {}
        await settle(store)
        let trimmed = try store.stats().trimmedSequence
        return [
            Answer.Field("scan", .object(try scan(store))),
            Answer.Field("verify", try verify(store)),
            Answer.Field("trimmed", .count(trimmed)),
            Answer.Field(
                "stream",
                .list(try commits(of: store, after: SequenceNumber(commit: trimmed)).commits)),
        ]
    }
}
