import CodexCore
import CodexStore
import Foundation

/// Stores a git repository's history as CodexFlow's users, projects and tasks.
///
/// The repository is a project with the name of its folder. Each commit is a finished task of its
/// author, and its committer is the reporter. Each author and committer is a user. The same history
/// always creates the same items. Existing users and projects stay as they are; tasks are replaced.
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

        /// The number of stored commits.
        fileprivate(set) var commitCount = 0
        /// The number of authors and committers.
        fileprivate(set) var authorCount = 0
        /// The number of messages that were too large for an item and were cut.
        fileprivate(set) var truncatedCount = 0
        /// The number of commits with a date that git cannot read.
        fileprivate(set) var undatedCount = 0
        /// The number of refused commits.
        fileprivate(set) var skippedCount = 0
        /// The first refused commits.
        fileprivate(set) var skipped: [Skip] = []

        /// The counts in one line.
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

    /// The most commits in a transaction.
    static let batchCountMax = 500
    /// The size of messages and names at which a batch is full.
    static let batchByteCountMax = 8 << 20

    private let repository: String
    private let store: Store
    /// The project of the repository.
    let projectID: CodexFlow.Project.ID

    /// Prepares an import.
    ///
    /// - Parameters:
    ///   - repository: The top folder of a work tree, or a bare repository.
    ///   - store: The target, which has CodexFlow's schema.
    /// - Throws: ``CodexError/Code/notFound`` if there is no such folder or no git;
    ///   ``CodexError/Code/invalidArgument`` if it is not a repository, or has no commits.
    init(repository: String, store: Store) throws {
        try GitHistory.requireCommits(in: repository)
        self.repository = repository
        self.store = store
        projectID = try CodexFlow.Project.ID(gitRepository: repository)
    }

    /// Imports the history of the branch that is checked out.
    ///
    /// A failed import has stored its earlier batches; the next import stores them again.
    ///
    /// - Parameter progress: Called with a line after each batch.
    /// - Returns: The counts of stored and refused commits.
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

/// The commits of one transaction, before they are stored.
private struct GitBatch: Sendable {
    let projectID: CodexFlow.Project.ID
    /// The users so far: the identifier in the store by the identifier of an address.
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

    /// The user with the person's address: the store's user, or a new one.
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
        // The key is the beginning of the name, if it is valid and free.
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
