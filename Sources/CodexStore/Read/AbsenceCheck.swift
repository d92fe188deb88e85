internal import CodexCore
internal import CodexIndex

/// Finds out whether a read found nothing because its key is spelled in another way than the stored
/// ones.
///
/// Keys have UUIDs in lower case and numbers with padding. A key that a program writes by hand may
/// not, and it would silently find nothing. A read that found nothing therefore looks under the
/// other spellings. There are none for most keys.
///
/// It looks for UUIDs in lower case, for the padded form of numbers in fields that are declared as
/// numbers, and for the plain form of numbers that were given as values. It does not find what
/// could be a correct key of another item:
///
/// - text of digits in place of a number, and the other way round, in a key that is written by hand
///   for a field without a declared type, or in a value that is given as text;
/// - UUIDs in lower case in place of capitals, or in an attribute that no template makes;
/// - bounds of ranges and beginnings of text, in any spelling: the result is empty.
struct AbsenceCheck {
    private let context: TransactionContext
    private let bound: TransactionContext.BoundEntity

    init(_ context: TransactionContext, _ bound: TransactionContext.BoundEntity) {
        self.context = context
        self.bound = bound
    }

    private var definition: EntityDefinition { bound.entity.definition }

    // MARK: Lookups

    /// Checks a primary key under which there is no item.
    ///
    /// - Parameters:
    ///   - key: The key.
    ///   - values: The values that it was made from; empty for a key that is written by hand.
    /// - Throws: ``CodexError/Code/invalidKey`` if there is one under another spelling of it.
    @inline(never)
    func requireSpelling(
        of key: PrimaryKey, madeFrom values: [String: AttributeValue]
    ) throws {
        for spelling in KeyTemplate.Spelling.allCases {
            guard let other = respelled(key, spelling, values) else { continue }
            if try isThere(other) { throw misspelled(spelling) }
        }
    }

    private func isThere(_ key: PrimaryKey) throws -> Bool {
        var encoded: [UInt8] = []
        // Padding may make a key too long.
        guard (try? bound.table.plan.encode(key, into: &encoded)) != nil else { return false }
        return try context.withBytes(bound.table, encoded) {
            $0.layout.header.entityNumber == bound.entity.number
        } ?? false
    }

    private func respelled(
        _ key: PrimaryKey, _ spelling: KeyTemplate.Spelling, _ values: [String: AttributeValue]
    ) -> PrimaryKey? {
        let table = bound.table.plan.definition
        let partition = respelled(key.partition, of: table.partitionKey.name, spelling, values)
        let sort = table.sortKey.flatMap { attribute in
            key.sort.flatMap { respelled($0, of: attribute.name, spelling, values) }
        }
        if partition == nil, sort == nil { return nil }
        return PrimaryKey(partition ?? key.partition, sort ?? key.sort)
    }

    /// A key attribute's value in another spelling; `nil` if there is none.
    private func respelled(
        _ value: AttributeValue, of name: String, _ spelling: KeyTemplate.Spelling,
        _ values: [String: AttributeValue]
    ) -> AttributeValue? {
        guard case .string(let text) = value, KeyTemplate.mayHaveOtherSpelling(text),
            let template = template(of: name)
        else { return nil }
        return template.respelled(text, spelling, fields: definition.fields, values: values)
            .map { .string($0) }
    }

    private func template(of name: String) -> KeyTemplate? {
        if let template = definition.keys[name] { return template }
        if case .template(let template)? = definition.derived[name]?.value { return template }
        return nil
    }

    // MARK: Queries

    /// Checks a query that found no item of the entity.
    ///
    /// - Throws: ``CodexError/Code/invalidKey`` if it finds one with another spelling of its keys.
    @inline(never)
    func requireSpelling(of query: TableQuery) throws {
        let given = query.keyValues
        var values = given?.values ?? [:]
        if let name = given?.sortName, case .equal(let value)? = given?.condition {
            values[name] = value
        }
        try requireSpelling(of: try KeyResolution(bound).resolved(query), madeFrom: values)
    }

    /// Checks a query with its keys that found no item of the entity.
    ///
    /// - Parameters:
    ///   - query: The query.
    ///   - values: The values that its keys were made from; empty for keys that are written by
    ///     hand.
    /// - Throws: ``CodexError/Code/invalidKey`` if it finds one with another spelling of its keys.
    @inline(never)
    func requireSpelling(
        of query: TableQuery, madeFrom values: [String: AttributeValue]
    ) throws {
        for spelling in KeyTemplate.Spelling.allCases {
            guard let other = try respelled(query, spelling, values) else { continue }
            // Padding may make a key too long.
            guard
                let run = try? QueryRun(
                    other, context, wanting: .keys.with(other.filter, seeing: .whole),
                    of: bound.entity, seenAs: bound)
            else { continue }
            var isThere = false
            try run.walk { _ in
                isThere = true
                return false
            }
            if isThere { throw misspelled(spelling) }
        }
    }

    /// A query with its equalities in another spelling; `nil` if there is none.
    ///
    /// Another bound would be another interval, so ranges stay.
    private func respelled(
        _ query: TableQuery, _ spelling: KeyTemplate.Spelling, _ values: [String: AttributeValue]
    ) throws(CodexError) -> TableQuery? {
        let table = bound.table.plan.definition
        let index = try query.index.map { name throws(CodexError) in
            try bound.table.index(name).plan.definition
        }
        let sortKey = index?.sortKey ?? (table.sortKey.map { [$0] } ?? [])
        var other = query
        for (place, attribute) in (index?.partitionKey ?? [table.partitionKey]).enumerated()
        where place < query.partition.count {
            let value = query.partition[place]
            other.partition[place] =
                respelled(value, of: attribute.name, spelling, values) ?? value
        }
        for (place, attribute) in sortKey.enumerated() where place < query.sortPrefix.count {
            let value = query.sortPrefix[place]
            other.sortPrefix[place] =
                respelled(value, of: attribute.name, spelling, values) ?? value
        }
        if query.sortPrefix.count < sortKey.count, case .equal(let value) = query.sort {
            let name = sortKey[query.sortPrefix.count].name
            other.sort = .equal(respelled(value, of: name, spelling, values) ?? value)
        }
        return other == query ? nil : other
    }

    private func misspelled(_ spelling: KeyTemplate.Spelling) -> CodexError {
        let name = definition.name
        let problem =
            switch spelling {
            case .canonical:
                "with its UUIDs in lower case and its numbers as KeyTemplate.text(of:) writes them"
            case .plain: "with its numbers as text without padding"
            }
        return CodexError(
            .invalidKey,
            "There is no \(name) under the key, but there is one under the key \(problem). Make "
                + "keys from the values of fields, as in Lookup<E>([\"id\": id]).")
    }
}
