import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Synchronization
import Testing

/// Values of a store of format 3 that begin as encrypted ones, where nothing is encrypted.
@Suite("Values of format 3 that look encrypted")
final class UpgradeTests {
    /// An entity without encrypted fields.
    private struct OpenBlob: Codable, Entity, Equatable {
        static let definition = EntityDefinition(
            "open", table: CodexFlow.table, keys: ["PK": "OPEN#{id}", "SK": "OPEN"])
        var id: String
        var data: Data?
        var count = 0

        static func lookup(_ number: Int) -> Lookup<OpenBlob> {
            Lookup(partition: .string("OPEN#\(number)"), sort: "OPEN")
        }
    }

    private static let schema = CodexFlow.schema.adding(OpenBlob.self)

    /// As many bytes as the number says, behind the mark.
    private static func marked(_ number: Int) -> Data {
        Data(Blob.mark + [UInt8](repeating: UInt8(number % 256), count: number % 2000 + 1))
    }

    private let folder: String
    private var path: String { folder + "/store" }

    init() throws { folder = try TemporaryStore.makeDirectory() }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    private func open(_ options: StoreOptions = StoreOptions()) throws -> Store {
        try Store(at: path, schema: Self.schema, options: options)
    }

    private func put(_ numbers: Range<Int>, _ store: Store) async throws {
        let items = try numbers.map {
            try OpenBlob(id: "\($0)", data: Self.marked($0)).item()
        }
        try await FormatThree.put(items, store)
    }

    private func expect(_ numbers: Range<Int>, _ store: Store) throws {
        for number in numbers {
            let read = try store.get(OpenBlob.lookup(number))
            #expect(read?.data == Self.marked(number), "\(number)")
        }
    }

    @Test("An optional field that is not encrypted has them, before they are decided and after")
    func plain() async throws {
        let store = try open()
        // Some that are compressed, too.
        try await put(0..<40, store)
        try await put(1500..<1504, store)
        try expect(0..<40, store)
        try expect(1500..<1504, store)
        // Another field's change leaves them.
        try await store.update(OpenBlob.lookup(3)) { $0.count += 1 }
        try expect(3..<4, store)
        let before = try store.items(scanning: TableScan(table: CodexFlow.table)).items
        let changeCount = try store.retainedChanges(after: .trimHorizon).count
        try await FormatThree.markUnread(store)
        store.close()

        let again = try open()
        defer { again.close() }
        try await again.waitUntilReady()
        #expect(try FormatThree.undecided(again) == nil)
        #expect(try !FormatThree.hasProgress(again))
        #expect(try FormatThree.itemCount(again) == 0)
        try expect(0..<40, again)
        try expect(1500..<1504, again)
        let after = try again.items(scanning: TableScan(table: CodexFlow.table)).items
        #expect(after == before)
        // Outside of the store, an item reads so, too.
        for item in after {
            guard case .binary(let bytes)? = item["data"] else { continue }
            #expect(try OpenBlob(item: item).data == Data(bytes))
        }
        // Nothing of the items changed.
        #expect(try again.retainedChanges(after: .trimHorizon).count == changeCount)
        #expect(try again.verify().isSound)
    }

    private final class CommitCount: Sendable {
        private let count = Mutex(0)

        /// Fails the commits after the first.
        func check() throws {
            let number = count.withLock { count in
                count += 1
                return count
            }
            if number > 1 { throw CodexError(.corrupted, "It failed, as the test asked.") }
        }
    }

    @Test("What is cut short goes on where it was, and reads work meanwhile")
    func halfway() async throws {
        let store = try open()
        try await put(0..<1500, store)
        try await FormatThree.markUnread(store)
        store.close()

        var options = StoreOptions()
        let commits = CommitCount()
        options.sweepInterval = nil
        options.parts.beforeCommit = { try commits.check() }
        let halted = try open(options)
        let restCount = try FormatThree.itemCount(halted)
        #expect((1..<1500).contains(restCount))
        #expect(try FormatThree.undecided(halted) == "unread")
        #expect(try FormatThree.hasProgress(halted))
        try expect(0..<1500, halted)
        #expect(try halted.verify().isSound)
        halted.close()

        let again = try open()
        try await again.waitUntilReady()
        #expect(try FormatThree.itemCount(again) == 0)
        #expect(try FormatThree.undecided(again) == nil)
        #expect(try !FormatThree.hasProgress(again))
        try expect(0..<1500, again)
        #expect(try again.verify().isSound)
        again.close()
    }

    // MARK: Followers

    private func pieces(_ bytes: [UInt8]) -> AsyncStream<[UInt8]> {
        AsyncStream { continuation in
            continuation.yield(bytes)
            continuation.finish()
        }
    }

    @Test("A follower takes records of either form, and what its leader decides")
    func followed() async throws {
        let leader = try open()
        try await put(0..<10, leader)
        try await FormatThree.markUnread(leader)
        let start = try await leader.backup(to: folder + "/backup").sequence
        try await put(10..<20, leader)
        let follower = folder + "/follower"
        try await Store.restore(folder + "/backup", at: follower, asFollower: true)
        let first = try Store(at: follower)
        try await first.follow(pieces(try await FormatThree.records(of: leader, after: start)))
        leader.close()
        // It decides nothing itself.
        try await first.waitUntilReady()
        #expect(try FormatThree.itemCount(first) == 20)
        try expect(0..<20, first)
        let applied = try #require(try first.followerState()).sequence

        let upgraded = try open()
        try await upgraded.waitUntilReady()
        #expect(try FormatThree.itemCount(upgraded) == 0)
        try await first.follow(
            pieces(try await FormatThree.records(of: upgraded, after: applied)))
        upgraded.close()
        #expect(try FormatThree.itemCount(first) == 0)
        #expect(try FormatThree.undecided(first) == nil)
        try expect(0..<20, first)
        #expect(try first.verify().isSound)
        first.close()
    }

    @Test("A follower that takes its leader's place decides what that one had not")
    func promoted() async throws {
        let leader = try open()
        try await put(0..<10, leader)
        try await FormatThree.markUnread(leader)
        try await leader.backup(to: folder + "/backup")
        leader.close()
        let path = folder + "/follower"
        try await Store.restore(folder + "/backup", at: path, asFollower: true)
        let follower = try Store(at: path)
        defer { follower.close() }
        #expect(try FormatThree.itemCount(follower) == 10)
        try await follower.promote()
        try await follower.waitUntilReady()
        #expect(try FormatThree.itemCount(follower) == 0)
        #expect(try FormatThree.undecided(follower) == nil)
        try expect(0..<10, follower)
        #expect(try follower.verify().isSound)
    }
}
