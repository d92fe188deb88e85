import CodexCore
import CodexStore
import Foundation
import Testing

/// The program, a file of keys, and stores of tasks whose bodies are encrypted.
struct SealedCommands {
    static let schema = CodexFlow.schema.sealing(["body"], of: CodexFlow.Task.self)
    /// A task with a body.
    static let task: CodexFlow.Task = {
        var task = CodexFlow.Task(id: "2", projectID: "1", title: "Note G")
        task.body = "a planted secret"
        return task
    }()

    let base: CommandTests
    var keyFile: String { path("keys.json") }

    init() throws {
        base = try CommandTests()
        #expect(try base.run("keys", "create", "--key-file", keyFile).code == 0)
    }

    /// The path of a store or file.
    func path(_ name: String) -> String { base.directory.path + "/" + name }

    /// Runs the program, with the keys if they are not left out.
    func run(
        _ arguments: String..., input: String = "", hasKeys: Bool = true
    ) throws -> CommandTests.Outcome {
        try run(arguments, input: input, hasKeys: hasKeys)
    }

    func run(
        _ arguments: [String], input: String = "", hasKeys: Bool = true
    ) throws -> CommandTests.Outcome {
        let keys = hasKeys ? ["--key-file", keyFile] : []
        return try base.run(arguments + keys, input: input)
    }

    /// Makes a store that has the task.
    func makeStore(_ path: String, schema: Schema = Self.schema) async throws {
        let store = try open(path, schema: schema)
        defer { store.close() }
        try await store.insert(Self.task)
    }

    /// Makes a store without items.
    func makeEmptyStore(_ path: String) throws { try open(path, schema: Self.schema).close() }

    /// The task as a program with the keys reads it.
    func task(in path: String) throws -> CodexFlow.Task? {
        let store = try open(path, schema: nil)
        defer { store.close() }
        return try store.get(.task("2", in: "1"))
    }

    private func open(_ path: String, schema: Schema?) throws -> Store {
        var options = StoreOptions()
        options.encryptionKeys = try FileKeyProvider(at: keyFile)
        return try Store(at: path, schema: schema, options: options)
    }

    /// Whether a file of a store has the task's body.
    func holdsBody(_ path: String) throws -> Bool {
        let body = Data((Self.task.body ?? "").utf8)
        return try FileManager.default.subpathsOfDirectory(atPath: path).contains { name in
            FileManager.default.contents(atPath: path + "/" + name)?.range(of: body) != nil
        }
    }
}
