import Codex
import Foundation

/// The role of a person in a PRD: a type of the program, beside CodexFlow's.
///
/// It answers two questions: who takes part in a PRD, and in which PRDs a person takes part.
struct Participation: Codable, Entity {
    enum Role: String, Codable, CaseIterable {
        case author, reviewer, approver
    }

    static let definition = EntityDefinition(
        "participation", table: CodexFlow.table,
        keys: [
            "PK": "PROJECT#{project}", "SK": "PARTICIPATION#{prd}#{role}#{person}",
            "GSI1PK": "PARTICIPANT#{person}", "GSI1SK": "{role}#{project}#{prd}",
        ])

    var project: CodexFlow.Project.ID
    var prd: CodexFlow.PRD.ID
    var role: Role
    var person: CodexFlow.User.ID
}

extension Query where E == Participation {
    /// A person's participations in a role, in all projects.
    static func participations(
        of person: CodexFlow.User.ID, as role: Participation.Role
    ) -> Self {
        Self(
            partition: .string("PARTICIPANT#\(person)"),
            sort: .beginsWith(.string("\(role.rawValue)#")), index: CodexFlow.Index.gsi1)
    }
}

/// The models that a proposal becomes in the store.
struct PlannedWork: Sendable {
    let prd: CodexFlow.PRD
    let tasks: [CodexFlow.Task]
    let participations: [Participation]

    /// Creates the models.
    ///
    /// - Throws: ``CodexError/Code/invalidIdentifier``.
    init(_ proposal: Proposal) throws(CodexError) {
        let id = try CodexFlow.PRD.ID(String(proposal.number))
        var prd = CodexFlow.PRD(
            id: id, projectID: proposal.team, version: 1, title: proposal.title,
            approvalStatus: proposal.status?.approvalStatus, createdBy: proposal.authors.first,
            createdAt: proposal.created?.start)
        prd.updatedAt = proposal.updated?.start
        self.prd = prd

        var tasks: [CodexFlow.Task] = []
        for milestone in proposal.milestones {
            var task = CodexFlow.Task(
                id: try CodexFlow.Task.ID("\(proposal.number)-\(milestone.stage)"),
                projectID: proposal.team, title: "\(proposal.title): \(milestone.stage)",
                assigneeID: proposal.authors.first,
                status: proposal.taskStatus(milestone.stage), createdAt: proposal.created?.start)
            task.kind = .feature
            task.cycleID = milestone.release
            task.labels = proposal.featureGates
            task.origin = .prd(id: id.rawValue, version: prd.version, storyID: nil)
            tasks.append(task)
        }
        self.tasks = tasks

        let people: [(Participation.Role, [CodexFlow.User.ID])] = [
            (.author, proposal.authors), (.reviewer, proposal.reviewers),
            (.approver, proposal.approvers),
        ]
        participations = people.flatMap { role, persons in
            persons.map { Participation(project: proposal.team, prd: id, role: role, person: $0) }
        }
    }
}

extension CodexFlow.User {
    /// The owner of the projects of teams that name no person.
    static let nobody: ID = "nobody"

    /// A person whose name alone is in the data; the email address cannot exist.
    init(planning id: ID) {
        self.init(id: id, email: "\(id)@planning.invalid", name: id.rawValue, role: .member)
    }
}

extension Proposal.Status {
    /// The approval status of a PRD with this proposal status.
    var approvalStatus: CodexFlow.PRD.ApprovalStatus {
        switch self {
        case .provisional: .inReview
        case .implementable, .implemented: .approved
        case .deferred, .withdrawn: .archived
        case .rejected: .rejected
        case .replaced: .superseded
        }
    }
}

extension Proposal {
    /// The task status of a milestone: milestones before the present stage are done.
    fileprivate func taskStatus(_ milestone: Stage) -> CodexFlow.Task.Status {
        let order = Stage.allCases
        let isPast: Bool
        let isPresent = milestone == stage
        if let stage, let present = order.firstIndex(of: stage),
            let own = order.firstIndex(of: milestone)
        {
            isPast = own < present
        } else {
            isPast = false
        }
        if isPast || (isPresent && status == .implemented) { return .done }
        switch status {
        case .rejected, .withdrawn, .replaced: return .canceled
        case .deferred: return .backlog
        default: return isPresent ? .inProgress : stage == nil ? .backlog : .todo
        }
    }
}

extension CalendarDay {
    /// The day's first moment in UTC.
    fileprivate var start: Date? { Timestamp.date("\(self)T00:00:00Z") }
}
