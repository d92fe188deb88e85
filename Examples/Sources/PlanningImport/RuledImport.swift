import Codex
import Foundation
import Synchronization

/// Plays proposals through CodexFlow's services, as if their teams had worked with them.
///
/// It reports the commands that the rules refuse. The analytics come from the accepted commands.
final class RuledImport {
    /// The outcome of the rows.
    struct Summary {
        var commandCount = 0
        var refusals: [CodexFlow.Rule: Int] = [:]
        var projects: Set<CodexFlow.Project.ID> = []
        var firstDay: CalendarDay?
        var lastDay: CalendarDay?
    }

    /// A clock that the rows' dates set.
    private final class RowClock: Sendable {
        private let instant = Mutex(Date(timeIntervalSince1970: 1_400_000_000))
        var now: Date { instant.withLock { $0 } }

        /// Advances to a day: never back, and by at least one second.
        func advance(to day: CalendarDay?) {
            let start = day.flatMap { Timestamp.date("\($0)T09:00:00Z") }
            instant.withLock { $0 = max($0 + 1, start ?? $0) }
        }
    }

    private let store: Store
    private let clock = RowClock()
    private let workspace: CodexFlow.Workspace
    /// Reports a message to the user.
    private let report: (String) -> Void
    private var people: Set<CodexFlow.User.ID> = []
    private var owners: [CodexFlow.Project.ID: CodexFlow.User.ID] = [:]
    private var summary = Summary()

    init(store: Store, report: @escaping (String) -> Void) {
        self.store = store
        self.report = report
        let clock = clock
        workspace = CodexFlow.Workspace(store, clock: { clock.now })
    }

    /// One step of a row on a day: its creation, or its update to the final state.
    private struct Step {
        let day: CalendarDay?
        let line: Int
        let proposal: Proposal
        let isUpdate: Bool

        /// Steps without a day come first.
        var order: (String, Int, Int) { (day?.description ?? "", line, isUpdate ? 1 : 0) }
    }

    /// Plays rows in the order of their days.
    func play(_ rows: [(line: Int, proposal: Proposal)]) async throws -> Summary {
        let steps = rows.flatMap { line, proposal in
            let created = proposal.created
            let updated = [created, proposal.updated].compactMap { $0 }.max()
            return [
                Step(day: created, line: line, proposal: proposal, isUpdate: false),
                Step(day: updated, line: line, proposal: proposal, isUpdate: true),
            ]
        }
        for step in steps.sorted(by: { $0.order < $1.order }) {
            clock.advance(to: step.day)
            summary.firstDay = summary.firstDay ?? step.day
            summary.lastDay = CalendarDay(clock.now)
            if step.isUpdate {
                try await update(step.proposal, step.line)
            } else {
                try await write(step.proposal, step.line)
            }
        }
        try await store.rebuildAnalytics()
        return summary
    }

    /// Runs a command; returns whether the rules accepted it.
    @discardableResult
    private func command(_ line: Int, _ body: () async throws -> Void) async throws -> Bool {
        clock.advance(to: nil)
        do {
            try await body()
            summary.commandCount += 1
            return true
        } catch let error as CodexError {
            guard let rule = error.rule else { throw error }
            summary.refusals[rule, default: 0] += 1
            report("line \(line) refused: \(error.message)")
            return false
        }
    }

    /// Creates the PRD and its tasks, with the people and the project that they need.
    private func write(_ proposal: Proposal, _ line: Int) async throws {
        let team = proposal.team
        guard let author = proposal.authors.first ?? proposal.people.first else {
            return report("line \(line) refused: it names nobody")
        }
        for person in Set(proposal.people).subtracting(people) {
            people.insert(person)
            try await command(line) {
                try await workspace.createUser(
                    email: "\(person)@planning.invalid", name: person.rawValue, id: person)
            }
        }
        try await enter(team, author, proposal.people, line)
        guard owners[team] != nil else { return }
        let prd = try CodexFlow.PRD.ID("\(proposal.number)")
        let content = CodexFlow.PRD.Content(
            overview: proposal.title,
            userStories: proposal.milestones.map { milestone in
                CodexFlow.PRD.Story(
                    id: "\(milestone.stage)",
                    description: "As a user I have it as \(milestone.stage).",
                    acceptanceCriteria: milestone.release.map { ["released with \($0)"] } ?? [])
            })
        let isWritten = try await command(line) {
            try await workspace.createPRD(
                in: team, title: proposal.title, content: content, by: author, id: prd)
        }
        if isWritten { try await plan(proposal, author, line) }
    }

    /// Brings the PRD and its tasks to their final state.
    private func update(_ proposal: Proposal, _ line: Int) async throws {
        let prd = try CodexFlow.PRD.ID("\(proposal.number)")
        guard let owner = owners[proposal.team],
            let author = try store.get(.prd(prd, version: 1, in: proposal.team))?.createdBy
        else { return }
        try await review(proposal, prd, author, owner, line)
        try await work(proposal, author, line)
    }

    /// Creates the team's project for its first row, and makes the row's people members.
    private func enter(
        _ team: CodexFlow.Project.ID, _ author: CodexFlow.User.ID, _ people: [CodexFlow.User.ID],
        _ line: Int
    ) async throws {
        if owners[team] == nil {
            let letters = team.rawValue.split(separator: "-").last.map(String.init) ?? "team"
            let short = letters.uppercased().filter { $0.isASCII && $0.isLetter }.prefix(4)
            // Uses the first free key.
            for number in 0..<100 where owners[team] == nil {
                let key = number == 0 ? String(short) : "\(short)\(number)"
                guard try store.get(.project(key: key)) == nil else { continue }
                let isMade = try await command(line) {
                    try await workspace.createProject(
                        key: key, name: team.rawValue, id: team, owner: author)
                }
                guard isMade else { return }
                owners[team] = author
                summary.projects.insert(team)
            }
        }
        guard let owner = owners[team] else { return }
        for person in people where try store.get(.member(person, of: team)) == nil {
            try await command(line) { try await workspace.addMember(person, to: team, by: owner) }
        }
    }

    /// Takes a PRD through its review, or archives it, as the proposal's status requires.
    private func review(
        _ proposal: Proposal, _ prd: CodexFlow.PRD.ID, _ author: CodexFlow.User.ID,
        _ owner: CodexFlow.User.ID, _ line: Int
    ) async throws {
        let team = proposal.team
        switch proposal.status {
        case .deferred?, .withdrawn?, .replaced?:
            try await command(line) {
                try await workspace.archivePRD(prd, version: 1, in: team, by: owner)
            }
            return
        case nil: return
        case .provisional?, .implementable?, .implemented?, .rejected?: break
        }
        let isSubmitted = try await command(line) {
            try await workspace.submitPRD(prd, version: 1, in: team, by: author)
        }
        guard isSubmitted, proposal.status != .provisional,
            let hash = try store.get(.prd(prd, version: 1, in: team))?.contentHash
        else { return }
        let decision: CodexFlow.PRDReview.Decision =
            proposal.status == .rejected ? .reject : .approve
        for approver in proposal.approvers
        where try (approver != author || decision != .approve)
            && store.get(.prd(prd, version: 1, in: team))?.approvalStatus == .inReview
        {
            try await command(line) {
                try await workspace.reviewPRD(
                    prd, version: 1, contentHash: hash, in: team, by: approver,
                    decision: decision)
            }
        }
        if try store.get(.prd(prd, version: 1, in: team))?.approvalStatus == .inReview {
            report("line \(line): nobody but its author approved it")
        }
    }

    /// Creates a task for each milestone; each waits for the one before.
    private func plan(
        _ proposal: Proposal, _ author: CodexFlow.User.ID, _ line: Int
    ) async throws {
        let team = proposal.team
        var previous: CodexFlow.Task.ID?
        for task in try PlannedWork(proposal).tasks {
            let story = task.title.split(separator: " ").last.map(String.init) ?? ""
            let isMade = try await command(line) {
                try await workspace.createTask(in: team, by: author, id: task.id) {
                    ($0.title, $0.kind, $0.labels) = (task.title, task.kind, task.labels)
                    $0.assigneeID = author
                    $0.cycleID = task.cycleID
                    $0.estimate = 3
                    $0.origin = .prd(id: "\(proposal.number)", version: 1, storyID: story)
                }
            }
            guard isMade else { continue }
            if let before = previous {
                try await command(line) {
                    try await workspace.addDependency(
                        of: task.id, on: before, in: team, by: author)
                }
            }
            previous = task.id
        }
    }

    /// Moves the tasks to the status of their milestones.
    private func work(
        _ proposal: Proposal, _ author: CodexFlow.User.ID, _ line: Int
    ) async throws {
        let team = proposal.team
        for task in try PlannedWork(proposal).tasks
        where try store.get(.task(task.id, in: team)) != nil {
            for status in way(to: task.status ?? .backlog) {
                let isMoved = try await command(line) {
                    try await workspace.moveTask(task.id, in: team, to: status, by: author)
                }
                guard isMoved else { break }
            }
        }
    }

    /// The moves that lead from backlog to a status.
    private func way(to status: CodexFlow.Task.Status) -> [CodexFlow.Task.Status] {
        switch status {
        case .backlog: []
        case .todo: [.todo]
        case .inProgress: [.todo, .inProgress]
        case .inReview: [.todo, .inProgress, .inReview]
        case .done: [.todo, .inProgress, .done]
        case .canceled: [.canceled]
        }
    }
}
