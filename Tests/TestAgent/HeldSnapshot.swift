import CodexStore
import CrashSupport
import Foundation

/// Snapshots that are held by a thread of their own; the last is looked at again and again.
final class HeldSnapshot: @unchecked Sendable {
    private let asked = DispatchSemaphore(value: 0)
    private let answered = DispatchSemaphore(value: 0)
    // Each is set before one of the semaphores is signalled, and read after it.
    private var isReleased = false
    private var failure: (any Error)?
    private var state = ""

    /// Opens so many snapshots, each inside of the one before.
    init(_ store: Store, count: Int) throws {
        let thread = Thread { [self] in
            do {
                try hold(store, count)
            } catch {
                failure = error
            }
            answered.signal()
        }
        thread.stackSize = 256 << 20
        thread.start()
        answered.wait()
        if let failure { throw failure }
    }

    private func hold(_ store: Store, _ count: Int) throws {
        try store.read { snapshot in
            if count > 1 { return try hold(store, count - 1) }
            while !isReleased {
                do {
                    state = "\(try NumberedItems.state(snapshot))"
                } catch {
                    state = "\(error)"
                }
                answered.signal()
                asked.wait()
            }
        }
    }

    /// Which items it has, read again.
    func look() -> String {
        asked.signal()
        answered.wait()
        return state
    }

    /// Lets go of them.
    func release() {
        isReleased = true
        asked.signal()
        answered.wait()
    }
}
