import CodexCore
import CodexTesting
import Dispatch
import Foundation
import TestSupport
import Testing

@testable import CodexStore

/// Idle contexts of readers that miss changes of the schema.
@Suite("Idle readers", .timeLimit(.minutes(30)))
struct IdleReaderTests {
    private let temporary: TemporaryStore
    private var store: Store { temporary.store }
    private static let key = PrimaryKey(.string("a"))
    /// So many idle contexts are kept permanently.
    private static let count = StoreCore.ReaderAging.keptCount

    private static func definition(_ name: String) -> TableDefinition {
        TableDefinition(name, partitionKey: KeyAttribute("p"))
    }

    init() throws {
        temporary = try TemporaryStore(
            schema: Schema(tables: [Self.definition("kept"), Self.definition("removed")]))
    }

    private func write(_ number: Int, in table: String) async throws {
        let item: Item = ["p": "a", "n": .number(Number(number))]
        try await store.put(item, in: table)
    }

    /// Reads in each of so many snapshots at once; returns what each found in each table.
    private static func numbers(
        _ store: Store, in tables: [String], _ count: Int
    ) throws -> [[AttributeValue?]] {
        try store.read { snapshot in
            var found: [AttributeValue?] = []
            for table in tables { found.append(try snapshot.item(in: table, key: key)?["n"]) }
            return try [found] + (count > 1 ? numbers(store, in: tables, count - 1) : [])
        }
    }

    /// What so many snapshots find that find the same two numbers.
    private static func rows(_ first: Int, _ second: Int, _ count: Int) -> [[AttributeValue?]] {
        let row: [AttributeValue?] = [.number(Number(first)), .number(Number(second))]
        return Array(repeating: row, count: count)
    }

    /// The idle contexts that do not have the process's catalog.
    private var staleCount: Int {
        store.core.state.withLock { state in
            state.readers.idle.count { $0.catalog !== state.catalog }
        }
    }

    /// Runs `body` on another thread while this one holds the schema lock.
    ///
    /// - Returns: The outcome; `nil` if it did not end before the lock was released.
    private func outcomeUnderSchemaLock<R: Sendable>(
        of body: @escaping @Sendable () throws -> R
    ) -> Result<R, any Error>? {
        let (done, outcome) = (DispatchSemaphore(value: 0), Locked<Result<R, any Error>?>(nil))
        let isDone = store.core.schemaLock.withLock { _ in
            Thread.detachNewThread {
                let result = Result { try body() }
                outcome.withLock { $0 = result }
                done.signal()
            }
            return done.wait(timeout: .now() + .seconds(Hang.seconds)) == .success
        }
        return isDone ? outcome.withLock { $0 } : nil
    }

    @Test("Idle contexts take over a known catalog while another thread holds the schema lock")
    func knownCatalog() async throws {
        let store = temporary.store
        try await write(1, in: "kept")
        try await write(2, in: "removed")
        let before = try Self.numbers(store, in: ["kept", "removed"], Self.count)
        #expect(before == Self.rows(1, 2, Self.count))
        // The new table may get the handle of the removed one.
        try await store.removeTable("removed")
        try await store.waitUntilReady()
        try store.core.closeRetiredHandles()
        try await store.addTable(Self.definition("new"))
        try await write(3, in: "new")
        #expect(staleCount > 0)
        // So many snapshots at once use every idle context.
        let count = store.core.contexts.withLock { $0.count }
        let outcome = outcomeUnderSchemaLock {
            try Self.numbers(store, in: ["kept", "new"], count)
        }
        let after = try #require(outcome, "A reader waits for the schema lock").get()
        #expect(after == Self.rows(1, 3, count))
        #expect(try store.verify().isSound)
    }
}
