import Codex
import Foundation

/// Stores the rows of a file, and reports the outcome of each line.
struct Importer {
    /// The outcomes of the lines: each is stored or refused.
    struct Summary {
        var lineCount = 0
        var storedCount = 0
        var refusedCount = 0
        /// Stored lines with fields that were omitted or unclear.
        var notedCount = 0
        var projects: Set<CodexFlow.Project.ID> = []
        var people: Set<CodexFlow.User.ID> = []
        var taskCount = 0

        /// Whether every line is accounted for.
        var isComplete: Bool { storedCount + refusedCount == lineCount }
    }

    /// A line whose models the importer stores.
    private struct Row: Sendable {
        let line: Int
        let proposal: Proposal
        let work: PlannedWork
        let notes: [String]
    }

    /// A row that the store refused, and the reason; it rolls its batch back.
    private struct RowError: Error {
        let line: Int
        let reason: String
    }

    private static let batchCountMax = 100

    let store: Store
    /// Reports a message to the user.
    let report: (String) -> Void

    /// Imports a file with one JSON object per line.
    ///
    /// The same file always creates the same items. If rows of a team have the same number, the
    /// first one counts.
    func importFile(at url: URL) async throws -> Summary {
        var summary = Summary()
        let rows = read(try Data(contentsOf: url), into: &summary)
        var index = 0
        while index < rows.count {
            let batch = Array(rows[index...].prefix(Self.batchCountMax))
            for row in try await stored(batch, into: &summary) { add(row, to: &summary) }
            index += batch.count
        }
        return summary
    }

    /// Reads the rows of a file, and reports the unreadable ones.
    func proposals(in url: URL) throws -> [(line: Int, proposal: Proposal)] {
        var summary = Summary()
        return read(try Data(contentsOf: url), into: &summary).map { ($0.line, $0.proposal) }
    }

    // MARK: Lines

    private func read(_ data: Data, into summary: inout Summary) -> [Row] {
        var lines = data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        // The text after the last line break is not a line.
        if lines.last?.isEmpty == true { lines.removeLast() }
        summary.lineCount = lines.count
        var rows: [Row] = []
        var taken: [String: Int] = [:]
        for (number, text) in zip(1..., lines) {
            do {
                var notes: [String] = []
                let proposal = try Proposal(parsing: Data(text), notes: &notes)
                let key = "\(proposal.team)#\(proposal.number)"
                if let first = taken[key] {
                    throw Refusal(reason: "its team has the number already, in line \(first)")
                }
                let work = try PlannedWork(proposal)
                taken[key] = number
                rows.append(Row(line: number, proposal: proposal, work: work, notes: notes))
            } catch let refusal as Refusal {
                refuse(number, refusal.reason, &summary)
            } catch let error as CodexError {
                refuse(number, error.message, &summary)
            } catch {
                refuse(number, "it cannot be read", &summary)
            }
        }
        return rows
    }

    private func refuse(_ line: Int, _ reason: String, _ summary: inout Summary) {
        summary.refusedCount += 1
        report("line \(line) not stored: \(reason)")
    }

    private func add(_ row: Row, to summary: inout Summary) {
        summary.storedCount += 1
        summary.taskCount += row.work.tasks.count
        summary.people.formUnion(row.proposal.people)
        if !row.notes.isEmpty { summary.notedCount += 1 }
        for note in row.notes { report("line \(row.line) stored, but: \(note)") }
    }

    // MARK: Batches

    /// Stores a batch in one transaction, without the rows that the store refuses.
    ///
    /// A row is stored whole or not at all. A refused row therefore rolls the transaction back, and
    /// the importer runs it again with the other rows.
    private func stored(_ batch: [Row], into summary: inout Summary) async throws -> [Row] {
        var rows = batch
        while !rows.isEmpty {
            let attempt = rows
            do {
                summary.projects.formUnion(
                    try await store.write { transaction in
                        try Self.put(attempt, in: &transaction)
                    })
                return rows
            } catch let error as RowError {
                refuse(error.line, error.reason, &summary)
                rows.removeAll { $0.line == error.line }
            }
        }
        return []
    }

    /// Stores rows with the people and projects that they name, and returns the projects.
    private static func put(
        _ rows: [Row], in transaction: inout WriteTransaction
    ) throws -> Set<CodexFlow.Project.ID> {
        var projects: Set<CodexFlow.Project.ID> = []
        for row in rows {
            do {
                let people = row.proposal.people
                let team = row.proposal.team
                // The data does not name the owner of a team's project: the first person in it
                // counts.
                let owner = people.first ?? CodexFlow.User.nobody
                let hasProject = try transaction.get(.project(team)) != nil
                for person in hasProject ? people : people + [owner]
                where try transaction.get(.user(person)) == nil {
                    try transaction.put(CodexFlow.User(planning: person))
                }
                if !hasProject {
                    try transaction.put(
                        CodexFlow.Project(
                            id: team, name: team.rawValue, ownerID: owner, status: .started))
                }
                projects.insert(team)
                try transaction.put(row.work.prd)
                for var task in row.work.tasks {
                    // An import does not notify.
                    task.isImport = true
                    try transaction.put(task)
                }
                for participation in row.work.participations {
                    try transaction.put(participation)
                }
            } catch let error as CodexError where error.isAboutItem {
                throw RowError(line: row.line, reason: error.message)
            }
        }
        return projects
    }
}

extension CodexError {
    /// Whether the error is about the stored items, and not about the store.
    fileprivate var isAboutItem: Bool {
        let codes: [Code] = [
            .invalidIdentifier, .invalidItem, .invalidKey, .itemTooLarge, .keyTooLong,
            .uniqueViolation,
        ]
        return codes.contains(code)
    }
}
