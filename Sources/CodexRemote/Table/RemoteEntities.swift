#if Remote
    public import CodexCore

    /// The entities of a schema in a remote table: typed reads and writes over a ``RemoteTable``.
    ///
    /// Each write stores the entity's name and schema version in the reserved attribute
    /// (``TableCapabilities/reservedAttribute``), as text such as `task#2`. A read upgrades an item
    /// of an earlier version in memory. An item without the attribute belongs to the entity that
    /// its key names. Its version is the declared one (``init(_:schema:untaggedVersions:)``).
    ///
    /// ```swift
    /// let tasks = try RemoteEntities(table, schema: schema)
    /// try await tasks.insert(order)
    /// let found = try await tasks.get(Lookup<Order>(["id": id]))
    /// ```
    ///
    /// What an embedded store does with the schema at each write is missing. A unique index may
    /// have equal keys. A schema with encrypted fields is refused, since the client encrypts
    /// nothing.
    ///
    /// There is no version of an item: a write that depends on what was read compares it attribute
    /// by attribute. So other clients may write the table too. DynamoDB takes 300 operators in a
    /// condition. So an item with more than 149 attributes beside its key can be read, and stored
    /// with ``put(_:)``. ``update(_:_:)`` and ``delete(_:)`` refuse it (`invalidExpression`) before
    /// they write. Each attribute that a type has, and the item lacks, counts as one.
    ///
    /// If the answer to ``insert(_:)``, ``update(_:_:)`` or ``delete(_:)`` is lost, the call throws
    /// `outcomeUnknown`. ``RemoteOptions/guardedWrites`` chooses repetitions instead.
    public struct RemoteEntities: Sendable {
        /// The table.
        public let table: RemoteTable
        let items: EntityItems

        /// How often ``update(_:_:)`` reads and writes again after a write of another program.
        private static let attemptCountMax = 10

        /// Reads and writes the entities of a table.
        ///
        /// - Parameters:
        ///   - table: The table.
        ///   - schema: The schema with the table and the entities.
        ///   - untaggedVersions: The schema versions of items without the reserved attribute, by
        ///     the names of entities. Without it, such an item is refused if its entity has
        ///     earlier versions.
        /// - Throws: ``CodexError/Code/unsupportedOperation`` with the names of an entity and its
        ///   encrypted fields, if the schema has some.
        public init(
            _ table: RemoteTable, schema: Schema, untaggedVersions: [String: Int] = [:]
        ) throws(CodexError) {
            self.table = table
            items = try EntityItems(
                schema, table.capabilities, untaggedVersions: untaggedVersions)
        }

        // MARK: Reading

        /// The entity of a lookup, or `nil`.
        ///
        /// A lookup in an index reads the entries that the index has, and then the items. An item
        /// that has another key of the index by now is passed over.
        ///
        /// - Parameters:
        ///   - lookup: The lookup; its alternatives are tried in their order.
        ///   - consistency: Which writes the read of the item sees.
        /// - Returns: The entity.
        /// - Throws: The errors of the table and of reading the entity;
        ///   ``CodexError/Code/schemaMismatch`` for an item whose version is not known.
        public func get<E: Entity>(
            _ lookup: Lookup<E>, consistency: ReadConsistency = .consistent
        ) async throws -> E? {
            try await item(of: lookup, consistency).map { try items.entity($0) }
        }

        /// A page of the entities of a query; items of other entities are skipped.
        ///
        /// An index may be older than the table. The filter sees items as they are stored, also
        /// those of earlier schema versions.
        ///
        /// - Parameters:
        ///   - query: The query.
        ///   - limits: The limits of the page.
        ///   - token: The ``Page/next`` of the page before; `nil` is the first page.
        ///   - consistency: Which writes the query sees.
        /// - Returns: The entities.
        /// - Throws: As ``get(_:consistency:)``; ``CodexError/Code/unsupportedOperation`` for an
        ///   index whose entries are not whole items.
        public func query<E: Entity>(
            _ query: Query<E>, limits: PageLimits = PageLimits(), after token: PageToken? = nil,
            consistency: ReadConsistency = .eventual
        ) async throws -> Page<E> {
            let page = try await itemPage(of: query, limits, token, consistency)
            return Page(
                items: try page.items.map { try items.entity($0) }, next: page.next,
                examinedCount: page.examinedCount)
        }

        // MARK: Writing

        /// Stores an entity whose key is not taken.
        ///
        /// - Throws: ``CodexError/Code/conditionFailed`` if it is taken;
        ///   ``CodexError/Code/outcomeUnknown`` after a lost answer; the errors of
        ///   ``Entity/validate()`` and of the table.
        public func insert<E: Entity>(_ entity: E) async throws {
            try entity.validate()
            _ = try await table.put(
                try items.item(of: entity), condition: .unchanged(nil, in: table.definition))
        }

        /// Stores an entity, and replaces any item with the same key.
        ///
        /// - Throws: The errors of ``Entity/validate()`` and of the table.
        public func put<E: Entity>(_ entity: E) async throws {
            try entity.validate()
            _ = try await table.put(try items.item(of: entity))
        }

        /// Reads an entity, changes it, and stores it if the item is as it was read.
        ///
        /// Attributes that the type does not know stay. If another program wrote the item
        /// meanwhile, the entity is read and changed again.
        ///
        /// - Parameters:
        ///   - lookup: The entity.
        ///   - body: Changes it; it may run more than once. It must not change the key.
        /// - Returns: The changed entity; `nil` if there is none.
        /// - Throws: ``CodexError/Code/conditionFailed`` if others wrote the item at each attempt;
        ///   ``CodexError/Code/outcomeUnknown`` after a lost answer;
        ///   ``CodexError/Code/invalidExpression`` for an item with too many attributes;
        ///   ``CodexError/Code/invalidKey`` if `body` changes the key; the errors of `body`, of
        ///   ``Entity/validate()`` and of the table.
        @discardableResult
        public func update<E: Entity>(
            _ lookup: Lookup<E>, _ body: (inout E) throws -> Void
        ) async throws -> E? {
            try await update(lookup, willWrite: { _ in }, body)
        }

        /// Changes an entity, as ``update(_:_:)``, and tells the key before each write.
        ///
        /// - Throws: As ``update(_:_:)``.
        func update<E: Entity>(
            _ lookup: Lookup<E>, willWrite: (PrimaryKey) -> Void,
            _ body: (inout E) throws -> Void
        ) async throws -> E? {
            var attempt = 1
            while true {
                guard let old = try await item(of: lookup, .consistent) else { return nil }
                var entity: E = try items.entity(old)
                try body(&entity)
                try entity.validate()
                let new = try items.item(of: entity, over: old)
                let definition = table.definition
                let key = try definition.primaryKey(of: old)
                guard try definition.primaryKey(of: new) == key else {
                    throw CodexError(
                        .invalidKey,
                        "The change of the entity changes its key. Insert it, and delete the old "
                            + "one.")
                }
                let names = Set(E.definition.fields.map(\.name) + E.furtherAttributes)
                willWrite(key)
                do {
                    _ = try await table.put(
                        new, condition: .unchanged(old, in: definition, without: names))
                    return entity
                } catch CodexError.Code.conditionFailed where attempt < Self.attemptCountMax {
                    attempt += 1
                }
            }
        }

        /// Removes an entity; removing an absent one is not an error.
        ///
        /// - Parameter lookup: The entity.
        /// - Returns: Whether there was one.
        /// - Throws: ``CodexError/Code/otherEntity`` if the item is one of another entity, which
        ///   stays; ``CodexError/Code/outcomeUnknown`` after a lost answer;
        ///   ``CodexError/Code/invalidExpression`` for an item with too many attributes; the errors
        ///   of the table.
        @discardableResult
        public func delete<E: Entity>(_ lookup: Lookup<E>) async throws -> Bool {
            try await delete(lookup, willWrite: { _ in })
        }

        /// Removes an entity, as ``delete(_:)``, and tells the key before the write.
        ///
        /// - Throws: As ``delete(_:)``.
        func delete<E: Entity>(
            _ lookup: Lookup<E>, willWrite: (PrimaryKey) -> Void
        ) async throws -> Bool {
            guard let old = try await item(of: lookup, .consistent) else { return false }
            _ = try items.present(old, as: E.self)
            let definition = table.definition
            let key = try definition.primaryKey(of: old)
            willWrite(key)
            _ = try await table.delete(key, condition: .unchanged(old, in: definition))
            return true
        }

        // MARK: Items

        /// The item of the first target of a lookup that has one.
        private func item<E: Entity>(
            of lookup: Lookup<E>, _ consistency: ReadConsistency
        ) async throws -> Item? {
            let definition = try items.schema.table(E.definition.table)
            for target in [lookup.target] + lookup.alternatives {
                switch try Lookup<E>(target).resolved(in: definition) {
                case .primaryKey(let key):
                    if let item = try await table.get(key, consistency: consistency) { return item }
                case .index(let name, let partition, let sort):
                    let query = TableQuery(
                        table: definition.name, index: name, partition: partition, sortValues: sort)
                    let values = (partition: partition, sort: sort)
                    let found = try await first(of: query, values, definition, consistency)
                    if let found { return found }
                case .values, .indexValues:
                    throw CodexError(.invalidKey, "The lookup has no key, although it was made.")
                }
            }
            return nil
        }

        /// The first item of an index that still has the key by which it was looked for.
        ///
        /// The index may be older than the table.
        private func first(
            of query: TableQuery, _ values: (partition: [AttributeValue], sort: [AttributeValue]),
            _ definition: TableDefinition, _ consistency: ReadConsistency
        ) async throws -> Item? {
            let index = definition.indexes.first { $0.name == query.index }
            let names = ((index?.partitionKey ?? []) + (index?.sortKey ?? [])).map(\.name)
            var token: PageToken?
            repeat {
                let page = try await table.items(
                    matching: query, limits: PageLimits(returned: 1), after: token)
                for entry in page.items {
                    let key = try definition.primaryKey(of: entry)
                    guard let item = try await table.get(key, consistency: consistency) else {
                        continue
                    }
                    let isSame = zip(names, values.partition + values.sort).allSatisfy {
                        item[$0] == $1
                    }
                    if isSame { return item }
                }
                token = page.next
            } while token != nil
            return nil
        }
    }
#endif
