/// The operations that the domain's services need from a store of tables.
///
/// The embedded store conforms. A client of the DynamoDB API can conform too, with the same keys
/// and access patterns. Requirements are `async` so that a remote store can satisfy them; the
/// embedded store's synchronous reads satisfy them as well.
public protocol TableBackend: Sendable {
    /// The item with the key, or `nil`; the read sees every write that completed before it.
    func item(in table: String, key: PrimaryKey) async throws -> Item?

    /// A page of a query's results.
    func items(
        matching query: TableQuery, limits: PageLimits, after token: PageToken?
    ) async throws -> Page<Item>

    /// Performs all the actions, or none of them if a condition is false.
    func perform(_ actions: [WriteAction]) async throws
}
