internal import CodexCore

/// What a command returns, in the form in which a repetition of the command finds it.
protocol CommandOutcome: Sendable {
    /// The stored form, of about `byteCount` bytes at most; `nil` is nothing.
    ///
    /// Attributes of an entity in it have at most ``CommandUse/levelCountMax`` levels.
    func stored(within byteCount: Int) throws -> AttributeValue?

    /// Reads the stored form.
    static func restored(
        _ value: AttributeValue?, _ context: CodexFlow.DecisionContext
    ) throws -> Self
}

extension CommandOutcome {
    static var damaged: CodexError {
        CodexError(
            .corrupted,
            "The stored result of the command cannot be read. Read what it changed, and use "
                + "another idempotency key.")
    }
}

// MARK: Entities

extension CommandOutcome where Self: Entity {
    /// The item, without its largest attributes if it is too large, and without those that are
    /// nested too deep: a repetition reads these from the entity as it is then.
    ///
    /// The keys and the required fields always stay, since the entity may be deleted by then. So
    /// does the time of its creation, which tells it from a new entity with the same identifier.
    func stored(within byteCount: Int) throws -> AttributeValue? {
        var item = try item()
        var large: [String] = []
        let required = Self.definition.fields.filter { !$0.isOptional }.map(\.name)
        let kept = Set(Self.definition.keys.keys).union(required).union(["createdAt"])
        func leaveOut(_ name: String) {
            item[name] = nil
            large.append(name)
        }
        for element in item.filter({ $0.value.isNested(over: CommandUse.levelCountMax) }) {
            leaveOut(element.name)
        }
        while item.byteCount > byteCount {
            let others = item.filter { !kept.contains($0.name) }
            guard let largest = others.max(by: { $0.value.byteCount < $1.value.byteCount }) else {
                break
            }
            leaveOut(largest.name)
        }
        return AttributeValue.map(["item": .map(item), "large": large.attributeValue])
    }

    static func restored(
        _ value: AttributeValue?, _ context: CodexFlow.DecisionContext
    ) throws -> Self {
        guard let map = value?.map, var item = map["item"]?.map,
            let large = map["large"].flatMap([String].init(attributeValue:))
        else { throw damaged }
        if !large.isEmpty {
            guard let partition = item["PK"], let sort = item["SK"] else { throw damaged }
            let lookup = Lookup<Self>(partition: partition, sort: sort)
            let read: Self?? = try context.ifReadable { try context.get(lookup) }
            if let found = read, let present = try found?.item(),
                present["createdAt"] == item["createdAt"]
            {
                for name in large { item[name] = present[name] }
            }
        }
        return try Self(item: item)
    }
}

extension CodexFlow.User: CommandOutcome {}
extension CodexFlow.Project: CommandOutcome {}
extension CodexFlow.Member: CommandOutcome {}
extension CodexFlow.Task: CommandOutcome {}
extension CodexFlow.Comment: CommandOutcome {}
extension CodexFlow.Dependency: CommandOutcome {}
extension CodexFlow.WorkLog: CommandOutcome {}
extension CodexFlow.PRD: CommandOutcome {}

// MARK: Values

extension CommandOutcome where Self: AttributeConvertible {
    func stored(within byteCount: Int) throws -> AttributeValue? { attributeValue }

    static func restored(
        _ value: AttributeValue?, _ context: CodexFlow.DecisionContext
    ) throws -> Self {
        guard let value = value.flatMap(Self.init(attributeValue:)) else { throw damaged }
        return value
    }
}

extension CodexFlow.Task.Claim: CommandOutcome {}
extension Bool: CommandOutcome {}
extension Int: CommandOutcome {}

extension Optional: CommandOutcome where Wrapped: CommandOutcome {
    func stored(within byteCount: Int) throws -> AttributeValue? {
        try flatMap { try $0.stored(within: byteCount) }
    }

    static func restored(
        _ value: AttributeValue?, _ context: CodexFlow.DecisionContext
    ) throws -> Self {
        guard let value else { return nil }
        return try Wrapped.restored(value, context)
    }
}

extension Array: CommandOutcome where Element: CommandOutcome {
    func stored(within byteCount: Int) throws -> AttributeValue? {
        let share = byteCount / Swift.max(1, count)
        return AttributeValue.list(try map { try $0.stored(within: share) ?? .null })
    }

    static func restored(
        _ value: AttributeValue?, _ context: CodexFlow.DecisionContext
    ) throws -> Self {
        guard case .list(let values)? = value else { throw damaged }
        return try values.map { try Element.restored($0, context) }
    }
}
