import ArgumentParser
import Codex

struct RepairQueue: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "repair-queue",
        abstract: "Corrects which tasks the queues of CodexFlow's projects have as blocked.",
        discussion: """
            Run it once after `codexflow migrate`, and after writes of statuses or dependencies \
            without the services. It first adds the parts of this release's schema that the store \
            lacks, and waits until their indexes are built. Archived projects are left out. If a \
            project is refused, the others are repaired, and the exit code is 1.
            """)

    @Argument(help: "The store's directory.")
    var store: String

    @OptionGroup var keys: KeyFileArguments

    @Option(help: "The identifier of one project; without it, all that are not archived.")
    var project: String?

    @Option(
        name: .customLong("as"),
        help: "An active admin of the projects; without it, the owner of each acts.")
    var user: String?

    func run() async throws {
        let actor = try user.map { try CodexFlow.User.ID($0) }
        try requireModels()
        let opened = try keys.openForWriting(store, schema: CodexFlow.schema)
        defer { opened.close() }
        try await opened.waitUntilReady()
        let workspace = CodexFlow.Workspace(opened)
        let chosen = try chosenProjects(in: opened)
        var (changeCount, refusedCount) = (0, 0)
        for found in chosen {
            do {
                changeCount += try await workspace.repairQueue(
                    of: found.id, by: actor ?? found.ownerID)
            } catch let error as CodexError where error.code == .ruleViolated {
                refusedCount += 1
                Console.report("\(found.id): \(error.message) [\(error.code)]")
            }
        }
        let repairedCount = chosen.count - refusedCount
        Console.print(
            "\(changeCount) changes in \(repairedCount) projects, \(refusedCount) refused")
        if refusedCount > 0 { throw ExitCode(1) }
    }

    /// Throws unless the store is there and has CodexFlow's projects, since the opening with its
    /// schema would add them.
    private func requireModels() throws {
        // Opening for writing upgrades a store of an earlier format.
        let opened = try keys.openForWriting(store)
        defer { opened.close() }
        let name = CodexFlow.Project.definition.name
        guard opened.schema.entities.contains(where: { $0.name == name }) else {
            throw CodexError(
                .unknownEntity, "The store has no projects of CodexFlow. Check the path.")
        }
    }

    /// The given project, or all that accept changes.
    private func chosenProjects(in opened: Store) throws -> [CodexFlow.Project] {
        guard let project else { return try opened.all(.projects).filter { !$0.isReadOnly } }
        guard let found = try opened.get(.project(CodexFlow.Project.ID(project))) else {
            throw CodexError(.notFound, "The store has no such project.")
        }
        return [found]
    }
}
