import Codex
import Foundation

/// The answer of a command of agents: one JSON object, and a short text for people.
struct AgentAnswer: Sendable {
    /// The answer for programs.
    let json: AttributeMap
    /// The answer for people, without a line feed at the end.
    let text: String
    /// Whether the command found nothing to give.
    var isNothing = false

    /// The answer of a claim that found no task.
    static let nothing = AgentAnswer(json: ["task": .null], text: "nothing", isNothing: true)
}

// MARK: Tasks

extension CodexFlow.Task {
    /// The fields by which a worker chooses a task.
    var brief: AttributeMap {
        var map: AttributeMap = [
            "id": .string(id.rawValue), "title": .string(title),
            "status": .string((status ?? .backlog).rawValue),
            "kind": .string((kind ?? .task).rawValue),
            "priority": .string((priority ?? Priority.none).rawValue),
        ]
        map["number"] = number?.attributeValue
        map["assignee"] = assigneeID?.attributeValue
        map["estimate"] = estimate?.attributeValue
        map["dueDate"] = dueDate?.attributeValue
        if !labels.isEmpty { map["labels"] = labels.attributeValue }
        if !skills.isEmpty { map["skills"] = skills.attributeValue }
        return map
    }

    /// The brief fields, the claim and the attempts.
    ///
    /// The claim has no token: only the worker that made the claim must have it.
    var held: AttributeMap {
        var map = brief
        map["holder"] = claim?.holder.attributeValue
        map["until"] = claim?.until.attributeValue
        map["attempts"] = attempts?.attributeValue
        map["maximumAttempts"] = attemptCountMax.attributeValue
        map["diedAt"] = diedAt?.attributeValue
        return map
    }

    /// The fields that a worker needs for the work.
    var whole: AttributeMap {
        var map = held
        map["body"] = body.map { .string($0) }
        map["parent"] = parentID?.attributeValue
        map["reporter"] = reporterID?.attributeValue
        if !acceptanceCriteria.isEmpty { map["criteria"] = acceptanceCriteria.attributeValue }
        map["notBefore"] = notBefore?.attributeValue
        if isBlocked { map["blocked"] = true }
        if isDead { map["dead"] = true }
        map["result"] = result?.attributeValue
        map["createdAt"] = createdAt?.attributeValue
        map["startedAt"] = startedAt?.attributeValue
        map["completedAt"] = completedAt?.attributeValue
        map["archivedAt"] = archivedAt?.attributeValue
        return map
    }

    /// The task in one line.
    var line: String {
        let choices = [(status ?? .backlog).rawValue, (priority ?? Priority.none).rawValue]
        return ([id.rawValue] + choices + [title]).map { $0.printable() }.joined(separator: "  ")
    }

    /// Who holds or held the task; `nil` without a claim.
    private var holderText: String? {
        claim.map { "held by \($0.holder) until \(Timestamp.text($0.until))".printable() }
    }

    /// The task in one line, with its claim and the time of its death.
    var heldLine: String {
        let death = diedAt.map { "dead since \(Timestamp.text($0))" }
        return ([line] + [holderText, death].compactMap { $0 }).joined(separator: "  ")
    }

    /// The task with its description and criteria, in lines.
    var lines: [String] {
        var lines = [line]
        if let holderText { lines.append(holderText) }
        if isBlocked { lines.append("blocked") }
        if isDead { lines.append("dead: all attempts failed") }
        for criterion in acceptanceCriteria {
            let text = "\(criterion.isMet ? "[x]" : "[ ]") \(criterion.id)  \(criterion.text)"
            lines.append(text.printable())
        }
        if let body, !body.isEmpty { lines += ["", body.printable(keepsLines: true)] }
        return lines
    }
}

// MARK: Errors

extension CodexError {
    /// The error as JSON, without the values of items.
    var agentJSON: AttributeMap {
        var map: AttributeMap = ["code": .string("\(code)"), "message": .string(message)]
        map["rule"] = violation.map { .string($0.rule) }
        map["field"] = violation.map { .string($0.field) }
        return map
    }

    /// Whether the worker does not hold the task, and must stop its work.
    var isLostClaim: Bool {
        switch rule {
        case .taskNotHeld, .taskClaimEnded, .taskClaimed: true
        default: false
        }
    }
}

/// One JSON value of any kind.
enum PlainJSON {
    /// Parses a value; numbers have at most 38 digits.
    ///
    /// - Throws: ``CodexError/Code/invalidJSON``, ``CodexError/Code/invalidNumber``.
    static func value(_ bytes: some Collection<UInt8>) throws(CodexError) -> AttributeValue {
        // The parser takes objects alone. Bytes that are no value cannot make an object of one
        // member of this.
        var object = Array(#"{"value":"#.utf8)
        object += bytes
        object.append(UInt8(ascii: "}"))
        let map = try DynamoDBJSON.item(parsingPlain: object)
        guard map.count == 1, let value = map["value"] else {
            throw CodexError(.invalidJSON, "The text is not one JSON value.")
        }
        return value
    }
}
