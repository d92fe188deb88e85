/// The stripes of a cache, each with its lock.
struct CacheStripes: Sendable {
    private let stripes: [Locked<CacheStripe>]

    /// Creates stripes; `count` is a power of two.
    init(count: Int, entryCountMax: Int, byteCountMax: Int) {
        stripes = (0..<count).map { _ in
            Locked(
                CacheStripe(
                    entryCountMax: entryCountMax / count, byteCountMax: byteCountMax / count))
        }
    }

    /// The stripe that a hash selects.
    @inline(__always)
    subscript(hash: Int) -> Locked<CacheStripe> { stripes[hash & (stripes.count - 1)] }

    /// Calls `body` with each stripe in turn, locked.
    func forEach(_ body: (inout CacheStripe) -> Void) {
        for stripe in stripes { stripe.withLock(body) }
    }

    /// Removes all values, and the reads that are running.
    func invalidateAll() { forEach { $0.invalidateAll() } }
}
