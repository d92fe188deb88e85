/// The operations that the domain's services need from a store of tables.
///
/// The embedded store conforms. So does the `RemoteTable` of the module `CodexRemote`, a client of
/// DynamoDB's API, and another client can, with the same keys and access patterns. Requirements are
/// `async` so that a remote store can satisfy them.
///
/// What a service cannot do is in ``capabilities``. A backend throws
/// ``CodexError/Code/unsupportedOperation`` for a call that needs it: a consistent query of an
/// index, for example.
public protocol TableBackend: Sendable {
    /// What the service can do; it stays the same as long as the backend is used.
    var capabilities: TableCapabilities { get }

    /// The item with the key, or `nil`.
    func item(
        in table: String, key: PrimaryKey, consistency: ReadConsistency
    ) async throws -> Item?

    /// The items with the keys, in their order; `nil` for an absent one.
    ///
    /// They are not of one moment: another program may write between two of them. Each key is given
    /// once. The backend divides them into requests that the service takes.
    func items(
        in table: String, keys: [PrimaryKey], consistency: ReadConsistency
    ) async throws -> [Item?]

    /// A page of a query's results.
    func items(
        matching query: TableQuery, limits: PageLimits, after token: PageToken?,
        consistency: ReadConsistency
    ) async throws -> Page<Item>

    /// A page of all items of a table, in any order.
    func items(
        scanning table: String, limits: PageLimits, after token: PageToken?,
        consistency: ReadConsistency
    ) async throws -> Page<Item>

    /// Performs one action, if its condition holds.
    ///
    /// - Parameters:
    ///   - action: The action.
    ///   - returning: What to return of the item: as DynamoDB, a put or a deletion returns nothing
    ///     or the old item, and a check nothing.
    /// - Returns: The item that `returning` asks for.
    /// - Throws: ``CodexError/Code/conditionFailed`` if the condition is false.
    @discardableResult
    func perform(_ action: WriteAction, returning: ReturnValues) async throws -> Item?

    /// Performs all the actions, or none of them if a condition is false.
    ///
    /// Also after an error, it happens within 20 minutes of the call, or never. A backend limits
    /// the time of its attempts, and a service refuses a signature with an old date.
    ///
    /// - Parameters:
    ///   - actions: The actions, each of another item.
    ///   - token: An idempotency token: the list happens once for it, however often it is sent.
    ///     `nil` is a new one.
    /// - Throws: ``CodexError/Code/transactionCancelled`` with the reason of each action.
    func transact(_ actions: [WriteAction], idempotencyToken token: String?) async throws
}

/// Which writes a read sees.
public enum ReadConsistency: Sendable, Hashable, CaseIterable {
    /// Every write that completed before it.
    case consistent
    /// Perhaps not the last ones; it costs half as much in DynamoDB.
    case eventual
}
