internal import CodexCore

/// How much a ``StoreCache`` keeps, and for how long.
public struct CachePolicy: Sendable, Hashable {
    /// Most entries.
    public var maximumEntries: Int
    /// Most bytes of what is cached, as it is stored; in memory a value takes some times that.
    ///
    /// The cache is divided into parts by key; what is larger than half of a part's share is not kept.
    public var maximumBytes: Int
    /// How long an entity is kept, by the entity's stored name; others are read anew each time.
    public var timeToLive: [String: Duration]
    /// How long the outcome of a query is kept, by the entity's stored name; others are read anew.
    public var listTimeToLive: [String: Duration]
    /// How long it is kept that there is no such entity.
    public var absenceTimeToLive: Duration
    /// By what part of its time an entry may go earlier, from 0 to 1: so that those which came together
    /// do not go together.
    public var jitter: Double

    /// Creates a policy.
    public init(
        maximumEntries: Int = 10_000, maximumBytes: Int = 64 << 20,
        timeToLive: [String: Duration] = [:], listTimeToLive: [String: Duration] = [:],
        absenceTimeToLive: Duration = .seconds(60), jitter: Double = 0.1
    ) {
        self.maximumEntries = maximumEntries
        self.maximumBytes = maximumBytes
        self.timeToLive = timeToLive
        self.listTimeToLive = listTimeToLive
        self.absenceTimeToLive = absenceTimeToLive
        self.jitter = jitter
    }

    func validate() throws(CodexError) {
        let times = Array(timeToLive.values) + Array(listTimeToLive.values) + [absenceTimeToLive]
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

/// What a ``StoreCache`` did since it was made, and what it holds.
public struct CacheStatistics: Sendable, Hashable {
    /// Reads that the cache answered.
    public var hitCount = 0
    /// Reads that went to the store; those that waited for another's are not among them.
    public var missCount = 0
    /// Reads that waited for another's of the same.
    public var joinCount = 0
    /// Entries that went because there was no room.
    public var evictionCount = 0
    /// Entries that went since a commit, of this process or another, changed what they say; and with
    /// ``StoreCache/removeAll()``.
    public var invalidationCount = 0
    /// Entries that went since their time was over.
    public var expiryCount = 0
    /// The entries there are.
    public var entryCount = 0
    /// The bytes of what is cached, as it is stored.
    public var byteCount = 0

    /// The part of all reads that the cache answered, from 0 to 1; 0 before the first.
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
