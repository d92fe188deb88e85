import CodexCore
import CodexStore

/// The commits of one transaction.
struct GitBatch: Sendable {
    private let projectID: CodexFlow.Project.ID
    /// The users so far: the identifier in the store by the identifier of an address.
    private(set) var users: [CodexFlow.User.ID: CodexFlow.User.ID]
    private(set) var summary: GitImport.Summary

    init(
        _ projectID: CodexFlow.Project.ID, users: [CodexFlow.User.ID: CodexFlow.User.ID]
    ) {
        self.projectID = projectID
        self.users = users
        summary = GitImport.Summary(projectID)
    }

    /// Refuses a project that takes no changes.
    ///
    /// - Throws: ``CodexError/Code/invalidArgument``.
    static func requireChangeable(_ project: CodexFlow.Project?) throws(CodexError) {
        guard let project, project.isReadOnly else { return }
        let reason =
            project.deletingSince == nil
            ? "is archived. Restore it, or name another with --project."
            : "is being deleted. Name another with --project."
        throw CodexError(.invalidArgument, "The project \(project.id) \(reason)")
    }

    /// Stores the commits that the project does not have.
    mutating func append(
        _ commits: [GitCommit], in transaction: inout WriteTransaction
    ) throws {
        let project = try transaction.get(.project(projectID))
        try Self.requireChangeable(project)
        var hasProject = project != nil
        var numbers = try GitNumbers(projectID, in: &transaction)
        for commit in commits {
            let id = try CodexFlow.Task.ID(commit.hash)
            if try transaction.view(.task(id, in: projectID), { _ in true }) != nil {
                summary.knownCount += 1
                continue
            }
            let author = try user(commit.author, in: &transaction)
            if !hasProject { try putProject(of: author, commit, in: &transaction) }
            hasProject = true
            try put(commit, by: author, &numbers, in: &transaction)
        }
        try numbers.save(in: &transaction)
    }

    /// Stores a commit as a task with the next number; a commit that the store refuses is skipped.
    private mutating func put(
        _ commit: GitCommit, by author: CodexFlow.User.ID, _ numbers: inout GitNumbers,
        in transaction: inout WriteTransaction
    ) throws {
        var task = try CodexFlow.Task(commit, in: projectID, assignee: author)
        task.reporterID = try user(commit.committer, in: &transaction)
        let number = try numbers.next(in: &transaction)
        task.number = number
        let isCut = task.cutToFit()
        do throws(CodexError) {
            try transaction.put(task)
        } catch {
            guard [.itemTooLarge, .invalidItem, .keyTooLong, .ruleViolated].contains(error.code)
            else {
                throw error
            }
            summary.skippedCount += 1
            summary.skipped.append(.init(hash: commit.hash, reason: error.message))
            return
        }
        numbers.last = number
        summary.commitCount += 1
        if isCut { summary.truncatedCount += 1 }
        if commit.authored == nil || commit.committed == nil { summary.undatedCount += 1 }
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
        of owner: CodexFlow.User.ID, _ first: GitCommit, in transaction: inout WriteTransaction
    ) throws {
        // The key is the beginning of the name, if it is valid and free.
        let letters = projectID.rawValue.uppercased().unicodeScalars.filter {
            ("A"..."Z").contains($0) || ("0"..."9").contains($0)
        }
        let key = String(String.UnicodeScalarView(letters.prefix(6)))
        var project = CodexFlow.Project(
            id: projectID, name: CodexFlow.Text.line(projectID.rawValue), ownerID: owner,
            status: .started, createdAt: first.authored)
        if (try? project.validate()) == nil { project.name = "(no name)" }
        project.key = key
        let isFree = try transaction.get(.project(key: key)) == nil
        if !isFree || (try? project.validate()) == nil { project.key = nil }
        try transaction.put(project)
    }
}

/// The numbers of a project's new tasks.
///
/// They follow the rule of the services: a number is above all that the services gave, and no task
/// has it. If the project has no sequence, or a task has the next number, they continue above all
/// stored numbers. If a task has the highest possible number, they continue with the next free one.
private struct GitNumbers {
    private let projectID: CodexFlow.Project.ID
    private let stored: Int?
    /// The last number that was given.
    var last: Int?

    init(_ projectID: CodexFlow.Project.ID, in transaction: inout WriteTransaction) throws {
        self.projectID = projectID
        let name = CodexFlow.NumberSequence.tasks
        stored = try transaction.get(.sequence(name, of: projectID))?.last
        last = stored
    }

    /// The next number; above the limit of numbers if none is free.
    func next(in transaction: inout WriteTransaction) throws -> Int {
        let limit = CodexFlow.Limits.taskNumberMax
        var next = min(max(last ?? 0, 0), limit) + 1
        if last != nil, next <= limit, try !isTaken(next, in: &transaction) { return next }
        let highest = try highest(in: &transaction)
        if highest < limit, next <= limit { return max(next, highest + 1) }
        if next > limit { next = 1 }
        while next <= limit, try isTaken(next, in: &transaction) { next += 1 }
        return next
    }

    private func isTaken(_ number: Int, in transaction: inout WriteTransaction) throws -> Bool {
        try transaction.view(.task(number: number, in: projectID), { _ in true }) != nil
    }

    /// The highest number of a task; the limit if it is invalid.
    private func highest(in transaction: inout WriteTransaction) throws -> Int {
        do {
            let page = try transaction.query(.tasksByNumber(in: projectID).reversed, limit: 1)
            return page.items.first?.number ?? 0
        } catch let error as CodexError where error.code == .typeMismatch {
            return CodexFlow.Limits.taskNumberMax
        }
    }

    /// Stores the last number that was given.
    func save(in transaction: inout WriteTransaction) throws {
        guard let last, last != stored else { return }
        try transaction.put(
            CodexFlow.NumberSequence(
                projectID: projectID, name: CodexFlow.NumberSequence.tasks, last: last))
    }
}
