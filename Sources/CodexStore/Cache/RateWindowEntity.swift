public import CodexCore

/// An entity that has the counts of a ``RateLimiter``: an item for each limit and subject.
///
/// The entity's type gives a limiter the table of its counts. The store's schema must have the
/// entity, and the table must have ``expiresAt`` as its time to live, so that old windows are
/// removed.
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
    /// The number of uses in each slot: a slot is a sixtieth of the window, counted from 1970.
    ///
    /// Future slots have permits that a process may use until then.
    var counts: [Int: Int] { get }

    /// The time at which all its counts have lapsed, in seconds since 1970.
    var expiresAt: Int { get }

    /// Creates a window.
    ///
    /// - Parameters:
    ///   - subject: The subject of the window.
    ///   - name: The name of the limit.
    ///   - counts: The ``counts``.
    ///   - expiresAt: The ``expiresAt``.
    init(subject: String, name: String, counts: [Int: Int], expiresAt: Int)

    /// The primary key of a subject's window for a limit, which the window's item must have.
    static func primaryKey(of subject: String, limit name: String) -> PrimaryKey
}
