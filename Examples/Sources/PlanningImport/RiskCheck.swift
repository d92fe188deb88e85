import Codex
import Foundation

/// Checks whether the risk analysis ranks late proposals above punctual ones.
///
/// Each proposal with a planned stable release becomes a project. Its milestones become tasks that
/// are due at their releases. The analysis sees the project as it was one release before the stable
/// one. A milestone counts as done if it was due by then and the proposal's stage shows that it was
/// reached.
///
/// A proposal is late if it is not stable although the release is out. The risk analysis does not
/// see that fact.
struct RiskCheck {
    /// The dates of Kubernetes' minor releases, from its release pages.
    private static let days: [Int: String] = [
        14: "2019-03-25", 15: "2019-06-19", 16: "2019-09-18", 17: "2019-12-09", 18: "2020-03-25",
        19: "2020-08-26", 20: "2020-12-08", 21: "2021-04-08", 22: "2021-08-04", 23: "2021-12-07",
        24: "2022-05-03", 25: "2022-08-23", 26: "2022-12-09", 27: "2023-04-11", 28: "2023-08-15",
        29: "2023-12-13", 30: "2024-04-17", 31: "2024-08-13", 32: "2024-12-11", 33: "2025-04-23",
        34: "2025-08-27", 35: "2025-12-17",
    ]

    let store: Store

    /// The scores of late proposals and of punctual ones.
    struct Outcome {
        var late: [Double] = []
        var punctual: [Double] = []

        /// The probability that a late proposal has the higher score; a tie counts half.
        ///
        /// This is the area under the receiver operating characteristic.
        var area: Double {
            var sum = 0.0
            for score in late {
                for other in punctual { sum += score > other ? 1 : score == other ? 0.5 : 0 }
            }
            return sum / Double(max(1, late.count * punctual.count))
        }
    }

    /// Scores each proposal as it was one release before its planned end.
    ///
    /// If `knowsStage`, milestones that the proposal's last stage leaves open count as open at that
    /// time.
    func run(_ rows: [Proposal], knowsStage: Bool) async throws -> Outcome {
        var outcome = Outcome()
        for (place, row) in rows.enumerated() {
            guard let stage = row.stage, row.status == .implemented || row.status == .implementable,
                let stable = Self.minor(row.milestones.first { $0.stage == .stable }?.release),
                let end = Self.day(stable), let now = Self.day(stable - 1)
            else { continue }
            let id = try CodexFlow.Project.ID("proposal-\(place)")
            try await put(
                row, knowsStage ? stage : .stable, as: id, from: row.created, to: end, at: now)
            guard let instant = Self.instant(now) else { continue }
            let workspace = CodexFlow.Workspace(store, clock: { instant })
            let score = try await workspace.riskReport(of: id).riskScore
            if stage == .stable {
                outcome.punctual.append(score)
            } else {
                outcome.late.append(score)
            }
        }
        return outcome
    }

    private func put(
        _ row: Proposal, _ stage: Proposal.Stage, as id: CodexFlow.Project.ID,
        from created: CalendarDay?, to end: CalendarDay, at now: CalendarDay
    ) async throws {
        let owner = row.authors.first ?? "nobody"
        var project = CodexFlow.Project(
            id: id, name: String(row.title.prefix(200)), ownerID: owner, status: .started)
        let start = created.flatMap { $0 < end ? $0 : nil } ?? end.adding(days: -365)
        (project.startDate, project.targetDate) = (start, end)
        var tasks: [CodexFlow.Task] = []
        for milestone in row.milestones {
            guard let due = Self.minor(milestone.release).flatMap(Self.day) else { continue }
            let isReached = Self.rank(milestone.stage) <= Self.rank(stage) && due <= now
            var task = CodexFlow.Task(
                id: try .init(milestone.stage.rawValue), projectID: id,
                title: milestone.stage.rawValue, assigneeID: row.authors.first,
                status: isReached ? .done : .todo,
                createdAt: Self.instant(start))
            task.dueDate = due
            tasks.append(task)
        }
        try await store.write { [project, tasks] transaction in
            try transaction.put(project)
            for task in tasks { try transaction.put(task) }
        }
    }

    private static func rank(_ stage: Proposal.Stage) -> Int {
        Proposal.Stage.allCases.firstIndex(of: stage) ?? 0
    }

    private static func minor(_ release: String?) -> Int? {
        guard let release, release.hasPrefix("v1.") else { return nil }
        return Int(release.dropFirst(3))
    }

    private static func instant(_ day: CalendarDay) -> Date? {
        Timestamp.date("\(day)T00:00:00.000Z")
    }

    private static func day(_ minor: Int) -> CalendarDay? {
        days[minor].flatMap { CalendarDay($0) }
    }
}
