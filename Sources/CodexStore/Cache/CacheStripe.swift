internal import CodexCore

/// A ``CacheBox`` of any type.
@usableFromInline
typealias CacheValue = any AnyObject & Sendable

/// A cached value, whose type its key determines.
@usableFromInline
final class CacheBox<Value: Sendable>: Sendable {
    @usableFromInline let value: Value

    init(_ value: Value) { self.value = value }
}

/// A cached value and its lifetime; used with its stripe's lock held.
final class CacheEntry {
    let key: CacheKey
    let value: CacheValue
    let byteCount: Int
    /// The time from which it is valid, in milliseconds since 1970: a clock that shows less was set
    /// back.
    let start: UInt64
    /// The time at which it expires, in milliseconds since 1970.
    let deadline: UInt64
    /// Whether an item in it expires, so that the comparison needs the exact time.
    let isExact: Bool
    /// The number of reads since the eviction last checked it, at most 3.
    var frequency: UInt8 = 0
    var isMain = false
    // The neighbours in the queue; `unlink` removes them.
    var previous: CacheEntry?
    var next: CacheEntry?

    init(
        _ key: CacheKey, _ value: CacheValue, byteCount: Int, start: UInt64 = 0,
        deadline: UInt64, isExact: Bool = false
    ) {
        self.key = key
        self.value = value
        self.byteCount = byteCount
        self.start = start
        self.deadline = deadline
        self.isExact = isExact
    }

    /// Whether it is the answer to a lookup by the primary key.
    @inline(__always)
    func isFor(_ type: ObjectIdentifier, _ key: PrimaryKey) -> Bool {
        guard self.key.type == type, case .key(let own) = self.key.request else { return false }
        return own == key
    }
}

/// A part of a cache's entries, used with its lock held.
///
/// It evicts by S3-FIFO (Yang et al., "FIFO queues are all you need for cache eviction", SOSP
/// 2023). New entries pass through a small queue, a tenth of the room. Only entries that were read
/// again meanwhile move to the main queue. An entry that left the small queue and is soon requested
/// again enters the main queue at once. A scan that reads each value once passes through the small
/// queue and leaves the rest alone. A hit writes two bits, and moves nothing.
struct CacheStripe {
    /// A queue, with its two ends.
    private struct Queue {
        var first: CacheEntry?
        var last: CacheEntry?
        var count = 0
    }

    private var entries: [Int: CacheEntry] = [:]
    private var small = Queue()
    private var main = Queue()
    /// The hashes of entries that were evicted from the small queue, oldest first.
    private var ghosts: [Int] = []
    private var ghostStart = 0
    private var ghostSet: Set<Int> = []
    private var partitions: [CachePartition: Set<Int>] = [:]
    /// The reads of the store that are running, by their keys' hashes.
    var fills: [Int: CacheFill] = [:]
    /// The types that were requested by primary keys.
    var types: Set<ObjectIdentifier> = []
    var statistics = CacheStatistics()
    var isClosed = false

    private let entryCountMax: Int
    private let byteCountMax: Int

    init(entryCountMax: Int, byteCountMax: Int) {
        self.entryCountMax = max(1, entryCountMax)
        self.byteCountMax = max(1, byteCountMax)
    }

    /// The entry with a hash, which may have another key.
    @inline(__always)
    func entry(_ hash: Int) -> CacheEntry? { entries[hash] }

    /// The value for a key, if it is there and has not expired.
    mutating func value(_ key: CacheKey, at now: UInt64) -> CacheValue? {
        guard let entry = entries[key.hash], entry.key.isSame(as: key) else { return nil }
        return hit(entry, at: now)
    }

    /// The entry's value, unless it has expired.
    @inline(__always)
    mutating func hit(_ entry: CacheEntry, at now: UInt64) -> CacheValue? {
        guard entry.deadline > now, entry.start <= now else {
            statistics.expiryCount += 1
            remove(entry)
            return nil
        }
        if entry.frequency < 3 { entry.frequency += 1 }
        statistics.hitCount += 1
        return entry.value
    }

    /// Adds an entry in place of one with the same hash, and evicts others to make room.
    mutating func insert(_ entry: CacheEntry) {
        if let old = entries[entry.key.hash] { remove(old) }
        // A single value must not push out all others.
        let byteCount = entry.byteCount
        guard byteCount <= (entryCountMax == 1 ? byteCountMax : byteCountMax / 2) else { return }
        while statistics.entryCount >= entryCountMax
            || statistics.entryCount > 0 && statistics.byteCount + byteCount > byteCountMax
        {
            evict()
        }
        entry.isMain = ghostSet.remove(entry.key.hash) != nil
        entries[entry.key.hash] = entry
        statistics.entryCount += 1
        statistics.byteCount += byteCount
        if let partition = entry.key.partition {
            partitions[partition, default: []].insert(entry.key.hash)
        }
        link(entry)
    }

    /// Removes the value of a changed key, and the read of it that is running.
    mutating func invalidate(_ hash: Int) {
        fills[hash] = nil
        guard let entry = entries[hash] else { return }
        statistics.invalidationCount += 1
        remove(entry)
    }

    /// Removes the outcomes of a partition's queries, and the reads of them that are running.
    mutating func invalidate(_ partition: CachePartition) {
        for (hash, fill) in fills where fill.key.partition == partition { fills[hash] = nil }
        for hash in partitions[partition] ?? [] { invalidate(hash) }
    }

    /// Removes the values whose keys match `isConcerned`, and the reads of them that are running.
    mutating func invalidate(where isConcerned: (CacheKey) -> Bool) {
        for (hash, fill) in fills where isConcerned(fill.key) { fills[hash] = nil }
        for entry in Array(entries.values) where isConcerned(entry.key) {
            statistics.invalidationCount += 1
            remove(entry)
        }
    }

    /// Removes all values, and the reads that are running.
    mutating func invalidateAll() {
        fills = [:]
        statistics.invalidationCount += statistics.entryCount
        for entry in Array(entries.values) { remove(entry) }
        (ghosts, ghostStart, ghostSet) = ([], 0, [])
    }

    // MARK: Queues

    private mutating func evict() {
        let smallCountMax = max(1, entryCountMax / 10)
        if small.count >= smallCountMax || main.count == 0, let entry = small.last {
            if entry.frequency > 1 {
                unlink(entry)
                entry.isMain = true
                entry.frequency = 0
                link(entry)
            } else {
                remember(entry.key.hash)
                statistics.evictionCount += 1
                remove(entry)
            }
        } else if let entry = main.last {
            if entry.frequency > 0 {
                unlink(entry)
                entry.frequency -= 1
                link(entry)
            } else {
                statistics.evictionCount += 1
                remove(entry)
            }
        }
    }

    /// Remembers a hash that left the small queue; it keeps as many as the stripe has room for
    /// entries.
    private mutating func remember(_ hash: Int) {
        guard ghostSet.insert(hash).inserted else { return }
        ghosts.append(hash)
        if ghosts.count - ghostStart > entryCountMax {
            ghostSet.remove(ghosts[ghostStart])
            ghostStart += 1
        }
        if ghostStart > entryCountMax {
            ghosts.removeFirst(ghostStart)
            ghostStart = 0
        }
    }

    private mutating func remove(_ entry: CacheEntry) {
        unlink(entry)
        let hash = entry.key.hash
        if let partition = entry.key.partition {
            partitions[partition]?.remove(hash)
            if partitions[partition]?.isEmpty == true { partitions[partition] = nil }
        }
        statistics.entryCount -= 1
        statistics.byteCount -= entry.byteCount
        entries[hash] = nil
    }

    /// Puts an entry first in its queue.
    private mutating func link(_ entry: CacheEntry) {
        if entry.isMain { Self.link(entry, &main) } else { Self.link(entry, &small) }
    }

    private static func link(_ entry: CacheEntry, _ queue: inout Queue) {
        entry.previous = nil
        entry.next = queue.first
        if let first = queue.first { first.previous = entry } else { queue.last = entry }
        queue.first = entry
        queue.count += 1
    }

    private mutating func unlink(_ entry: CacheEntry) {
        if entry.isMain { Self.unlink(entry, &main) } else { Self.unlink(entry, &small) }
    }

    private static func unlink(_ entry: CacheEntry, _ queue: inout Queue) {
        if let previous = entry.previous {
            previous.next = entry.next
        } else {
            queue.first = entry.next
        }
        if let next = entry.next {
            next.previous = entry.previous
        } else {
            queue.last = entry.previous
        }
        (entry.previous, entry.next) = (nil, nil)
        queue.count -= 1
    }
}
