import ArgumentParser
import Codex
import Foundation

/// The store, project and user of the commands of agents.
struct LedgerArguments: ParsableArguments {
    @Option(help: "The store's directory; without it, CODEXFLOW_STORE names it.")
    var store: String?

    @Option(help: "The project; without it, CODEXFLOW_PROJECT names it.")
    var project: String?

    @Option(
        name: .customLong("as"), help: "The user who acts; without it, CODEXFLOW_USER names it.")
    var user: String?

    @OptionGroup var keys: KeyFileArguments

    /// The value of an option, or of the environment variable in its place.
    private func value(_ given: String?, _ variable: String) -> String? {
        let named = given ?? ProcessInfo.processInfo.environment[variable]
        return named.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The store's directory.
    func path() throws -> String {
        guard let path = value(store, "CODEXFLOW_STORE") else {
            throw ValidationError("Name the store: --store, or CODEXFLOW_STORE.")
        }
        return path
    }

    /// The project, if one is named.
    func projectID() throws -> CodexFlow.Project.ID? {
        try value(project, "CODEXFLOW_PROJECT").map { try CodexFlow.Project.ID($0) }
    }

    /// The user, if one is named.
    func userID() throws -> CodexFlow.User.ID? {
        try value(user, "CODEXFLOW_USER").map { try CodexFlow.User.ID($0) }
    }

    /// The project, which must be named.
    func requiredProject() throws -> CodexFlow.Project.ID {
        guard let project = try projectID() else {
            throw ValidationError("Name the project: --project, or CODEXFLOW_PROJECT.")
        }
        return project
    }

    /// The user, who must be named.
    func requiredUser() throws -> CodexFlow.User.ID {
        guard let user = try userID() else {
            throw ValidationError("Name the user: --as, or CODEXFLOW_USER.")
        }
        return user
    }

    /// Opens the store.
    ///
    /// A command that only reads opens it read-only, without threads that write. After a crash this
    /// is not possible before a recovery, which such an opening makes if it may.
    ///
    /// - Parameters:
    ///   - isReadOnly: Whether the store is only read.
    ///   - recovers: Whether a store that is only read may be recovered.
    /// - Returns: The open store.
    /// - Throws: The errors of opening; ``CodexError/Code/schemaMismatch`` if the store has no
    ///   tasks of this release.
    func open(isReadOnly: Bool, recovers: Bool = true) throws -> Store {
        let path = try path()
        let opened: Store
        do {
            opened = try isReadOnly ? keys.openForReading(path) : keys.openForWriting(path)
        } catch CodexError.Code.needsRecovery where recovers {
            opened = try keys.openForWriting(path)
        }
        guard Self.hasPresentSchema(opened.schema) else {
            opened.close()
            throw CodexError(
                .schemaMismatch,
                "The store lacks parts of this release's schema. In a store of an earlier release, "
                    + "run `codexflow migrate` and `codexflow repair-queue`, which adds them. "
                    + "Otherwise, `codexflow task init` does.")
        }
        return opened
    }

    /// Whether a store's schema has the entities and indexes of this release.
    ///
    /// A store that is opened without a schema is opened faster, and nothing is added to it.
    static func hasPresentSchema(_ schema: Schema) -> Bool {
        let versions = Dictionary(schema.entities.map { ($0.name, $0.schemaVersion) }) { $1 }
        let hasEntities = CodexFlow.entities.map { $0.definition }.allSatisfy { definition in
            versions[definition.name].map { $0 >= definition.schemaVersion } ?? false
        }
        let indexes = schema.tables.first { $0.name == CodexFlow.table }?.indexes.map(\.name) ?? []
        let needed = CodexFlow.schema.tables.flatMap { $0.indexes.map(\.name) }
        return hasEntities && Set(indexes).isSuperset(of: needed)
    }
}

/// The arguments of all commands on tasks.
struct TaskArguments: ParsableArguments {
    @OptionGroup var ledger: LedgerArguments

    @Flag(help: "Print JSON also on a terminal.")
    var json = false

    @Flag(help: "Print text also if the output is no terminal.")
    var text = false

    func validate() throws {
        if json, text { throw ValidationError("--json and --text exclude each other.") }
    }

    private var printsJSON: Bool { json || (!text && !Console.isTerminal) }

    /// Runs a command that reads, and prints its answer.
    func read(_ body: (AgentLedger) throws -> AgentAnswer) async throws {
        try await run(isReadOnly: true) { try body($0) }
    }

    /// Runs a command that writes, and prints its answer.
    func write(_ body: (AgentLedger) async throws -> AgentAnswer) async throws {
        try await run(isReadOnly: false, body)
    }

    /// Runs a command and prints its answer; an error is printed as JSON, too.
    ///
    /// - Throws: `ExitCode`: 1 for a failure, 2 if there was nothing to claim, 3 if the worker does
    ///   not hold the task.
    private func run(
        isReadOnly: Bool, _ body: (AgentLedger) async throws -> AgentAnswer
    ) async throws {
        let answer: AgentAnswer
        do {
            // An identifier that is none is an error of the command, too.
            let user = try isReadOnly ? ledger.userID() : ledger.requiredUser()
            let project = try ledger.requiredProject()
            let store = try ledger.open(isReadOnly: isReadOnly)
            defer { store.close() }
            answer = try await body(AgentLedger(store, project: project, user: user))
        } catch let error as CodexError {
            if printsJSON {
                Console.print(json: DynamoDBJSON.plainText(["error": .map(error.agentJSON)]))
            }
            Console.report("\(error.message) [\(error.code)]")
            throw ExitCode(error.isLostClaim ? 3 : 1)
        }
        if printsJSON {
            Console.print(json: DynamoDBJSON.plainText(answer.json))
        } else {
            Console.print(lines: answer.text)
        }
        if answer.isNothing { throw ExitCode(2) }
    }
}

/// The arguments of commands that change tasks.
struct TaskChangeArguments: ParsableArguments {
    @OptionGroup var task: TaskArguments

    @Option(
        help: """
            The command happens once under this key, which is kept for a day. Make a new random \
            UUID for each command.
            """)
    var idempotencyKey: String?
}
