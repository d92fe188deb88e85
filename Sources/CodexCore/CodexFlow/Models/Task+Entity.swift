internal import FoundationEssentials

extension CodexFlow.Task {
    enum Field: Int, EntityField {
        case taskId, projectId, title, assignee, number, body, kind, status, priority, estimate
        case complexity, reporter, labels, dueDate, parentId, cycleId, rank, acceptanceCriteria
        case origin, claim, reopenCount, startedAt, completedAt, canceledAt, statusChangedAt
        case archivedAt, createdAt, updatedAt, updatedBy, metadata

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
            .optional("metadata", .map),
        ]

        var definition: FieldDefinition { Self.definitions[rawValue] }
    }

    /// The stored name, keys and fields.
    public static let definition = EntityDefinition(
        "task", table: CodexFlow.table, schemaVersion: 2,
        keys: ["PK": "PROJECT#{projectId}", "SK": "TASK#{taskId}"], fields: Field.definitions)

    /// Version 2 is found by due day and by story.
    public static func upgrade(_ item: inout Item, from version: Int) throws(CodexError) {
        guard version == 1 else { return }
        for element in try Self(item: item).indexKeys() where item[element.name] == nil {
            item[element.name] = element.value
        }
    }

    /// The attributes by which indexes find the task.
    private func indexKeys() throws(CodexError) -> Item {
        var keys = Item()
        if let assigneeID {
            keys["GSI1PK"] = .string("ASSIGNEE#\(assigneeID)")
            keys["GSI1SK"] = .string("TASK#\(id)")
        }
        if let status, archivedAt == nil {
            keys["GSI2PK"] = .string("PROJECT#\(projectID)#STATUS#\(status.rawValue)")
            keys["GSI2SK"] = .string("TASK#\(id)")
        }
        if let dueDate, isOpen {
            keys["GSI3PK"] = .string("PROJECT#\(projectID)#DUE")
            keys["GSI3SK"] = .string("\(dueDate)#TASK#\(id)")
        }
        if case .prd(let prd, _, let story?) = origin {
            try KeyTemplate.requirePart(prd, name: "origin")
            try KeyTemplate.requirePart(story, name: "origin")
            keys["GSI4PK"] = .string("PROJECT#\(projectID)#STORY#\(prd)#\(story)")
            keys["GSI4SK"] = .string("TASK#\(id)")
        }
        return keys
    }

    /// The attributes, as the architecture document has them.
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
        writer.setList(.labels, labels)
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
        return writer.item
    }

    /// Reads a task from an item in place.
    public init(reading reader: borrowing FieldReader) throws(CodexError) {
        id = try reader.identifier(Field.taskId)
        projectID = try reader.identifier(Field.projectId)
        title = try reader.string(Field.title)
        assigneeID = try reader.optionalIdentifier(Field.assignee, prefix: "USER#")
        number = try reader.optionalInt(Field.number)
        body = try reader.optionalString(Field.body)
        kind = try reader.optionalChoice(Field.kind)
        status = try reader.optionalChoice(Field.status)
        priority = try reader.optionalChoice(Field.priority)
        estimate = try reader.optionalInt(Field.estimate)
        complexity = try reader.optionalInt(Field.complexity)
        reporterID = try reader.optionalIdentifier(Field.reporter, prefix: "USER#")
        labels = try reader.list(Field.labels)
        dueDate = try reader.optional(Field.dueDate)
        parentID = try reader.optionalIdentifier(Field.parentId)
        cycleID = try reader.optionalString(Field.cycleId)
        rank = try reader.optionalString(Field.rank)
        acceptanceCriteria = try reader.list(Field.acceptanceCriteria)
        origin = try reader.optional(Field.origin)
        claim = try reader.optional(Field.claim)
        reopenCount = try reader.optionalInt(Field.reopenCount)
        startedAt = try reader.optionalDate(Field.startedAt)
        completedAt = try reader.optionalDate(Field.completedAt)
        canceledAt = try reader.optionalDate(Field.canceledAt)
        statusChangedAt = try reader.optionalDate(Field.statusChangedAt)
        archivedAt = try reader.optionalDate(Field.archivedAt)
        createdAt = try reader.optionalDate(Field.createdAt)
        updatedAt = try reader.optionalDate(Field.updatedAt)
        updatedByID = try reader.optionalIdentifier(Field.updatedBy, prefix: "USER#")
        metadata = try reader.optional(Field.metadata, as: AttributeValue.self)?.map
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
        ["by": .string("USER#\(holder)"), "until": until.attributeValue]
    }

    /// Reads a map value.
    public init?(attributeValue: AttributeValue) {
        guard let map = attributeValue.map,
            let by = map["by"].flatMap(CodexFlow.UserReference.init(attributeValue:)),
            let until = map["until"].flatMap(Date.init(attributeValue:))
        else { return nil }
        self.init(holder: by.id, until: until)
    }
}
