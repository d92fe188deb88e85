import Codex
import Foundation

// The models as the service shows them: identifiers without prefixes, and no keys.

extension CodexFlow.Task {
    func view(_ project: CodexFlow.Project) -> AttributeValue {
        // In the order of names: a map appends such members at its end.
        var map = AttributeMap()
        if !acceptanceCriteria.isEmpty {
            map["acceptanceCriteria"] = acceptanceCriteria.attributeValue
        }
        map["archivedAt"] = archivedAt?.attributeValue
        map["assignee"] = assigneeID?.attributeValue
        map["canceledAt"] = canceledAt?.attributeValue
        if let claim {
            var members: AttributeMap = ["holder": claim.holder.attributeValue]
            members["token"] = claim.token?.attributeValue
            members["until"] = claim.until.attributeValue
            map["claim"] = .map(members)
        }
        map["completedAt"] = completedAt?.attributeValue
        map["createdAt"] = createdAt?.attributeValue
        map["description"] = body.map { .string($0) }
        map["dueDate"] = dueDate?.attributeValue
        map["estimate"] = estimate?.attributeValue
        map["key"] = number.flatMap { number in project.key.map { .string("\($0)-\(number)") } }
        map["kind"] = kind.map { .string($0.rawValue) }
        if !labels.isEmpty { map["labels"] = labels.attributeValue }
        map["parentId"] = parentID?.attributeValue
        map["priority"] = priority.map { .string($0.rawValue) }
        map["projectId"] = projectID.attributeValue
        map["reporter"] = reporterID?.attributeValue
        map["startedAt"] = startedAt?.attributeValue
        map["status"] = .string((status ?? .backlog).rawValue)
        map["taskId"] = id.attributeValue
        map["title"] = .string(title)
        map["updatedAt"] = updatedAt?.attributeValue
        return .map(map)
    }
}

extension CodexFlow.Project {
    var view: AttributeValue {
        var map: AttributeMap = [
            "projectId": id.attributeValue, "name": .string(name), "owner": ownerID.attributeValue,
        ]
        map["key"] = key.map { .string($0) }
        map["status"] = .string((status ?? .backlog).rawValue)
        map["summary"] = summary.map { .string($0) }
        map["targetDate"] = targetDate?.attributeValue
        map["archivedAt"] = archivedAt?.attributeValue
        map["createdAt"] = createdAt?.attributeValue
        return .map(map)
    }
}

extension CodexFlow.User {
    var view: AttributeValue {
        ["userId": id.attributeValue, "email": .string(email), "name": .string(name)]
    }
}

extension CodexFlow.Comment {
    var view: AttributeValue {
        [
            "commentId": id.attributeValue, "author": authorID.attributeValue,
            "text": .string(text), "createdAt": createdAt.attributeValue,
        ]
    }
}

extension CodexFlow.Activity {
    var view: AttributeValue {
        var map: AttributeMap = [
            "actor": actorID.attributeValue, "at": at.attributeValue,
            "kind": .string(kind.rawValue),
        ]
        if !changes.isEmpty { map["changes"] = changes.attributeValue }
        map["note"] = note.map { .string($0) }
        return .map(map)
    }
}

extension CodexFlow.AnalyticsReport {
    var view: AttributeValue {
        func times(_ times: Times?) -> AttributeValue {
            guard let times else { return .null }
            return [
                "median": times.median.attributeValue, "p85": times.p85.attributeValue,
                "p95": times.p95.attributeValue,
            ]
        }
        return [
            "from": first.attributeValue, "through": last.attributeValue,
            "tasksCompleted": tasksCompleted.attributeValue,
            "pointsCompleted": pointsCompleted.attributeValue,
            "hoursLogged": .number(hoursLogged),
            "cycleSeconds": times(cycleTimes), "leadSeconds": times(leadTimes),
            "burndown": .list(
                states.map { state in
                    [
                        "date": state.date.attributeValue, "scope": state.scope.attributeValue,
                        "remaining": state.remaining.attributeValue,
                    ]
                }),
        ]
    }
}
