import CodexCore
import CodexStore
import Foundation

/// Stores a git repository's history as CodexFlow's users, projects and tasks.
///
/// The repository is a project that is named after its folder, each commit is a finished task of
/// its author, reported by its committer, and whoever wrote or committed is a user. The same history
/// makes the same items. A user or project that is in the store already stays as it is; tasks are
/// replaced.
struct GitImport {
    /// What an import did.
    struct Summary: Sendable, CustomStringConvertible {
        /// A commit that the store refused.
        struct Skip: Sendable {
            let hash: String
            let reason: String
        }

        /// Most refused commits that are listed.
        static let skipCountMax = 100

        /// Commits that were stored.
        fileprivate(set) var commitCount = 0
        /// Authors and committers.
        fileprivate(set) var authorCount = 0
        /// Messages that were too large for an item and were cut.
        fileprivate(set) var truncatedCount = 0
        /// Commits one of whose dates git cannot read.
        fileprivate(set) var undatedCount = 0
        /// Commits that were refused.
        fileprivate(set) var skippedCount = 0
        /// The first of them.
        fileprivate(set) var skipped: [Skip] = []

        /// One line of counts.
        var description: String {
            "\(commitCount) commits of \(authorCount) people stored, \(truncatedCount) messages cut, "
                + "\(undatedCount) dates unreadable, \(skippedCount) commits skipped"
        }

        fileprivate mutating func add(_ other: Summary) {
            commitCount += other.commitCount
            authorCount += other.authorCount
            truncatedCount += other.truncatedCount
            undatedCount += other.undatedCount
            skippedCount += other.skippedCount
            skipped += other.skipped.prefix(Self.skipCountMax - skipped.count)
        }
    }

    /// Most commits in a transaction.
    static let batchCountMax = 500
    /// Size of messages and names from which on a batch takes no more commits.
    static let batchByteCountMax = 8 << 20

    private let repository: String
    private let store: Store
    /// The project that the repository is.
    let projectID: CodexFlow.Project.ID

    /// Prepares an import.
    ///
    /// - Parameters:
    ///   - repository: The folder of a work tree's top, or a bare repository.
    ///   - store: Where to; it has CodexFlow's schema.
    /// - Throws: ``CodexError/Code/notFound`` if there is no such folder or no git;
    ///   ``CodexError/Code/invalidArgument`` if it is no repository, or has no commits.
    init(repository: String, store: Store) throws {
        try GitHistory.requireCommits(in: repository)
        self.repository = repository
        self.store = store
        projectID = try CodexFlow.Project.ID(gitRepository: repository)
    }

    /// Imports the history of the branch that is checked out.
    ///
    /// An import that fails has stored the batches before; the next one does them again.
    ///
    /// - Parameter progress: Called with a line after each batch.
    /// - Returns: What was stored and what was not.
    /// - Throws: ``CodexError/Code/inputOutput`` if git fails, and as ``Store/write(_:)-(_)``.
    func run(progress: (String) -> Void = Console.progress) async throws -> Summary {
        let history = try GitHistory(repository: repository)
        defer { history.close() }
        var summary = Summary()
        var users: [CodexFlow.User.ID: CodexFlow.User.ID] = [:]
        var position = 0
        while case let commits = try Self.batch(history), !commits.isEmpty {
            let (known, first, projectID) = (users, position + 1, projectID)
            let result = try await store.write { transaction in
                var batch = GitBatch(projectID: projectID, users: known)
                try batch.append(commits, numberedFrom: first, in: &transaction)
                return batch
            }
            users = result.users
            position += commits.count
            summary.add(result.summary)
            progress("\(position) commits")
        }
        summary.authorCount = users.count
        let (projectID, count) = (projectID, position)
        try await store.write { transaction in
            let name = CodexFlow.NumberSequence.tasks
            let last = try transaction.get(.sequence(name, of: projectID))?.last ?? 0
            try transaction.put(
                CodexFlow.NumberSequence(projectID: projectID, name: name, last: max(last, count)))
        }
        return summary
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

/// The commits of one transaction on their way into the store.
private struct GitBatch: Sendable {
    let projectID: CodexFlow.Project.ID
    /// The users so far: by the identifier that an address gives, the one that the store has.
    private(set) var users: [CodexFlow.User.ID: CodexFlow.User.ID]
    private(set) var summary = GitImport.Summary()

    init(projectID: CodexFlow.Project.ID, users: [CodexFlow.User.ID: CodexFlow.User.ID]) {
        self.projectID = projectID
        self.users = users
    }

    mutating func append(
        _ commits: [GitCommit], numberedFrom first: Int, in transaction: inout WriteTransaction
    ) throws {
        for (number, commit) in zip(first..., commits) {
            let author = try user(commit.author, in: &transaction)
            let committer = try user(commit.committer, in: &transaction)
            if number == 1 { try putProject(of: author, commit.authored, in: &transaction) }
            var task = try CodexFlow.Task(commit, in: projectID, assignee: author)
            task.number = number
            task.reporterID = committer
            let isCut = task.cutToFit()
            do throws(CodexError) {
                try transaction.put(task)
            } catch {
                guard
                    [.itemTooLarge, .invalidItem, .keyTooLong, .ruleViolated].contains(error.code)
                else {
                    throw error
                }
                summary.skippedCount += 1
                summary.skipped.append(.init(hash: commit.hash, reason: error.message))
                continue
            }
            summary.commitCount += 1
            if isCut { summary.truncatedCount += 1 }
            if commit.authored == nil || commit.committed == nil { summary.undatedCount += 1 }
        }
    }

    /// The user with the person's address: one that the store has, or a new one.
    private mutating func user(
        _ person: GitPerson, in transaction: inout WriteTransaction
    ) throws -> CodexFlow.User.ID {
        let user = try CodexFlow.User(person)
        if let known = users[user.id] { return known }
        let stored =
            try transaction.get(.user(email: user.email)) ?? transaction.get(.user(user.id))
        if stored == nil { try transaction.put(user) }
        let id = stored?.id ?? user.id
        users[user.id] = id
        return id
    }

    private func putProject(
        of owner: CodexFlow.User.ID, _ start: Date?, in transaction: inout WriteTransaction
    ) throws {
        guard try transaction.get(.project(projectID)) == nil else { return }
        // The beginning of the name, if it can be a key and nobody has it.
        let letters = projectID.rawValue.uppercased().unicodeScalars.filter {
            ("A"..."Z").contains($0) || ("0"..."9").contains($0)
        }
        let key = String(String.UnicodeScalarView(letters.prefix(6)))
        var project = CodexFlow.Project(
            id: projectID, name: projectID.rawValue, ownerID: owner, key: key, status: .started,
            createdAt: start)
        let isFree = try transaction.get(.project(key: key)) == nil
        if !isFree || (try? project.validate()) == nil { project.key = nil }
        try transaction.put(project)
    }
}
