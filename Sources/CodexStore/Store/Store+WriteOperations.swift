public import CodexCore

// The operations of a write transaction, each in a separate transaction. The linked operations
// document errors and costs.

extension Store {
    /// Stores an entity, and replaces one with the same key.
    ///
    /// See ``WriteTransaction/put(_:)``.
    public func put<E: Entity>(_ entity: E) async throws {
        try await write { try $0.put(entity) }
    }

    /// Stores an entity whose key is not taken.
    ///
    /// See ``WriteTransaction/insert(_:)``.
    public func insert<E: Entity>(_ entity: E) async throws {
        try await write { try $0.insert(entity) }
    }

    /// Stores a changed entity if it did not change in the store since it was read.
    ///
    /// See ``WriteTransaction/replace(_:)``.
    @discardableResult
    public func replace<E: Entity>(_ stored: Stored<E>) async throws -> Stored<E> {
        try await write { try $0.replace(stored) }
    }

    /// Reads an entity, changes it with `body`, and stores it, in one transaction.
    ///
    /// See ``WriteTransaction/update(_:_:)``.
    @discardableResult
    public func update<E: Entity>(
        _ lookup: Lookup<E>, _ body: @escaping @Sendable (inout E) throws -> Void
    ) async throws -> E {
        try await write { try $0.update(lookup, body) }
    }

    /// Removes an entity; returns whether there was one.
    @discardableResult
    public func delete<E: Entity>(_ lookup: Lookup<E>) async throws -> Bool {
        try await write { try $0.delete(lookup) }
    }

    /// Stores an item.
    ///
    /// See ``WriteTransaction/put(_:in:condition:returning:)``.
    @discardableResult
    public func put(
        _ item: Item, in table: String, condition: Condition? = nil,
        returning: ReturnValues = .none
    ) async throws -> Item? {
        try await write { try $0.put(item, in: table, condition: condition, returning: returning) }
    }

    /// Changes attributes of an item.
    ///
    /// See ``WriteTransaction/update(in:key:_:condition:returning:)``.
    @discardableResult
    public func update(
        in table: String, key: PrimaryKey, _ update: Update, condition: Condition? = nil,
        returning: ReturnValues = .none
    ) async throws -> Item? {
        try await write {
            try $0.update(in: table, key: key, update, condition: condition, returning: returning)
        }
    }

    /// Removes an item.
    ///
    /// See ``WriteTransaction/delete(in:key:condition:returning:)``.
    @discardableResult
    public func delete(
        in table: String, key: PrimaryKey, condition: Condition? = nil,
        returning: ReturnValues = .none
    ) async throws -> Item? {
        try await write {
            try $0.delete(in: table, key: key, condition: condition, returning: returning)
        }
    }
}

extension Store {
    /// Performs all actions, or none of them, and with a token only once.
    ///
    /// See ``WriteTransaction/perform(_:idempotencyToken:)``.
    @discardableResult
    public func perform(
        _ actions: [WriteAction], idempotencyToken: String?
    ) async throws -> Bool {
        try await write { try $0.perform(actions, idempotencyToken: idempotencyToken) }
    }

    /// Performs all actions, or none of them.
    ///
    /// See ``WriteTransaction/perform(_:idempotencyToken:)``.
    public func perform(_ actions: [WriteAction]) async throws {
        try await perform(actions, idempotencyToken: nil)
    }
}

// A store as a table backend: each read sees all completed writes, for any consistency.
extension Store: TableBackend {
    /// Everything that a table backend can do.
    public var capabilities: TableCapabilities { .embedded }

    /// The item with the key, or `nil`.
    public func item(
        in table: String, key: PrimaryKey, consistency: ReadConsistency
    ) async throws -> Item? {
        try item(in: table, key: key)
    }

    /// The items with the keys, from one snapshot.
    public func items(
        in table: String, keys: [PrimaryKey], consistency: ReadConsistency
    ) async throws -> [Item?] {
        try items(in: table, keys: keys)
    }

    /// A page of a query's items.
    public func items(
        matching query: TableQuery, limits: PageLimits, after token: PageToken?,
        consistency: ReadConsistency
    ) async throws -> Page<Item> {
        try items(matching: query, limits: limits, after: token)
    }

    /// A page of a table's items.
    public func items(
        scanning table: String, limits: PageLimits, after token: PageToken?,
        consistency: ReadConsistency
    ) async throws -> Page<Item> {
        try items(scanning: TableScan(table: table), limits: limits, after: token)
    }

    /// Performs one action, if its condition holds.
    ///
    /// See ``WriteTransaction/put(_:in:condition:returning:)`` and the other writes.
    @discardableResult
    public func perform(
        _ action: WriteAction, returning: ReturnValues
    ) async throws -> Item? {
        switch action {
        case .put(let table, let item, let condition):
            return try await put(item, in: table, condition: condition, returning: returning)
        case .update(let table, let key, let update, let condition):
            return try await self.update(
                in: table, key: key, update, condition: condition, returning: returning)
        case .delete(let table, let key, let condition):
            return try await delete(in: table, key: key, condition: condition, returning: returning)
        case .check:
            do {
                try await perform([action])
            } catch let error as CodexError {
                throw error.ofOnlyAction
            }
            return nil
        }
    }

    /// Performs all actions, or none of them, and with a token only once.
    ///
    /// See ``perform(_:idempotencyToken:)``.
    public func transact(_ actions: [WriteAction], idempotencyToken token: String?) async throws {
        try await perform(actions, idempotencyToken: token)
    }
}
