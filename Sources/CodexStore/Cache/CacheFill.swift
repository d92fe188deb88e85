internal import Dispatch

/// A read of the store for a cache, which others wait for that ask for the same.
///
/// One that a commit overtakes is taken out of its stripe: its outcome is for those who wait
/// already, and is not kept.
///
/// Sendable since everything that changes is touched only with the lock of the key's stripe held.
final class CacheFill: @unchecked Sendable {
    typealias Alarm = DispatchSemaphore

    let key: CacheKey
    private let thread = WorkerPool.currentThread
    private var waiters: [Alarm] = []
    private var outcome: Result<CacheValue, any Error>?

    init(_ key: CacheKey) { self.key = key }

    /// Whether the calling thread is at it: a model that is read may ask for what is being read.
    var isOwn: Bool { thread == WorkerPool.currentThread }

    /// Joins those who wait.
    func join() -> Alarm {
        let alarm = Alarm(value: 0)
        waiters.append(alarm)
        return alarm
    }

    /// Says what was read to all who wait.
    func finish(_ outcome: Result<CacheValue, any Error>) {
        self.outcome = outcome
        for waiter in waiters { waiter.signal() }
        waiters = []
    }

    /// What was read, once it was.
    func finished() throws -> CacheValue? { try outcome?.get() }
}
