import CodexCore
import CodexTesting
import TestSupport
import Testing

@testable import CodexStore

/// Entries of tokens and consumers that no program writes, as somebody with access to the files
/// could.
@Suite("Entries of tokens and consumers that cannot be read", .timeLimit(.minutes(30)))
struct SystemEntryTests {
    private static let list: [WriteAction] = [.put(table: "samples", ["partition": "a"])]
    private static let late = [UInt8](repeating: 0xFF, count: 12)

    private static func join(_ parts: [UInt8]...) -> [UInt8] { parts.flatMap { $0 } }

    private static func bytes(_ byte: UInt8, _ count: Int) -> [UInt8] {
        [UInt8](repeating: byte, count: count)
    }

    /// Keys that are none of a dead letter; the first one is found by the seek for the next
    /// consumer, too.
    private static let deadLetterKeys: [[UInt8]] = [
        join([1], late), [1], join([1, 0], late), join([1, 0x63, 0], late),
        join([1, 0x63, 0], bytes(1, 11)), join([1, 0x63, 0], bytes(1, 13)),
        join([1], bytes(0x63, 256), [0], bytes(1, 12)), join([1, 0xFF, 0], bytes(1, 12)),
    ]
    private static let tokenKeys: [[UInt8]] = [
        [1], [1, 1], join([1], bytes(0xFF, 8)), [0], [2, 1], join([0], bytes(0x74, 37)),
    ]

    private let temporary: TemporaryStore
    private var store: Store { temporary.store }

    init() throws {
        temporary = try TemporaryStore(schema: SampleTable.schema())
    }

    private func plant(_ space: SystemSpace, _ key: [UInt8], _ value: [UInt8]) async throws {
        try await store.write { try $0.context.setSystem(space, key, value) }
    }

    private func expectReported(_ database: String) throws {
        let differences = try store.verify().differences
        #expect(differences.map(\.kind) == [.unreadableSystemEntry])
        #expect(differences.map(\.table) == [database])
    }

    // MARK: Dead letters

    @Test(
        "A key that is none of a dead letter ends the walk over the consumers",
        arguments: deadLetterKeys)
    func parked(key: [UInt8]) async throws {
        try await plant(.consumers, key, [1])
        #expect(throws: CodexError(.corrupted, "")) {
            try store.core.withReadContext {
                try DeadLetter.oldestCommit($0.transaction, $0.catalog.consumers)
            }
        }
        await #expect(throws: CodexError(.corrupted, "")) { try await store.removeTable("samples") }
        try expectReported("consumers")
        // Items go on.
        try await store.perform(Self.list)
    }

    // MARK: Tokens

    @Test(
        "A token whose entry cannot be read is used as a new one",
        arguments: [0, 7, 8, 23, 25, 40, 41, 42])
    func token(byteCount: Int) async throws {
        try await plant(.tokens, [0, 0x74], [UInt8](repeating: 9, count: byteCount))
        try expectReported("tokens")
        #expect(try await store.perform(Self.list, idempotencyToken: "t"))
        #expect(try await !store.perform(Self.list, idempotencyToken: "t"))
        #expect(try store.verify().isSound)
    }

    @Test("Other entries keep no token from being used", arguments: tokenKeys)
    func others(key: [UInt8]) async throws {
        try await plant(.tokens, key, [])
        try expectReported("tokens")
        #expect(try await store.perform(Self.list, idempotencyToken: "t"))
        #expect(try await !store.perform(Self.list, idempotencyToken: "t"))
    }

    @Test("The key of tokens that cannot be read is reported")
    func digestKey() async throws {
        try await plant(.meta, DigestKey.key, [7])
        try expectReported("meta")
    }
}
