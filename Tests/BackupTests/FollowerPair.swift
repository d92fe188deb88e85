import CodexTesting
import Foundation
import TestSupport
import Testing

@testable import CodexCore
@testable import CodexStore

/// A leader with ten items, and a follower that was made then.
final class FollowerPair {
    let directory: String
    let leader: Store
    let follower: Store

    init(schema: Schema = RandomHistory.schema, options: StoreOptions = StoreOptions()) async throws
    {
        directory = try TemporaryStore.makeDirectory()
        leader = try Store(at: directory + "/leader", schema: schema, options: options)
        for number in 0..<10 { try await Self.put(number, leader) }
        try await leader.backup(to: directory + "/backup")
        try await Store.restore(
            directory + "/backup", at: directory + "/follower", asFollower: true)
        follower = try Store(at: directory + "/follower", options: options)
    }

    deinit {
        leader.close()
        follower.close()
        try? FileManager.default.removeItem(atPath: directory)
    }

    static func put(_ number: Int, _ store: Store, _ value: Int = 0) async throws {
        _ = try await store.write {
            try $0.put(
                ["p": "p", "s": .string("\(number)"), "v": .number(Number(value))], in: "t")
        }
    }

    func catchUp() async throws {
        try await Self.catchUp(
            follower, to: try leader.stats().sequence, from: leader)
    }

    /// The encoded records after a commit that there are.
    func records(after sequence: UInt64) async throws -> [UInt8] {
        let last = try leader.stats().sequence
        var (bytes, decoder) = ([UInt8](), RecordDecoder())
        guard sequence < last else { return [] }
        for try await chunk in leader.replicationStream(after: sequence) {
            bytes += chunk
            decoder.append(chunk)
            while let record = try decoder.next() {
                if record.header.sequence == last { return bytes }
            }
        }
        return bytes
    }

    /// A record that follows commit 10, with a body of the test's own and a checksum that is right.
    func record(
        sequence: UInt64 = 11, storeID: UUID? = nil, previous: UInt32? = nil,
        _ body: (inout [UInt8]) throws -> Void
    ) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: LogRecordHeader.byteCount)
        try body(&bytes)
        let count = bytes.count
        let position = try leader.core.appliedState().position
        var header = LogRecordHeader(
            bodyByteCount: UInt32(count - LogRecordHeader.byteCount),
            previousChecksum: previous ?? position.checksum, sequence: sequence, incarnation: 1,
            flushedSequence: 0, milliseconds: 1)
        header.checksum = header.finish(&bytes)
        var encoded: [UInt8] = []
        LeaderRecord.append(
            LogRecord(header: header, bytes: bytes, body: LogRecordHeader.byteCount..<count),
            of: storeID ?? leader.core.logDirectory.storeID, lastSequence: sequence, to: &encoded)
        return encoded
    }

    /// Lets a follower follow until it has a commit.
    static func catchUp(_ follower: Store, to sequence: UInt64, from leader: Store) async throws {
        let state = try #require(try follower.followerState())
        guard state.sequence < sequence else { return }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await follower.follow(leader.replicationStream(after: state.sequence))
            }
            group.addTask {
                // As a reader would: by the follower's own changes.
                while true {
                    let (position, id) = try follower.core.appliedState()
                    if position.sequence >= sequence { return }
                    try await follower.core.commits.wait(after: id)
                }
            }
            // Whatever ends first: what following failed with, or that it is done.
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    static func expectEqual(_ follower: Store, _ leader: Store, _ comment: Comment) async throws {
        #expect(try RandomHistory.items(of: follower) == RandomHistory.items(of: leader), comment)
        try await follower.waitUntilReady()
        let verified = try follower.verify()
        #expect(verified.isSound, "\(comment) \(verified.differences.prefix(3))")
        #expect(follower.schema == leader.schema, comment)
        #expect(
            Set(try follower.buildStatus()) == Set(try leader.buildStatus()), comment)
        for table in leader.schema.tables {
            for index in table.indexes {
                let scan = TableScan(table: table.name, index: index.name)
                #expect(
                    try follower.items(scanning: scan).items
                        == leader.items(scanning: scan).items, comment)
            }
        }
    }

    /// A stream of pieces that ends.
    static func pieces(_ bytes: [UInt8]...) -> AsyncStream<[UInt8]> {
        AsyncStream { continuation in
            for piece in bytes { continuation.yield(piece) }
            continuation.finish()
        }
    }
}
