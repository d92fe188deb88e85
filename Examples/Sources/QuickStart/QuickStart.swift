// The README's example in full: `swift run --package-path Examples QuickStart`.

import Codex
import Foundation

/// A table of the program, with an index.
let notes = TableDefinition(
    "notes", partitionKey: "PK", sortKey: "SK",
    indexes: [IndexDefinition("byAuthor", partitionKey: ["author"], entities: ["note"])])

/// A type of the program: it needs a definition, and `Codable` does the rest.
struct Note: Codable, Entity {
    static let definition = EntityDefinition(
        "note", table: "notes", keys: ["PK": "NOTEBOOK#{notebook}", "SK": "NOTE#{id}"])
    static let author = Field<Self, String>("author")

    var notebook: String
    var id: String
    var author: String
    var text: String
}

/// A query with a name, so that the rest of the program needs no keys.
extension Query where E == Note {
    static func notes(by author: String) -> Self {
        Self("byAuthor", Note.author(author))
    }
}

@main
struct QuickStart {
    static func main() async throws {
        let directory = FileManager.default.temporaryDirectory.path + "/quickstart.codex"
        try? FileManager.default.removeItem(atPath: directory)
        let tables = [notes] + CodexFlow.schema.tables
        let schema = Schema(tables: tables, types: CodexFlow.entities + [Note.self])
        let store = try Store(at: directory, schema: schema)
        defer { store.close() }

        // CodexFlow's services keep the rules. Each call is one durable commit, and waiting calls
        // share one.
        let workspace = CodexFlow.Workspace(store)
        try await workspace.createUser(email: "Ada@example.com", name: "Ada Lovelace", id: "123")
        try await workspace.createProject(key: "AE", name: "Engine", id: "456", owner: "123")
        try await workspace.createTask(in: "456", by: "123", id: "789") {
            ($0.title, $0.status, $0.assigneeID) = ("Note G", .todo, "123")
        }
        // Custom types and imported items are stored without these rules.
        try await store.insert(Note(notebook: "engine", id: "1", author: "ada", text: "Patterns"))

        // Access patterns read the table and its indexes, which are never stale.
        print(try store.get(.user(email: "ada@EXAMPLE.com"))?.name ?? "nobody")
        print(try store.all(.tasks(assignedTo: "123")).map(\.title))
        print(try store.all(Query<Note>("byAuthor", ["author": "ada"])).map(\.text))

        // Several reads in one snapshot; several writes in one commit.
        try store.read { snapshot in
            print(
                try snapshot.count(.tasks(in: "456")), try snapshot.count(.projects(ownedBy: "123"))
            )
        }
        // Of several workers, one gets the task, here for a quarter of an hour. The commands of the
        // holder have the claim's token.
        let token = try await workspace.claimTask("789", in: "456", by: "123", lease: .seconds(900))
            .claim?.token
        try await workspace.moveTask("789", in: "456", to: .inProgress, by: "123", holding: token)
        try await store.write { transaction in
            for note in try transaction.all(.notes(by: "ada")) {
                var copy = note
                copy.id = "2"
                try transaction.insert(copy)
            }
        }
        print(try store.all(.tasks(in: "456", status: .inProgress)).count)

        // Another writer was faster: a replace checks the version.
        guard var stale = try store.stored(.task("789", in: "456")) else { return }
        try await store.update(.task("789", in: "456")) { $0.priority = .high }
        stale.value.title = "Note H"
        do {
            try await store.replace(stale)
        } catch CodexError.Code.versionMismatch {
            print("changed meanwhile")
        }

        // One page at a time, and as a sequence.
        let page = try store.query(.tasks(in: "456"), limit: 50)
        if let token = page.next { _ = try store.query(.tasks(in: "456"), limit: 50, after: token) }
        for try await task in store.results(of: .tasks(in: "456")) { print(task.title) }

        try await workspace.completeTask("789", in: "456", by: "123", holding: token)
        try await follow(store)
        try await keepShop(in: directory + "-shop")
    }

    /// Reads changes as a sequence, and through a consumer whose effects happen exactly once.
    static func follow(_ store: Store) async throws {
        let filter = ChangeFilter(entities: ["task"])
        for try await change in store.changes(after: .trimHorizon, filter: filter) {
            guard let task = try change.new(as: CodexFlow.Task.self) else { continue }
            print(change.kind.rawValue, task.title)
            if task.status == .inProgress { break }
        }

        try await store.addConsumer("started", after: .trimHorizon, filter: filter)
        let consumer = _Concurrency.Task {
            try await store.consume("started", onFailure: .deadLetter) { transaction, changes in
                for change in changes {
                    guard let task = try change.new(as: CodexFlow.Task.self),
                        task.status == .inProgress
                    else { continue }
                    let id = task.id.rawValue
                    let text = "\(task.title) was started"
                    try transaction.put(
                        Note(notebook: "started", id: id, author: "codex", text: text))
                }
            }
        }
        // The note is in the stream as well, as every write is.
        for try await change in store.changes(
            after: .trimHorizon, filter: ChangeFilter(partitionKeyPrefix: "NOTEBOOK#started"))
        {
            print(try change.new(as: Note.self)?.text ?? "")
            break
        }
        consumer.cancel()
    }

    /// Keeps a custom table, with a multi-valued index and a counter.
    static func keepShop(in directory: String) async throws {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let orders = TableDefinition(
            "orders", partitionKey: "customer", sortKey: "id",
            indexes: [
                IndexDefinition(
                    "byTag", partitionKey: ["tags"], projection: .keysOnly, multiValued: "tags")
            ],
            counters: [CounterDefinition("byState", group: ["state"], sums: ["total"])])
        let shop = try Store(at: directory, schema: Schema(tables: [orders]))
        defer { shop.close() }
        try await shop.put(
            ["customer": "c1", "id": "1", "state": "open", "total": 12, "tags": ["gift", "new"]],
            in: "orders")
        let open = try shop.total(of: "byState", in: "orders", group: ["open"])
        print(open.count, open.sums["total"] ?? 0)
        let gifts = TableQuery(table: "orders", index: "byTag", partition: ["gift"])
        print(try shop.items(matching: gifts).items.count)
    }
}
