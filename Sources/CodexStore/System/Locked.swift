internal import Foundation

/// A value and the lock that guards it.
///
/// The lock is the system's plain one. The standard library's `Mutex` on Linux passes itself to a
/// waiting thread through the kernel (`FUTEX_LOCK_PI`). If many threads take a lock for a few
/// nanoseconds each, they all wait for each other. (The thread sanitizer does not know `Mutex`
/// either, and would report every access that it guards.)
///
/// It is `Sendable` because `value` is used only with the lock held.
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
