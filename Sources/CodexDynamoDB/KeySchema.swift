internal import CodexCore

/// A key schema, as a request gives it.
struct KeySchema {
    struct Element {
        let name: String
        let isPartition: Bool
    }

    let elements: [Element]

    /// Reads the parameter `KeySchema`.
    ///
    /// - Throws: `ValidationException` if it is missing or empty.
    init(_ input: RequestParameters) throws {
        guard let nodes = try input.list("KeySchema"), !nodes.isEmpty else {
            throw RequestParameters.missing("KeySchema")
        }
        elements = try nodes.map { node in
            let element = try RequestParameters(node, "KeySchemaElement")
            let name = try element.requiredString("AttributeName")
            let kind = try element.requiredString("KeyType")
            return Element(name: name, isPartition: kind == "HASH")
        }
    }

    var names: [String] { elements.map(\.name) }

    /// Checks the form of a table's or a local index's key.
    func requirePair() throws {
        if elements.count == 2, ByteOrder.equal(elements[0].name, elements[1].name) {
            throw KeyMessages.equalKeys
        }
        guard elements[0].isPartition else { throw KeyMessages.firstIsNotHash }
        guard elements.dropFirst().allSatisfy({ !$0.isPartition }), elements.count <= 2 else {
            throw KeyMessages.secondIsNotRange
        }
    }

    /// Checks the form of a global index's key: up to four attributes of each kind.
    func requireGlobal() throws {
        if elements.count == 2, ByteOrder.equal(elements[0].name, elements[1].name) {
            throw KeyMessages.equalKeys
        }
        guard elements[0].isPartition else { throw KeyMessages.firstIsNotHash }
        let partition = elements.prefix { $0.isPartition }
        let sort = elements.dropFirst(partition.count)
        guard sort.allSatisfy({ !$0.isPartition }) else { throw KeyMessages.hashAfterRange }
        for (part, isPartition) in [(partition, true), (sort, false)] where part.count > 4 {
            throw KeyMessages.tooManyKeys(isPartition: isPartition)
        }
        guard Set(names: names).count == elements.count else { throw KeyMessages.repeatedKeys }
    }
}

/// The types of key attributes, as a request defines them.
struct AttributeTypes {
    private var types: [ExactName: KeyAttribute.KeyType] = [:]
    /// The names in the order of the request.
    private(set) var names: [String] = []

    init(_ input: RequestParameters) throws {
        for node in try input.list("AttributeDefinitions") ?? [] {
            let attribute = try RequestParameters(node, "AttributeDefinition")
            let name = try attribute.requiredString("AttributeName")
            let type = try attribute.requiredString("AttributeType")
            guard let key = KeyAttribute.KeyType(rawValue: type) else {
                throw RequestParameters.missing("AttributeType")
            }
            guard types.updateValue(key, forKey: ExactName(name)) == nil else {
                throw KeyMessages.duplicateDefinition(name)
            }
            names.append(name)
        }
    }

    var isEmpty: Bool { names.isEmpty }

    /// Checks that all attributes of a key are defined.
    func requireAll(_ schema: KeySchema) throws {
        let undefined = schema.names.filter { types[ExactName($0)] == nil }
        guard undefined.isEmpty else { throw KeyMessages.undefined(undefined, names) }
    }

    /// Checks that the keys of a new table and its indexes use all definitions.
    ///
    /// - Parameters:
    ///   - key: The table's key.
    ///   - indexes: The keys of the indexes.
    /// - Throws: `ValidationException`.
    func requireAllUsed(_ key: KeySchema, _ indexes: [KeySchema]) throws {
        var used: [String] = []
        var known: Set<ExactName> = []
        for name in (indexes + [key]).flatMap(\.names) where known.add(name) {
            used.append(name)
        }
        guard names.contains(where: { !known.contains($0) }) else { return }
        throw indexes.isEmpty ? KeyMessages.otherCount : KeyMessages.unused(names, used)
    }

    /// The attributes of a key that was checked.
    ///
    /// - Throws: `ValidationException` if one is not defined.
    func attributes(
        _ schema: KeySchema
    ) throws -> (partition: [KeyAttribute], sort: [KeyAttribute]) {
        try requireAll(schema)
        var (partition, sort): ([KeyAttribute], [KeyAttribute]) = ([], [])
        for element in schema.elements {
            guard let type = types[ExactName(element.name)] else { continue }
            let attribute = KeyAttribute(element.name, type)
            if element.isPartition { partition.append(attribute) } else { sort.append(attribute) }
        }
        return (partition, sort)
    }
}

extension JSONWriter {
    mutating func keySchema(_ partition: [KeyAttribute], _ sort: [KeyAttribute]) {
        list(partition.map { ($0, "HASH") } + sort.map { ($0, "RANGE") }) { writer, element in
            writer.raw("{\"AttributeName\":")
            writer.string(element.0.name)
            writer.raw(",\"KeyType\":\"\(element.1)\"}")
        }
    }

    mutating func projection(_ projection: IndexProjection) {
        switch projection {
        case .all: raw("{\"ProjectionType\":\"ALL\"}")
        case .keysOnly: raw("{\"ProjectionType\":\"KEYS_ONLY\"}")
        case .include(let names):
            raw("{\"ProjectionType\":\"INCLUDE\",\"NonKeyAttributes\":")
            list(names.sorted { ByteOrder.compare($0, $1) < 0 }) { $0.string($1) }
            raw("}")
        }
    }
}
