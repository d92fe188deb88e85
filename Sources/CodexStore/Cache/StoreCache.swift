public import CodexCore
internal import Dispatch
internal import Synchronization

/// A typed cache of a store's entities and lists.
///
/// A value is never older than the newest commit that this process can see.
///
/// ```swift
/// let policy = CachePolicy(
///     timeToLive: ["project": .seconds(900)], listTimeToLive: ["task": .seconds(300)])
/// let cache = try StoreCache(store, policy: policy)
/// let project = try cache.get(.project(id))           // the cache, else the store, else nil
/// let tasks = try cache.all(.tasks(assignedTo: user))
/// print(cache.statistics.hitRate)
/// ```
///
/// A hit reads LMDB's shared memory, to check that there is no newer commit, and does not read the
/// store. After a newer commit of any process, the cache first reads the changes from the log and
/// removes the values that they concern. It also removes values of a table that was removed or made
/// again, and values that were found by a changed index. Concurrent requests of the same key cause
/// one read. The cache also keeps the absence of an entity.
///
/// Any number of threads and tasks may use a cache. Reads in the body of a write see the committed
/// state, as ``Store/get(_:)`` does there.
public final class StoreCache: Sendable {
    private let store: Store
    private let policy: CachePolicy
    private let stripes: CacheStripes
    private let follower: CacheFollower
    private let environment: Environment
    private let clock: CacheClock

    /// A power of two.
    private static let stripeCount = 16

    /// Creates an empty cache.
    ///
    /// - Parameters:
    ///   - store: The store.
    ///   - policy: The limits, and the time that values are kept. By default each entity is kept
    ///     for ``CachePolicy/defaultTimeToLive``.
    /// - Throws: ``CodexError/Code/invalidArgument`` for an invalid policy;
    ///   ``CodexError/Code/unknownEntity`` if the policy names an entity that the store does not
    ///   have.
    public init(_ store: Store, policy: CachePolicy = .everyEntity) throws(CodexError) {
        try policy.validate()
        if policy.unknownName(in: store.core.catalog.manifest) != nil {
            // Another process may have added it.
            let manifest = try store.core.refreshCatalog().manifest
            if let name = policy.unknownName(in: manifest) {
                throw manifest.schema.unknownEntity(name)
            }
        }
        self.store = store
        self.policy = policy
        stripes = CacheStripes(
            count: policy.maximumEntries < 1000 ? 1 : Self.stripeCount,
            entryCountMax: policy.maximumEntries, byteCountMax: policy.maximumBytes)
        environment = store.core.environment
        clock = CacheClock(store.core.options)
        follower = CacheFollower(store.core, stripes)
        store.core.add(follower)
    }

    // Entries refer to each other in both directions.
    deinit { stripes.invalidateAll() }

    // MARK: Reading

    /// The entity that `lookup` names, or `nil`.
    ///
    /// - Throws: As ``Store/get(_:)``; the cache then keeps nothing.
    /// - Complexity: O(1) for a cached entity; otherwise as ``Store/get(_:)``.
    @inlinable
    public func get<E: Entity>(_ lookup: Lookup<E>) throws -> E? {
        if case .primaryKey(let key) = lookup.target, lookup.alternatives.isEmpty,
            let box = try find(ObjectIdentifier(E.self), key)
        {
            return unsafe unsafeDowncast(box, to: CacheBox<E?>.self).value
        }
        return try fill(lookup)
    }

    /// All entities that `query` finds, up to `limit`.
    ///
    /// After a change of any item in the queried partition, the list is read again.
    ///
    /// - Parameters:
    ///   - query: The query.
    ///   - limit: The maximum number of entities to return; `nil` is all.
    /// - Returns: The entities.
    /// - Throws: As ``Store/query(_:limit:after:)``; the cache then keeps nothing.
    /// - Complexity: O(1) for a cached list; otherwise as ``Store/query(_:limit:after:)``.
    public func all<E: Entity>(_ query: Query<E>, limit: Int? = nil) throws -> [E] {
        guard let time = policy.listTime(of: E.definition.name) else {
            return try store.query(query, limit: limit).items
        }
        let request = query.request
        let key = CacheKey(
            ObjectIdentifier(E.self), .list(request, limit: limit),
            in: CachePartition(
                table: request.table, index: request.index,
                values: try made(request, of: E.self).partition))
        let box = try value(key, of: E.definition.table) { [store] in
            var (items, byteCount, expiry): ([E], Int, Int?) = ([], Self.absentByteCount, nil)
            try store.read { snapshot in
                _ = try snapshot._context.readEach(E.self, request, limit, nil) {
                    reader throws(CodexError) in
                    items.append(try E(reading: reader))
                    byteCount += reader.byteCount
                    if let time = reader.header.expiresAt { expiry = min(expiry ?? .max, time) }
                }
            }
            return (CacheBox(items), byteCount, time, expiry)
        }
        return unsafe unsafeDowncast(box, to: CacheBox<[E]>.self).value
    }

    /// Removes all values.
    public func removeAll() {
        stripes.invalidateAll()
    }

    /// The counts and the size of the cache.
    public var statistics: CacheStatistics {
        var sum = CacheStatistics()
        stripes.forEach { sum += $0.statistics }
        return sum
    }

    // MARK: Finding

    private enum Finding {
        case current(CacheValue?)
        /// There is a newer transaction.
        case behind(Int)
        case closed
    }

    /// The box of a lookup by the primary key, if it is there and there is no newer commit.
    @usableFromInline
    func find(_ type: ObjectIdentifier, _ key: PrimaryKey) throws -> CacheValue? {
        let hash = CacheKey.hash(type, key)
        let (now, seen) = (clock.coarse, follower.seenID)
        let finding = stripes[hash].withLock { stripe -> Finding in
            // The environment is open as long as the stripe is.
            if stripe.isClosed { return .closed }
            let last = environment.lastTransactionID
            guard last == seen else { return .behind(last) }
            guard let entry = stripe.entry(hash), entry.isFor(type, key) else {
                return .current(nil)
            }
            return .current(
                stripe.hit(entry, at: entry.isExact ? clock.exact(after: now) : now))
        }
        if case .current(let value) = finding { return value }
        return try findAgain(CacheKey(type, key), finding)
    }

    private func find(_ key: CacheKey) throws -> CacheValue? {
        let (now, seen) = (clock.exact, follower.seenID)
        let finding = stripes[key.stripeHash].withLock { stripe -> Finding in
            if stripe.isClosed { return .closed }
            let last = environment.lastTransactionID
            return last == seen ? .current(stripe.value(key, at: now)) : .behind(last)
        }
        if case .current(let value) = finding { return value }
        return try findAgain(key, finding)
    }

    /// Looks again, after the changes of newer transactions were processed.
    private func findAgain(_ key: CacheKey, _ finding: Finding) throws -> CacheValue? {
        guard case .behind(let last) = finding else { throw store.core.gate.refusal }
        try follower.follow(to: last)
        // The clock may be the host's: it is not called with a lock held.
        let now = clock.exact
        return stripes[key.stripeHash].withLock { $0.value(key, at: now) }
    }

    // MARK: Filling

    private static let absentByteCount = 64

    /// The result of a read: the box, its size, the time to keep it, and the expiry of its items.
    ///
    /// The expiry is the earliest of an item in it, in seconds since 1970.
    private typealias Reading = (
        box: CacheValue, byteCount: Int, timeToLive: Duration, expiresAt: Int?
    )

    @usableFromInline
    func fill<E: Entity>(_ lookup: Lookup<E>) throws -> E? {
        // A change under an alternative key would not be noticed under the key of an entry.
        guard let time = policy.time(of: E.definition.name), lookup.alternatives.isEmpty else {
            return try store.get(lookup)
        }
        let key: CacheKey
        switch try made(lookup.target, of: E.self) {
        case .primaryKey(let primaryKey):
            key = CacheKey(ObjectIdentifier(E.self), primaryKey)
            if case .values = lookup.target, let box = try find(key) {
                return unsafe unsafeDowncast(box, to: CacheBox<E?>.self).value
            }
        case .index(let name, let partition, _):
            key = CacheKey(
                ObjectIdentifier(E.self), .lookup(lookup.target),
                in: CachePartition(table: E.definition.table, index: name, values: partition))
        case .values, .indexValues: return try store.get(lookup)
        }
        let box = try value(key, of: E.definition.table) { [store, policy] in
            var (entity, byteCount, expiry): (E?, Int, Int?) = (nil, Self.absentByteCount, nil)
            try store.read { snapshot in
                try snapshot._context.readOne(E.self, lookup.target) { reader throws(CodexError) in
                    entity = try E(reading: reader)
                    byteCount += reader.byteCount
                    expiry = reader.header.expiresAt
                }
            }
            return (
                CacheBox(entity), byteCount, entity == nil ? policy.absenceTimeToLive : time,
                expiry
            )
        }
        return unsafe unsafeDowncast(box, to: CacheBox<E?>.self).value
    }

    /// The key itself of a lookup, by the newest schema.
    private func made(
        _ target: LookupTarget, of type: any Entity.Type
    ) throws -> LookupTarget {
        switch target {
        case .primaryKey, .index: return target
        case .values, .indexValues:
            return try store.read {
                try KeyResolution(type, by: $0._context.base.catalog).resolved(target)
            }
        }
    }

    /// The query with its keys, by the newest schema.
    private func made(_ request: TableQuery, of type: any Entity.Type) throws -> TableQuery {
        guard request.keyValues != nil else { return request }
        return try store.read {
            try KeyResolution(type, by: $0._context.base.catalog).resolved(request)
        }
    }

    /// The value of a key: cached, or read by this call or by one that runs already.
    private func value(
        _ key: CacheKey, of table: String, _ read: () throws -> Reading
    ) throws -> CacheValue {
        if key.partition != nil {
            follower.willRead(key, of: table)
            if let found = try find(key) { return found }
        }
        enum Role {
            case found(CacheValue)
            case leads(CacheFill)
            case waits(CacheFill, CacheFill.Alarm)
        }
        let (now, stripe) = (clock.exact, stripes[key.stripeHash])
        let role = stripe.withLock { stripe -> Role in
            if let found = stripe.value(key, at: now) { return .found(found) }
            if key.partition == nil, stripe.types.insert(key.type).inserted {
                follower.willRead(key, of: table)
            }
            // A fill that a commit overtook, which this call saw, has left the list.
            if let fill = stripe.fills[key.hash], fill.key.isSame(as: key), !fill.isOwn {
                stripe.statistics.joinCount += 1
                return .waits(fill, fill.join())
            }
            stripe.statistics.missCount += 1
            let fill = CacheFill(key)
            stripe.fills[key.hash] = fill
            return .leads(fill)
        }
        switch role {
        case .found(let box): return box
        case .waits(let fill, let alarm):
            alarm.wait()
            guard let box = try stripe.withLock({ _ in try fill.finished() }) else {
                throw StoreCore.closed
            }
            return box
        case .leads(let fill):
            let outcome = Result { try read() }
            stripe.withLock { stripe in
                let isCurrent = stripe.fills[key.hash] === fill
                if isCurrent { stripe.fills[key.hash] = nil }
                if case .success(let reading) = outcome, isCurrent, !stripe.isClosed {
                    stripe.insert(
                        CacheEntry(
                            key, reading.box, byteCount: reading.byteCount,
                            start: CacheClock.start(of: now),
                            deadline: deadline(reading, from: now),
                            isExact: reading.expiresAt != nil))
                }
                fill.finish(outcome.map(\.box))
            }
            return try outcome.get().box
        }
    }

    /// The time at which a cached reading expires, in milliseconds since 1970.
    private func deadline(_ reading: Reading, from now: UInt64) -> UInt64 {
        let time = reading.timeToLive.seconds * (1 - policy.jitter * Double.random(in: 0...1))
        let end = now &+ UInt64(max(0, min(time * 1000, 1e15)))
        guard let expiry = reading.expiresAt else { return end }
        return min(end, UInt64(clamping: expiry) &* 1000)
    }
}
