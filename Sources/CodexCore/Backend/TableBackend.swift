/// What the domain's services need of a place that holds tables.
///
/// The embedded store is one; a client of the DynamoDB API is to be another, with the same keys
/// and access patterns. Requirements are `async` so that a remote one can satisfy them; the
/// embedded store's synchronous reads do too.
public protocol TableBackend: Sendable {
    /// The item with the key, or `nil`. Sees every write that completed before.
    func item(in table: String, key: PrimaryKey) async throws -> Item?

    /// A page of a query's results.
    func items(
        matching query: TableQuery, limits: PageLimits, after token: PageToken?
    ) async throws -> Page<Item>

    /// Does all the actions, or none of them if a condition is false.
    func perform(_ actions: [WriteAction]) async throws
}
