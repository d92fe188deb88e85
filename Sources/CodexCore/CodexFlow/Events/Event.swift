public import FoundationEssentials

extension CodexFlow {
    /// Something that happened in CodexFlow, in EventBridge's envelope.
    ///
    /// Events are derived from the stream of changes, so there is one exactly if the write is there;
    /// the same change always gives the same events with the same identifiers, which tells those that
    /// are delivered twice.
    public struct Event: Sendable, Hashable {
        /// What happened: EventBridge's `detail-type`.
        public enum Kind: String, Sendable, Hashable, CaseIterable {
            case taskCreated = "TaskCreated"
            case taskUpdated = "TaskUpdated"
            case taskAssigned = "TaskAssigned"
            case taskUnassigned = "TaskUnassigned"
            case taskStatusChanged = "TaskStatusChanged"
            case taskStarted = "TaskStarted"
            case taskCompleted = "TaskCompleted"
            case taskCanceled = "TaskCanceled"
            case taskReopened = "TaskReopened"
            case taskClaimed = "TaskClaimed"
            case taskReleased = "TaskReleased"
            case taskArchived = "TaskArchived"
            case taskDeleted = "TaskDeleted"
            case taskCommented = "TaskCommented"
            case taskBlocked = "TaskBlocked"
            case taskUnblocked = "TaskUnblocked"
            case workLogged = "WorkLogged"
            case projectCreated = "ProjectCreated"
            case projectUpdated = "ProjectUpdated"
            case projectStatusChanged = "ProjectStatusChanged"
            case projectArchived = "ProjectArchived"
            case projectRestored = "ProjectRestored"
            case projectTransferred = "ProjectTransferred"
            case projectDeleted = "ProjectDeleted"
            case memberAdded = "MemberAdded"
            case memberChanged = "MemberChanged"
            case memberRemoved = "MemberRemoved"
            case prdCreated = "PRDCreated"
            case prdVersionAdded = "PRDVersionAdded"
            case prdSubmitted = "PRDSubmitted"
            case prdApproved = "PRDApproved"
            case prdRejected = "PRDRejected"
            case prdChangesRequested = "PRDChangesRequested"
            case prdSuperseded = "PRDSuperseded"
            case prdArchived = "PRDArchived"
            case userCreated = "UserCreated"
            case userUpdated = "UserUpdated"
            case userSuspended = "UserSuspended"
            case userActivated = "UserActivated"
            case userDeleted = "UserDeleted"
            case sessionOpened = "SessionOpened"
            case sessionEnded = "SessionEnded"

            /// The service that the event is of: EventBridge's `source`.
            public var source: String {
                switch rawValue.prefix(4) {
                case "Task", "Work": "codexflow.tasks"
                case "Proj", "Memb": "codexflow.projects"
                case "PRDC", "PRDV", "PRDS", "PRDA", "PRDR": "codexflow.prds"
                default: "codexflow.users"
                }
            }
        }

        /// Identifies the event: the same for the same change.
        public let id: String
        /// What happened.
        public let kind: Kind
        /// When it was committed.
        public let time: Date
        /// What is to know about it.
        public let detail: AttributeMap

        /// Creates an event.
        public init(id: String, kind: Kind, time: Date, detail: AttributeMap) {
            self.id = id
            self.kind = kind
            self.time = time
            self.detail = detail
        }

        /// The service that the event is of.
        public var source: String { kind.source }

        /// The event as EventBridge delivers one, with an empty account and region.
        public var envelope: AttributeMap {
            [
                "version": "0", "id": .string(id), "detail-type": .string(kind.rawValue),
                "source": .string(source), "account": "", "region": "",
                "time": .string(Self.seconds(time)), "resources": [], "detail": .map(detail),
            ]
        }

        /// The envelope as JSON.
        public var json: String { DynamoDBJSON.plainText(envelope) }

        /// EventBridge's times have whole seconds.
        private static func seconds(_ time: Date) -> String {
            Timestamp.text(time).prefix(19) + "Z"
        }

        /// The text of a member of the detail.
        public func text(_ name: String) -> String? { detail[name]?.string }
    }
}

extension CodexFlow.Event {
    /// The events that one change of an item stands for.
    ///
    /// - Parameters:
    ///   - entity: The item's entity.
    ///   - old: The item before it, if there was one.
    ///   - new: The item after it, if there is one.
    ///   - time: When it was committed.
    ///   - origin: The store's identifier: sequence numbers are one store's own.
    ///   - sequence: The change's place in the stream.
    ///   - isExpiry: Whether the item went because its time was over.
    /// - Returns: None for what is nobody's event: history, sequences, analytics.
    /// - Throws: What reading the models throws.
    public static func events(
        of entity: String?, old: Item?, new: Item?, time: Date, origin: String, sequence: String,
        isExpiry: Bool = false
    ) throws(CodexError) -> [CodexFlow.Event] {
        let found: [(Kind, AttributeMap)]
        switch entity {
        case CodexFlow.Task.definition.name?: found = try taskEvents(read(old), read(new))
        case CodexFlow.Project.definition.name?: found = try projectEvents(read(old), read(new))
        case CodexFlow.PRD.definition.name?: found = try prdEvents(read(old), read(new))
        case CodexFlow.User.definition.name?: found = try userEvents(read(old), read(new))
        case CodexFlow.Member.definition.name?: found = try memberEvents(read(old), read(new))
        case CodexFlow.Session.definition.name?:
            found = try sessionEvents(read(old), read(new), isExpiry)
        case CodexFlow.Comment.definition.name?:
            found = old == nil ? try commentEvents(read(new)) : []
        case CodexFlow.Dependency.definition.name?:
            found = try dependencyEvents(read(old), read(new))
        case CodexFlow.WorkLog.definition.name?: found = try workEvents(read(old), read(new))
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

    /// A UUID (version 8, RFC 9562) that follows from text.
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

    /// A map of what there is.
    private static func detail(_ members: [String: AttributeValue?]) -> AttributeMap {
        AttributeMap(members.compactMap { name, value in value.map { (name, $0) } })
    }

    // MARK: Tasks

    private static func taskEvents(
        _ old: CodexFlow.Task?, _ new: CodexFlow.Task?
    ) throws(CodexError) -> [(Kind, AttributeMap)] {
        guard let task = new ?? old else { return [] }
        func detail(_ more: [String: AttributeValue?] = [:]) -> AttributeMap {
            let members: [String: AttributeValue?] = [
                "taskId": task.id.attributeValue, "projectId": task.projectID.attributeValue,
                "number": task.number?.attributeValue, "title": .string(task.title),
                "status": task.status.map { .string($0.rawValue) },
                "assignee": task.assigneeID?.attributeValue,
            ]
            return Self.detail(members.merging(more) { $1 })
        }
        guard let new else { return [(.taskDeleted, detail())] }
        guard let old else {
            var events = [(Kind.taskCreated, detail(["createdAt": new.createdAt?.attributeValue]))]
            if new.assigneeID != nil { events.append((.taskAssigned, detail())) }
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
        if old.claim != new.claim, new.status?.isOpen ?? true {
            let holder = (new.claim ?? old.claim)?.holder.attributeValue
            events.append(
                (new.claim == nil ? .taskReleased : .taskClaimed, detail(["holder": holder])))
        }
        if old.archivedAt == nil, new.archivedAt != nil { events.append((.taskArchived, detail())) }
        let told: Set<String> = [
            "assignee", "status", "claim", "archivedAt", "completedAt", "canceledAt", "startedAt",
            "reopenCount",
        ]
        let fields = old.changes(to: new).map(\.field).filter { !told.contains($0) }
        if !fields.isEmpty {
            events.append((.taskUpdated, detail(["fields": fields.attributeValue])))
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
        _ comment: CodexFlow.Comment?
    ) throws(CodexError) -> [(Kind, AttributeMap)] {
        guard let comment else { return [] }
        return [
            (
                .taskCommented,
                detail([
                    "commentId": comment.id.attributeValue, "taskId": comment.taskID.attributeValue,
                    "projectId": comment.projectID.attributeValue,
                    "author": comment.authorID.attributeValue,
                ])
            )
        ]
    }

    private static func dependencyEvents(
        _ old: CodexFlow.Dependency?, _ new: CodexFlow.Dependency?
    ) throws(CodexError) -> [(Kind, AttributeMap)] {
        let (was, isNow) = (old?.isOpen ?? false, new?.isOpen ?? false)
        guard was != isNow, let dependency = new ?? old else { return [] }
        return [
            (
                isNow ? .taskBlocked : .taskUnblocked,
                detail([
                    "taskId": dependency.taskID.attributeValue,
                    "blockerId": dependency.blockerID.attributeValue,
                    "projectId": dependency.projectID.attributeValue,
                ])
            )
        ]
    }

    private static func workEvents(
        _ old: CodexFlow.WorkLog?, _ new: CodexFlow.WorkLog?
    ) throws(CodexError) -> [(Kind, AttributeMap)] {
        guard let log = new ?? old else { return [] }
        let hours = try (new?.hours ?? 0).subtracting(old?.hours ?? 0)
        return [
            (
                .workLogged,
                detail([
                    "taskId": log.taskID.attributeValue, "projectId": log.projectID.attributeValue,
                    "userId": log.userID.attributeValue, "day": log.day.attributeValue,
                    "hours": .number(hours), "total": .number(new?.hours ?? 0),
                ])
            )
        ]
    }

    // MARK: Projects

    private static func projectEvents(
        _ old: CodexFlow.Project?, _ new: CodexFlow.Project?
    ) throws(CodexError) -> [(Kind, AttributeMap)] {
        guard let project = new ?? old else { return [] }
        func detail(_ more: [String: AttributeValue?] = [:]) -> AttributeMap {
            let members: [String: AttributeValue?] = [
                "projectId": project.id.attributeValue, "name": .string(project.name),
                "key": project.key.map { .string($0) }, "owner": project.ownerID.attributeValue,
                "status": project.status.map { .string($0.rawValue) },
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
        if events.isEmpty, old.deletingSince == new.deletingSince {
            events.append((.projectUpdated, detail()))
        }
        return events
    }

    private static func memberEvents(
        _ old: CodexFlow.Member?, _ new: CodexFlow.Member?
    ) throws(CodexError) -> [(Kind, AttributeMap)] {
        guard let member = new ?? old else { return [] }
        let kind: Kind =
            old == nil ? .memberAdded : new == nil ? .memberRemoved : .memberChanged
        return [
            (
                kind,
                detail([
                    "projectId": member.projectID.attributeValue,
                    "userId": member.userID.attributeValue, "role": .string(member.role.rawValue),
                ])
            )
        ]
    }

    // MARK: PRDs

    private static func prdEvents(
        _ old: CodexFlow.PRD?, _ new: CodexFlow.PRD?
    ) throws(CodexError) -> [(Kind, AttributeMap)] {
        guard let new else { return [] }
        let detail = detail([
            "prdId": new.id.attributeValue, "projectId": new.projectID.attributeValue,
            "version": new.version.attributeValue, "title": .string(new.title),
            "approvalStatus": new.approvalStatus.map { .string($0.rawValue) },
            "contentHash": new.contentHash.map { .string($0) },
            "createdBy": new.createdBy?.attributeValue,
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

    // MARK: Users

    private static func userEvents(
        _ old: CodexFlow.User?, _ new: CodexFlow.User?
    ) throws(CodexError) -> [(Kind, AttributeMap)] {
        guard let user = new ?? old else { return [] }
        let detail = detail([
            "userId": user.id.attributeValue, "role": user.role.map { .string($0.rawValue) },
            "state": user.state.map { .string($0.rawValue) },
        ])
        guard let new else { return [(.userDeleted, detail)] }
        guard let old else { return [(.userCreated, detail)] }
        guard old.state != new.state else { return [(.userUpdated, detail)] }
        return [(new.state == .suspended ? .userSuspended : .userActivated, detail)]
    }

    private static func sessionEvents(
        _ old: CodexFlow.Session?, _ new: CodexFlow.Session?, _ isExpiry: Bool
    ) throws(CodexError) -> [(Kind, AttributeMap)] {
        // That one was used is no event.
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
