import Codex
import Foundation

/// A row of planning data: a team's proposal, its people and its milestones.
///
/// The importer does not read columns without a place in the models, such as links to other
/// proposals.
struct Proposal: Sendable {
    /// The outcome of a proposal.
    enum Status: String, CaseIterable {
        case provisional, implementable, implemented, deferred, rejected, withdrawn, replaced
    }

    /// The maturity of the proposed feature, in this order.
    enum Stage: String, CaseIterable {
        case alpha, beta, stable
    }

    /// A planned stage, and the release for it.
    struct Milestone {
        let stage: Stage
        let release: String?
    }

    let team: CodexFlow.Project.ID
    let number: Int
    let title: String
    let status: Status?
    let stage: Stage?
    let authors: [CodexFlow.User.ID]
    let reviewers: [CodexFlow.User.ID]
    let approvers: [CodexFlow.User.ID]
    let milestones: [Milestone]
    let featureGates: [String]
    let created: CalendarDay?
    let updated: CalendarDay?

    /// The people in the row, each once.
    var people: [CodexFlow.User.ID] {
        var seen: Set<CodexFlow.User.ID> = []
        return (approvers + authors + reviewers).filter { seen.insert($0).inserted }
    }
}

/// The reason why a line is not stored.
struct Refusal: Error {
    let reason: String
}

extension Proposal {
    /// Reads a row.
    ///
    /// A missing or invalid required field refuses the row. Any other invalid field is omitted.
    ///
    /// - Parameters:
    ///   - line: The row in JSON.
    ///   - notes: Receives a sentence for each field, or part of one, that was omitted or unclear.
    /// - Throws: ``Refusal``.
    init(parsing line: Data, notes: inout [String]) throws(Refusal) {
        guard let value = try? JSONDecoder().decode(JSONValue.self, from: line) else {
            throw Refusal(reason: "it is not JSON")
        }
        guard case .object(let fields) = value else {
            throw Refusal(reason: "it is not a JSON object")
        }
        var row = Row(fields: fields)
        team = try row.team()
        number = try row.number()
        title = try row.title()
        status = row.choice("status", isExpected: true)
        stage = row.choice("stage")
        authors = row.people("authors")
        reviewers = row.people("reviewers")
        approvers = row.people("approvers")
        milestones = row.milestones()
        featureGates = row.texts("featureGates")
        created = row.day("created")
        updated = row.day("lastUpdated")
        notes = row.notes
    }
}

/// Reads the fields of a row, and records notes about invalid ones.
private struct Row {
    let fields: [String: JSONValue]
    private(set) var notes: [String] = []

    init(fields: [String: JSONValue]) { self.fields = fields }

    /// The field's value; `nil` if it is missing or null.
    private func value(_ name: String) -> JSONValue? {
        guard let value = fields[name] else { return nil }
        if case .null = value { return nil }
        return value
    }

    private mutating func note(_ text: String) { notes.append(text) }

    // MARK: Required fields

    func team() throws(Refusal) -> CodexFlow.Project.ID {
        guard case .text(let text)? = value("team"),
            let team = try? CodexFlow.Project.ID(text)
        else { throw Refusal(reason: "team is missing, or not a name without #") }
        return team
    }

    mutating func number() throws(Refusal) -> Int {
        switch value("number") {
        case .integer(let number)? where number > 0: return number
        case .integer?: throw Refusal(reason: "number is below 1: none was given yet")
        case .text(let text)?:
            guard let number = Int(text), number > 0 else {
                throw Refusal(reason: "number is a text that is no number")
            }
            note("number is a text")
            return number
        case nil: throw Refusal(reason: "number is missing")
        default: throw Refusal(reason: "number is neither a whole number nor a text")
        }
    }

    func title() throws(Refusal) -> String {
        switch value("title") {
        case .text(let text)?:
            guard text.contains(where: { !$0.isWhitespace }) else {
                throw Refusal(reason: "title is empty")
            }
            return text
        case nil: throw Refusal(reason: "title is missing")
        default: throw Refusal(reason: "title is not a text")
        }
    }

    // MARK: Optional fields

    mutating func choice<Choice: RawRepresentable & CaseIterable>(
        _ name: String, isExpected: Bool = false
    ) -> Choice? where Choice.RawValue == String {
        guard let value = value(name) else {
            if isExpected { note("\(name) is missing") }
            return nil
        }
        if case .text(let text) = value, let choice = Choice(rawValue: text) { return choice }
        let known = Choice.allCases.map(\.rawValue).joined(separator: ", ")
        note("\(name) left out: it is none of \(known)")
        return nil
    }

    mutating func day(_ name: String) -> CalendarDay? {
        guard let value = value(name) else { return nil }
        if case .text(let text) = value, let day = CalendarDay(text) { return day }
        note("\(name) left out: it is no day in the form 2025-11-05")
        return nil
    }

    mutating func texts(_ name: String) -> [String] {
        guard let value = value(name) else { return [] }
        guard case .array(let values) = value else {
            note("\(name) left out: it is not a list")
            return []
        }
        var texts: [String] = []
        for value in values {
            if case .text(let text) = value, !text.isEmpty {
                texts.append(text)
            } else {
                note("an element of \(name) left out: it is not a text, or empty")
            }
        }
        return texts
    }

    mutating func people(_ name: String) -> [CodexFlow.User.ID] {
        var people: [CodexFlow.User.ID] = []
        for text in texts(name) {
            if let person = try? CodexFlow.User.ID(text) {
                if people.contains(person) {
                    note("an element of \(name) left out: it is there twice")
                } else {
                    people.append(person)
                }
            } else {
                note("an element of \(name) left out: it is not a name without #")
            }
        }
        return people
    }

    mutating func milestones() -> [Proposal.Milestone] {
        guard let value = value("milestones") else { return [] }
        guard case .object(let milestones) = value else {
            note("milestones left out: they are not an object")
            return []
        }
        let unknown = milestones.keys.count { Proposal.Stage(rawValue: $0) == nil }
        if unknown > 0 { note("\(unknown) milestones left out: not alpha, beta or stable") }
        return Proposal.Stage.allCases.compactMap { stage in
            switch milestones[stage.rawValue] {
            case nil, .null?: return nil
            case .text(let text)?:
                let release = Self.release(text)
                if release == nil { note("release of \(stage) left out: it is not like v1.30") }
                return Proposal.Milestone(stage: stage, release: release)
            default:
                note("release of \(stage) left out: it is not a text")
                return Proposal.Milestone(stage: stage, release: nil)
            }
        }
    }

    /// A release such as `v1.30`, which may also be written as `1.30`.
    private static func release(_ text: String) -> String? {
        guard let match = text.wholeMatch(of: #/v?(?<version>\d{1,4}\.\d{1,4})/#) else {
            return nil
        }
        return "v" + match.version
    }
}
