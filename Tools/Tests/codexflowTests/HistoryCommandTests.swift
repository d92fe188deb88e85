import CodexCore
import CodexStore
import Foundation
import Synchronization
import Testing

/// A store whose application keeps its history for longer than the default of 24 hours.
@Suite("codexflow, history of a store")
struct HistoryCommandTests {
    private static let schema = Schema(tables: [
        TableDefinition("t", partitionKey: KeyAttribute("p"))
    ])
    private static let item = #"{"p":{"S":"written"}}"#
    private static let index =
        #"{"name":"i","partitionKey":[{"name":"x","type":"S"}],"sortKey":[],"#
        + #""projection":{"all":{}},"isUnique":false}"#

    let base: CommandTests

    /// The options of the application.
    private var keeping: StoreOptions {
        var options = StoreOptions()
        options.changeRetention.age = .seconds(30 * 86_400)
        return options
    }

    init() throws { base = try CommandTests() }

    private func put(_ name: String, _ store: Store, content: AttributeValue = "") async throws {
        let item: Item = ["p": .string(name), "content": content]
        _ = try await store.write { try $0.put(item, in: "t") }
    }

    /// Makes a store whose first segment of the log is three days old.
    ///
    /// The last commits span more than ten minutes, so that the next process trusts their times.
    private func makeStore() async throws {
        let now = Date()
        let shown = Mutex(now - 3 * 86_400)
        var options = keeping
        options.now = { shown.withLock { $0 } }
        let store = try Store(at: base.store, schema: Self.schema, options: options)
        defer { store.close() }
        // Not to be compressed: 600 KB fill the first segment of 256 KiB.
        let content = AttributeValue.binary((0..<30_000).map { _ in .random(in: 0...255) })
        for number in 0..<20 { try await put("old \(number)", store, content: content) }
        for minutes in [20.0, 12, 4] {
            shown.withLock { $0 = now - minutes * 60 }
            try await put("new", store)
        }
    }

    private func keepsHistory() throws -> Bool {
        try LogInspection(at: base.store).segments.first?.number == 1
    }

    @Test("A program with the default retention removes the history, if it opens the store")
    func control() async throws {
        try await makeStore()
        #expect(try LogInspection(at: base.store).segments.count > 1)
        #expect(try keepsHistory())
        let store = try Store(at: base.store)
        try await put("control", store)
        store.close()
        #expect(try !keepsHistory())
    }

    @Test("Commands that write keep the history that the application keeps")
    func commands() async throws {
        try await makeStore()
        let archive = base.directory.path + "/archive"
        let commands: [[String]] = [
            ["put", base.store, Self.item],
            [
                "update", base.store, "written", "--expression", "SET n = :n", "--values",
                #"{":n":{"N":"1"}}"#,
            ],
            ["delete", base.store, "written"],
            ["index", "add", base.store, Self.index],
            ["index", "layout", base.store, "i", "copies"],
            ["index", "remove", base.store, "i"],
            ["recover", base.store],
            ["archive", base.store, archive],
            ["compact", base.store],
        ]
        for command in commands {
            let run = try base.run(command)
            #expect(run.code == 0, "\(command): \(run.errors)")
            #expect(try keepsHistory(), "\(command)")
        }
        let imported = try base.run(["import", base.store], input: Self.item + "\n")
        #expect(imported.code == 0 && imported.output.hasPrefix("1 items stored"))
        #expect(try keepsHistory())
    }

    @Test("So do commands that change the schema or encrypt fields")
    func upgrades() async throws {
        let keyFile = base.directory.path + "/keys.json"
        #expect(try base.run("keys", "create", "--key-file", keyFile).code == 0)
        try await makeStore()
        let added = try Store(at: base.store, schema: CodexFlow.schema, options: keeping)
        try await added.put(CodexFlow.Task(id: "2", projectID: "1", title: "Note G"))
        added.close()
        #expect(try keepsHistory())
        for command in [
            ["migrate", base.store], ["seal", base.store, "task", "body"], ["reseal", base.store],
        ] {
            let run = try base.run(command + ["--key-file", keyFile])
            #expect(run.code == 0, "\(command): \(run.errors)")
            #expect(try keepsHistory(), "\(command)")
        }
    }
}
