import ArgumentParser
import Codex
import Synchronization

struct RepairQueue: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "repair-queue",
        abstract: "Corrects which tasks the queues of CodexFlow's projects have as blocked.",
        discussion: """
            Run it once after `codexflow migrate`, and after writes of statuses or dependencies \
            without the services. It first adds the parts of this release's schema that the store \
            lacks, and waits until their indexes are built. Archived projects are left out. If a \
            project is refused, the others are repaired. Items that cannot be read, or that have \
            no room for the change, are named and passed over. In both cases, the exit code is 1.
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
        let passed = PassedItems()
        let chosen = try chosenProjects(in: opened, passed)
        var (changeCount, refusedCount) = (0, 0)
        for found in chosen {
            do {
                changeCount += try await workspace.repairQueue(
                    of: found.id, by: actor ?? found.ownerID, onFailure: { passed.report($0) })
            } catch let error as CodexError where Self.isOfProject(error) {
                refusedCount += 1
                Console.report("\(found.id): \(error.message) [\(error.code)]")
            }
        }
        let repairedCount = chosen.count - refusedCount
        Console.print(
            "\(changeCount) changes in \(repairedCount) projects, \(refusedCount) refused, "
                + "\(passed.count) items passed over")
        if refusedCount + passed.count > 0 { throw ExitCode(1) }
    }

    /// Whether an error is of one project, after which others may be repaired.
    ///
    /// It is a rule, or an item of the project or the actor that is missing or cannot be read.
    private static func isOfProject(_ error: CodexError) -> Bool {
        [.ruleViolated, .notFound].contains(error.code) || error.isOfUnreadableItem
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

    /// The given project, or all that can be read and accept changes.
    private func chosenProjects(
        in opened: Store, _ passed: PassedItems
    ) throws -> [CodexFlow.Project] {
        guard let project else {
            let all = try opened.all(.projects, onFailure: { passed.report($0) })
            return all.filter { !$0.isReadOnly }
        }
        guard let found = try opened.get(.project(CodexFlow.Project.ID(project))) else {
            throw CodexError(.notFound, "The store has no such project.")
        }
        return [found]
    }
}

/// The items that a repair passes over.
private final class PassedItems: Sendable {
    private let total = Mutex(0)

    var count: Int { total.withLock { $0 } }

    /// Counts an item, and names it by its key with the error.
    func report(_ error: CodexError) {
        total.withLock { $0 += 1 }
        let values = [error.key?.partition, error.key?.sort].compactMap { $0 }
        let key = DynamoDBJSON.plainText(["key": .list(values)])
        Console.report("\(key): \(error.message) [\(error.code)]")
    }
}
