internal import Foundation
internal import Synchronization

#if CODEX_THREAD_SANITIZER
    /// What a lock guards, for `make test-thread`: the sanitizer knows Foundation's locks but not
    /// the standard library's `Mutex` on Linux, and would report everything that one guards.
    ///
    /// Sendable since `value` is touched only with the lock held.
    final class Locked<Value>: @unchecked Sendable {
        private let lock = NSLock()
        private var value: Value

        init(_ value: consuming Value) { self.value = value }

        func withLock<R>(_ body: (inout Value) throws -> R) rethrows -> R {
            lock.lock()
            defer { lock.unlock() }
            return try body(&value)
        }
    }
#else
    /// What a lock guards: the standard library's mutex.
    typealias Locked = Mutex
#endif
