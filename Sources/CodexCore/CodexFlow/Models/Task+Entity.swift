internal import FoundationEssentials

extension CodexFlow.Task {
    enum Field: Int, EntityField {
        case taskId, projectId, title, assignee, number, body, kind, status, priority, estimate
        case complexity, reporter, labels, dueDate, parentId, cycleId, rank, acceptanceCriteria
        case origin, claim, reopenCount, startedAt, completedAt, canceledAt, statusChangedAt
        case archivedAt, createdAt, updatedAt, updatedBy, metadata, expiredToken, skills, notBefore
        case attempts, maximumAttempts, diedAt, blocked, result

        static let definitions: [FieldDefinition] = [
            .required("taskId", .string), .required("projectId", .string),
            .required("title", .string), .optional("assignee", .string),
            .optional("number", .number), .optional("body", .string), .optional("kind", .string),
            .optional("status", .string), .optional("priority", .string),
            .optional("estimate", .number), .optional("complexity", .number),
            .optional("reporter", .string), .optional("labels", .list),
            .optional("dueDate", .string), .optional("parentId", .string),
            .optional("cycleId", .string), .optional("rank", .string),
            .optional("acceptanceCriteria", .list), .optional("origin", .map),
            .optional("claim", .map), .optional("reopenCount", .number),
            .optional("startedAt", .string), .optional("completedAt", .string),
            .optional("canceledAt", .string), .optional("statusChangedAt", .string),
            .optional("archivedAt", .string), .optional("createdAt", .string),
            .optional("updatedAt", .string), .optional("updatedBy", .string),
            .optional("metadata", .map), .optional("expiredToken", .number),
            .optional("skills", .list), .optional("notBefore", .string),
            .optional("attempts", .number), .optional("maximumAttempts", .number),
            .optional("diedAt", .string), .optional("blocked", .bool), .optional("result", .map),
        ]

        var definition: FieldDefinition { Self.definitions[rawValue] }
    }

    /// The stored name, keys and fields.
    public static let definition = EntityDefinition(
        "task", table: CodexFlow.table, schemaVersion: 3,
        keys: ["PK": "PROJECT#{projectId}", "SK": "TASK#{taskId}"], fields: Field.definitions)

    /// The keys of indexes.
    public static let furtherAttributes = [
        "GSI1PK", "GSI1SK", "GSI2PK", "GSI2SK",
        "GSI3PK", "GSI3SK", "GSI4PK", "GSI4SK", "GSI5PK", "GSI5SK", "GSI6PK", "GSI6SK",
    ]

    /// Adds the index keys for due day and story, which version 1 did not have, and for claims,
    /// which version 2 did not have.
    ///
    /// Among the tasks of its assignee, the task gets its place by project. Labels get their
    /// canonical form C.
    public static func upgrade(_ item: inout Item, from version: Int) throws(CodexError) {
        guard version < 3 else { return }
        if let labels = item["labels"] { item["labels"] = CodexFlow.Text.labels(labels) }
        for element in try Self(item: item).indexKeys()
        where item[element.name] == nil || element.name == "GSI1SK" {
            item[element.name] = element.value
        }
    }

    /// The sort key of the task among those of its assignee.
    ///
    /// No identifier has `#`. After it come `$` and `%`. So the open tasks are one range of keys,
    /// from `TASK#$` on, and those of a project are a part of it. A task that is open without a
    /// status has the key of the architecture document, without its project, from `TASK#%` on. So
    /// has an open task whose key would be too long.
    private var assigneeKey: String {
        let key =
            if !isOpen {
                "TASK##\(id)"
            } else if status != nil {
                "TASK#$\(projectID)#\(id)"
            } else {
                unplacedKey
            }
        if Self.isShort(key) { return key }
        guard isOpen else { return "TASK##" }
        let other = unplacedKey
        return Self.isShort(other) ? other : "TASK#%"
    }

    /// The sort key of an open task without its project.
    private var unplacedKey: String {
        let isEarly = id.rawValue.utf8.first.map { $0 < UInt8(ascii: "%") } ?? false
        return isEarly ? "TASK#%\(id)" : "TASK#\(id)"
    }

    /// Whether a text is not too long for a sort key.
    static func isShort(_ key: String) -> Bool {
        key.utf8.count <= DynamoDBLimits.sortKeyByteCountMax
    }

    /// The first sort key of an open task of an assignee.
    package static let firstOpenKey = "TASK#$"

    /// The sort key from which a search for open tasks of an assignee in other projects continues
    /// after this task.
    ///
    /// The task's sort key is not known. It has the project and the identifier, or the identifier
    /// alone if an earlier release or a raw write stored it. The search continues after the first
    /// of both keys that it can have met. It may find the task a second time under the other key.
    ///
    /// - Parameter key: The key from which on the task was the first one.
    /// - Returns: The next key; `nil` if the task has neither key.
    package func nextOpenKey(after key: String) -> String? {
        // `$` comes after `#`, so all keys of the project are passed over. No character of an
        // identifier comes before the space.
        let ends = ["TASK#$\(projectID)$", "TASK#\(id) "].filter {
            Self.isShort($0) && ByteOrder.compare(key, $0) < 0
                && ByteOrder.compare($0, "TASK#%") < 0
        }
        return ends.min { ByteOrder.compare($0, $1) < 0 }
    }

    /// The attributes by which indexes find the task.
    private func indexKeys() throws(CodexError) -> Item {
        var keys = Item()
        if let assigneeID {
            keys["GSI1PK"] = .string("ASSIGNEE#\(assigneeID)")
            keys["GSI1SK"] = .string(assigneeKey)
        }
        if let status, archivedAt == nil {
            keys["GSI2PK"] = .string("PROJECT#\(projectID)#STATUS#\(status.rawValue)")
            keys["GSI2SK"] = .string("TASK#\(id)")
        }
        if let dueDate, isOpen {
            keys["GSI3PK"] = .string("PROJECT#\(projectID)#DUE")
            keys["GSI3SK"] = .string("\(dueDate)#TASK#\(id)")
        }
        if let claim {
            keys["GSI5PK"] = .string("HOLDER#\(claim.holder)")
            keys["GSI5SK"] = .string("PROJECT#\(projectID)#TASK#\(id)")
        }
        if let (partition, sort) = queueKeys {
            keys["GSI6PK"] = .string(partition)
            keys["GSI6SK"] = .string(sort)
        }
        if case .prd(let prd, _, let story?) = origin {
            try KeyTemplate.requirePart(prd, name: "origin")
            try KeyTemplate.requirePart(story, name: "origin")
            keys["GSI4PK"] = .string("PROJECT#\(projectID)#STORY#\(prd)#\(story)")
            keys["GSI4SK"] = .string("TASK#\(id)")
        }
        return keys
    }

    /// The attributes, as the architecture document defines them.
    public func item() throws(CodexError) -> Item {
        var keys = try indexKeys()
        keys["PK"] = .string("PROJECT#\(projectID)")
        keys["SK"] = .string("TASK#\(id)")
        var writer = FieldWriter<Field>(keys)
        writer.set(.taskId, id)
        writer.set(.projectId, projectID)
        writer.set(.title, title)
        writer.set(.assignee, CodexFlow.UserReference(assigneeID))
        writer.set(.number, number)
        writer.set(.body, body)
        writer.setChoice(.kind, kind)
        writer.setChoice(.status, status)
        writer.setChoice(.priority, priority)
        writer.set(.estimate, estimate)
        writer.set(.complexity, complexity)
        writer.set(.reporter, CodexFlow.UserReference(reporterID))
        writer.setList(.labels, CodexFlow.Text.labels(labels))
        writer.set(.dueDate, dueDate)
        writer.set(.parentId, parentID)
        writer.set(.cycleId, cycleID)
        writer.set(.rank, rank)
        writer.setList(.acceptanceCriteria, acceptanceCriteria)
        writer.set(.origin, origin)
        writer.set(.claim, claim)
        writer.set(.reopenCount, reopenCount)
        writer.set(.startedAt, startedAt)
        writer.set(.completedAt, completedAt)
        writer.set(.canceledAt, canceledAt)
        writer.set(.statusChangedAt, statusChangedAt)
        writer.set(.archivedAt, archivedAt)
        writer.set(.createdAt, createdAt)
        writer.set(.updatedAt, updatedAt)
        writer.set(.updatedBy, CodexFlow.UserReference(updatedByID))
        writer.set(.metadata, metadata.map { AttributeValue.map($0) })
        writer.set(.expiredToken, expiredToken)
        writer.setList(.skills, skills)
        writer.set(.notBefore, notBefore)
        writer.set(.attempts, attempts)
        writer.set(.maximumAttempts, maximumAttempts)
        writer.set(.diedAt, diedAt)
        if isBlocked { writer.set(.blocked, true) }
        writer.set(.result, result)
        return writer.item
    }

    // All fields are read first, then the initializer that the compiler synthesizes sets them. An
    // initializer that throws in between, or is written out, copies the 500 bytes of a task twice
    // in Swift 6.3.
    /// Reads a task from an item in place.
    public init(reading reader: borrowing FieldReader) throws(CodexError) {
        let id: ID = try reader.identifier(Field.taskId)
        let projectID: CodexFlow.Project.ID = try reader.identifier(Field.projectId)
        let title: String = try reader.string(Field.title)
        let assigneeID: CodexFlow.User.ID? = try reader.optionalIdentifier(
            Field.assignee, prefix: "USER#")
        let number: Int? = try reader.optionalInt(Field.number)
        let body: String? = try reader.optionalString(Field.body)
        let kind: Kind? = try reader.optionalChoice(Field.kind)
        let status: Status? = try reader.optionalChoice(Field.status)
        let priority: Priority? = try reader.optionalChoice(Field.priority)
        let estimate: Int? = try reader.optionalInt(Field.estimate)
        let complexity: Int? = try reader.optionalInt(Field.complexity)
        let reporterID: CodexFlow.User.ID? = try reader.optionalIdentifier(
            Field.reporter, prefix: "USER#")
        let labels: [String] = try reader.list(Field.labels)
        let dueDate: CalendarDay? = try reader.optional(Field.dueDate)
        let parentID: ID? = try reader.optionalIdentifier(Field.parentId)
        let cycleID: String? = try reader.optionalString(Field.cycleId)
        let rank: String? = try reader.optionalString(Field.rank)
        let acceptanceCriteria: [Criterion] = try reader.list(Field.acceptanceCriteria)
        let origin: Origin? = try reader.optional(Field.origin)
        let claim: Claim? = try reader.optional(Field.claim)
        let reopenCount: Int? = try reader.optionalInt(Field.reopenCount)
        let startedAt: Date? = try reader.optionalDate(Field.startedAt)
        let completedAt: Date? = try reader.optionalDate(Field.completedAt)
        let canceledAt: Date? = try reader.optionalDate(Field.canceledAt)
        let statusChangedAt: Date? = try reader.optionalDate(Field.statusChangedAt)
        let archivedAt: Date? = try reader.optionalDate(Field.archivedAt)
        let createdAt: Date? = try reader.optionalDate(Field.createdAt)
        let updatedAt: Date? = try reader.optionalDate(Field.updatedAt)
        let updatedByID: CodexFlow.User.ID? = try reader.optionalIdentifier(
            Field.updatedBy, prefix: "USER#")
        let metadata: AttributeMap? = try reader.optional(Field.metadata, as: AttributeValue.self)?
            .map
        let expiredToken: Int? = try reader.optionalInt(Field.expiredToken)
        let skills: [String] = try reader.list(Field.skills)
        let notBefore: Date? = try reader.optionalDate(Field.notBefore)
        let attempts: Int? = try reader.optionalInt(Field.attempts)
        let maximumAttempts: Int? = try reader.optionalInt(Field.maximumAttempts)
        let diedAt: Date? = try reader.optionalDate(Field.diedAt)
        let isBlocked: Bool? = try reader.optional(Field.blocked)
        let result: Result? = try reader.optional(Field.result)
        self.init(
            id: id, projectID: projectID, title: title, assigneeID: assigneeID, number: number,
            body: body, kind: kind, status: status, priority: priority, estimate: estimate,
            complexity: complexity, reporterID: reporterID, labels: labels, dueDate: dueDate,
            parentID: parentID, cycleID: cycleID, rank: rank,
            acceptanceCriteria: acceptanceCriteria, origin: origin, claim: claim,
            reopenCount: reopenCount, startedAt: startedAt, completedAt: completedAt,
            canceledAt: canceledAt, statusChangedAt: statusChangedAt, archivedAt: archivedAt,
            createdAt: createdAt, updatedAt: updatedAt, updatedByID: updatedByID,
            metadata: metadata, expiredToken: expiredToken, skills: skills, notBefore: notBefore,
            attempts: attempts, maximumAttempts: maximumAttempts, diedAt: diedAt,
            isBlocked: isBlocked ?? false, result: result, unchangedTexts: .all
        )
    }
}

extension CodexFlow.Task.Criterion: AttributeConvertible {
    /// A map value.
    public var attributeValue: AttributeValue {
        ["id": .string(id), "text": .string(text), "met": .bool(isMet)]
    }

    /// Reads a map value.
    public init?(attributeValue: AttributeValue) {
        guard let map = attributeValue.map, let id = map["id"]?.string,
            let text = map["text"]?.string, case .bool(let isMet)? = map["met"]
        else { return nil }
        self.init(id: id, text: text, isMet: isMet)
    }
}

extension CodexFlow.Task.Origin: AttributeConvertible {
    /// A map value.
    public var attributeValue: AttributeValue {
        switch self {
        case .human: return ["kind": "human"]
        case .agent: return ["kind": "agent"]
        case .prd(let id, let version, let storyID):
            var map: AttributeMap = [
                "kind": "prd", "prdId": .string(id), "version": .number(Number(version)),
            ]
            map["storyId"] = storyID.map { .string($0) }
            return .map(map)
        }
    }

    /// Reads a map value.
    public init?(attributeValue: AttributeValue) {
        guard let map = attributeValue.map else { return nil }
        switch map["kind"]?.string {
        case "human"?: self = .human
        case "agent"?: self = .agent
        case "prd"?:
            guard let id = map["prdId"]?.string, let version = map["version"]?.number?.int64 else {
                return nil
            }
            self = .prd(id: id, version: Int(version), storyID: map["storyId"]?.string)
        default: return nil
        }
    }
}

extension CodexFlow.Task.Claim: AttributeConvertible {
    /// A map value.
    public var attributeValue: AttributeValue {
        var map: AttributeMap = [
            "by": .string("USER#\(holder)"), "until": until.attributeValue,
        ]
        map["token"] = token?.attributeValue
        return .map(map)
    }

    /// Reads a map value.
    public init?(attributeValue: AttributeValue) {
        guard let map = attributeValue.map,
            let by = map["by"].flatMap(CodexFlow.UserReference.init(attributeValue:)),
            let until = map["until"].flatMap(Date.init(attributeValue:))
        else { return nil }
        self.init(
            holder: by.id, until: until, token: map["token"].flatMap(Int.init(attributeValue:)))
    }
}
