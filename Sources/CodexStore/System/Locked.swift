internal import Foundation

/// What a lock guards.
///
/// The lock is the system's plain one: the standard library's `Mutex` on Linux hands itself over to who
/// waits by way of the kernel (`FUTEX_LOCK_PI`), and once many threads take a lock for some nanoseconds
/// each, all wait for all. (The thread sanitizer does not know that one either, and would report
/// everything that it guards.)
///
/// Sendable since `value` is touched only with the lock held.
package final class Locked<Value>: @unchecked Sendable {
    private let lock = NSLock()
    private var value: Value

    package init(_ value: consuming Value) { self.value = value }

    @inline(__always)
    package func withLock<R>(_ body: (inout Value) throws -> R) rethrows -> R {
        lock.lock()
        defer { lock.unlock() }
        return try body(&value)
    }
}
