internal import CodexCore
internal import CodexIndex

/// Finds out whether a read found nothing because its key is spelled in another way than the stored
/// ones.
///
/// Keys have UUIDs in lower case and numbers with padding. A key that a program writes by hand may
/// not, and it would silently find nothing. A read that found nothing therefore looks under the
/// other spellings. There are none for most keys.
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
    /// - Throws: ``CodexError/Code/invalidKey`` if there is one under another spelling of it.
    @inline(never)
    func requireSpelling(of key: PrimaryKey) throws {
        for spelling in KeyTemplate.Spelling.allCases {
            guard let other = respelled(key, spelling) else { continue }
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

    private func respelled(_ key: PrimaryKey, _ spelling: KeyTemplate.Spelling) -> PrimaryKey? {
        let table = bound.table.plan.definition
        let partition = respelled(key.partition, of: table.partitionKey.name, spelling)
        let sort = table.sortKey.flatMap { attribute in
            key.sort.flatMap { respelled($0, of: attribute.name, spelling) }
        }
        if partition == nil, sort == nil { return nil }
        return PrimaryKey(partition ?? key.partition, sort ?? key.sort)
    }

    /// A key attribute's value in another spelling; `nil` if there is none.
    private func respelled(
        _ value: AttributeValue, of name: String, _ spelling: KeyTemplate.Spelling
    ) -> AttributeValue? {
        guard case .string(let text) = value, KeyTemplate.mayHaveOtherSpelling(text),
            let template = template(of: name)
        else { return nil }
        return template.respelled(text, spelling, fields: definition.fields).map { .string($0) }
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
        let query = try KeyResolution(bound).resolved(query)
        for spelling in KeyTemplate.Spelling.allCases {
            guard let other = try respelled(query, spelling) else { continue }
            // The other spelling may have bounds in the wrong order.
            guard
                let run = try? QueryRun(other, context, filtersWhole: true, of: bound.entity)
            else { continue }
            var isThere = false
            unsafe try run.walk { _, _ in
                isThere = true
                return false
            }
            if isThere { throw misspelled(spelling) }
        }
    }

    private func respelled(
        _ query: TableQuery, _ spelling: KeyTemplate.Spelling
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
            other.partition[place] = respelled(value, of: attribute.name, spelling) ?? value
        }
        for (place, attribute) in sortKey.enumerated() where place < query.sortPrefix.count {
            let value = query.sortPrefix[place]
            other.sortPrefix[place] = respelled(value, of: attribute.name, spelling) ?? value
        }
        if query.sortPrefix.count < sortKey.count {
            let name = sortKey[query.sortPrefix.count].name
            other.sort = query.sort.mapped { respelled($0, of: name, spelling) ?? $0 }
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

extension SortCondition {
    /// The condition with other values.
    fileprivate func mapped(_ change: (AttributeValue) -> AttributeValue) -> SortCondition {
        switch self {
        case .any: .any
        case .equal(let value): .equal(change(value))
        case .less(let value): .less(change(value))
        case .lessOrEqual(let value): .lessOrEqual(change(value))
        case .greater(let value): .greater(change(value))
        case .greaterOrEqual(let value): .greaterOrEqual(change(value))
        case .between(let low, let high): .between(change(low), change(high))
        case .beginsWith(let value): .beginsWith(change(value))
        }
    }
}
