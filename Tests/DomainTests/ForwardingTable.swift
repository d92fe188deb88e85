import CodexCore

/// A table that passes each request to another one, apart from those that a type has itself.
protocol ForwardingTable: TableBackend {
    associatedtype Base: TableBackend
    var base: Base { get }
}

extension ForwardingTable {
    var capabilities: TableCapabilities { base.capabilities }

    func item(
        in table: String, key: PrimaryKey, consistency: ReadConsistency
    ) async throws -> Item? {
        try await base.item(in: table, key: key, consistency: consistency)
    }

    func items(
        in table: String, keys: [PrimaryKey], consistency: ReadConsistency
    ) async throws -> [Item?] {
        try await base.items(in: table, keys: keys, consistency: consistency)
    }

    func items(
        matching query: TableQuery, limits: PageLimits, after token: PageToken?,
        consistency: ReadConsistency
    ) async throws -> Page<Item> {
        try await base.items(
            matching: query, limits: limits, after: token, consistency: consistency)
    }

    func items(
        scanning table: String, limits: PageLimits, after token: PageToken?,
        consistency: ReadConsistency
    ) async throws -> Page<Item> {
        try await base.items(
            scanning: table, limits: limits, after: token, consistency: consistency)
    }

    func perform(_ action: WriteAction, returning: ReturnValues) async throws -> Item? {
        try await base.perform(action, returning: returning)
    }

    func transact(_ actions: [WriteAction], idempotencyToken token: String?) async throws {
        try await base.transact(actions, idempotencyToken: token)
    }
}
