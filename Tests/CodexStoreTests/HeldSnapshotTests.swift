import CodexCore
import CodexStore
import CodexTesting
import Testing

/// Snapshots that stay open between reads.
@Suite("Held snapshots")
struct HeldSnapshotTests {
    private let temporary: TemporaryStore
    private var store: Store { temporary.store }
    private let key = PrimaryKey(.string("a"))

    init() throws {
        temporary = try TemporaryStore(
            schema: Schema(tables: [TableDefinition("t", partitionKey: KeyAttribute("p"))]))
    }

    private func write(_ number: Int) async throws {
        let item: Item = ["p": "a", "n": .number(Number(number))]
        try await store.put(item, in: "t")
    }

    /// The number that a held snapshot sees; the outer value is `nil` if the snapshot has ended.
    private func number(_ held: HeldSnapshot) throws -> AttributeValue?? {
        try held.read { try $0.item(in: "t", key: key)?["n"] }
    }

    @Test("A held snapshot sees the state at its beginning, in each read")
    func state() async throws {
        let empty = try store.holdSnapshot()
        try await write(1)
        let first = try store.holdSnapshot()
        try await write(2)
        for _ in 0..<2 {
            #expect(try number(empty) == .some(nil))
            #expect(try number(first) == .some(.number(1)))
        }
        #expect(try store.item(in: "t", key: key)?["n"] == .number(2))
    }

    @Test("A snapshot that was ended reads nothing, and its end costs nothing twice")
    func end() async throws {
        try await write(1)
        let held = try store.holdSnapshot()
        held.end()
        held.end()
        #expect(try number(held) == nil)
    }

    @Test("Closing a store ends its held snapshots, and does not wait for them")
    func closing() async throws {
        try await write(1)
        let held = try store.holdSnapshot()
        store.close()
        #expect(try number(held) == nil)
        #expect(throws: CodexError.self) { try store.holdSnapshot() }
    }

    @Test("A read that closes the store from within ends the snapshot when it is over")
    func closingWithin() async throws {
        try await write(1)
        let held = try store.holdSnapshot()
        let seen = try held.read { snapshot in
            store.close()
            return try snapshot.item(in: "t", key: key)?["n"]
        }
        #expect(seen == .some(.number(1)))
        #expect(try number(held) == nil)
        store.close()
    }

    @Test("A compaction ends held snapshots, and is done")
    func compaction() async throws {
        try await write(1)
        let held = try store.holdSnapshot()
        try await store.compact()
        #expect(try number(held) == nil)
        #expect(try number(store.holdSnapshot()) == .some(.number(1)))
    }

    @Test("An ended snapshot leaves its place to the next one")
    func places() throws {
        for _ in 0..<3 {
            var held: [HeldSnapshot] = []
            for _ in 0..<900 { held.append(try store.holdSnapshot()) }
            #expect(held.count == 900)
        }
    }
}
