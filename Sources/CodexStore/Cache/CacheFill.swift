internal import Dispatch

/// A read of the store for a cache, which concurrent reads of the same key wait for.
///
/// If a commit changes the key meanwhile, the fill leaves its stripe. Its present waiters get the
/// outcome, and the cache does not keep it.
///
/// It is `Sendable` because every mutable property is used only with the lock of the key's stripe
/// held.
final class CacheFill: @unchecked Sendable {
    typealias Alarm = DispatchSemaphore

    let key: CacheKey
    private let thread = WorkerPool.currentThread
    private var waiters: [Alarm] = []
    private var outcome: Result<CacheValue, any Error>?

    init(_ key: CacheKey) { self.key = key }

    /// Whether the calling thread runs this read: decoding a model may request the same key again.
    var isOwn: Bool { thread == WorkerPool.currentThread }

    /// Adds a waiter.
    func join() -> Alarm {
        let alarm = Alarm(value: 0)
        waiters.append(alarm)
        return alarm
    }

    /// Records the outcome and wakes all waiters.
    func finish(_ outcome: Result<CacheValue, any Error>) {
        self.outcome = outcome
        for waiter in waiters { waiter.signal() }
        waiters = []
    }

    /// The value, once the read has finished; `nil` before.
    func finished() throws -> CacheValue? { try outcome?.get() }
}
