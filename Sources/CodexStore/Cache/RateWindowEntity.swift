public import CodexCore

/// An entity that keeps the counts of a ``RateLimiter``: an item for each limit and subject.
///
/// A limiter is given the type of such an entity, and so the table that its counts are in. The
/// store's schema has the entity, and the table has ``expiresAt`` as its time to live, so that windows
/// which are over are removed.
///
/// ```swift
/// struct RequestCounts: Codable, RateWindowEntity {
///     static let definition = EntityDefinition(
///         "requestCounts", table: "main", keys: ["PK": "RATE#{subject}", "SK": "{name}"])
///     var subject: String
///     var name: String
///     var counts: [Int: Int]
///     var expiresAt: Int
///
///     static func primaryKey(of subject: String, limit name: String) -> PrimaryKey {
///         PrimaryKey(.string("RATE#\(subject)"), .string(name))
///     }
/// }
/// let limiter = try RateLimiter(store, windows: RequestCounts.self, name: "api", limit: 100)
/// ```
public protocol RateWindowEntity: Entity {
    /// How often something was done, by slot: a slot is a sixtieth of the window, counted from 1970.
    ///
    /// In slots to come there are permits that a process may use until then.
    var counts: [Int: Int] { get }

    /// When nothing of it counts any more, in seconds since 1970.
    var expiresAt: Int { get }

    /// Creates a window.
    ///
    /// - Parameters:
    ///   - subject: Whose window it is.
    ///   - name: The name of the limit.
    ///   - counts: The ``counts``.
    ///   - expiresAt: The ``expiresAt``.
    init(subject: String, name: String, counts: [Int: Int], expiresAt: Int)

    /// The primary key of a subject's window for a limit: the one that the window's item has.
    static func primaryKey(of subject: String, limit name: String) -> PrimaryKey
}
