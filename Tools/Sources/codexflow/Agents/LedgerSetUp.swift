import ArgumentParser
import Codex
import Foundation

extension TaskCommand {
    struct SetUp: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "init",
            abstract: "Creates what agents need: the store, a project, its owner, its agents.",
            discussion: """
                What exists stays as it is, so the command can be repeated with more agents. It \
                also adds what a store of an earlier release lacks.

                  codexflow task init --store work.codex --project engine --as ada --agent bot-1
                """)

        @OptionGroup var arguments: LedgerArguments

        @Option(help: "The project's key, as in ENG-12; without it, TASK.")
        var projectKey = "TASK"

        @Option(help: "The project's name; without it, its identifier.")
        var name: String?

        @Option(help: "The owner's e-mail address, if the owner is new.")
        var email: String?

        @Option(help: "The identifier of an agent that works on the project; repeatable.")
        var agent: [String] = []

        func run() async throws {
            let (project, owner) = (
                try arguments.requiredProject(), try arguments.requiredUser()
            )
            let agents = try agent.map { try CodexFlow.User.ID($0) }
            let path = try arguments.path()
            let store = try arguments.keys.openForWriting(path, schema: CodexFlow.schema)
            defer { store.close() }
            try await store.waitUntilReady()
            try await LedgerSetUp(store).make(
                project, key: projectKey, name: name ?? project.rawValue, owner: owner,
                email: email, agents: agents)
            Console.print("\(path) has the project \(project), with \(agents.count) of its agents.")
        }
    }
}

/// Creates a project with its owner and its agents; what exists stays as it is.
///
/// Several processes may do so at once: what another one creates meanwhile exists, too.
struct LedgerSetUp {
    private let store: Store
    private let workspace: CodexFlow.Workspace

    init(_ store: Store) {
        self.store = store
        workspace = CodexFlow.Workspace(store)
    }

    /// Creates what is missing.
    ///
    /// - Parameters:
    ///   - project: The project's identifier.
    ///   - key: The project's key.
    ///   - name: The project's name.
    ///   - owner: The user who owns the project.
    ///   - email: The owner's address; `nil` is one to which no mail can be sent.
    ///   - agents: The users who become members, and agents if they are new.
    /// - Throws: The rules of users, projects and members.
    func make(
        _ project: CodexFlow.Project.ID, key: String, name: String, owner: CodexFlow.User.ID,
        email: String? = nil, agents: [CodexFlow.User.ID]
    ) async throws {
        try await makeUser(owner, .member, email)
        try await makeMissing(.project(project)) {
            try await workspace.createProject(key: key, name: name, id: project, owner: owner)
        }
        for agent in agents {
            try await makeUser(agent, .agent, nil)
            try await makeMissing(.member(agent, of: project)) {
                try await workspace.addMember(agent, to: project, by: owner)
            }
        }
    }

    private func makeUser(
        _ id: CodexFlow.User.ID, _ role: CodexFlow.User.Role, _ email: String?
    ) async throws {
        try await makeMissing(.user(id)) {
            // RFC 2606 keeps the domain free.
            try await workspace.createUser(
                email: email ?? "\(id)@agents.invalid", name: id.rawValue, id: id, role: role)
        }
    }

    /// Creates an entity, unless it exists.
    ///
    /// - Parameters:
    ///   - lookup: The entity.
    ///   - create: Creates it.
    /// - Throws: The errors of `create`, if the entity does not exist after them either.
    private func makeMissing<E: Entity>(
        _ lookup: Lookup<E>, _ create: () async throws -> Void
    ) async throws {
        guard try store.get(lookup) == nil else { return }
        do {
            try await create()
        } catch let error as CodexError {
            guard try store.get(lookup) != nil else { throw error }
        }
    }
}
