#if Remote
    public import CodexCore
    internal import FoundationEssentials
    internal import Synchronization

    /// A cache in front of a remote table, whose answers may be older than the table by a stated
    /// time.
    ///
    /// An answer has every write that completed ``BoundedStalenessCache/Policy/maximumAge`` before
    /// the call. Each value comes from a consistent read, and its age counts from the moment before
    /// that read. The clock of the age does not follow changes of the wall clock.
    ///
    /// ```swift
    /// let cache = try BoundedStalenessCache(
    ///     entities, policy: BoundedStalenessCache.Policy(maximumAge: .seconds(5)))
    /// let user = try await cache.get(.user("ada"))
    /// ```
    ///
    /// Reads that follow a write through this cache see what the table has, also if the outcome of
    /// the write is not known. Writes of other programs, and writes beside the cache, may become
    /// visible up to the bound later. ``follow(_:)`` makes that shorter by the changes of the
    /// table's stream; the bound does not depend on it.
    ///
    /// Rules and transactions do not read from it: it is no `TableBackend`, and has no list of
    /// actions. Do not write on the condition of what it returned; ``update(_:_:)`` reads the
    /// table.
    public final class BoundedStalenessCache: Sendable {
        /// The entities of the table, without the cache.
        public let entities: RemoteEntities
        private let state: Mutex<CachedReads>

        /// Creates an empty cache.
        ///
        /// - Parameters:
        ///   - entities: The entities of the table.
        ///   - policy: The bound, and the limits.
        /// - Throws: ``CodexError/Code/invalidArgument`` for an invalid policy;
        ///   ``CodexError/Code/unsupportedOperation`` if the service has no consistent reads.
        public init(_ entities: RemoteEntities, policy: Policy) throws(CodexError) {
            try policy.validate()
            try entities.table.capabilities.require(.consistentItems)
            self.entities = entities
            state = Mutex(CachedReads(policy))
        }

        // MARK: Reading

        /// The entity of a lookup, or `nil`.
        ///
        /// The absence of an entity is kept too. A lookup by an index, and one with alternatives,
        /// reads the table each time.
        ///
        /// - Parameter lookup: The lookup.
        /// - Returns: The entity.
        /// - Throws: As ``RemoteEntities/get(_:consistency:)``; the cache then keeps nothing.
        public func get<E: Entity>(_ lookup: Lookup<E>) async throws -> E? {
            guard let key = try entities.primaryKey(of: lookup) else {
                return try await entities.get(lookup)
            }
            let table = entities.table
            let found = try await items(.item(key)) { try await table.get(key).map { [$0] } ?? [] }
            return try found.first.map { try entities.items.entity($0) }
        }

        /// All entities of a query, up to `limit`.
        ///
        /// A list of an index reads the index each time, and may be older than the bound: an index
        /// has no bound of its own.
        ///
        /// - Parameters:
        ///   - query: The query.
        ///   - limit: The most entities; `nil` is all.
        /// - Returns: The entities.
        /// - Throws: As ``RemoteEntities/query(_:limits:after:consistency:)``; the cache then keeps
        ///   nothing.
        public func all<E: Entity>(_ query: Query<E>, limit: Int? = nil) async throws -> [E] {
            let entities = self.entities
            let request = try entities.request(of: query)
            guard request.index == nil, entities.table.capabilities.hasConsistentQueries else {
                let found = try await entities.allItems(of: query, limit: limit, .eventual)
                return try found.map { try entities.items.entity($0) }
            }
            let found = try await items(.list(request, limit: limit)) {
                try await entities.allItems(of: query, limit: limit, .consistent)
            }
            return try found.map { try entities.items.entity($0) }
        }

        /// The counts and the size of the cache.
        public var statistics: Statistics { state.withLock { $0.statistics } }

        // MARK: Writing

        /// Stores an entity whose key is not taken.
        ///
        /// - Throws: As ``RemoteEntities/insert(_:)``.
        public func insert<E: Entity>(_ entity: E) async throws {
            let key = try entities.primaryKey(of: entity)
            defer { remove(key) }
            try await entities.insert(entity)
        }

        /// Stores an entity, and replaces any item with the same key.
        ///
        /// - Throws: As ``RemoteEntities/put(_:)``.
        public func put<E: Entity>(_ entity: E) async throws {
            let key = try entities.primaryKey(of: entity)
            defer { remove(key) }
            try await entities.put(entity)
        }

        /// Reads an entity from the table, changes it, and stores it if the item is as it was read.
        ///
        /// - Parameters:
        ///   - lookup: The entity.
        ///   - body: Changes it; it may run more than once. It must not change the key.
        /// - Returns: The changed entity; `nil` if there is none.
        /// - Throws: As ``RemoteEntities/update(_:_:)``.
        @discardableResult
        public func update<E: Entity>(
            _ lookup: Lookup<E>, _ body: (inout E) throws -> Void
        ) async throws -> E? {
            var keys: Set<PrimaryKey> = []
            defer { for key in keys { remove(key) } }
            return try await entities.update(lookup, willWrite: { keys.insert($0) }, body)
        }

        /// Removes an entity; removing an absent one is not an error.
        ///
        /// - Parameter lookup: The entity.
        /// - Returns: Whether there was one.
        /// - Throws: As ``RemoteEntities/delete(_:)``.
        @discardableResult
        public func delete<E: Entity>(_ lookup: Lookup<E>) async throws -> Bool {
            var keys: Set<PrimaryKey> = []
            defer { for key in keys { remove(key) } }
            return try await entities.delete(lookup, willWrite: { keys.insert($0) })
        }

        // MARK: Removing

        /// Removes what the cache has of an item, and the lists of its partition.
        ///
        /// Call it after a write beside the cache that later reads must see.
        ///
        /// - Parameter key: The key of the item.
        public func remove(_ key: PrimaryKey) { state.withLock { $0.invalidate(key) } }

        /// Removes what the cache has of a changed item, and the lists of its partition.
        ///
        /// - Parameter change: A change from a stream; one of another table has no effect.
        public func remove(_ change: RemoteChange) {
            guard ByteOrder.equal(change.table, entities.table.name) else { return }
            remove(change.key)
        }

        /// Removes everything.
        public func removeAll() { state.withLock { $0.invalidateAll() } }

        /// Removes what changes, as a consumer of the table's stream finds it.
        ///
        /// Each cache needs a consumer of its own name: workers of one consumer share the changes.
        /// A new cache is empty, so register the consumer from the present time on, and remove it
        /// when the cache is not used any more.
        ///
        /// The call does not end by itself: cancel its task. After an error, the cache is used as
        /// before.
        ///
        /// - Parameter consumer: A registered consumer of the table's stream.
        /// - Throws: As ``RemoteConsumer/deliver(_:)``.
        public func follow(_ consumer: RemoteConsumer) async throws {
            try await consumer.deliver { change in self.remove(change) }
        }

        // MARK: Reads of the table

        private typealias Outcome = CachedReads.Outcome

        private var instant: CachedReads.Instant {
            let client = entities.table.client
            return CachedReads.Instant(
                elapsed: client.parts.clock.elapsed,
                second: Int(client.serviceClock.now.millisecondsSince1970 / 1000))
        }

        /// The items of a request: kept ones, or those of one read for all that ask now.
        private func items(
            _ key: CachedReads.Key, _ read: @escaping @Sendable () async throws -> [Item]
        ) async throws -> [Item] {
            let instant = self.instant
            if let found = state.withLock({ $0.items(key, at: instant) }) { return found }
            let (outcomes, waiter) = AsyncStream<Outcome>.makeStream()
            let number = state.withLock { $0.join(key, at: instant, waiter) }
            if let number {
                // A task of its own: others may wait for it when this one is cancelled.
                Task {
                    do {
                        finish(number, .success(try await read()))
                    } catch {
                        finish(number, .failure(error))
                    }
                }
            }
            for await outcome in outcomes { return try outcome.get() }
            throw CodexError.cancelled(CancellationError())
        }

        /// Keeps what a read found, if it may, and answers all that wait for it.
        private func finish(_ number: UInt64, _ outcome: Outcome) {
            let instant = self.instant
            let reading = (try? outcome.get()).map { items in
                CachedReads.Reading(items, timeToLive: entities.table.definition.timeToLive)
            }
            let waiters = state.withLock { $0.finish(number, reading, at: instant) }
            for waiter in waiters {
                waiter.yield(outcome)
                waiter.finish()
            }
        }
    }

    extension BoundedStalenessCache {
        /// The bound of a cache, and its limits.
        public struct Policy: Sendable, Hashable {
            /// The longest time by which an answer may be older than the table.
            public var maximumAge: Duration
            /// The longest time for which the absence of an entity is kept; `nil` is
            /// ``maximumAge``, and zero keeps none.
            public var absenceAge: Duration?
            /// The maximum number of entities, absent ones and lists.
            public var maximumEntries: Int
            /// The maximum bytes of the kept items, as DynamoDB counts them; in memory they take
            /// several times more.
            public var maximumBytes: Int

            /// Creates a policy.
            public init(
                maximumAge: Duration, absenceAge: Duration? = nil, maximumEntries: Int = 10_000,
                maximumBytes: Int = 64 << 20
            ) {
                self.maximumAge = maximumAge
                self.absenceAge = absenceAge
                self.maximumEntries = maximumEntries
                self.maximumBytes = maximumBytes
            }

            fileprivate func validate() throws(CodexError) {
                let absence = absenceAge ?? maximumAge
                guard maximumAge > .zero, absence >= .zero, absence <= maximumAge,
                    maximumEntries >= 1, maximumBytes >= 1
                else {
                    throw CodexError(
                        .invalidArgument,
                        "The age of a cache is above zero, that of absent entities is not above "
                            + "it, and the cache holds an entry and a byte at least.")
                }
            }
        }

        /// The counts of a cache since it was made, and its present size.
        public struct Statistics: Sendable, Hashable {
            /// Reads that the cache answered.
            public internal(set) var hitCount = 0
            /// Reads that went to the table, without those that waited for another read.
            public internal(set) var missCount = 0
            /// Reads that waited for another read of the same.
            public internal(set) var joinCount = 0
            /// Entries that were removed for lack of room.
            public internal(set) var evictionCount = 0
            /// Entries that were removed after a write or a change, or by
            /// ``BoundedStalenessCache/removeAll()``.
            public internal(set) var invalidationCount = 0
            /// Entries that were removed because their time was over.
            public internal(set) var expiryCount = 0
            /// The present number of entries.
            public internal(set) var entryCount = 0
            /// The bytes of the kept items, as DynamoDB counts them.
            public internal(set) var byteCount = 0
        }
    }
#endif
