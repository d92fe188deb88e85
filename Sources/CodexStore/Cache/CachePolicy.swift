internal import CodexCore

/// The limits of a ``StoreCache``, and the time that it keeps values.
public struct CachePolicy: Sendable, Hashable {
    /// The maximum number of entries.
    public var maximumEntries: Int
    /// The maximum bytes of the cached values, in their stored form; in memory they take several
    /// times more.
    ///
    /// The cache is divided into parts by key. A value larger than half of a part's share is not
    /// kept.
    public var maximumBytes: Int
    /// The time that an entity is kept, by the entity's stored name.
    ///
    /// Zero means that the entity is read each time. Others have ``otherTimeToLive``.
    public var timeToLive: [String: Duration]
    /// The time that a query's outcome is kept, by the entity's stored name.
    ///
    /// Zero means that the query is run each time. Others have ``otherTimeToLive``.
    public var listTimeToLive: [String: Duration]
    /// The time that entities and outcomes of queries are kept whose entities the policy does not
    /// name; `nil` means that they are read each time.
    public var otherTimeToLive: Duration?
    /// The time that the absence of an entity is kept.
    public var absenceTimeToLive: Duration
    /// The part of its time by which an entry may expire earlier, from 0 to 1.
    ///
    /// With it, entries that were read together do not expire together.
    public var jitter: Double

    /// The time for which a cache without a policy keeps each entity and list: 5 minutes.
    ///
    /// It limits memory. Values are never stale: a commit that changes an entity removes it from
    /// the cache.
    public static let defaultTimeToLive = Duration.seconds(300)

    /// The policy of a cache without a policy: each entity and list is kept for
    /// ``defaultTimeToLive``.
    public static let everyEntity = CachePolicy(otherTimeToLive: defaultTimeToLive)

    /// Creates a policy.
    ///
    /// The names of entities are checked when a ``StoreCache`` is made.
    public init(
        maximumEntries: Int = 10_000, maximumBytes: Int = 64 << 20,
        timeToLive: [String: Duration] = [:], listTimeToLive: [String: Duration] = [:],
        otherTimeToLive: Duration? = nil, absenceTimeToLive: Duration = .seconds(60),
        jitter: Double = 0.1
    ) {
        self.maximumEntries = maximumEntries
        self.maximumBytes = maximumBytes
        self.timeToLive = timeToLive
        self.listTimeToLive = listTimeToLive
        self.otherTimeToLive = otherTimeToLive
        self.absenceTimeToLive = absenceTimeToLive
        self.jitter = jitter
    }

    /// The time that an entity is kept; `nil` if it is read each time.
    func time(of entity: String) -> Duration? {
        (timeToLive[entity] ?? otherTimeToLive).flatMap { $0 > .zero ? $0 : nil }
    }

    /// The time that lists of an entity are kept; `nil` if they are read each time.
    func listTime(of entity: String) -> Duration? {
        (listTimeToLive[entity] ?? otherTimeToLive).flatMap { $0 > .zero ? $0 : nil }
    }

    /// The name of an entity that the policy has and a store does not; `nil` if there is none.
    func unknownName(in manifest: Manifest) -> String? {
        let names = Set(timeToLive.keys).union(listTimeToLive.keys)
        return names.subtracting(manifest.schema.entities.map(\.name)).min()
    }

    func validate() throws(CodexError) {
        let times =
            Array(timeToLive.values) + Array(listTimeToLive.values)
            + [absenceTimeToLive, otherTimeToLive ?? .zero]
        guard maximumEntries >= 1, maximumBytes >= 1, times.allSatisfy({ $0 >= .zero }),
            (0...1).contains(jitter)
        else {
            throw CodexError(
                .invalidArgument,
                "A cache holds an entry and a byte at least, times are not below zero, and jitter is "
                    + "from 0 to 1.")
        }
    }
}

/// The counts of a ``StoreCache`` since it was made, and its present size.
public struct CacheStatistics: Sendable, Hashable {
    /// Reads that the cache answered.
    public var hitCount = 0
    /// Reads that went to the store, without those that waited for another read.
    public var missCount = 0
    /// Reads that waited for another read of the same key.
    public var joinCount = 0
    /// Entries that were removed for lack of room.
    public var evictionCount = 0
    /// Entries that were removed because a commit of any process changed them, or by
    /// ``StoreCache/removeAll()``.
    public var invalidationCount = 0
    /// Entries that were removed because their time was over.
    public var expiryCount = 0
    /// The present number of entries.
    public var entryCount = 0
    /// The bytes of the cached values, in their stored form.
    public var byteCount = 0

    /// The share of all reads that the cache answered, from 0 to 1; 0 before the first.
    public var hitRate: Double {
        let all = hitCount + missCount + joinCount
        return all == 0 ? 0 : Double(hitCount) / Double(all)
    }

    static func += (sum: inout Self, other: Self) {
        sum.hitCount += other.hitCount
        sum.missCount += other.missCount
        sum.joinCount += other.joinCount
        sum.evictionCount += other.evictionCount
        sum.invalidationCount += other.invalidationCount
        sum.expiryCount += other.expiryCount
        sum.entryCount += other.entryCount
        sum.byteCount += other.byteCount
    }
}
