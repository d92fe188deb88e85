public import CodexCore
internal import CodexIndex

extension ReadableTransaction where Self: ~Copyable {
    /// The entity that `lookup` names, or `nil`.
    ///
    /// - Throws: ``CodexError/Code/unknownEntity`` if the store's schema lacks the entity, or if
    ///   the item is of another one; ``CodexError/Code/typeMismatch``,
    ///   ``CodexError/Code/missingAttribute``, ``CodexError/Code/keyTooLong``,
    ///   ``CodexError/Code/corrupted``.
    /// - Complexity: O(log *n*) in the table's items.
    public func get<E: Entity>(_ lookup: Lookup<E>) throws -> E? {
        try withBytes(lookup) { context, binding, bytes throws(CodexError) in
            try context.decode(E.self, binding, bytes)
        }
    }

    /// The entity that `lookup` names with its version, for ``WriteTransaction/replace(_:)``.
    ///
    /// - Throws: As ``get(_:)``.
    public func stored<E: Entity>(_ lookup: Lookup<E>) throws -> Stored<E>? {
        try withBytes(lookup) { context, binding, bytes throws(CodexError) in
            let header = bytes.layout.header
            return Stored(
                try context.decode(E.self, binding, bytes), version: header.version,
                schemaVersion: header.schemaVersion)
        }
    }

    /// Lends the item of the entity that `lookup` names in place; `nil` if there is none.
    ///
    /// - Throws: As ``get(_:)``, and whatever `body` throws.
    public func view<E: Entity, R>(
        _ lookup: Lookup<E>, _ body: (borrowing ItemView) throws -> R
    ) throws -> R? {
        try withBytes(lookup) { _, _, bytes in try body(ItemView(bytes)) }
    }

    private func withBytes<E: Entity, R>(
        _ lookup: Lookup<E>, _ body: (TransactionContext, EntityBinding, ItemBytes) throws -> R
    ) throws -> R? {
        let context = _context.base
        let binding = try context.binding(E.self)
        let table = try context.core.table(binding)
        switch lookup.target {
        case .primaryKey(let key):
            return try context.withKey(key, table) { encoded in
                try context.bytes(table, encoded).map { try body(context, binding, $0) }
            }
        case .index(let name, let partition, let sort):
            let query = TableQuery(
                table: table.name, index: name, partition: partition, sortPrefix: sort)
            var result: R?
            try QueryRun(query, context).walkHydrated { bytes in
                guard bytes.layout.header.entityNumber == binding.number else { return true }
                result = try body(context, binding, bytes)
                return false
            }
            return result
        }
    }

    /// A page of the entities that `query` names.
    ///
    /// - Parameters:
    ///   - query: What to look for.
    ///   - limit: Most entities to return; `nil` is all.
    ///   - token: The page before's ``Page/next``; `nil` is the first page.
    /// - Throws: As ``get(_:)`` and ``items(matching:limits:after:)``.
    public func query<E: Entity>(
        _ query: Query<E>, limit: Int? = nil, after token: PageToken? = nil
    ) throws -> Page<E> {
        let context = _context.base
        let binding = try context.binding(E.self)
        let run = try QueryRun(query.request, context)
        return unsafe try run.page(PageLimits(returned: limit), after: token) { key, bytes in
            unsafe try run.hydrated(key, bytes, binding) { bytes throws(CodexError) in
                try context.decode(E.self, binding, bytes)
            }
        }
    }

    /// All entities that `query` names.
    ///
    /// - Throws: As ``query(_:limit:after:)``.
    public func all<E: Entity>(_ query: Query<E>) throws -> [E] {
        try self.query(query).items
    }

    /// How many entities `query` names.
    ///
    /// - Throws: As ``query(_:limit:after:)``.
    /// - Complexity: O(*m*) for *m* items in the range; none is decoded unless there is a filter.
    public func count<E: Entity>(_ query: Query<E>) throws -> Int {
        let context = _context.base
        let binding = try context.binding(E.self)
        var count = 0
        try QueryRun(query.request, context).walk { bytes in
            if bytes.layout.header.entityNumber == binding.number { count += 1 }
            return true
        }
        return count
    }

    /// Lends the items of the entities that `query` names in place, until `body` returns `false`.
    ///
    /// - Throws: As ``query(_:limit:after:)``, and whatever `body` throws.
    public func forEach<E: Entity>(
        _ query: Query<E>, _ body: (borrowing ItemView) throws -> Bool
    ) throws {
        let context = _context.base
        let binding = try context.binding(E.self)
        try QueryRun(query.request, context).walkHydrated { bytes in
            guard bytes.layout.header.entityNumber == binding.number else { return true }
            return try body(ItemView(bytes))
        }
    }
}

extension TransactionContext {
    /// Reads an entity from its item in place.
    @inline(__always)
    func decode<E: Entity>(
        _ type: E.Type, _ binding: EntityBinding, _ bytes: ItemBytes
    ) throws(CodexError) -> E {
        guard bytes.layout.header.entityNumber == binding.number else {
            throw CodexError(
                .unknownEntity,
                "The item under this key is not a \(binding.definition.name) but "
                    + "\(core.entityName(bytes.layout.header.entityNumber) ?? "a raw item").")
        }
        return try E(reading: FieldReader(bytes, plan: plan(binding, bytes.layout.shape)))
    }
}

extension StoreCore {
    /// The table that an entity's items are in.
    @inline(__always)
    func table(_ binding: EntityBinding) throws(CodexError) -> TableHandle {
        try table(binding.definition.table)
    }
}

extension QueryRun {
    /// Walks the whole range.
    func walk(_ body: (ItemBytes) throws -> Bool) throws {
        unsafe try walk(range) { _, bytes in try body(bytes) }
    }

    /// Walks the whole range; items whose index entries are partial are read from the table.
    func walkHydrated(_ body: (ItemBytes) throws -> Bool) throws {
        unsafe try walk(range) { key, bytes in
            guard let index, index.plan.definition.projection != .all else {
                return try body(bytes)
            }
            return unsafe try withTableItem(key, index) { try body($0) }
        }
    }

    /// The result of `make` for an item of the entity, read from the table where the index entry
    /// is partial; `nil` for items of other entities.
    @inline(__always)
    func hydrated<R>(
        _ key: UnsafeBufferPointer<UInt8>, _ bytes: ItemBytes, _ binding: EntityBinding,
        _ make: (ItemBytes) throws(CodexError) -> R
    ) throws -> R? {
        guard bytes.layout.header.entityNumber == binding.number else { return nil }
        guard let index, index.plan.definition.projection != .all else { return try make(bytes) }
        return unsafe try withTableItem(key, index) { try make($0) }
    }

    private func withTableItem<R>(
        _ entryKey: UnsafeBufferPointer<UInt8>, _ index: IndexHandle, _ body: (ItemBytes) throws -> R
    ) throws -> R {
        let offset = try index.plan.primaryKeyOffset(unsafe Span(_unsafeElements: entryKey))
        let primaryKey = unsafe Array(entryKey[offset...])
        guard let item = try context.bytes(table, primaryKey) else {
            throw Wire.corrupted("an index entry has no item")
        }
        return try withExtendedLifetime(primaryKey) { try body(item) }
    }
}
