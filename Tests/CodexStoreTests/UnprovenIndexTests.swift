import CodexCore
import CodexStore
import CodexTesting
import TestSupport
import Testing

/// Unique indexes whose first build finds equal keys.
@Suite("Unproven unique indexes")
struct UnprovenIndexTests {
    private static let unique = IndexDefinition(
        "one", partitionKey: [KeyAttribute("unique")], isUnique: true)

    private static func item(_ number: Int, _ value: String) -> Item {
        ["partition": .string("\(number)"), "unique": .string(value)]
    }

    private func put(_ number: Int, _ value: String, in store: Store) async -> CodexError.Code? {
        do {
            try await store.put(Self.item(number, value), in: "samples")
            return nil
        } catch {
            return (error as? CodexError)?.code
        }
    }

    private func state(_ store: Store) throws -> [BuildStatus.State] {
        try store.buildStatus().map(\.state)
    }

    private func keys(_ numbers: ClosedRange<Int>) -> [PrimaryKey] {
        numbers.map { PrimaryKey(.string("\($0)")) }
    }

    /// A store whose items 0 and 1 have equal keys, and to which the index was added in vain.
    private func failed() async throws -> TemporaryStore {
        let temporary = try TemporaryStore(schema: SampleTable.schema())
        for number in 0...1 { #expect(await put(number, "same", in: temporary.store) == nil) }
        await #expect(throws: CodexError(.indexNotReady, "")) {
            try await temporary.store.addIndex(Self.unique, to: "samples")
        }
        return temporary
    }

    @Test("A failed unique index refuses no write, and is built once its equal keys are gone")
    func notInForce() async throws {
        let temporary = try await failed()
        let store = temporary.store
        #expect(try state(store) == [.conflicting])
        #expect(try store.duplicates(ofIndex: "one", in: "samples") == keys(1...1))
        // As before the index, also in one transaction and by an update.
        #expect(await put(2, "same", in: store) == nil)
        try await store.write { transaction in
            for number in 3...4 { try transaction.put(Self.item(number, "other"), in: "samples") }
            try transaction.update(
                in: "samples", key: PrimaryKey("4"),
                Update().setting(Attribute<String>("unique"), to: "same"))
        }
        #expect(try store.duplicates(ofIndex: "one", in: "samples") == keys(1...2) + keys(4...4))
        await #expect(throws: CodexError(.indexNotReady, "")) { try await store.waitUntilReady() }
        #expect(await put(5, "same", in: store) == nil)
        for key in try store.duplicates(ofIndex: "one", in: "samples") {
            try await store.delete(in: "samples", key: key)
        }
        try await store.waitUntilReady()
        #expect(try state(store) == [.ready])
        #expect(await put(6, "same", in: store) == .uniqueViolation)
        #expect(await put(6, "new", in: store) == nil)
        #expect(try store.verify().isSound)
    }

    @Test("It is not in force after an opening either, and can be removed and added again")
    func reopened() async throws {
        let temporary = try await failed()
        temporary.store.close()
        let store = try Store(at: temporary.path)
        defer { store.close() }
        #expect(try state(store) == [.conflicting])
        #expect(await put(2, "same", in: store) == nil)
        try await store.removeIndex("one", from: "samples")
        #expect(await put(3, "same", in: store) == nil)
        for number in 1...3 {
            try await store.delete(in: "samples", key: PrimaryKey(.string("\(number)")))
        }
        try await store.addIndex(Self.unique, to: "samples")
        #expect(try state(store) == [.ready])
        #expect(await put(1, "same", in: store) == .uniqueViolation)
    }

    @Test("While it is built for the first time, it lets no further equal keys in")
    func building() async throws {
        let temporary = try TemporaryStore(schema: SampleTable.schema())
        let store = temporary.store
        // Too many for the call to wait.
        var number = 0
        try await store.load(into: "samples") {
            guard number < 20_000 else { return nil }
            defer { number += 1 }
            return Self.item(number, "\(number)")
        }
        try await store.addIndex(Self.unique, to: "samples")
        #expect(await put(20_000, "20000", in: store) == nil)
        #expect(await put(20_001, "20000", in: store) == .uniqueViolation)
        try await store.waitUntilReady()
        #expect(try state(store) == [.ready])
        #expect(try store.verify().isSound)
    }

    @Test("An index that was ready stays in force when a bulk load brings equal keys")
    func afterLoad() async throws {
        let temporary = try TemporaryStore(schema: SampleTable.schema(indexes: [Self.unique]))
        let store = temporary.store
        #expect(try state(store) == [.ready])
        var numbers = [0, 1]
        await #expect(throws: CodexError(.indexNotReady, "")) {
            try await store.load(into: "samples") {
                numbers.popLast().map { Self.item($0, "same") }
            }
        }
        #expect(try state(store) == [.conflicting])
        #expect(await put(2, "same", in: store) == .uniqueViolation)
        try await store.delete(in: "samples", key: PrimaryKey("1"))
        try await store.waitUntilReady()
        #expect(await put(2, "same", in: store) == .uniqueViolation)
    }
}
