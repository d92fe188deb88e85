import CodexCore
import CodexStore

/// Finds the project that has, or gets, the commits of a repository.
///
/// The first of these is the project:
///
/// 1. The one that is known to have commits of the repository (``GitRecord``).
/// 2. The first of `NAME`, `NAME-2`, `NAME-3` and so on that has no commits and no record, or has a
///    commit that the repository has. `NAME` is the name of the repository's folder.
struct GitProjectSearch {
    let repository: GitRepository
    let store: Store

    /// A project, before the import takes it.
    struct Find: Sendable {
        let project: CodexFlow.Project.ID
        /// Whether it has no record, so that another import may take it first.
        let isUnclaimed: Bool
    }

    /// What the commits that a project has are to the repository.
    private enum Relation {
        /// There are none.
        case none
        /// The repository has one of them.
        case own
        /// All are of other repositories.
        case foreign
    }

    /// Finds the project.
    ///
    /// - Throws: ``CodexError/Code/inputOutput`` if git fails, and the errors of reading.
    func find() throws -> Find {
        let records = try store.items(matching: GitRecord.all).items.compactMap { GitRecord($0) }
        let named = try CodexFlow.Project.ID(gitRepository: repository.path)
        let matches = records.filter { record in
            record.repositories.contains { repository.identity.isSame(as: $0) }
        }.map(\.project)
        if let match = matches.first(where: { $0 == named }) ?? matches.first {
            return Find(project: match, isUnclaimed: false)
        }
        var number = 1
        while true {
            let id = try CodexFlow.Project.ID(gitRepository: repository.path, number: number)
            let hasRecord =
                try store.item(in: CodexFlow.table, key: GitRecord.key(of: id)) != nil
            switch try relation(to: id) {
            case .own: return Find(project: id, isUnclaimed: !hasRecord)
            case .none where !hasRecord: return Find(project: id, isUnclaimed: true)
            case .none, .foreign: number += 1
            }
        }
    }

    private func relation(to project: CodexFlow.Project.ID) throws -> Relation {
        // This alone decides it in most cases.
        if let first = repository.first,
            try store.get(.task(CodexFlow.Task.ID(first), in: project)) != nil
        {
            return .own
        }
        var relation = Relation.none
        try store.forEachPage(ofCommitsIn: project) { hashes in
            if !hashes.isEmpty { relation = .foreign }
            if try repository.hasCommit(among: hashes) { relation = .own }
            return relation != .own
        }
        return relation
    }
}

extension Store {
    private static let commitCountMax = 500

    /// Passes the hashes of the commits that a project has as tasks to `body`, in pages, until it
    /// returns `false`.
    ///
    /// - Throws: The errors of reading, and of `body`.
    func forEachPage(
        ofCommitsIn project: CodexFlow.Project.ID, _ body: ([String]) throws -> Bool
    ) throws {
        let prefix = "TASK#"
        let query = TableQuery(
            table: CodexFlow.table, partition: [.string("PROJECT#\(project)")],
            sort: .beginsWith(.string(prefix)), projection: try Projection(["SK"]),
            entity: CodexFlow.Task.definition.name)
        var token: PageToken?
        repeat {
            let page = try items(
                matching: query, limits: PageLimits(returned: Self.commitCountMax), after: token)
            let ids = page.items.compactMap { $0["SK"]?.string?.dropFirst(prefix.count) }
            guard try body(ids.filter { GitCommit.isHash($0) }.map { String($0) }) else { return }
            token = page.next
        } while token != nil
    }
}
