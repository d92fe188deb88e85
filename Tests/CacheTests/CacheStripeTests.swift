import CodexCore
import TestSupport
import Testing

@testable import CodexStore

/// What a stripe keeps and lets go.
@Suite("Room in the cache")
struct CacheStripeTests {
    private func key(_ number: Int) -> CacheKey {
        CacheKey(ObjectIdentifier(Int.self), PrimaryKey(.string("k\(number)"), "s"))
    }

    private func insert(
        _ number: Int, _ stripe: inout CacheStripe, byteCount: Int = 1, deadline: UInt64 = .max
    ) {
        stripe.insert(
            CacheEntry(key(number), CacheBox(number), byteCount: byteCount, deadline: deadline))
    }

    private func value(_ number: Int, _ stripe: inout CacheStripe, at now: UInt64 = 0) -> Int? {
        (stripe.value(key(number), at: now) as? CacheBox<Int>)?.value
    }

    @Test("Whatever is done, a value is the last that was put, and bounds hold")
    func model() {
        let seed = UInt64.random(in: 1...1_000_000)
        var random = SplitMix(seed: seed)
        for room in [1, 2, 9, 10, 11, 50] {
            var stripe = CacheStripe(entryCountMax: room, byteCountMax: room * 10)
            var last: [Int: Int] = [:]
            for step in 0..<20_000 {
                let number = Int(random.next() % 120)
                switch random.next() % 10 {
                case 0:
                    stripe.invalidate(key(number).hash)
                    last[number] = nil
                case 1...4:
                    let byteCount = Int(random.next() % 25)
                    stripe.insert(
                        CacheEntry(
                            key(number), CacheBox(step), byteCount: byteCount, deadline: .max))
                    last[number] = step
                default:
                    if let found = (stripe.value(key(number), at: 0) as? CacheBox<Int>)?.value {
                        #expect(found == last[number], "seed \(seed), step \(step)")
                    }
                }
                let statistics = stripe.statistics
                #expect(
                    statistics.entryCount <= room && statistics.byteCount <= room * 10
                        && statistics.byteCount >= 0, "seed \(seed), room \(room), step \(step)")
            }
            stripe.invalidateAll()
            #expect(stripe.statistics.entryCount == 0 && stripe.statistics.byteCount == 0)
        }
    }

    @Test("A scan of what is read once does not push out what is read often")
    func scans() {
        var stripe = CacheStripe(entryCountMax: 100, byteCountMax: .max)
        for _ in 0..<3 {
            for number in 0..<50 where value(number, &stripe) == nil { insert(number, &stripe) }
        }
        for number in 0..<50 { _ = value(number, &stripe) }
        for number in 1000..<11_000 where value(number, &stripe) == nil { insert(number, &stripe) }
        let left = (0..<50).filter { value($0, &stripe) != nil }.count
        #expect(left == 50)
        #expect(stripe.statistics.evictionCount >= 9900)
    }

    @Test("Of a zipfian load it keeps what an order of reads would keep, and more")
    func zipfian() {
        var random = SplitMix(seed: 7)
        var stripe = CacheStripe(entryCountMax: 1000, byteCountMax: .max)
        // The last read goes last.
        var (order, place): ([Int: Int], Int) = ([:], 0)
        var (hits, recentHits) = (0, 0)
        let (count, reads) = (10_000, 30_000)
        var sums: [Double] = []
        var total = 0.0
        for rank in 1...count {
            total += 1 / Double(rank)
            sums.append(total)
        }
        for read in 0..<reads {
            let point = Double(random.next() >> 11) / Double(1 << 53) * total
            var (low, high) = (0, count - 1)
            while low < high {
                let middle = (low + high) / 2
                if sums[middle] < point { low = middle + 1 } else { high = middle }
            }
            let isCounted = read > reads / 10
            if value(low, &stripe) != nil {
                if isCounted { hits += 1 }
            } else {
                insert(low, &stripe)
            }
            if order[low] != nil, isCounted { recentHits += 1 }
            place += 1
            order[low] = place
            if order.count > 1000, let oldest = order.min(by: { $0.value < $1.value }) {
                order[oldest.key] = nil
            }
        }
        #expect(hits > recentHits, "\(hits) of \(reads), by recency \(recentHits)")
    }

    @Test("Over is over at the deadline")
    func deadlines() {
        var stripe = CacheStripe(entryCountMax: 10, byteCountMax: 10)
        insert(1, &stripe, deadline: 100)
        #expect(value(1, &stripe, at: 99) == 1)
        #expect(value(1, &stripe, at: 100) == nil)
        #expect(stripe.statistics.expiryCount == 1 && stripe.statistics.entryCount == 0)
    }
}
