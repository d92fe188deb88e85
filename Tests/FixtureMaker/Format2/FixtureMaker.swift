import CodexCore
import CodexStore
import Foundation

/// Makes the fixture of format 2, with the code of that format; see README.md of the folder above.
///
///     codex-fixtures DIRECTORY
@main
struct FixtureMaker {
    static func main() async throws {
        guard CommandLine.arguments.count == 2 else {
            throw FixtureError("usage: codex-fixtures DIRECTORY")
        }
        let directory = CommandLine.arguments[1]
        guard !FileManager.default.fileExists(atPath: directory) else {
            throw FixtureError("There is something at \(directory). Name another place.")
        }
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        var options = StoreOptions()
        options.now = { FixtureValues.start }
        let schema = Schema(
            tables: CodexFlow.schema.tables + [FixtureValues.table, FixtureValues.numbers],
            entities: CodexFlow.schema.entities)
        let store = try Store(at: directory + "/store", schema: schema, options: options)
        try await fill(store)
        try await change(store)
        // The removed index keeps its entries.
        let lock = try BuilderLock(store: store.path)
        try await store.removeIndex(FixtureValues.removedIndex, from: "n")
        let lines =
            try FixtureContents.lines(of: store)
            + FixtureContents.lines(FixtureValues.requests(0..<6))
        try Data(FixtureContents.text(lines).utf8).write(
            to: URL(fileURLWithPath: directory + "/contents.jsonl"))
        store.close()
        lock.release()
    }

    private static func fill(_ store: Store) async throws {
        for item in try FixtureValues.items() { try await store.put(item, in: "t") }
        for item in try FixtureValues.numbered() { try await store.put(item, in: "n") }
        for user in FixtureWorkspace.users() { try await store.put(user) }
        try await store.put(FixtureWorkspace.project())
        for session in FixtureWorkspace.sessions() { try await store.put(session) }
        for number in 0..<6 {
            try await store.put(try FixtureWorkspace.task(number, body: "Task \(number)."))
        }
        for request in FixtureValues.requests(0..<6) {
            try await store.perform(request.actions, idempotencyToken: request.token)
        }
    }

    /// Changes and removes some, and adds an index to a table with items.
    private static func change(_ store: Store) async throws {
        try await store.addIndex(
            IndexDefinition(
                "late", partitionKey: [KeyAttribute("w", .number)], projection: .include(["v"])),
            to: "t")
        try await store.waitUntilReady()
        try await store.put(FixtureValues.included(seed: 21), in: "t")
        for number in [3, 8, 13] {
            try await store.delete(
                in: "t", key: PrimaryKey(.string("p\(number % 4)"), .string("s\(number)")))
        }
        let key = PrimaryKey("long", .string(String(repeating: "k", count: 505) + "x"))
        try await store.delete(in: "t", key: key)
    }
}
