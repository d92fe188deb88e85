import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

/// What expired items mean to unique indexes that are built.
extension ExpiryTests {
    private static let plain = TableDefinition(
        "t", partitionKey: KeyAttribute("p"), sortKey: KeyAttribute("s", .number),
        timeToLive: "e")
    private static let two = IndexDefinition(
        "two", partitionKey: [KeyAttribute("u")], projection: .keysOnly, isUnique: true)
    private static let whole = IndexDefinition(
        "whole", partitionKey: [KeyAttribute("u")], isUnique: true)

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
        try await store.put(item(1, after: 5, u: "a"), in: "t")
        try await store.put(item(2, u: "a"), in: "t")
        try await store.put(item(3, after: 5, u: "a"), in: "t")
        try await store.put(item(4, after: 5, u: "b"), in: "t")
        try await store.put(item(5, after: 5, u: "b"), in: "t")
        try await store.put(item(6, u: "c"), in: "t")
        clock.advance(by: 5)
        for index in [Self.two, Self.whole] {
            try await store.addIndex(index, to: "t")
            #expect(try store.duplicates(ofIndex: index.name, in: "t").isEmpty)
        }
        #expect(try states(store) == [.ready, .ready])
        #expect(try entryCount(nil, store) == 6, "nothing was removed for it")
        try expectSound(store)
        func found(_ value: String) throws -> [Int64] {
            let query = TableQuery(table: "t", index: "two", partition: [.string(value)])
            return try store.items(matching: query).items.compactMap { $0["s"]?.number?.int64 }
        }
        #expect(try found("a") == [2])
        #expect(try found("b").isEmpty)
        // What expired is removed by who wants its key; what lives is in the way.
        try await store.put(item(7, u: "b"), in: "t")
        #expect(try found("b") == [7])
        #expect(try entryCount(nil, store) == 5)
        await #expect(throws: CodexError(.uniqueViolation, "")) {
            try await store.put(item(8, u: "a"), in: "t")
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
            try await store.put(item(number, after: number == 2 ? nil : 5, u: "a"), in: "t")
        }
        await #expect(throws: CodexError(.indexNotReady, "")) {
            try await store.addIndex(Self.two, to: "t")
        }
        #expect(try states(store) == [.conflicting])
        #expect(try store.duplicates(ofIndex: "two", in: "t") == [key(2), key(3)])
        await #expect(throws: CodexError(.indexNotReady, "")) { try await store.whenReady() }
        clock.advance(by: 5)
        #expect(try store.duplicates(ofIndex: "two", in: "t").isEmpty)
        try await store.whenReady()
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
            try await store.put(item(number, after: number % 2 == 0 ? nil : 5, u: "a"), in: "t")
        }
        clock.advance(by: 5)
        await #expect(throws: CodexError(.indexNotReady, "")) {
            try await store.addIndex(Self.two, to: "t")
        }
        #expect(try store.duplicates(ofIndex: "two", in: "t") == [key(4)])
        try await store.delete(in: "t", key: key(2))
        try await store.whenReady()
        #expect(try states(store) == [.ready])
        try expectSound(store)
    }

    @Test("A time to live and a unique index that come together see what has expired")
    func together() async throws {
        let before = TableDefinition(
            "t", partitionKey: KeyAttribute("p"), sortKey: KeyAttribute("s", .number))
        let temporary = try made(before)
        try await temporary.store.put(item(1, after: 5, u: "a"), in: "t")
        try await temporary.store.put(item(2, u: "a"), in: "t")
        clock.advance(by: 5)
        temporary.store.close()
        let after = TableDefinition(
            "t", partitionKey: KeyAttribute("p"), sortKey: KeyAttribute("s", .number),
            indexes: [Self.two], timeToLive: "e")
        let store = try Store(
            at: temporary.path, schema: Schema(tables: [after]), options: Self.options(clock))
        #expect(try store.buildStatus().allSatisfy { $0.state == .ready })
        #expect(try found(nil, store) == [2])
        try expectSound(store)
        store.close()
    }

    @Test("A bulk load with an expired duplicate ends with its unique index ready")
    func loadedDuplicate() async throws {
        let table = TableDefinition(
            "t", partitionKey: KeyAttribute("p"), sortKey: KeyAttribute("s", .number),
            indexes: [Self.two], timeToLive: "e")
        let temporary = try made(table)
        let store = temporary.store
        clock.advance(by: 10)
        var number = 0
        try await store.load(into: "t") {
            guard number < 4 else { return nil }
            defer { number += 1 }
            return item(number, after: number < 3 ? 5 : nil, u: "a")
        }
        #expect(try states(store) == [.ready])
        #expect(try found(nil, store) == [3])
        try expectSound(store)
    }
}
