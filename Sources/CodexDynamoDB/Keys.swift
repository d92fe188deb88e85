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
    ///   types, and no value is empty or too long.
    func requestedKey(_ item: Item) throws -> PrimaryKey {
        guard item.count == keyAttributes.count else { throw Self.keyMismatch }
        for attribute in keyAttributes {
            guard let value = item[attribute.name], value.type == attribute.type.attributeType
            else {
                throw Self.keyMismatch
            }
            try requireContent(of: value, for: attribute)
        }
        return try primaryKey(of: item)
    }

    private static var keyMismatch: ServiceError { .validation(ItemMessages.keyMismatch) }

    /// Checks the keys of an item before it is stored, also those of indexes.
    ///
    /// - Parameters:
    ///   - item: The item.
    ///   - isBatch: Whether the item is part of a BatchWriteItem, whose errors do not name the key.
    /// - Throws: `ValidationException`.
    func requireKeys(of item: Item, isBatch: Bool = false) throws {
        for attribute in keyAttributes {
            guard let value = item[attribute.name] else {
                throw isBatch
                    ? Self.keyMismatch
                    : ServiceError.validation(ItemMessages.missingKey(attribute.name))
            }
            guard value.type == attribute.type.attributeType else {
                throw isBatch
                    ? Self.keyMismatch
                    : ServiceError.validation(ItemMessages.keyType(attribute, value.type))
            }
            try requireContent(of: value, for: attribute)
        }
        try requireIndexKeys(of: item)
    }

    /// Checks that a key value is neither empty nor too long.
    private func requireContent(
        of value: AttributeValue, for attribute: KeyAttribute
    ) throws {
        try attribute.requireContent(value)
        let isPartition = attribute == partitionKey
        let byteCountMax =
            isPartition
            ? DynamoDBLimits.partitionKeyByteCountMax : DynamoDBLimits.sortKeyByteCountMax
        guard value.byteCount <= byteCountMax else {
            throw ServiceError.validation(
                isPartition ? ItemMessages.partitionKeyTooLong : ItemMessages.sortKeyTooLong)
        }
    }

    // MARK: Index keys

    /// Checks the index keys of an item before it is stored.
    ///
    /// The store checks them, too. Here, errors belong to the request.
    private func requireIndexKeys(of item: Item) throws {
        guard Self.indexKeyProblem(of: item, in: indexes) != nil else { return }
        // DynamoDB names the first index by name.
        let sorted = indexes.sorted { $0.name < $1.name }
        if let problem = Self.indexKeyProblem(of: item, in: sorted) { throw problem }
    }

    private static func indexKeyProblem(
        of item: Item, in indexes: [IndexDefinition]
    ) -> ServiceError? {
        for index in indexes {
            for attribute in index.keyAttributes where !index.isMultiValued(attribute.name) {
                guard let value = item[attribute.name] else { continue }
                guard value.type == attribute.type.attributeType else {
                    return .validation(
                        ItemMessages.indexKeyType(attribute, value.type, index.name))
                }
                if value.isEmptyKey {
                    return .ofRequest(
                        ItemMessages.emptyKey(attribute, value.type, index.name))
                }
                if let text = index.tooLongText(value, attribute) { return .validation(text) }
            }
        }
        return nil
    }

    // MARK: Updates

    /// Checks that an update changes no key, and sets keys of indexes to values that they take.
    func requireKeys(_ update: Update) throws {
        for clause in update.clauses
        where keyAttributes.hasName(clause.path.root) {
            throw ServiceError.validation(ItemMessages.keyUpdate(clause.path.root))
        }
        if !indexes.isEmpty { try requireIndexKeys(update) }
        for clause in update.clauses { try requireScalarKeys(clause.nestedPaths) }
    }

    private func requireIndexKeys(_ update: Update) throws {
        let sorted = indexes.sorted { $0.name < $1.name }
        for clause in update.clauses where clause.path.steps.isEmpty {
            guard let type = clause.knownType else { continue }
            for index in sorted where !index.isMultiValued(clause.path.root) {
                let named = index.keyAttributes.first {
                    ByteOrder.equal($0.name, clause.path.root)
                }
                guard let attribute = named else { continue }
                guard type == attribute.type.attributeType else {
                    throw ServiceError.validation(
                        ItemMessages.indexKeyType(attribute, type, index.name))
                }
                if let value = clause.literal, value.isEmptyKey {
                    throw ServiceError.ofRequest(ItemMessages.emptyIndexKeyInUpdate(type))
                }
            }
        }
    }

    /// Checks that no path leads into a key.
    ///
    /// - Parameter paths: The paths of an expression.
    /// - Throws: `ValidationException`.
    func requireScalarKeys(_ paths: some Sequence<DocumentPath>) throws {
        for path in paths where !path.steps.isEmpty {
            if keyAttributes.hasName(path.root) {
                throw ServiceError.validation(
                    ItemMessages.nestedKey(path.root, isIndexKey: false))
            }
            let isIndexKey = indexes.contains { index in
                !index.isMultiValued(path.root) && index.keyAttributes.hasName(path.root)
            }
            if isIndexKey {
                throw ServiceError.validation(ItemMessages.nestedKey(path.root, isIndexKey: true))
            }
        }
    }
}

extension [KeyAttribute] {
    /// Whether one of the attributes has a name: names are equal if their bytes are.
    func hasName(_ name: String) -> Bool { contains { ByteOrder.equal($0.name, name) } }
}

extension KeyAttribute {
    /// Checks that a value of a table's key is not empty.
    func requireContent(_ value: AttributeValue) throws {
        guard !value.isEmptyKey else {
            throw ServiceError.ofRequest(ItemMessages.emptyKey(self, value.type, nil))
        }
    }
}

extension IndexDefinition {
    /// Whether the index has an entry for each element of the attribute of a name.
    fileprivate func isMultiValued(_ name: String) -> Bool {
        multiValued.map { ByteOrder.equal($0, name) } ?? false
    }

    /// The text for a key that is too long; `nil` for another one.
    fileprivate func tooLongText(
        _ value: AttributeValue, _ attribute: KeyAttribute
    ) -> String? {
        let byteCount = value.byteCount
        // The shorter limit is that of sort keys.
        guard byteCount > DynamoDBLimits.sortKeyByteCountMax else { return nil }
        guard partitionKey.contains(attribute) else { return ItemMessages.sortKeyTooLong }
        return byteCount > DynamoDBLimits.partitionKeyByteCountMax
            ? ItemMessages.partitionKeyTooLong : nil
    }
}

extension Update.Clause {
    /// The literal that the clause sets or adds; `nil` for another clause.
    fileprivate var literal: AttributeValue? {
        switch self {
        case .set(_, .operand(.value(let value))), .add(_, let value): value
        case .set, .remove, .delete: nil
        }
    }

    /// The type of what the clause writes, if it is known without the item.
    fileprivate var knownType: AttributeType? {
        switch self {
        case .set(_, .operand(let operand)): operand.knownType
        case .set(_, .sum), .set(_, .difference): .number
        case .add(_, let value): value.type
        case .remove, .delete: nil
        }
    }

    /// The paths of the clause and its operands that lead into an attribute.
    fileprivate var nestedPaths: [DocumentPath] {
        let nested = path.steps.isEmpty ? [] : [path]
        switch self {
        case .set(_, .operand(let operand)): return nested + operand.nestedPaths
        case .set(_, .sum(let left, let right)), .set(_, .difference(let left, let right)):
            return nested + left.nestedPaths + right.nestedPaths
        case .remove, .add, .delete: return nested
        }
    }
}

extension Update.Operand {
    fileprivate var knownType: AttributeType? {
        switch self {
        case .path: nil
        case .value(let value): value.type
        case .ifNotExists(_, let fallback): fallback.knownType
        case .listAppend: .list
        }
    }

    fileprivate var nestedPaths: [DocumentPath] {
        switch self {
        case .path(let path): path.steps.isEmpty ? [] : [path]
        case .value: []
        case .ifNotExists(let path, let fallback):
            (path.steps.isEmpty ? [] : [path]) + fallback.nestedPaths
        case .listAppend(let left, let right): left.nestedPaths + right.nestedPaths
        }
    }
}

extension AttributeValue {
    /// Whether it is an empty text or binary, which no key can be.
    fileprivate var isEmptyKey: Bool {
        switch self {
        case .string(""), .binary([]): true
        default: false
        }
    }
}

extension Item {
    /// Keeps some of the attributes.
    func keeping(_ names: some Sequence<String>) -> Item {
        Item(names.compactMap { name in self[name].map { (name, $0) } })
    }
}
