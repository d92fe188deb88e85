package import CodexCore
package import FoundationEssentials

extension CodexFlow.Event {
    /// The events that one change of an item produces.
    ///
    /// - Parameters:
    ///   - entity: The item's entity.
    ///   - old: The item before the change; `nil` if there was none.
    ///   - new: The item after the change; `nil` if there is none.
    ///   - time: The time of the commit.
    ///   - origin: The store's identifier, since sequence numbers belong to one store.
    ///   - sequence: The change's position in the stream.
    ///   - isExpiry: Whether the item was deleted because it had expired.
    /// - Returns: The events; none for sequences, analytics and most of the history.
    /// - Throws: The errors of reading the models.
    package static func events(
        of entity: String?, old: Item?, new: Item?, time: Date, origin: String, sequence: String,
        isExpiry: Bool = false
    ) throws(CodexError) -> [CodexFlow.Event] {
        let found: [(Kind, AttributeMap)]
        switch entity {
        case CodexFlow.Task.definition.name?:
            found = try taskEvents(read(old), read(new), at: time)
        case CodexFlow.Project.definition.name?: found = try projectEvents(read(old), read(new))
        case CodexFlow.PRD.definition.name?: found = try prdEvents(read(old), read(new))
        case CodexFlow.User.definition.name?: found = try userEvents(read(old), read(new))
        case CodexFlow.Member.definition.name?: found = try memberEvents(read(old), read(new))
        case CodexFlow.Session.definition.name?:
            found = try sessionEvents(read(old), read(new), isExpiry: isExpiry)
        case CodexFlow.Comment.definition.name?:
            found = try commentEvents(read(old), read(new))
        case CodexFlow.PRDReview.definition.name?: found = try reviewEvents(read(new))
        case CodexFlow.Dependency.definition.name?:
            found = try dependencyEvents(read(old), read(new))
        case CodexFlow.WorkLog.definition.name?: found = try workEvents(read(old), read(new))
        case CodexFlow.Activity.definition.name?:
            found = old == nil ? try activityEvents(read(new)) : []
        default: found = []
        }
        return found.enumerated().map { position, event in
            CodexFlow.Event(
                id: identifier("\(origin) \(sequence) \(position)"), kind: event.0, time: time,
                detail: event.1)
        }
    }

    private static func read<E: Entity>(_ item: Item?) throws(CodexError) -> E? {
        try item.map { item throws(CodexError) in try E(item: item) }
    }

    /// A UUID (version 8, RFC 9562) derived from text.
    private static func identifier(_ text: String) -> String {
        var bytes = Array(SHA256.digest(text.utf8).prefix(16))
        bytes[6] = bytes[6] & 0x0F | 0x80
        bytes[8] = bytes[8] & 0x3F | 0x80
        let digits = Array("0123456789abcdef".utf8)
        var characters: [UInt8] = []
        for (index, byte) in bytes.enumerated() {
            if [4, 6, 8, 10].contains(index) { characters.append(UInt8(ascii: "-")) }
            characters += [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
        return String(decoding: characters, as: UTF8.self)
    }

    /// A map of the members that have a value.
    private static func detail(_ members: [String: AttributeValue?]) -> AttributeMap {
        AttributeMap(members.compactMap { name, value in value.map { (name, $0) } })
    }

    // MARK: Tasks

    private static func taskEvents(
        _ old: CodexFlow.Task?, _ new: CodexFlow.Task?, at time: Date
    ) -> [(Kind, AttributeMap)] {
        guard let task = new ?? old else { return [] }
        func detail(_ more: [String: AttributeValue?] = [:]) -> AttributeMap {
            let members: [String: AttributeValue?] = [
                "taskId": task.id.attributeValue, "projectId": task.projectID.attributeValue,
                "number": task.number?.attributeValue, "title": .string(task.title),
                "status": task.status.map { .string($0.rawValue) },
                "assignee": task.assigneeID?.attributeValue,
                "actor": new?.updatedByID?.attributeValue,
            ]
            return Self.detail(members.merging(more) { $1 })
        }
        guard let new else { return [(.taskDeleted, detail())] }
        guard let old else {
            // An import does not notify.
            if new.isImport { return [] }
            var events = [(Kind.taskCreated, detail(["createdAt": new.createdAt?.attributeValue]))]
            if new.assigneeID != nil { events.append((.taskAssigned, detail())) }
            if new.status?.isStarted == true { events.append((.taskStarted, detail())) }
            return events
        }
        var events: [(Kind, AttributeMap)] = []
        if old.assigneeID != new.assigneeID {
            events.append(
                (
                    new.assigneeID == nil ? .taskUnassigned : .taskAssigned,
                    detail(["previousAssignee": old.assigneeID?.attributeValue])
                ))
        }
        if old.status != new.status {
            let more = ["from": old.status.map { AttributeValue.string($0.rawValue) }]
            events.append((.taskStatusChanged, detail(more)))
            if let kind = statusKind(old.status, new.status) { events.append((kind, detail(more))) }
        }
        for (kind, claim) in claimEvents(old, new) {
            let more: [String: AttributeValue?] = [
                "holder": claim.holder.attributeValue, "token": claim.token?.attributeValue,
            ]
            events.append((kind, detail(more)))
        }
        if (old.archivedAt == nil) != (new.archivedAt == nil) {
            events.append((new.archivedAt == nil ? .taskRestored : .taskArchived, detail()))
        }
        let told: Set<String> = [
            "assignee", "status", "claim", "expiredToken", "archivedAt", "completedAt",
            "canceledAt", "startedAt", "reopenCount", "attempts", "diedAt", "blocked", "result",
        ]
        let isPromotion = Self.isPromotion(from: old, to: new, at: time)
        let fields = old.changedFields(to: new).filter {
            !told.contains($0) && !(isPromotion && $0 == "notBefore")
        }
        if (old.diedAt == nil) != (new.diedAt == nil), new.status?.isOpen ?? true {
            events.append((new.diedAt == nil ? .taskRevived : .taskDied, detail()))
        }
        if !fields.isEmpty {
            events.append((.taskUpdated, detail(["fields": fields.attributeValue])))
        }
        return events
    }

    /// Whether a change removes a time before which the task was not to be worked on, and changes
    /// nothing for people by that.
    ///
    /// The queue and claims remove a time that has passed, and the end of a task removes any. The
    /// time of a change of a remote table may be a whole second.
    private static func isPromotion(
        from old: CodexFlow.Task, to new: CodexFlow.Task, at time: Date
    ) -> Bool {
        guard let start = old.notBefore, new.notBefore == nil else { return false }
        let isClosed = new.status?.isOpen == false && old.status != new.status
        let isOfQueue = old.updatedAt == new.updatedAt || old.claim != new.claim
        return isClosed || isOfQueue && start < time + 1
    }

    /// The events of a task's claims, each with its claim.
    ///
    /// A renewal has none. The end of a claim with the task's completion or cancellation has none,
    /// unless the claim had ended by time before.
    private static func claimEvents(
        _ old: CodexFlow.Task, _ new: CodexFlow.Task
    ) -> [(Kind, CodexFlow.Task.Claim)] {
        var events: [(Kind, CodexFlow.Task.Claim)] = []
        var hasExpired = false
        if let ended = old.claim, new.expiredToken != old.expiredToken,
            new.expiredToken == ended.token ?? 0
        {
            hasExpired = true
            events.append((.taskClaimExpired, ended))
        }
        guard new.status?.isOpen ?? true else { return events }
        switch (old.claim, new.claim) {
        case (let ended?, nil) where !hasExpired: events.append((.taskReleased, ended))
        case (let known, let claim?) where known?.isSame(as: claim) != true:
            // The holder of a claim that another one replaces may work no longer.
            if let known, !hasExpired { events.append((.taskReleased, known)) }
            events.append((.taskClaimed, claim))
        default: break
        }
        return events
    }

    private static func statusKind(
        _ old: CodexFlow.Task.Status?, _ new: CodexFlow.Task.Status?
    ) -> Kind? {
        switch new {
        case .done: .taskCompleted
        case .canceled: .taskCanceled
        default:
            if old?.isOpen == false {
                .taskReopened
            } else if new?.isStarted == true, old?.isStarted != true {
                .taskStarted
            } else {
                nil
            }
        }
    }

    private static func commentEvents(
        _ old: CodexFlow.Comment?, _ comment: CodexFlow.Comment?
    ) -> [(Kind, AttributeMap)] {
        // The history reports a removed comment. A comment that its project's deletion removes is
        // no event.
        guard let comment, old?.text != comment.text else { return [] }
        return [
            (
                old == nil ? .taskCommented : .taskCommentChanged,
                detail([
                    "commentId": comment.id.attributeValue, "taskId": comment.taskID.attributeValue,
                    "projectId": comment.projectID.attributeValue,
                    "author": comment.authorID.attributeValue,
                    "actor": old == nil
                        ? comment.authorID.attributeValue : comment.updatedByID?.attributeValue,
                ])
            )
        ]
    }

    private static func dependencyEvents(
        _ old: CodexFlow.Dependency?, _ new: CodexFlow.Dependency?
    ) -> [(Kind, AttributeMap)] {
        // The history reports a removed dependency. One that its project's deletion removes is no
        // event.
        guard let new, (old?.isOpen ?? false) != new.isOpen else { return [] }
        return [
            (
                new.isOpen ? .taskBlocked : .taskUnblocked,
                detail([
                    "taskId": new.taskID.attributeValue, "blockerId": new.blockerID.attributeValue,
                    "projectId": new.projectID.attributeValue,
                    // Later, a change of one of the tasks opens and closes it.
                    "actor": old == nil ? new.createdByID?.attributeValue : nil,
                ])
            )
        ]
    }

    /// The events of removed comments, dependencies and work, which only the history reports.
    private static func activityEvents(
        _ entry: CodexFlow.Activity?
    ) throws(CodexError) -> [(Kind, AttributeMap)] {
        guard let entry else { return [] }
        func change(_ field: String) -> CodexFlow.Activity.Change? {
            entry.changes.first { $0.field == field }
        }
        switch entry.kind {
        case .commentDeleted:
            return [
                (
                    .taskCommentDeleted,
                    detail([
                        "commentId": change("commentId")?.to,
                        "taskId": entry.taskID.attributeValue,
                        "projectId": entry.projectID.attributeValue,
                        "actor": entry.actorID.attributeValue,
                    ])
                )
            ]
        case .unlinked where change("isOpen")?.from == .bool(true):
            return [
                (
                    .taskUnblocked,
                    detail([
                        "taskId": entry.taskID.attributeValue,
                        "blockerId": change("blockerId")?.from,
                        "projectId": entry.projectID.attributeValue,
                        "actor": entry.actorID.attributeValue,
                    ])
                )
            ]
        case .worked where change("hours")?.to == .number(0):
            let before = change("hours")?.from?.number ?? 0
            return [
                (
                    .workLogged,
                    detail([
                        "taskId": entry.taskID.attributeValue,
                        "projectId": entry.projectID.attributeValue,
                        "userId": change("userId")?.to ?? entry.actorID.attributeValue,
                        "day": change("day")?.to,
                        "hours": .number(try Number(0).subtracting(before)), "total": 0,
                        "actor": entry.actorID.attributeValue,
                    ])
                )
            ]
        default: return []
        }
    }

    private static func workEvents(
        _ old: CodexFlow.WorkLog?, _ new: CodexFlow.WorkLog?
    ) throws(CodexError) -> [(Kind, AttributeMap)] {
        // The history reports a removed work log. One that its project's deletion removes is no
        // event.
        guard let log = new else { return [] }
        let hours = try log.hours.subtracting(old?.hours ?? 0)
        return [
            (
                .workLogged,
                detail([
                    "taskId": log.taskID.attributeValue, "projectId": log.projectID.attributeValue,
                    "userId": log.userID.attributeValue, "day": log.day.attributeValue,
                    "hours": .number(hours), "total": .number(log.hours),
                    "actor": log.updatedByID?.attributeValue,
                ])
            )
        ]
    }

    // MARK: Projects

    private static func projectEvents(
        _ old: CodexFlow.Project?, _ new: CodexFlow.Project?
    ) -> [(Kind, AttributeMap)] {
        guard let project = new ?? old else { return [] }
        // The user who began the deletion is the actor of its end, too.
        let actor = new != nil || old?.deletingSince != nil ? project.updatedByID : nil
        func detail(_ more: [String: AttributeValue?] = [:]) -> AttributeMap {
            let members: [String: AttributeValue?] = [
                "projectId": project.id.attributeValue, "name": .string(project.name),
                "key": project.key.map { .string($0) }, "owner": project.ownerID.attributeValue,
                "status": project.status.map { .string($0.rawValue) },
                "actor": actor?.attributeValue,
            ]
            return Self.detail(members.merging(more) { $1 })
        }
        guard let new else { return [(.projectDeleted, detail())] }
        guard let old else { return [(.projectCreated, detail())] }
        var events: [(Kind, AttributeMap)] = []
        if old.ownerID != new.ownerID {
            let before = ["previousOwner": AttributeValue?.some(old.ownerID.attributeValue)]
            events.append((.projectTransferred, detail(before)))
        }
        if old.status != new.status {
            let from = ["from": old.status.map { AttributeValue.string($0.rawValue) }]
            events.append((.projectStatusChanged, detail(from)))
        }
        if (old.archivedAt == nil) != (new.archivedAt == nil) {
            events.append((new.archivedAt == nil ? .projectRestored : .projectArchived, detail()))
        }
        if old.deletingSince == nil, new.deletingSince != nil {
            events.append((.projectDeletionStarted, detail()))
        }
        let told: Set<String> = ["owner", "status", "archivedAt", "deletingSince"]
        let fields = old.changedFields(to: new).filter { !told.contains($0) }
        if !fields.isEmpty {
            events.append((.projectUpdated, detail(["fields": fields.attributeValue])))
        }
        return events
    }

    private static func memberEvents(
        _ old: CodexFlow.Member?, _ new: CodexFlow.Member?
    ) -> [(Kind, AttributeMap)] {
        guard let member = new ?? old else { return [] }
        let kind: Kind =
            old == nil ? .memberAdded : new == nil ? .memberRemoved : .memberChanged
        return [
            (
                kind,
                detail([
                    "projectId": member.projectID.attributeValue,
                    "userId": member.userID.attributeValue, "role": .string(member.role.rawValue),
                    "actor": new?.updatedByID?.attributeValue,
                ])
            )
        ]
    }

    // MARK: PRDs

    private static func prdEvents(
        _ old: CodexFlow.PRD?, _ new: CodexFlow.PRD?
    ) -> [(Kind, AttributeMap)] {
        guard let new else { return [] }
        let author = old == nil ? new.createdBy : nil
        let detail = detail([
            "prdId": new.id.attributeValue, "projectId": new.projectID.attributeValue,
            "version": new.version.attributeValue, "title": .string(new.title),
            "approvalStatus": new.approvalStatus.map { .string($0.rawValue) },
            "contentHash": new.contentHash.map { .string($0) },
            "createdBy": new.createdBy?.attributeValue,
            "actor": (new.updatedByID ?? author)?.attributeValue,
        ])
        guard let old else { return [(new.version == 1 ? .prdCreated : .prdVersionAdded, detail)] }
        guard old.approvalStatus != new.approvalStatus else { return [] }
        switch new.approvalStatus {
        case .inReview: return [(.prdSubmitted, detail)]
        case .approved: return [(.prdApproved, detail)]
        case .rejected: return [(.prdRejected, detail)]
        case .draft: return [(.prdChangesRequested, detail)]
        case .superseded: return [(.prdSuperseded, detail)]
        case .archived: return [(.prdArchived, detail)]
        case nil: return []
        }
    }

    private static func reviewEvents(
        _ review: CodexFlow.PRDReview?
    ) -> [(Kind, AttributeMap)] {
        guard let review else { return [] }
        return [
            (
                .prdReviewed,
                detail([
                    "prdId": review.prdID.attributeValue,
                    "projectId": review.projectID.attributeValue,
                    "version": review.version.attributeValue,
                    "contentHash": .string(review.contentHash),
                    "userId": review.userID.attributeValue,
                    "actor": review.userID.attributeValue,
                    "decision": .string(review.decision.rawValue),
                ])
            )
        ]
    }

    // MARK: Users

    private static func userEvents(
        _ old: CodexFlow.User?, _ new: CodexFlow.User?
    ) -> [(Kind, AttributeMap)] {
        guard let user = new ?? old else { return [] }
        let detail = detail([
            "userId": user.id.attributeValue, "role": user.role.map { .string($0.rawValue) },
            "state": user.state.map { .string($0.rawValue) },
            "actor": new?.updatedByID?.attributeValue,
        ])
        guard let new else { return [(.userDeleted, detail)] }
        guard let old else { return [(.userCreated, detail)] }
        var events: [(Kind, AttributeMap)] = []
        // A user who was imported without a state is active.
        let (before, after) = (old.state ?? .active, new.state ?? .active)
        var isUpdated = old.changedFields(to: new).contains { $0 != "state" }
        if before != after {
            switch after {
            case .suspended: events.append((.userSuspended, detail))
            case .active: events.append((.userActivated, detail))
            // No command invites again. A user who is stored so is updated.
            case .invited: isUpdated = true
            }
        }
        if isUpdated { events.append((.userUpdated, detail)) }
        return events
    }

    private static func sessionEvents(
        _ old: CodexFlow.Session?, _ new: CodexFlow.Session?, isExpiry: Bool
    ) -> [(Kind, AttributeMap)] {
        // A use of a session is no event.
        guard (old == nil) != (new == nil), let session = new ?? old else { return [] }
        return [
            (
                new == nil ? .sessionEnded : .sessionOpened,
                detail([
                    "userId": session.userID.attributeValue,
                    "kind": .string(session.kind.rawValue),
                    "expired": new == nil ? .bool(isExpiry) : nil,
                ])
            )
        ]
    }
}
