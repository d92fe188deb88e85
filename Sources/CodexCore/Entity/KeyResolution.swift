/// Makes the keys of lookups and queries from the values of an entity's attributes.
///
/// A key attribute of the table or of an index gets its value in this order:
///
/// 1. the entity's template for it, filled with the values;
/// 2. the derived attribute of its name: its template, the value at the path that it copies, or its
///    constant;
/// 3. the value that is given for the key attribute itself.
package struct KeyResolution {
    private let entity: EntityDefinition
    private let table: TableDefinition

    /// Creates a resolution.
    ///
    /// - Parameters:
    ///   - entity: The entity whose definition makes the keys.
    ///   - table: The entity's table, with its present indexes.
    package init(_ entity: EntityDefinition, in table: TableDefinition) {
        self.entity = entity
        self.table = table
    }

    /// The key itself of a lookup: a primary key, or a key in an index.
    ///
    /// - Throws: ``CodexError/Code/invalidKey`` for values that are missing, superfluous or of
    ///   another type; ``CodexError/Code/invalidIdentifier``; ``CodexError/Code/unknownIndex``.
    package func resolved(_ target: LookupTarget) throws(CodexError) -> LookupTarget {
        switch target {
        case .primaryKey, .index: return target
        case .values(let values):
            var key = KeyInProgress(entity, table, nil, values)
            let parts = try key.whole(table.keyAttributes)
            return .primaryKey(PrimaryKey(parts[0], parts.count > 1 ? parts[1] : nil))
        case .indexValues(let name, let values):
            let index = try index(name)
            var key = KeyInProgress(entity, table, index, values)
            let parts = try key.whole(index.keyAttributes)
            let count = index.partitionKey.count
            return .index(name, partition: Array(parts[..<count]), sort: Array(parts[count...]))
        }
    }

    /// The query with its partition and its range of sort keys.
    ///
    /// - Throws: As for a lookup; ``CodexError/Code/invalidExpression`` for a
    ///   prefix of a number.
    package func resolved(_ request: TableQuery) throws(CodexError) -> TableQuery {
        guard let given = request.keyValues else { return request }
        let index = try request.index.map { name throws(CodexError) in try self.index(name) }
        var key = KeyInProgress(entity, table, index, given.values)
        var query = request
        query.keyValues = nil
        let sortKey = index?.sortKey ?? (table.sortKey.map { [$0] } ?? [])
        (query.partition, query.sortPrefix, query.sort) = try key.range(
            index?.partitionKey ?? [table.partitionKey], sortKey, given)
        // The last equality is a condition, as in a query that is written by hand.
        if case .any = query.sort, let last = query.sortPrefix.popLast() {
            query.sort = .equal(last)
        }
        return query
    }

    private func index(_ name: String) throws(CodexError) -> IndexDefinition {
        guard let index = table.indexes.first(where: { ByteOrder.equal($0.name, name) }) else {
            let names = table.indexes.map(\.name)
            throw CodexError(
                .unknownIndex,
                "Table \(table.name) has no index \(name.abbreviated())."
                    + Suggestion.text(Suggestion.name(like: name, in: names)))
        }
        if let names = index.entities, !names.contains(entity.name) {
            throw CodexError(
                .invalidKey,
                "Index \(name) of table \(table.name) has no items of entity \(entity.name). It is "
                    + "for: \(names.joined(separator: ", ")).")
        }
        return index
    }
}

/// A key that is made of values, and what is wrong with them so far.
private struct KeyInProgress {
    /// The value of a key attribute, as far as it can be made.
    enum Part {
        case whole(AttributeValue)
        /// The beginning of a text.
        case beginning(KeyTemplate.Filling)
        /// Nothing: the value of this name is missing.
        case missing(String)
    }

    /// What a key attribute is made of.
    enum Source {
        case template(KeyTemplate)
        case path(DocumentPath)
        case constant(AttributeValue)
        case attribute
    }

    private let entity: EntityDefinition
    private let table: TableDefinition
    private let index: IndexDefinition?
    private let values: [String: AttributeValue]
    private var usedNames: Set<String> = []
    private var missingNames: [String] = []

    init(
        _ entity: EntityDefinition, _ table: TableDefinition, _ index: IndexDefinition?,
        _ values: [String: AttributeValue]
    ) {
        self.entity = entity
        self.table = table
        self.index = index
        self.values = values
    }

    // MARK: Parts

    private func source(of name: String) -> Source {
        if let template = entity.keys[name] { return .template(template) }
        switch entity.derived[name]?.value {
        case .template(let template)?: return .template(template)
        case .copy(let path)?:
            // A copy of a key attribute is made of what that one is made of.
            if path.steps.isEmpty, let template = entity.keys[path.root] {
                return .template(template)
            }
            return .path(path)
        case .constant(let value)?: return .constant(value)
        case .size?, nil: return .attribute
        }
    }

    private func part(_ attribute: KeyAttribute) throws(CodexError) -> Part {
        let part = try made(attribute)
        if case .whole(let value) = part { try requireType(attribute, value) }
        return part
    }

    private func made(_ attribute: KeyAttribute) throws(CodexError) -> Part {
        let own = values[attribute.name]
        switch source(of: attribute.name) {
        case .template(let template):
            let filling = try template.filled(by: values)
            if filling.nextName == nil { return .whole(.string(filling.text)) }
            return own.map(Part.whole) ?? .beginning(filling)
        case .path(let path):
            guard let value = value(at: path) ?? own else { return .missing(path.description) }
            return .whole(value)
        case .constant(let value):
            guard own == nil || own == value else {
                throw refusal("\(attribute.name) has the same value in each item, and no other")
            }
            return .whole(value)
        case .attribute: return own.map(Part.whole) ?? .missing(attribute.name)
        }
    }

    /// The value at a path, which is given for its text or for the attribute that it begins with.
    private func value(at path: DocumentPath) -> AttributeValue? {
        if let value = values[path.description] { return value }
        guard let value = values[path.root] else { return nil }
        return ([path.root: value] as AttributeMap)[path: path]
    }

    /// The names of the values that a key attribute is made of.
    private func names(of attribute: KeyAttribute) -> [String] {
        switch source(of: attribute.name) {
        case .template(let template): template.attributes
        case .path(let path): [path.description]
        case .constant: []
        case .attribute: [attribute.name]
        }
    }

    /// Marks the values that a whole part was made of.
    private mutating func use(_ attribute: KeyAttribute) {
        let own = attribute.name
        switch source(of: own) {
        case .template(let template):
            let names = template.attributes
            let isFilled = names.allSatisfy { values[$0] != nil }
            usedNames.formUnion(isFilled ? names : [own])
        case .path(let path):
            let names = [path.description, path.root, own]
            if let name = names.first(where: { values[$0] != nil }) { usedNames.insert(name) }
        case .constant, .attribute: usedNames.insert(own)
        }
    }

    // MARK: Keys

    /// The values of key attributes that must all be made.
    mutating func whole(_ attributes: [KeyAttribute]) throws(CodexError) -> [AttributeValue] {
        let parts = try parts(attributes)
        try finish(attributes)
        return parts
    }

    /// The values of key attributes; those that cannot be made are noted as missing.
    private mutating func parts(
        _ attributes: [KeyAttribute]
    ) throws(CodexError) -> [AttributeValue] {
        var parts: [AttributeValue] = []
        for attribute in attributes {
            switch try part(attribute) {
            case .whole(let value):
                use(attribute)
                parts.append(value)
            case .beginning, .missing:
                let names = names(of: attribute)
                usedNames.formUnion(names.filter { values[$0] != nil })
                missingNames += names.filter { values[$0] == nil }
            }
        }
        return parts
    }

    /// The partition key, the leading values of the sort key, and the condition after them.
    mutating func range(
        _ partitionKey: [KeyAttribute], _ sortKey: [KeyAttribute], _ given: KeyValues
    ) throws(CodexError) -> ([AttributeValue], [AttributeValue], SortCondition) {
        let partition = try parts(partitionKey)
        var prefix: [AttributeValue] = []
        for attribute in sortKey {
            switch try part(attribute) {
            case .whole(let value):
                use(attribute)
                prefix.append(value)
                continue
            case .beginning(let filling):
                usedNames.formUnion(filling.usedNames)
                try finish(partitionKey + sortKey)
                let name = filling.nextName ?? attribute.name
                try requireRange(given, of: name, .string)
                return (partition, prefix, try filling.condition(given.condition))
            case .missing(let name):
                try finish(partitionKey + sortKey)
                try requireRange(given, of: name, attribute.type.attributeType)
                for value in given.condition.values { try requireType(attribute, value) }
                return (partition, prefix, given.condition)
            }
        }
        try finish(partitionKey + sortKey)
        if given.condition != .any {
            throw refusal("no attribute is left for the condition on the sort key")
        }
        return (partition, prefix, .any)
    }

    // MARK: Checks

    /// Checks that the condition on the sort key is one on the attribute that comes next.
    ///
    /// - Parameters:
    ///   - given: The condition.
    ///   - name: The attribute that comes next.
    ///   - type: The type of the key attribute.
    /// - Throws: ``CodexError/Code/invalidKey``, ``CodexError/Code/invalidExpression``.
    private func requireRange(
        _ given: KeyValues, of name: String, _ type: AttributeType
    ) throws(CodexError) {
        if let sortName = given.sortName, !ByteOrder.equal(sortName, name) {
            throw refusal(
                "the range is one of \(sortName.abbreviated()), but \(name) comes next in the sort "
                    + "key")
        }
        guard given.condition != .any, let field = field(name) else { return }
        if case .beginsWith = given.condition {
            guard field.type != .number else {
                throw CodexError(
                    .invalidExpression,
                    "The field \(name) of entity \(entity.name) is a number, which has no prefix. "
                        + "Use a range.")
            }
        } else if type == .string {
            for value in given.condition.values { try requireFieldType(field, value) }
        }
    }

    /// Checks that all values were used and none is missing.
    private func finish(_ attributes: [KeyAttribute]) throws(CodexError) {
        guard missingNames.isEmpty, values.keys.allSatisfy(usedNames.contains) else {
            let unused = values.keys.filter { !usedNames.contains($0) }.sorted()
            var known: [String] = []
            for name in attributes.flatMap({ names(of: $0) }) where !known.contains(name) {
                known.append(name)
            }
            throw refusal(problem(unused, known))
        }
        for name in usedNames {
            if let field = field(name), let value = values[name] {
                try requireFieldType(field, value)
            }
        }
    }

    private func problem(_ unused: [String], _ known: [String]) -> String {
        var parts: [String] = []
        var missing: [String] = []
        for name in missingNames where !missing.contains(name) { missing.append(name) }
        if !missing.isEmpty { parts.append("there is no value for \(list(missing))") }
        for name in unused {
            if known.contains(name) {
                parts.append("\(name) can be given only after the attributes before it")
                continue
            }
            let similar = Suggestion.name(like: name, in: known)
            parts.append(
                "\(name.abbreviated()) is no part of the key"
                    + (similar.map { " (did you mean \($0)?)" } ?? ""))
        }
        let end = known.isEmpty ? "" : ". The key is made of \(list(known))"
        return parts.joined(separator: ", and ") + end
    }

    private func list(_ names: [String]) -> String { names.joined(separator: ", ") }

    private func field(_ name: String) -> FieldDefinition? {
        entity.fields.first { ByteOrder.equal($0.name, name) }
    }

    /// Checks the type of a value by the declared field that it is a value of.
    private func requireFieldType(
        _ field: FieldDefinition, _ value: AttributeValue
    ) throws(CodexError) {
        guard value.type != field.type, index?.multiValued != field.name else { return }
        throw refusal(
            "the value of \(field.name) has the type \(value.type.rawValue), and the field "
                + "\(field.type.rawValue)")
    }

    /// Checks the type of a key attribute's whole value.
    private func requireType(
        _ attribute: KeyAttribute, _ value: AttributeValue
    ) throws(CodexError) {
        guard value.type != attribute.type.attributeType else { return }
        let isMultiValued = index?.multiValued == attribute.name
        throw refusal(
            "the value of \(attribute.name) has the type \(value.type.rawValue), and the key "
                + "\(attribute.type.rawValue)"
                + (isMultiValued ? ". The index has the elements: give one of them" : ""))
    }

    private func refusal(_ problem: String) -> CodexError {
        let owner = index.map { "index \($0.name) of table \(table.name)" } ?? "table \(table.name)"
        return CodexError(
            .invalidKey, "The key of entity \(entity.name) in \(owner): \(problem).")
    }
}

// MARK: Users

extension Lookup {
    /// The key itself: a primary key, or a key in an index.
    ///
    /// - Parameter table: The entity's table, with its present indexes.
    /// - Returns: A target without values.
    /// - Throws: ``CodexError/Code/invalidKey``, ``CodexError/Code/invalidIdentifier``,
    ///   ``CodexError/Code/unknownIndex``.
    package func resolved(in table: TableDefinition) throws(CodexError) -> LookupTarget {
        try KeyResolution(E.definition, in: table).resolved(target)
    }
}

extension Query {
    /// The values from which the keys are made; `nil` if the request has its keys.
    package var values: [String: AttributeValue]? { request.keyValues?.values }

    /// The untyped query with its keys, after a check that the filter can find items.
    ///
    /// - Parameters:
    ///   - table: The entity's table, with its present indexes.
    ///   - schema: The schema of the data, whose definition of the entity may have more encrypted
    ///     attributes than the type's.
    /// - Returns: A query without values.
    /// - Throws: ``CodexError/Code/invalidKey``, ``CodexError/Code/invalidIdentifier``,
    ///   ``CodexError/Code/unknownIndex``, ``CodexError/Code/invalidExpression``.
    package func resolved(
        in table: TableDefinition, of schema: Schema
    ) throws(CodexError) -> TableQuery {
        if let filter = request.filter {
            let name = E.definition.name
            try E.requireUsable(filter, in: schema.entities.first { $0.name == name })
        }
        return try KeyResolution(E.definition, in: table).resolved(request)
    }
}
