import CodexCore
import CodexStore
import Foundation

/// Stores a git repository's history as CodexFlow's users, projects and tasks.
///
/// The repository is a project, which ``GitProjectSearch`` finds. Each commit is a finished task of
/// its author, and its committer is the reporter. Each author and committer is a user.
///
/// An import adds what is missing. A task that is there stays as it is, and so do users, the
/// project and the commits that a rewritten history does not have any more. The same history
/// always creates the same items in an empty store.
struct GitImport {
    /// The result of an import.
    struct Summary: Sendable, CustomStringConvertible {
        /// A commit that the store refused.
        struct Skip: Sendable {
            let hash: String
            let reason: String
        }

        /// The most refused commits in the list.
        static let skipCountMax = 100

        /// The project of the repository.
        let projectID: CodexFlow.Project.ID
        /// The number of stored commits.
        var commitCount = 0
        /// The number of commits that the project had already.
        var knownCount = 0
        /// The number of commits of the project that the history does not have.
        var absentCount = 0
        /// The number of authors and committers of the stored commits.
        var authorCount = 0
        /// The number of stored messages that were too large for an item and were cut.
        var truncatedCount = 0
        /// The number of stored commits with an unreadable date.
        var undatedCount = 0
        /// The number of refused commits.
        var skippedCount = 0
        /// The first refused commits.
        var skipped: [Skip] = []

        init(_ projectID: CodexFlow.Project.ID) { self.projectID = projectID }

        /// The counts in one line.
        var description: String {
            "\(commitCount) new commits of \(authorCount) people stored in project \(projectID), "
                + "\(knownCount) known, \(absentCount) not in this history; "
                + "\(truncatedCount) messages cut, \(undatedCount) dates unreadable, "
                + "\(skippedCount) commits skipped"
        }

        /// Adds the counts of a batch.
        mutating func add(_ batch: Summary) {
            commitCount += batch.commitCount
            knownCount += batch.knownCount
            truncatedCount += batch.truncatedCount
            undatedCount += batch.undatedCount
            skippedCount += batch.skippedCount
            skipped += batch.skipped.prefix(Self.skipCountMax - skipped.count)
        }
    }

    /// The most commits in a transaction.
    static let batchCountMax = 500
    /// The size of messages and names at which a batch is full.
    static let batchByteCountMax = 8 << 20

    private let repository: GitRepository
    private let store: Store
    /// The project that was named.
    private let named: CodexFlow.Project.ID?

    /// Prepares an import.
    ///
    /// - Parameters:
    ///   - path: The top folder of a work tree, or a bare repository.
    ///   - store: The target, which has CodexFlow's schema.
    ///   - project: The project that gets the commits; `nil` is the one that is found.
    /// - Throws: As ``GitRepository/init(_:)``.
    init(_ path: String, into store: Store, project: CodexFlow.Project.ID? = nil) throws {
        repository = try GitRepository(path)
        self.store = store
        named = project
    }

    /// Imports the history of the branch that is checked out.
    ///
    /// A failed import has stored its earlier batches; the next import stores the rest.
    ///
    /// - Parameter progress: Called with a line after each batch.
    /// - Returns: The counts of stored, known and refused commits.
    /// - Throws: ``CodexError/Code/inputOutput`` if git fails, ``CodexError/Code/invalidArgument``
    ///   if the project is archived or in deletion, and as ``Store/write(_:)-(_)``.
    func run(progress: (String) -> Void = Console.progress) async throws -> Summary {
        let history = try GitHistory(repository)
        defer { history.close() }
        let project = try await takeProject()
        var summary = Summary(project)
        var users: [CodexFlow.User.ID: CodexFlow.User.ID] = [:]
        var position = 0
        while case let commits = try Self.batch(history), !commits.isEmpty {
            let known = users
            let result = try await store.write { transaction in
                var batch = GitBatch(project, users: known)
                try batch.append(commits, in: &transaction)
                return batch
            }
            users = result.users
            position += commits.count
            summary.add(result.summary)
            progress("\(position) commits")
        }
        summary.authorCount = users.count
        var count = 0
        try store.forEachPage(ofCommitsIn: project) { hashes in
            count += hashes.count
            return true
        }
        summary.absentCount = max(0, count - summary.commitCount - summary.knownCount)
        return summary
    }

    /// The project, which has a record of the repository from now on.
    private func takeProject() async throws -> CodexFlow.Project.ID {
        let identity = repository.identity
        while true {
            let find: GitProjectSearch.Find
            if let named {
                find = GitProjectSearch.Find(project: named, isUnclaimed: false)
            } else {
                find = try GitProjectSearch(repository: repository, store: store).find()
            }
            let isTaken = try await store.write { transaction in
                let key = GitRecord.key(of: find.project)
                let item = try transaction.item(in: CodexFlow.table, key: key)
                // Another import, perhaps of another repository, was faster.
                if find.isUnclaimed, item != nil { return false }
                try GitBatch.requireChangeable(try transaction.get(.project(find.project)))
                var record = item.flatMap { GitRecord($0) } ?? GitRecord(find.project)
                if record.insert(identity) || item == nil {
                    try transaction.put(record.item, in: CodexFlow.table)
                }
                return true
            }
            if isTaken { return find.project }
        }
    }

    private static func batch(_ history: GitHistory) throws -> [GitCommit] {
        var commits: [GitCommit] = []
        var byteCount = 0
        while commits.count < batchCountMax, byteCount < batchByteCountMax,
            let commit = try history.next()
        {
            byteCount += commit.subject.utf8.count + commit.body.utf8.count
            byteCount += commit.author.name.utf8.count + commit.committer.name.utf8.count
            commits.append(commit)
        }
        return commits
    }
}
