public import CodexCore

// How an entity is read, for example with `store.get(.user(id))`:
//
// 1. `Store.get` takes a snapshot (Snapshot.swift) and calls `get` of the transaction.
// 2. `readOne` looks up the entity and its table in the catalog (`binding`).
// 3. `withOne` finds the item by its key (`withKey` and `withBytes`, ItemRead.swift). A lookup by
//    an index takes the first entry of the entity (QueryRun.swift), and its item unless the entry
//    is a whole copy (ReferencedItems.swift). If the lookup was made from values of fields, the
//    entity's definition makes the key first (KeyResolution.swift in CodexCore). If there is no
//    item, another spelling of the key is tried (AbsenceCheck.swift), unless the read takes its
//    key as it is (TransactionReader.swift).
// 4. `withFieldReader` checks entity and schema version. An older version is upgraded, and
//    encrypted fields are opened. Other items are read in place, through the plan of their shape
//    (`plan`).
// 5. `E.init(reading:)` makes the value.
//
// If a lookup finds nothing and has alternatives, these are looked up in the same way.
//
// The generic operations are inlinable and small: the compiler specializes them in the caller's
// module. The rest is not generic, and is compiled in this module.

extension Store {
    /// The entity that `lookup` names, or `nil`.
    ///
    /// See ``ReadableTransaction/get(_:)``.
    @inlinable
    public func get<E: Entity>(_ lookup: Lookup<E>) throws -> E? {
        try read { try $0.get(lookup) }
    }

    /// The entity that `lookup` names with its version.
    ///
    /// See ``ReadableTransaction/stored(_:)``.
    @inlinable
    public func stored<E: Entity>(_ lookup: Lookup<E>) throws -> Stored<E>? {
        try read { try $0.stored(lookup) }
    }

    /// A page of the entities that `query` names.
    ///
    /// See ``ReadableTransaction/query(_:limit:after:)``.
    @inlinable
    public func query<E: Entity>(
        _ query: Query<E>, limit: Int? = nil, after token: PageToken? = nil
    ) throws -> Page<E> {
        try read { try $0.query(query, limit: limit, after: token) }
    }

    /// All entities that `query` names, from one snapshot.
    ///
    /// See ``ReadableTransaction/all(_:)``.
    @inlinable
    public func all<E: Entity>(_ query: Query<E>) throws -> [E] {
        try read { try $0.all(query) }
    }

    /// The number of entities that `query` names.
    public func count<E: Entity>(_ query: Query<E>) throws -> Int {
        try read { try $0.count(query) }
    }
}

extension ReadableTransaction where Self: ~Copyable {
    /// The entity that `lookup` names, or `nil`.
    ///
    /// - Throws: ``CodexError/Code/unknownEntity`` if the store's schema lacks the entity;
    ///   ``CodexError/Code/otherEntity`` if the item is of another entity, or raw;
    ///   ``CodexError/Code/programTooOld`` if the item has a later schema version than the type;
    ///   ``CodexError/Code/schemaMismatch`` if the store has an earlier one of the entity;
    ///   ``CodexError/Code/migrationPending`` for a lookup by an index that may lack entries of
    ///   items of earlier versions; ``CodexError/Code/invalidKey`` for values that do not make the
    ///   key, and for a key under which there is no item, if there is one under its spelling with
    ///   UUIDs in lower case, or with padded numbers where the entity declares a number;
    ///   ``CodexError/Code/invalidIdentifier`` for a value that no key may have;
    ///   ``CodexError/Code/indexNotReady``;
    ///   ``CodexError/Code/typeMismatch``, ``CodexError/Code/missingAttribute``,
    ///   ``CodexError/Code/keyTooLong``, ``CodexError/Code/corrupted``.
    /// - Complexity: O(log *n*) in the table's items.
    @inlinable
    public func get<E: Entity>(_ lookup: Lookup<E>) throws -> E? {
        var entity: E?
        try _context.readOne(E.self, lookup.target) { reader throws(CodexError) in
            entity = try E(reading: reader)
        }
        if entity == nil {
            for target in lookup.alternatives where entity == nil {
                entity = try get(Lookup<E>(target))
            }
        }
        return entity
    }

    /// The entity that `lookup` names with its version, for ``WriteTransaction/replace(_:)``.
    ///
    /// - Throws: As ``get(_:)``.
    @inlinable
    public func stored<E: Entity>(_ lookup: Lookup<E>) throws -> Stored<E>? {
        var stored: Stored<E>?
        let context = _context
        try context.readOne(E.self, lookup.target) { reader throws(CodexError) in
            let header = reader.header
            stored = Stored(
                try E(reading: reader), version: header.version,
                schemaVersion: header.schemaVersion,
                key: try context.primaryKey(E.self, reader))
        }
        if stored == nil {
            for target in lookup.alternatives where stored == nil {
                stored = try self.stored(Lookup<E>(target))
            }
        }
        return stored
    }

    /// Passes the item of the entity that `lookup` names to `body`, in place.
    ///
    /// - Returns: The result of `body`; `nil` if there is no such entity.
    /// - Throws: As ``get(_:)``, and the errors of `body`.
    @inlinable
    public func view<E: Entity, R>(
        _ lookup: Lookup<E>, _ body: (borrowing ItemView) throws -> R
    ) throws -> R? {
        var result: R?
        try _context.viewOne(E.self, lookup.target) { result = try body($0) }
        if result == nil {
            for target in lookup.alternatives where result == nil {
                result = try view(Lookup<E>(target), body)
            }
        }
        return result
    }

    /// A page of the entities that `query` names.
    ///
    /// - Parameters:
    ///   - query: The query.
    ///   - limit: The maximum number of entities to return; `nil` for all.
    ///   - token: The ``Page/next`` of the previous page; `nil` for the first page.
    /// - Returns: The entities, and a token if there are more.
    /// - Throws: As ``get(_:)`` and ``items(matching:limits:after:)``;
    ///   ``CodexError/Code/invalidExpression`` for a filter with an attribute that the entity does
    ///   not have, with a value of another type than the field's, or with a misspelled case, and
    ///   for one that reads the value of an encrypted attribute. A raw item in the range, which was
    ///   stored before the schema had the entity, is refused as by ``get(_:)``.
    @inlinable
    public func query<E: Entity>(
        _ query: Query<E>, limit: Int? = nil, after token: PageToken? = nil
    ) throws -> Page<E> {
        var items: [E] = []
        items.reserveCapacity(min(limit ?? 0, 128))
        let (next, examined) = try _context.readEach(
            E.self, query.request, limit, token
        ) { reader throws(CodexError) in
            items.append(try E(reading: reader))
        }
        return Page(items: items, next: next, examinedCount: examined)
    }

    /// All entities that `query` names.
    ///
    /// - Throws: As ``query(_:limit:after:)``.
    @inlinable
    public func all<E: Entity>(_ query: Query<E>) throws -> [E] {
        try self.query(query).items
    }

    /// The number of entities that `query` names.
    ///
    /// - Throws: As ``query(_:limit:after:)``.
    /// - Complexity: O(*m*) for *m* items in the range; no item is decoded unless there is a
    ///   filter.
    public func count<E: Entity>(_ query: Query<E>) throws -> Int {
        let (context, checksSpelling) = (_context.base, _context.checksSpelling)
        let bound = try context.binding(E.self)
        try context.requireFindable(bound, by: query.request.index)
        var count = 0
        try context.run(query.request, of: bound, wanting: .keys).walk { _ in
            count += 1
            return true
        }
        if count == 0, checksSpelling {
            try AbsenceCheck(context, bound).requireSpelling(of: query.request)
        }
        return count
    }

    /// Passes the items of the entities that `query` names to `body`, in place, until it returns
    /// `false`.
    ///
    /// - Throws: As ``query(_:limit:after:)``, and the errors of `body`.
    public func forEach<E: Entity>(
        _ query: Query<E>, _ body: (borrowing ItemView) throws -> Bool
    ) throws {
        try _context.viewEach(E.self, query.request, body)
    }
}

extension _ReadableContext {
    /// Passes a reader of the entity at `target` to `body`, if there is one.
    @usableFromInline
    func readOne(
        _ type: any Entity.Type, _ target: LookupTarget,
        _ body: (borrowing FieldReader) throws(CodexError) -> Void
    ) throws {
        let bound = try base.binding(type)
        try withOne(bound, target) { bytes in
            try base.withFieldReader(bound, bytes, body)
        }
    }

    /// Passes a view of the entity at `target` to `body`, if there is one.
    @usableFromInline
    func viewOne(
        _ type: any Entity.Type, _ target: LookupTarget,
        _ body: (borrowing ItemView) throws -> Void
    ) throws {
        try withOne(try base.binding(type), target) { try body(ItemView($0)) }
    }

    @inline(__always)
    private func withOne(
        _ bound: TransactionContext.BoundEntity, _ target: LookupTarget,
        madeFrom values: [String: AttributeValue] = [:], _ body: (ItemBytes) throws -> Void
    ) throws {
        switch target {
        case .primaryKey(let key):
            let isThere = try base.withKey(key, bound.table) { encoded in
                try base.withBytes(bound.table, encoded, body) != nil
            }
            if !isThere, checksSpelling {
                try AbsenceCheck(base, bound).requireSpelling(of: key, madeFrom: values)
            }
        case .index(let name, let partition, let sort):
            try base.requireFindable(bound, by: name)
            let query = TableQuery(
                table: bound.table.name, index: name, partition: partition, sortPrefix: sort)
            let run = try QueryRun(query, base, wanting: .whole, of: bound.entity)
            var isThere = false
            try run.walk(room: { 1 }) { bytes in
                isThere = true
                try body(bytes)
                return false
            }
            if !isThere, checksSpelling {
                try AbsenceCheck(base, bound).requireSpelling(of: query, madeFrom: values)
            }
        case .values, .indexValues: try withOneMade(bound, target, body)
        }
    }

    /// Makes the key of a lookup from its values, and finds the item.
    @inline(never)
    private func withOneMade(
        _ bound: TransactionContext.BoundEntity, _ target: LookupTarget,
        _ body: (ItemBytes) throws -> Void
    ) throws {
        let values: [String: AttributeValue] =
            switch target {
            case .values(let values), .indexValues(_, let values): values
            case .primaryKey, .index: [:]
            }
        try withOne(bound, try KeyResolution(bound).resolved(target), madeFrom: values, body)
    }

    /// Passes readers of a page's entities to `body`.
    @usableFromInline
    func readEach(
        _ type: any Entity.Type, _ query: TableQuery, _ limit: Int?, _ token: PageToken?,
        _ body: (borrowing FieldReader) throws(CodexError) -> Void
    ) throws -> (next: PageToken?, examined: Int) {
        try readEach(type, query, limit, token, onFailure: { throw $0 }, body)
    }

    /// Passes views of a query's entities to `body` until it returns `false`.
    func viewEach(
        _ type: any Entity.Type, _ query: TableQuery, _ body: (borrowing ItemView) throws -> Bool
    ) throws {
        let bound = try base.binding(type)
        try base.requireFindable(bound, by: query.index)
        let run = try base.run(query, of: bound)
        var isEmpty = true
        try run.walk { bytes in
            isEmpty = false
            return try body(ItemView(bytes))
        }
        if isEmpty, checksSpelling {
            try AbsenceCheck(base, bound).requireSpelling(of: query)
        }
    }
}

extension TransactionContext {
    /// A query for items of an entity, with its keys, after checks by the entity's definition.
    ///
    /// The entity is known, so the name in the query is not looked up. A filter sees whole items.
    func run(
        _ query: TableQuery, of bound: BoundEntity, wanting wanted: WantedContent = .whole
    ) throws(CodexError) -> QueryRun {
        if let filter = query.filter {
            try bound.entityType.requireUsable(filter, in: bound.entity.definition)
        }
        let content = wanted.with(query.filter, seeing: .whole)
        let run: QueryRun
        if query.keyValues == nil {
            run = try QueryRun(
                query, self, wanting: content, of: bound.entity, seenAs: bound)
        } else {
            run = try QueryRun(
                try KeyResolution(bound).resolved(query), self, wanting: content,
                of: bound.entity, seenAs: bound)
        }
        guard run.table === bound.table else {
            throw CodexError(
                .unknownEntity,
                "The query is of table \(run.table.name), but entity "
                    + "\(bound.entity.definition.name) is in table \(bound.table.name).")
        }
        return run
    }

    /// Passes a reader of the fields of an entity's item to `body`, upgraded to the type's schema
    /// version.
    @inline(__always)
    func withFieldReader(
        _ bound: BoundEntity, _ bytes: ItemBytes,
        _ body: (borrowing FieldReader) throws(CodexError) -> Void
    ) throws(CodexError) {
        let layout = bytes.layout
        do throws(CodexError) {
            guard layout.header.entityNumber == bound.entity.number else {
                throw otherEntity(bound, layout.header)
            }
            // Items of earlier versions are upgraded, and those of later ones refused.
            guard layout.header.schemaVersion == bound.version,
                bound.entity.definition.sealed.isEmpty
            else { return try withWholeItem(bound, bytes, body) }
            try body(FieldReader(bytes, plan: plan(bound, layout.shape)))
        } catch {
            throw located(error, bound, bytes)
        }
    }

    /// Passes a reader of an item that is not read in place to `body`.
    ///
    /// The item's encrypted fields are opened, and it is upgraded.
    private func withWholeItem(
        _ bound: BoundEntity, _ bytes: ItemBytes,
        _ body: (borrowing FieldReader) throws(CodexError) -> Void
    ) throws(CodexError) {
        let header = bytes.layout.header
        let item = try bound.entityType.upgraded(
            try SealedFields.opened(try bytes.item(), header, catalog, core),
            from: header.schemaVersion)
        try LooseItem(item, header).withFieldReader(bound.fieldNames, body)
    }
}
