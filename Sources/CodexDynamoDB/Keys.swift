internal import CodexCore

/// An item that a request names.
struct ItemTarget: Hashable {
    let table: String
    let key: PrimaryKey
}

extension TableDefinition {
    /// The primary key that a request names.
    ///
    /// - Throws: `ValidationException` unless the item has exactly the key attributes, with their
    ///   types.
    func requestedKey(_ item: Item) throws -> PrimaryKey {
        guard item.count == keyAttributes.count else { throw Self.keyMismatch }
        for attribute in keyAttributes {
            guard let value = item[attribute.name], value.type == attribute.type.attributeType
            else {
                throw Self.keyMismatch
            }
            try attribute.requireContent(value)
        }
        return try primaryKey(of: item)
    }

    private static var keyMismatch: ServiceError {
        .validation("The provided key element does not match the schema")
    }

    /// Checks the keys of an item before it is stored, also those of indexes.
    func requireKeys(of item: Item) throws {
        for attribute in keyAttributes {
            guard let value = item[attribute.name] else {
                throw ServiceError.validation(
                    "One or more parameter values were invalid: Missing the key \(attribute.name) in "
                        + "the item")
            }
            guard value.type == attribute.type.attributeType else {
                throw ServiceError.validation(
                    "One or more parameter values were invalid: Type mismatch for key "
                        + "\(attribute.name) expected: \(attribute.type.rawValue) actual: "
                        + value.type.rawValue)
            }
            try attribute.requireContent(value)
        }
        try requireIndexKeys(of: item)
    }

    /// Checks the index keys of an item before it is stored.
    func requireIndexKeys(of item: Item) throws {
        for index in indexes {
            for attribute in index.keyAttributes where index.multiValued != attribute.name {
                guard let value = item[attribute.name] else { continue }
                guard value.type == attribute.type.attributeType else {
                    throw ServiceError.validation(
                        "One or more parameter values were invalid: Type mismatch for Index Key "
                            + "\(attribute.name) Expected: \(attribute.type.rawValue) Actual: "
                            + "\(value.type.rawValue) IndexName: \(index.name)")
                }
                try attribute.requireContent(value, index: index.name)
            }
        }
    }
}

extension KeyAttribute {
    /// Checks that a key value is not empty.
    func requireContent(_ value: AttributeValue, index: String? = nil) throws {
        let kind: String
        switch value {
        case .string(""): kind = "string"
        case .binary([]): kind = "binary"
        default: return
        }
        throw ServiceError.validation(
            "One or more parameter values are not valid. "
                + (index.map {
                    "A value specified for a secondary index key is not supported. The "
                        + "AttributeValue for a key attribute cannot contain an empty \(kind) value. "
                        + "IndexName: \($0), IndexKey: \(name)"
                }
                    ?? "The AttributeValue for a key attribute cannot contain an empty \(kind) value. "
                    + "Key: \(name)"))
    }
}

extension Item {
    /// Keeps some of the attributes.
    func keeping(_ names: some Sequence<String>) -> Item {
        Item(names.compactMap { name in self[name].map { (name, $0) } })
    }
}
