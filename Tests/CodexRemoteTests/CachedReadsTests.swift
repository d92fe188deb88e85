#if Remote
    import CodexCore
    import Foundation
    import TestSupport
    import Testing

    @testable import CodexRemote

    /// The room of a cache in front of a remote table, and what it keeps.
    @Suite("Reads that a cache keeps")
    struct CachedReadsTests {
        private typealias Key = CachedReads.Key

        private static let second = 1_800_000_000

        private static func instant(_ seconds: Int) -> CachedReads.Instant {
            CachedReads.Instant(elapsed: .seconds(seconds), second: second + seconds)
        }

        private static func key(_ number: Int) -> Key { .item(PrimaryKey(.string("\(number)"))) }

        /// An item whose entry has so many bytes.
        private static func item(_ byteCount: Int) -> Item {
            let length = byteCount - CachedReads.Reading.entryByteCount - "t".utf8.count
            return ["t": .string(String(repeating: "x", count: length))]
        }

        private static func reads(
            _ change: (inout BoundedStalenessCache.Policy) -> Void = { _ in }
        ) -> CachedReads {
            var policy = BoundedStalenessCache.Policy(maximumAge: .seconds(10))
            change(&policy)
            return CachedReads(policy)
        }

        /// Reads items of the table, as if they came at once.
        private static func read(
            _ key: Key, _ items: [Item], at seconds: Int, in reads: inout CachedReads
        ) {
            let waiter = AsyncStream<CachedReads.Outcome>.makeStream().continuation
            guard let number = reads.join(key, at: instant(seconds), waiter) else { return }
            let reading = CachedReads.Reading(items, timeToLive: "until")
            _ = reads.finish(number, reading, at: instant(seconds))
        }

        private static func has(
            _ key: Key, at seconds: Int, in reads: inout CachedReads
        ) -> Bool {
            reads.items(key, at: instant(seconds)) != nil
        }

        // MARK: Room

        @Test("The oldest entries make room", arguments: [4, 5, 6])
        func entries(count: Int) {
            var reads = Self.reads { $0.maximumEntries = 5 }
            for number in 0..<count { Self.read(Self.key(number), [], at: 0, in: &reads) }
            #expect(reads.statistics.entryCount == min(count, 5))
            #expect(reads.statistics.evictionCount == max(0, count - 5))
            let isThere = Self.has(Self.key(0), at: 0, in: &reads)
            #expect(isThere == (count <= 5))
        }

        @Test("The bytes of all entries are bounded", arguments: [299, 300, 301])
        func bytes(size: Int) {
            var reads = Self.reads { $0.maximumBytes = 600 }
            for number in 0..<2 {
                Self.read(Self.key(number), [Self.item(size)], at: 0, in: &reads)
            }
            #expect(reads.statistics.entryCount == (size <= 300 ? 2 : 1))
            #expect(reads.statistics.byteCount == (size <= 300 ? 2 * size : size))
        }

        @Test("What is larger than all the room is not kept", arguments: [599, 600, 601])
        func largeItem(size: Int) {
            var reads = Self.reads { $0.maximumBytes = 600 }
            Self.read(Self.key(0), [], at: 0, in: &reads)
            Self.read(Self.key(1), [Self.item(size)], at: 0, in: &reads)
            let isThere = Self.has(Self.key(1), at: 0, in: &reads)
            #expect(isThere == (size <= 600))
            // The other entry made room only for what was kept.
            let isOtherThere = Self.has(Self.key(0), at: 0, in: &reads)
            #expect(isOtherThere == (size > 600))
        }

        @Test("In any order of reads and removals, the counts are those of the entries")
        func counts() {
            var random = SplitMix(seed: 7)
            var reads = Self.reads { ($0.maximumEntries, $0.maximumBytes) = (20, 3000) }
            for step in 0..<5000 {
                let number = random.below(40)
                switch random.below(4) {
                case 0: reads.invalidate(PrimaryKey(.string("\(number)")))
                case 1: _ = Self.has(Self.key(number), at: step / 100, in: &reads)
                default:
                    let item = Self.item(70 + random.below(300))
                    Self.read(Self.key(number), [item], at: step / 100, in: &reads)
                }
                #expect(reads.statistics.entryCount <= 20)
                #expect(reads.statistics.byteCount <= 3000)
            }
            reads.invalidateAll()
            #expect(reads.statistics.entryCount == 0 && reads.statistics.byteCount == 0)
            let isAnyThere = (0..<40).contains { Self.has(Self.key($0), at: 50, in: &reads) }
            #expect(!isAnyThere)
        }

        // MARK: Age and expiry

        @Test("An entry is kept from before its read up to the bound", arguments: [9, 10, 11])
        func age(seconds: Int) {
            var reads = Self.reads()
            Self.read(Self.key(0), [Self.item(100)], at: 5, in: &reads)
            let isThere = Self.has(Self.key(0), at: 5 + seconds, in: &reads)
            #expect(isThere == (seconds < 10))
            #expect(reads.statistics.expiryCount == (seconds < 10 ? 0 : 1))
        }

        @Test(
            "An item that has expired, and that the table still has, is not kept",
            arguments: [(-1, false), (0, false), (1, true)])
        func expired(distance: Int, isKept: Bool) {
            var reads = Self.reads()
            var item = Self.item(100)
            item["until"] = .number(Number(Self.second + distance))
            Self.read(Self.key(0), [item], at: 0, in: &reads)
            let isThere = Self.has(Self.key(0), at: 0, in: &reads)
            #expect(isThere == isKept)
        }

        @Test("A time that is too long ago to mean an expiry does not end an entry")
        func ignoredExpiry() {
            var reads = Self.reads()
            var item = Self.item(100)
            item["until"] = 1
            Self.read(Self.key(0), [item], at: 0, in: &reads)
            let isThere = Self.has(Self.key(0), at: 9, in: &reads)
            #expect(isThere)
        }

        @Test("The longest ages do not overflow")
        func longAges() {
            var reads = Self.reads { $0.maximumAge = .seconds(Int64.max) }
            Self.read(Self.key(0), [], at: 5, in: &reads)
            let isThere = Self.has(Self.key(0), at: 1_000_000_000, in: &reads)
            #expect(isThere)
        }

        // MARK: Reads that run

        @Test("A caller waits for a read that is younger than the bound", arguments: [9, 10, 11])
        func joins(seconds: Int) {
            var reads = Self.reads()
            let waiter = AsyncStream<CachedReads.Outcome>.makeStream().continuation
            let first = reads.join(Self.key(0), at: Self.instant(0), waiter)
            let second = reads.join(Self.key(0), at: Self.instant(seconds), waiter)
            #expect(first == 1)
            #expect(second == (seconds < 10 ? nil : 2))
        }

        @Test("A read that a write overtakes is not kept, and its waiters are answered")
        func overtaken() {
            var reads = Self.reads()
            let key = PrimaryKey("0")
            let list = Key.list(TableQuery(table: "t", partition: ["0"]), limit: nil)
            let waiter = AsyncStream<CachedReads.Outcome>.makeStream().continuation
            for request in [Key.item(key), list] {
                let number = reads.join(request, at: Self.instant(0), waiter)
                reads.invalidate(key)
                let reading = CachedReads.Reading([], timeToLive: nil)
                let waiters = reads.finish(number ?? 0, reading, at: Self.instant(1))
                #expect(waiters.count == 1)
                let isThere = Self.has(request, at: 1, in: &reads)
                #expect(!isThere)
            }
        }
    }
#endif
