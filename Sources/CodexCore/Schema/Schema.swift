/// The structure of a store: its tables with their indexes, and its entities.
///
/// A schema that is made from Swift types is checked against them when a store is opened. It is
/// refused if a key template, an index, a counter or the time to live names an attribute that no
/// type has.
///
/// ```swift
/// let schema = Schema(tables: [library], types: [Book.self, Member.self])
/// let more = schema.adding(Loan.self)
/// ```
public struct Schema: Sendable, Codable {
    /// The tables.
    public let tables: [TableDefinition]
    /// The entities.
    public let entities: [EntityDefinition]
    /// The Swift types that the schema was made from; they are not stored, and not compared.
    package private(set) var types: [any Entity.Type] = []

    private enum CodingKeys: CodingKey { case tables, entities }

    /// Defines a schema by definitions alone, without Swift types to check them against.
    ///
    /// - Parameters:
    ///   - tables: The tables.
    ///   - entities: The entities.
    public init(tables: [TableDefinition], entities: [EntityDefinition] = []) {
        self.tables = tables
        self.entities = entities
    }

    /// Defines a schema of Swift types.
    ///
    /// - Parameters:
    ///   - tables: The tables.
    ///   - types: The types, whose definitions are the entities.
    public init(tables: [TableDefinition], types: [any Entity.Type]) {
        self.init(tables: tables, entities: types.map { $0.definition })
        self.types = types
    }

    /// This schema with more entities, such as a program's own beside those of CodexFlow.
    public func adding(_ types: any Entity.Type...) -> Schema {
        with(entities: entities + types.map { $0.definition }, types: self.types + types)
    }

    /// This schema with other entities.
    func with(entities: [EntityDefinition], types: [any Entity.Type]? = nil) -> Schema {
        var schema = Schema(tables: tables, entities: entities)
        schema.types = types ?? self.types
        return schema
    }

    /// This schema with encrypted attributes of an entity; the entity is added if the schema lacks
    /// it.
    ///
    /// For example, encrypt the descriptions and metadata of CodexFlow's tasks:
    ///
    /// ```swift
    /// let schema = CodexFlow.schema.sealing(["body", "metadata"], of: CodexFlow.Task.self)
    /// ```
    ///
    /// A store that was opened with such a schema keeps the encryption. Each program that writes
    /// these attributes then needs the keys (`StoreOptions.encryptionKeys`, with the package trait
    /// `Encryption`). See `Docs/Encryption.md`.
    public func sealing(_ names: [String], of type: any Entity.Type) -> Schema {
        let definition = type.definition
        var entities = entities
        if let place = entities.firstIndex(where: { $0.name == definition.name }) {
            entities[place] = entities[place].sealing(names)
        } else {
            entities.append(definition.sealing(names))
        }
        let isKnown = types.contains { $0.definition.name == definition.name }
        return with(entities: entities, types: isKnown ? types : types + [type])
    }

    /// The table named `name`.
    ///
    /// - Throws: ``CodexError/Code/unknownTable``.
    public func table(_ name: String) throws(CodexError) -> TableDefinition {
        guard let table = tables.first(where: { ByteOrder.equal($0.name, name) }) else {
            let names = tables.map(\.name)
            throw CodexError(
                .unknownTable,
                "There is no table \(name.abbreviated()). The store has: "
                    + names.sorted().joined(separator: ", ") + "."
                    + Suggestion.text(Suggestion.name(like: name, in: names)))
        }
        return table
    }

    /// The error for the name of an entity that the schema does not have.
    package func unknownEntity(_ name: String) -> CodexError {
        let names = entities.map(\.name)
        let known = names.isEmpty ? "none" : names.sorted().joined(separator: ", ")
        return CodexError(
            .unknownEntity,
            "There is no entity \(name.abbreviated()). The store has: \(known)."
                + Suggestion.text(Suggestion.name(like: name, in: names)))
    }
}

extension Schema: Hashable {
    /// Compares tables and entities.
    public static func == (lhs: Self, rhs: Self) -> Bool {
        lhs.tables == rhs.tables && lhs.entities == rhs.entities
    }

    /// Hashes tables and entities.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(tables)
        hasher.combine(entities)
    }
}

extension Schema {
    /// Checks that the schema is consistent.
    ///
    /// - Throws: ``CodexError/Code/invalidSchema`` with a description of the problem.
    public func validate() throws(CodexError) {
        try Self.requireDistinct(tables.map(\.name), "table")
        try Self.requireDistinct(entities.map(\.name), "entity")
        for table in tables { try table.validate() }
        for entity in entities { try validate(entity) }
        for table in tables {
            let restricted =
                table.indexes.map { ("index \($0.name)", $0.entities) }
                + table.counters.map { ("counter \($0.name)", $0.entities) }
            for (owner, names) in restricted {
                for name in names ?? []
                where !entities.contains(where: { $0.name == name && $0.table == table.name }) {
                    throw Self.invalid(
                        "\(owner) is for the entity \(name), which table \(table.name) does not have"
                    )
                }
            }
        }
    }

    private func validate(_ entity: EntityDefinition) throws(CodexError) {
        try Self.requireName(entity.name, "entity")
        guard entity.schemaVersion >= 1 else {
            throw Self.invalid("entity \(entity.name) has a schema version below 1")
        }
        guard let table = tables.first(where: { $0.name == entity.table }) else {
            throw Self.invalid("entity \(entity.name) is in the unknown table \(entity.table)")
        }
        for key in table.keyAttributes {
            guard entity.keys[key.name] != nil, key.type == .string else {
                throw Self.invalid(
                    "entity \(entity.name) needs a template for \(key.name), a string key attribute"
                )
            }
        }
        try Self.requireDistinct(entity.fields.map(\.name), "field")
        for field in entity.fields {
            guard let cases = field.cases else { continue }
            guard field.type == .string, !cases.isEmpty else {
                throw Self.invalid(
                    "field \(field.name) of entity \(entity.name) has cases, but is no text, or "
                        + "it has none at all")
            }
            try Self.requireDistinct(cases, "case of field \(field.name)")
        }
        try entity.requireDerivable(table)
        try requireSealable(entity, table)
    }

    /// Checks that no encrypted attribute is used for lookups, counters, sorting or expiry.
    private func requireSealable(
        _ entity: EntityDefinition, _ table: TableDefinition
    ) throws(CodexError) {
        guard !entity.sealed.isEmpty else { return }
        var readable = Set(table.keyAttributes.map(\.name))
        readable.formUnion(entity.keys.keys)
        readable.formUnion(entity.keys.values.flatMap(\.attributes))
        for (name, derived) in entity.derived {
            readable.formUnion(derived.referencedNames.union([name]))
        }
        func applies(_ entities: [String]?) -> Bool { entities?.contains(entity.name) ?? true }
        for index in table.indexes where applies(index.entities) {
            readable.formUnion(index.keyAttributes.map(\.name))
        }
        for counter in table.counters where applies(counter.entities) {
            readable.formUnion(counter.group.map(\.name) + counter.sums)
        }
        if let timeToLive = table.timeToLive { readable.insert(timeToLive) }
        for name in entity.sealed where readable.contains(name) {
            throw Self.invalid(
                "the sealed attribute \(name) of entity \(entity.name) is part of a key, an "
                    + "index, a counter or a derived attribute, or is the time to live")
        }
    }

    static func requireName(_ name: String, _ kind: String) throws(CodexError) {
        let isAllowed = name.utf8.allSatisfy { byte in
            (byte | 0x20) &- UInt8(ascii: "a") < 26 || byte &- UInt8(ascii: "0") < 10
                || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
                || byte == UInt8(ascii: ".")
        }
        guard isAllowed, (1...DynamoDBLimits.resourceNameCountMax).contains(name.utf8.count) else {
            throw invalid(
                "a name of a \(kind) has 1 to \(DynamoDBLimits.resourceNameCountMax) characters of "
                    + "a-z, A-Z, 0-9, -, _ and .")
        }
    }

    static func requireDistinct(_ names: [String], _ kind: String) throws(CodexError) {
        let sorted = names.sorted()
        for index in sorted.indices.dropFirst() where sorted[index - 1] == sorted[index] {
            throw invalid("two of kind \(kind) are named \(sorted[index])")
        }
    }

    /// Checks that names of attributes differ: equal bytes are one name.
    ///
    /// - Throws: ``CodexError/Code/invalidSchema``.
    static func requireDistinctAttributes(
        _ names: [String], _ kind: String
    ) throws(CodexError) {
        var known: Set<ExactName> = []
        for name in names where !known.add(name) {
            throw invalid("two of kind \(kind) are named \(name)")
        }
    }

    static func invalid(_ problem: String) -> CodexError {
        CodexError(.invalidSchema, "The schema contradicts itself: \(problem).")
    }
}

extension TableDefinition {
    fileprivate func validate() throws(CodexError) {
        try Schema.requireName(name, "table")
        try Schema.requireDistinctAttributes(
            keyAttributes.map(\.name), "key attribute of \(name)")
        try Schema.requireDistinct(indexes.map(\.name), "index of \(name)")
        try Self.requireKeyNames(keyAttributes, name)
        for index in indexes {
            try Schema.requireName(index.name, "index")
            let counts = 1...DynamoDBLimits.indexKeyPartCountMax
            guard counts.contains(index.partitionKey.count),
                index.sortKey.count <= DynamoDBLimits.indexKeyPartCountMax
            else {
                throw Schema.invalid(
                    "index \(index.name) has 1 to 4 partition key attributes and 0 to 4 sort key "
                        + "attributes")
            }
            try Self.requireKeyNames(index.keyAttributes, index.name)
            try Schema.requireDistinctAttributes(
                index.keyAttributes.map(\.name), "key of \(index.name)")
            if case .include(let names) = index.projection {
                guard !names.isEmpty else { throw Schema.invalid("\(index.name) includes nothing") }
                try Schema.requireDistinctAttributes(
                    names, "included attribute of \(index.name)")
            }
            guard index.projection != .keysOnly || index.layout != .copies else {
                throw Schema.invalid(
                    "index \(index.name) has the layout copies, but its projection KEYS_ONLY has "
                        + "nothing to copy. Omit the layout")
            }
            try requireMultiValued(index.multiValued, index.keyAttributes, "index \(index.name)")
        }
        try Schema.requireDistinct(counters.map(\.name), "counter of \(name)")
        for counter in counters {
            try Schema.requireName(counter.name, "counter")
            guard (1...DynamoDBLimits.indexKeyPartCountMax).contains(counter.group.count) else {
                throw Schema.invalid("counter \(counter.name) has 1 to 4 group attributes")
            }
            try Self.requireKeyNames(counter.group, counter.name)
            try Schema.requireDistinct(counter.group.map(\.name), "group of \(counter.name)")
            try Schema.requireDistinct(counter.sums, "sum of \(counter.name)")
            try requireMultiValued(counter.multiValued, counter.group, "counter \(counter.name)")
        }
        try requireOneTypeEach()
        try requireTimeToLive()
    }

    private func requireTimeToLive() throws(CodexError) {
        guard let timeToLive else { return }
        guard (1...DynamoDBLimits.keyAttributeNameByteCountMax).contains(timeToLive.utf8.count)
        else {
            throw Schema.invalid(
                "the time to live of table \(name) is an attribute with a name of 1 to "
                    + "\(DynamoDBLimits.keyAttributeNameByteCountMax) bytes")
        }
    }

    /// Checks that a multi-valued attribute is a key attribute of its owner, and not of the table.
    private func requireMultiValued(
        _ name: String?, _ attributes: [KeyAttribute], _ owner: String
    ) throws(CodexError) {
        guard let name else { return }
        guard attributes.contains(where: { ByteOrder.equal($0.name, name) }),
            !keyAttributes.contains(where: { ByteOrder.equal($0.name, name) })
        else {
            throw Schema.invalid(
                "\(owner) is multi-valued in \(name), which is none of its key attributes or one of "
                    + "the table's")
        }
    }

    private static func requireKeyNames(
        _ attributes: [KeyAttribute], _ owner: String
    ) throws(CodexError) {
        for attribute in attributes
        where !(1...DynamoDBLimits.keyAttributeNameByteCountMax).contains(attribute.name.utf8.count)
        {
            throw Schema.invalid("a key attribute of \(owner) has an empty or over-long name")
        }
    }

    private func requireOneTypeEach() throws(CodexError) {
        var types: [ExactName: KeyAttribute.KeyType] = [:]
        for attribute in keyAttributes + indexes.flatMap(\.keyAttributes)
            + counters.flatMap(\.group)
        {
            if let type = types.updateValue(attribute.type, forKey: ExactName(attribute.name)),
                type != attribute.type
            {
                throw Schema.invalid("key attribute \(attribute.name) of \(name) has two types")
            }
        }
    }
}
