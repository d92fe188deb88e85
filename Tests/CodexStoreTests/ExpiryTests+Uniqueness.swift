import CodexCore
import CodexStore
import CodexTesting
import Foundation
import TestSupport
import Testing

/// What expired items mean to unique indexes that are built.
extension ExpiryTests {
    private static let plain = SampleTable.definition(sort: .number, timeToLive: "expires")
    private static let two = IndexDefinition(
        "two", partitionKey: [KeyAttribute("unique")], projection: .keysOnly, isUnique: true)
    private static let whole = IndexDefinition(
        "whole", partitionKey: [KeyAttribute("unique")], isUnique: true)

    private func made(_ table: TableDefinition = Self.plain) throws -> TemporaryStore {
        try TemporaryStore(schema: Schema(tables: [table]), options: Self.options(clock))
    }

    private func states(_ store: Store) throws -> [BuildStatus.State] {
        try store.buildStatus().filter { $0.name != "$expiry" }.map(\.state)
    }

    @Test("An expired item is no duplicate for a unique index that is added, nor in its way later")
    func addedUnique() async throws {
        let temporary = try made()
        let store = temporary.store
        // One that lives before, between and after those that do not.
        try await store.put(item(1, after: 5, unique: "a"), in: "samples")
        try await store.put(item(2, unique: "a"), in: "samples")
        try await store.put(item(3, after: 5, unique: "a"), in: "samples")
        try await store.put(item(4, after: 5, unique: "b"), in: "samples")
        try await store.put(item(5, after: 5, unique: "b"), in: "samples")
        try await store.put(item(6, unique: "c"), in: "samples")
        clock.advance(by: 5)
        for index in [Self.two, Self.whole] {
            try await store.addIndex(index, to: "samples")
            #expect(try store.duplicates(ofIndex: index.name, in: "samples").isEmpty)
        }
        #expect(try states(store) == [.ready, .ready])
        #expect(try entryCount(nil, store) == 6, "nothing was removed for it")
        try expectSound(store)
        func found(_ value: String) throws -> [Int64] {
            let query = TableQuery(table: "samples", index: "two", partition: [.string(value)])
            return try store.items(matching: query).items.compactMap { $0["sort"]?.number?.int64 }
        }
        #expect(try found("a") == [2])
        #expect(try found("b").isEmpty)
        // What expired is removed by who wants its key; what lives is in the way.
        try await store.put(item(7, unique: "b"), in: "samples")
        #expect(try found("b") == [7])
        #expect(try entryCount(nil, store) == 5)
        await #expect(throws: CodexError(.uniqueViolation, "")) {
            try await store.put(item(8, unique: "a"), in: "samples")
        }
        try expectSound(store)
        #expect(try await store.removeExpired() == 2)
        #expect(try entryCount("two", store) == 3)
        try expectSound(store)
    }

    @Test("A conflict with an item that expires ends once that has expired and it is looked again")
    func endedConflict() async throws {
        let temporary = try made()
        let store = temporary.store
        for number in 1...3 {
            let item = item(number, after: number == 2 ? nil : 5, unique: "a")
            try await store.put(item, in: "samples")
        }
        await #expect(throws: CodexError(.indexNotReady, "")) {
            try await store.addIndex(Self.two, to: "samples")
        }
        #expect(try states(store) == [.conflicting])
        #expect(try store.duplicates(ofIndex: "two", in: "samples") == [key(2), key(3)])
        await #expect(throws: CodexError(.indexNotReady, "")) { try await store.waitUntilReady() }
        clock.advance(by: 5)
        #expect(try store.duplicates(ofIndex: "two", in: "samples").isEmpty)
        try await store.waitUntilReady()
        #expect(try states(store) == [.ready])
        try expectSound(store)
        #expect(try await store.removeExpired() == 2)
        try expectSound(store)
    }

    @Test("Two that live conflict, however many have expired beside them")
    func realConflict() async throws {
        let temporary = try made()
        let store = temporary.store
        for number in 1...5 {
            let item = item(number, after: number % 2 == 0 ? nil : 5, unique: "a")
            try await store.put(item, in: "samples")
        }
        clock.advance(by: 5)
        await #expect(throws: CodexError(.indexNotReady, "")) {
            try await store.addIndex(Self.two, to: "samples")
        }
        #expect(try store.duplicates(ofIndex: "two", in: "samples") == [key(4)])
        try await store.delete(in: "samples", key: key(2))
        try await store.waitUntilReady()
        #expect(try states(store) == [.ready])
        try expectSound(store)
    }

    @Test("A time to live and a unique index that come together see what has expired")
    func together() async throws {
        let temporary = try made(SampleTable.definition(sort: .number))
        try await temporary.store.put(item(1, after: 5, unique: "a"), in: "samples")
        try await temporary.store.put(item(2, unique: "a"), in: "samples")
        clock.advance(by: 5)
        temporary.store.close()
        let after = SampleTable.schema(
            sort: .number, indexes: [Self.two], timeToLive: "expires")
        let store = try Store(at: temporary.path, schema: after, options: Self.options(clock))
        #expect(try store.buildStatus().allSatisfy { $0.state == .ready })
        #expect(try found(nil, store) == [2])
        try expectSound(store)
        store.close()
    }

    @Test("A bulk load with an expired duplicate ends with its unique index ready")
    func loadedDuplicate() async throws {
        let table = SampleTable.definition(
            sort: .number, indexes: [Self.two], timeToLive: "expires")
        let temporary = try made(table)
        let store = temporary.store
        clock.advance(by: 10)
        var number = 0
        try await store.load(into: "samples") {
            guard number < 4 else { return nil }
            defer { number += 1 }
            return item(number, after: number < 3 ? 5 : nil, unique: "a")
        }
        #expect(try states(store) == [.ready])
        #expect(try found(nil, store) == [3])
        try expectSound(store)
    }
}
