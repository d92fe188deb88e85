/// Checks the tables of a schema against the Swift types of its entities.
struct SchemaTypes {
    /// All entities of the tables; some may be those of other programs.
    private let entities: [EntityDefinition]
    /// The attributes of the types, in the order of the schema.
    private let types: [EntityAttributes]

    /// Looks at types.
    ///
    /// - Parameters:
    ///   - types: The types.
    ///   - definitions: The definitions of the types in a schema.
    ///   - entities: All entities of the tables.
    init(
        _ types: [any Entity.Type], _ definitions: [EntityDefinition],
        within entities: [EntityDefinition]
    ) {
        self.entities = entities
        self.types = types.map { type in
            let name = type.definition.name
            return EntityAttributes(type, as: definitions.first { $0.name == name })
        }
    }

    /// The names of the entities whose attributes cannot be known, ascending.
    var uncheckedNames: [String] {
        types.filter { !$0.isChecked }.map(\.definition.name).sorted()
    }

    /// Checks the definitions of the types.
    ///
    /// - Throws: ``CodexError/Code/invalidSchema``.
    func validate() throws(CodexError) {
        for type in types { try type.validate() }
    }

    /// Checks the indexes, the counters and the time to live of a table.
    ///
    /// Raw items may have attributes that no entity has. So those that the store has already, for
    /// all items of the table, are not refused for such an attribute.
    ///
    /// - Parameters:
    ///   - table: The table.
    ///   - stored: The table in the store; `nil` if it is new.
    /// - Returns: A description of each attribute that only raw items can have.
    /// - Throws: ``CodexError/Code/invalidSchema``.
    func validate(
        _ table: TableDefinition, since stored: TableDefinition?
    ) throws(CodexError) -> [String] {
        var warnings: [String] = []
        for index in table.indexes { warnings += try validate(index, table, since: stored) }
        for counter in table.counters { warnings += try validate(counter, table, since: stored) }
        return warnings + (try validateTimeToLive(table, since: stored))
    }

    // MARK: Indexes, counters, time to live

    private func validate(
        _ index: IndexDefinition, _ table: TableDefinition, since stored: TableDefinition?
    ) throws(CodexError) -> [String] {
        var owner = TablePart(
            name: "index \(index.name)", table: table.name,
            candidates(table, index.entities), isForAll: index.entities == nil,
            isStored: stored?.indexes.contains { $0.isSame(as: index) } ?? false)
        try owner.requireKeys(index.keyAttributes, multiValued: index.multiValued)
        guard case .include(let names) = index.projection else { return owner.warnings }
        for name in names { try owner.requireAttribute(name, "included attribute") }
        return owner.warnings
    }

    private func validate(
        _ counter: CounterDefinition, _ table: TableDefinition, since stored: TableDefinition?
    ) throws(CodexError) -> [String] {
        var owner = TablePart(
            name: "counter \(counter.name)", table: table.name,
            candidates(table, counter.entities), isForAll: counter.entities == nil,
            isStored: stored?.counters.contains(counter) ?? false)
        try owner.requireKeys(counter.group, multiValued: counter.multiValued)
        for name in counter.sums {
            try owner.requireAttribute(name, "sum")
            try owner.requireNumber(name, "A sum adds numbers; other values do not count.")
        }
        return owner.warnings
    }

    private func validateTimeToLive(
        _ table: TableDefinition, since stored: TableDefinition?
    ) throws(CodexError) -> [String] {
        guard let name = table.timeToLive else { return [] }
        var owner = TablePart(
            name: "the time to live", table: table.name, candidates(table, nil), isForAll: true,
            isStored: stored?.timeToLive == name)
        try owner.requireAttribute(name, "attribute")
        try owner.requireNumber(
            name, "Store whole seconds since 1970, for example as EpochSeconds.")
        return owner.warnings
    }

    /// The types whose items a part of a table is for.
    ///
    /// - Parameters:
    ///   - table: The table.
    ///   - names: The names of the part's entities; `nil` means all of the table.
    /// - Returns: The types that can be checked, and whether they are all that there are.
    private func candidates(
        _ table: TableDefinition, _ names: [String]?
    ) -> (known: [EntityAttributes], isComplete: Bool) {
        let names = names ?? entities.filter { $0.table == table.name }.map(\.name)
        let known = names.compactMap { name in types.first { $0.definition.name == name } }
            .filter(\.isChecked)
        return (known, known.count == names.count)
    }
}

/// An index, a counter or a time to live, with the types of the items that it is for.
private struct TablePart {
    let name: String
    let table: String
    /// The types that can be checked.
    let known: [EntityAttributes]
    /// Whether no other types are concerned.
    let isComplete: Bool
    /// Whether the part is for all items of the table, and not for those of some entities.
    let isForAll: Bool
    /// Whether the store has the part already.
    let isStored: Bool
    /// Descriptions of the attributes that only raw items can have.
    private(set) var warnings: [String] = []

    init(
        name: String, table: String, _ types: (known: [EntityAttributes], isComplete: Bool),
        isForAll: Bool, isStored: Bool
    ) {
        self.name = name
        self.table = table
        (known, isComplete) = types
        self.isForAll = isForAll
        self.isStored = isStored
    }

    /// Throws the error for an attribute that no entity has, unless raw items of the store may have
    /// it.
    private mutating func refuse(_ error: CodexError) throws(CodexError) {
        guard isForAll, isStored else { throw error }
        warnings.append(error.message)
    }

    private func invalid(
        _ problem: String, _ entity: EntityAttributes, _ remedy: String
    ) -> CodexError {
        CodexError(
            .invalidSchema,
            "Table \(table): \(name) \(problem) (entity \(entity.definition.name)).\(remedy)"
        ).inEntity(entity.definition.name)
    }

    /// Checks that the entities of the part have all of its key attributes, in the right types.
    ///
    /// Of the entities of a whole table, one must have them all.
    mutating func requireKeys(
        _ keys: [KeyAttribute], multiValued: String?
    ) throws(CodexError) {
        var lacking: [(entity: EntityAttributes, names: [String])] = []
        for entity in known {
            let missing = keys.map(\.name).filter { entity.has($0) == false }
            if !missing.isEmpty { lacking.append((entity, missing)) }
            for key in keys { try requireType(key, entity, isMultiValued: key.name == multiValued) }
        }
        guard !lacking.isEmpty, !isForAll || isComplete && lacking.count == known.count else {
            return
        }
        // The entity that was meant lacks the least, or has a similar name.
        let ordered = lacking.sorted { $0.names.count < $1.names.count }
        let similar = ordered.first { $0.entity.similarName(to: $0.names[0]) != nil }
        guard let meant = similar ?? ordered.first else { return }
        let lacks =
            isForAll ? "no entity has together with the others" : "the entity does not have"
        try refuse(
            invalid(
                "has the key attribute \(meant.names[0].abbreviated()), which \(lacks)",
                meant.entity, meant.entity.suggestion(for: meant.names[0])))
    }

    private func requireType(
        _ key: KeyAttribute, _ entity: EntityAttributes, isMultiValued: Bool
    ) throws(CodexError) {
        guard let type = entity.type(of: key.name) else { return }
        var allowed = [key.type.attributeType]
        if isMultiValued {
            switch key.type {
            case .string: allowed += [.list, .stringSet]
            case .number: allowed += [.list, .numberSet]
            case .binary: allowed += [.list, .binarySet]
            }
        }
        guard !allowed.contains(type) else { return }
        throw invalid(
            "has the key attribute \(key.name) of type \(key.type.rawValue), which has the type "
                + type.rawValue, entity, " Items with it could not be written.")
    }

    /// Checks that an entity has an attribute.
    mutating func requireAttribute(_ name: String, _ role: String) throws(CodexError) {
        guard isComplete, !known.contains(where: { $0.has(name) != false }) else { return }
        let similar = known.first { $0.similarName(to: name) != nil }
        guard let entity = similar ?? known.first else { return }
        try refuse(
            invalid(
                "has the \(role) \(name.abbreviated()), which no entity has", entity,
                entity.suggestion(for: name)))
    }

    /// Checks that an attribute is a number in all entities that have it.
    func requireNumber(_ name: String, _ remedy: String) throws(CodexError) {
        for entity in known {
            guard let type = entity.type(of: name), type != .number else { continue }
            throw invalid(
                "has \(name), which has the type \(type.rawValue) and is no number", entity,
                " " + remedy)
        }
    }
}

extension Schema {
    /// Checks the schema against the Swift types that it was made from.
    ///
    /// Types whose attributes cannot be known are left out: see ``uncheckedEntities``. A schema
    /// without types is not checked.
    ///
    /// - Throws: ``CodexError/Code/invalidSchema`` with the entity, the attribute and a suggestion.
    /// - Complexity: It is linear in the number of names in the schema, for each entity.
    package func validateTypes() throws(CodexError) {
        _ = try validateTypes(within: self, since: nil)
    }

    /// Checks the schema against its types, in a store that may have entities of other programs.
    ///
    /// - Parameters:
    ///   - store: The schema of the store, with this one's additions.
    ///   - stored: The schema of the store before. Its indexes, counters and times to live may be
    ///     for attributes that only raw items have.
    /// - Returns: A description of each such attribute.
    /// - Throws: As ``validateTypes()``.
    package func validateTypes(
        within store: Schema, since stored: Schema?
    ) throws(CodexError) -> [String] {
        guard !types.isEmpty else { return [] }
        let checks = SchemaTypes(types, entities, within: store.entities)
        try checks.validate()
        var warnings: [String] = []
        for table in tables {
            let old = stored?.tables.first { $0.name == table.name }
            warnings += try checks.validate(table, since: old)
        }
        return warnings
    }

    /// Checks an addition to a table of the schema against the types of a program.
    ///
    /// What the table has already is no addition: see ``validateTypes(within:since:)``.
    ///
    /// - Parameters:
    ///   - table: The table, with the added indexes, counters and time to live alone.
    ///   - types: The types.
    /// - Throws: As ``validateTypes()``.
    package func validateAddition(
        _ table: TableDefinition, _ types: [any Entity.Type]
    ) throws(CodexError) {
        let stored = tables.first { $0.name == table.name }
        _ = try SchemaTypes(types, [], within: entities).validate(table, since: stored)
    }

    /// Checks the definition of a type that is not one of ``types`` against the type.
    ///
    /// - Throws: ``CodexError/Code/invalidSchema``.
    package static func validate(_ type: any Entity.Type) throws(CodexError) {
        try EntityAttributes(type).validate()
    }

    /// The names of the entities whose types cannot be checked, ascending.
    package var uncheckedEntities: [String] {
        SchemaTypes(types, entities, within: entities).uncheckedNames
    }
}
