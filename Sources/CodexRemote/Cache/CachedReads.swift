#if Remote
    internal import CodexCore

    /// What a cache has read of a table, and the reads that run; used with the cache's lock held.
    ///
    /// All entries live for the same time. So the oldest entry is the one that ends next, and it is
    /// evicted first. A hit moves nothing.
    struct CachedReads {
        /// What is asked of the table.
        enum Key: Hashable {
            case item(PrimaryKey)
            /// A query of the table itself.
            case list(TableQuery, limit: Int?)

            /// The partition whose changes concern a list.
            var partition: AttributeValue? {
                switch self {
                case .item: nil
                case .list(let query, _): query.partition.first
                }
            }
        }

        /// A time, by the clock of the age and by the wall clock.
        struct Instant {
            /// The time since a fixed moment.
            let elapsed: Duration
            /// The second since 1970, by which items expire.
            let second: Int
        }

        /// The items that a read found.
        struct Reading {
            let items: [Item]
            /// The bytes that the entry counts.
            let byteCount: Int
            /// The seconds at which items expire.
            let expiries: [Int]

            /// What an entry counts beside its items.
            static let entryByteCount = 64

            init(_ items: [Item], timeToLive: String?) {
                self.items = items
                byteCount = items.reduce(Self.entryByteCount) { $0 + $1.byteCount }
                expiries = items.compactMap { item in
                    Expiry.second(of: timeToLive.flatMap { item[$0] })
                }
            }
        }

        typealias Outcome = Result<[Item], any Error>
        typealias Waiter = AsyncStream<Outcome>.Continuation

        private struct Entry {
            let items: [Item]
            let byteCount: Int
            /// The time before the read began.
            let start: Duration
            /// How long it is kept from then on.
            let age: Duration
            /// The first second in which an item of it has expired; `nil` if none expires.
            let expiry: Int?
            /// The number of the read that found it.
            let number: UInt64
        }

        /// A read that runs.
        private struct Flight {
            let key: Key
            /// The time before the read began.
            let start: Duration
            var waiters: [Waiter]
        }

        private let policy: BoundedStalenessCache.Policy
        private var entries: [Key: Entry] = [:]
        /// The keys of the entries in the order in which they came, and of some that are gone.
        private var order: [(key: Key, number: UInt64)] = []
        /// The place of the first in the order that was not looked at.
        private var first = 0
        /// The lists that are entries, by their partitions.
        private var lists: [AttributeValue: Set<Key>] = [:]
        private var flights: [UInt64: Flight] = [:]
        /// The reads whose results may be kept.
        ///
        /// After a write of its item, a read is not among them.
        private var current: [Key: UInt64] = [:]
        private var lastNumber: UInt64 = 0
        private(set) var statistics = BoundedStalenessCache.Statistics()

        init(_ policy: BoundedStalenessCache.Policy) { self.policy = policy }

        // MARK: Reading

        /// The kept items of a request; `nil` if there are none that are young enough.
        mutating func items(_ key: Key, at instant: Instant) -> [Item]? {
            guard let entry = entries[key] else { return nil }
            let isAlive = entry.expiry.map { instant.second < $0 } ?? true
            guard instant.elapsed - entry.start < entry.age, isAlive else {
                statistics.expiryCount += 1
                removeEntry(key)
                return nil
            }
            statistics.hitCount += 1
            return entry.items
        }

        /// Lets a caller wait for a read: for one that runs and is young enough, or for a new one.
        ///
        /// - Parameters:
        ///   - key: The request.
        ///   - instant: The present time.
        ///   - waiter: Gets the outcome.
        /// - Returns: The number of the new read, which the caller must begin; `nil` if it need
        ///   not.
        mutating func join(_ key: Key, at instant: Instant, _ waiter: Waiter) -> UInt64? {
            // Another read may have ended since the caller looked.
            if let found = items(key, at: instant) {
                waiter.yield(.success(found))
                waiter.finish()
                return nil
            }
            if let number = current[key], let flight = flights[number],
                instant.elapsed - flight.start < policy.maximumAge
            {
                flights[number]?.waiters.append(waiter)
                statistics.joinCount += 1
                return nil
            }
            statistics.missCount += 1
            lastNumber += 1
            flights[lastNumber] = Flight(key: key, start: instant.elapsed, waiters: [waiter])
            current[key] = lastNumber
            return lastNumber
        }

        /// Ends a read, and keeps what it found if no write came since it began.
        ///
        /// - Parameters:
        ///   - number: The number of the read.
        ///   - reading: What it found; `nil` after an error.
        ///   - instant: The present time.
        /// - Returns: Those that wait for it.
        mutating func finish(
            _ number: UInt64, _ reading: Reading?, at instant: Instant
        ) -> [Waiter] {
            guard let flight = flights.removeValue(forKey: number) else { return [] }
            if current[flight.key] == number {
                current[flight.key] = nil
                if let reading { keep(reading, number, of: flight, at: instant) }
            }
            return flight.waiters
        }

        private mutating func keep(
            _ reading: Reading, _ number: UInt64, of flight: Flight, at instant: Instant
        ) {
            var age = policy.maximumAge
            if case .item = flight.key, reading.items.isEmpty { age = policy.absenceAge ?? age }
            let hasExpired = reading.expiries.contains { Expiry.isOver($0, at: instant.second) }
            guard instant.elapsed - flight.start < age, !hasExpired,
                reading.byteCount <= policy.maximumBytes
            else { return }
            removeEntry(flight.key)
            while statistics.entryCount >= policy.maximumEntries
                || statistics.byteCount > policy.maximumBytes - reading.byteCount
            {
                evict()
            }
            entries[flight.key] = Entry(
                items: reading.items, byteCount: reading.byteCount, start: flight.start, age: age,
                // Seconds in the past that mean no expiry are not above the present one.
                expiry: reading.expiries.filter { $0 > instant.second }.min(), number: number)
            statistics.entryCount += 1
            statistics.byteCount += reading.byteCount
            if let partition = flight.key.partition {
                lists[partition, default: []].insert(flight.key)
            }
            order.append((flight.key, number))
            compactOrder()
        }

        // MARK: Removing

        /// Removes an item and the lists of its partition, and keeps no read of them that runs.
        mutating func invalidate(_ key: PrimaryKey) {
            invalidate(.item(key))
            for list in lists[key.partition] ?? [] { invalidate(list) }
            for list in current.keys.filter({ $0.partition == key.partition }) {
                current[list] = nil
            }
        }

        private mutating func invalidate(_ key: Key) {
            current[key] = nil
            if removeEntry(key) { statistics.invalidationCount += 1 }
        }

        /// Removes all entries, and keeps no read that runs.
        mutating func invalidateAll() {
            statistics.invalidationCount += statistics.entryCount
            (statistics.entryCount, statistics.byteCount) = (0, 0)
            (entries, lists, current) = ([:], [:], [:])
            (order, first) = ([], 0)
        }

        /// Removes the oldest entry; there must be one.
        private mutating func evict() {
            while first < order.count {
                let (key, number) = order[first]
                first += 1
                guard entries[key]?.number == number else { continue }
                removeEntry(key)
                statistics.evictionCount += 1
                return
            }
        }

        /// Removes the places of entries that are gone, once they are more than half.
        private mutating func compactOrder() {
            guard order.count > 2 * entries.count + 64 else { return }
            order = order[first...].filter { entries[$0.key]?.number == $0.number }
            first = 0
        }

        @discardableResult
        private mutating func removeEntry(_ key: Key) -> Bool {
            guard let entry = entries.removeValue(forKey: key) else { return false }
            statistics.entryCount -= 1
            statistics.byteCount -= entry.byteCount
            if let partition = key.partition {
                lists[partition]?.remove(key)
                if lists[partition]?.isEmpty == true { lists[partition] = nil }
            }
            return true
        }
    }
#endif
