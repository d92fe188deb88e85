internal import Foundation

/// A stripe with its lock.
///
/// The lock is a plain one of the system's: the standard library's `Mutex` on Linux hands itself over to
/// who waits by way of the kernel (`FUTEX_LOCK_PI`), so that where many threads take a lock for some
/// nanoseconds each of them soon waits for all (measured: 8 threads on 2 cores got a fifth of what one
/// did).
///
/// Sendable since the stripe is touched only with the lock held.
final class CacheStripeBox: @unchecked Sendable {
    private let lock = NSLock()
    private var stripe: CacheStripe

    init(_ stripe: CacheStripe) { self.stripe = stripe }

    // Entries hold their neighbours.
    deinit { stripe.invalidateAll() }

    @inline(__always)
    func withLock<R>(_ body: (inout CacheStripe) throws -> R) rethrows -> R {
        lock.lock()
        defer { lock.unlock() }
        return try body(&stripe)
    }
}
