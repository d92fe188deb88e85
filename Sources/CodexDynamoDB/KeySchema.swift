internal import CodexCore

/// The types of key attributes, as a request defines them.
struct AttributeTypes {
    private var types: [String: KeyAttribute.KeyType] = [:]

    init(_ input: RequestParameters) throws {
        for node in try input.list("AttributeDefinitions") ?? [] {
            let attribute = try RequestParameters(node, "AttributeDefinition")
            let name = try attribute.requiredString("AttributeName")
            let type = try attribute.choice("AttributeType", ["S", "N", "B"])
            guard let type, let key = KeyAttribute.KeyType(rawValue: type) else {
                throw RequestParameters.missing("AttributeType")
            }
            guard types.updateValue(key, forKey: name) == nil else {
                throw ServiceError.validation(
                    "Cannot have two attributes with the same name: \(name.abbreviated())")
            }
        }
    }

    /// The attributes of a key schema.
    func key(
        _ input: RequestParameters, _ owner: String
    ) throws -> (partition: [KeyAttribute], sort: [KeyAttribute]) {
        guard let nodes = try input.list("KeySchema") else {
            throw RequestParameters.missing("KeySchema")
        }
        var (partition, sort): ([KeyAttribute], [KeyAttribute]) = ([], [])
        for node in nodes {
            let element = try RequestParameters(node, "KeySchemaElement")
            let name = try element.requiredString("AttributeName")
            guard let kind = try element.choice("KeyType", ["HASH", "RANGE"]) else {
                throw RequestParameters.missing("KeyType")
            }
            guard let type = types[name] else {
                throw ServiceError.validation(
                    "One or more parameter values were invalid: Some index key attributes are not "
                        + "defined in AttributeDefinitions. Keys: [\(name.abbreviated())]")
            }
            if kind == "HASH" {
                guard sort.isEmpty else { throw Self.invalidSchema(owner) }
                partition.append(KeyAttribute(name, type))
            } else {
                sort.append(KeyAttribute(name, type))
            }
        }
        let all = (partition + sort).map(\.name)
        guard !partition.isEmpty, Set(all).count == all.count else {
            throw Self.invalidSchema(owner)
        }
        return (partition, sort)
    }

    private static func invalidSchema(_ owner: String) -> ServiceError {
        .validation(
            "Invalid KeySchema of \(owner): The first KeySchemaElement is a HASH key, and none is named "
                + "twice")
    }

    func index(_ input: RequestParameters) throws -> IndexDefinition {
        let name = try input.requiredString("IndexName")
        guard (3...255).contains(name.utf8.count) else {
            throw ServiceError.validation(
                "1 validation error detected: Value at 'indexName' failed to satisfy constraint: Member "
                    + "must have length greater than or equal to 3")
        }
        let key = try key(input, name)
        guard key.partition.count <= 4, key.sort.count <= 4 else {
            throw ServiceError.validation("An index has 4 attributes of each kind of key at most")
        }
        guard let projection = try input.object("Projection") else {
            throw RequestParameters.missing("Projection")
        }
        let type = try projection.choice("ProjectionType", ["ALL", "INCLUDE", "KEYS_ONLY"])
        let names = try projection.strings("NonKeyAttributes")
        let kept: IndexProjection
        switch (type, names) {
        case ("ALL", nil): kept = .all
        case ("KEYS_ONLY", nil): kept = .keysOnly
        case ("INCLUDE", let names?)
        where (1...100).contains(names.count) && names.allSatisfy { $0.utf8.count <= 255 }:
            kept = .include(names)
        case (nil, _):
            throw ServiceError.validation(
                "One or more parameter values were invalid: Unknown ProjectionType: null")
        default:
            throw ServiceError.validation(
                "One or more parameter values were invalid: ProjectionType is \(type ?? ""), and "
                    + "NonKeyAttributes does not fit")
        }
        return IndexDefinition(
            name, partitionKey: key.partition, sortKey: key.sort, projection: kept)
    }

    func requireAllUsed(_ keys: [KeyAttribute]) throws {
        let unused = Set(types.keys).subtracting(keys.map(\.name))
        guard unused.isEmpty else {
            throw ServiceError.validation(
                "One or more parameter values were invalid: Number of attributes in KeySchema does not "
                    + "exactly match number of attributes defined in AttributeDefinitions")
        }
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
            list(names) { $0.string($1) }
            raw("}")
        }
    }

    mutating func throughput(_ record: TableRecord) {
        raw(
            "{\"NumberOfDecreasesToday\":0,\"ReadCapacityUnits\":\(record.readUnits),"
                + "\"WriteCapacityUnits\":\(record.writeUnits)}")
    }
}
