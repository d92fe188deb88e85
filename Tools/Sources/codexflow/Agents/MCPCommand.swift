import ArgumentParser
import Codex
import Foundation

struct MCPCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mcp",
        abstract: "Serves the tasks of a project by the Model Context Protocol, over stdio.",
        discussion: """
            A client starts the command, and sends messages to its standard input:

              codexflow mcp --store work.codex --project engine --as bot-1

            Without --project, each call of a tool names a project. With --read-only, or without \
            --as, the tools that change tasks are not offered. Standard output has messages of the \
            protocol alone. The command ends with its input. Docs/Agents.md has the tools.
            """)

    @OptionGroup var arguments: LedgerArguments

    @Flag(help: "Offer only the tools that change nothing, and open the store read-only.")
    var readOnly = false

    @Flag(
        help: """
            Remove expired items and changes that are older than a day. For stores that no other \
            program has open all the time.
            """)
    var sweep = false

    func validate() throws {
        if readOnly, sweep {
            throw ValidationError("--read-only and --sweep exclude each other.")
        }
    }

    func run() async throws {
        let (project, user) = (try arguments.projectID(), try arguments.userID())
        let isReadOnly = readOnly || user == nil
        let store = try open(isReadOnly: isReadOnly && !sweep)
        defer { store.close() }
        let tools = AgentTools(store, project: project, user: user, isReadOnly: isReadOnly)
        var server = MessageServer(tools, programVersion: Codexflow.configuration.version)
        var lines = MessageLines()
        for try await piece in StandardInput() {
            lines.add(piece)
            while let line = lines.next() { try write(await server.answer(line)) }
        }
        if let line = lines.end() { try write(await server.answer(line)) }
    }

    private func open(isReadOnly: Bool) throws -> Store {
        // The schema is checked, and a store that was not closed is recovered.
        let store = try arguments.open(isReadOnly: isReadOnly, recovers: !readOnly)
        guard sweep else { return store }
        store.close()
        return try arguments.keys.open(try arguments.path())
    }

    /// Writes an answer, if there is one.
    private func write(_ answer: String?) throws {
        guard let answer else { return }
        try Console.send(answer, isJSON: true)
    }
}
