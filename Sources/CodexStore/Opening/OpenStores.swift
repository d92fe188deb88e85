internal import CodexCore
internal import Foundation

/// The stores that this process has open, by directory.
///
/// LMDB's locks break silently if one process opens an environment twice (lmdb.h).
enum OpenStores {
    private enum Phase { case open, closing }

    nonisolated(unsafe) private static var stores: [FileSystem.Identity: Phase] = [:]
    /// Guards `stores`, and is signalled when one of them is closed.
    private static let changed = NSCondition()

    /// Registers a store that is being opened; waits if one of the same directory is closing.
    ///
    /// - Throws: ``CodexError/Code/alreadyOpen`` if a store of the directory is open, or is not
    ///   closed within `wait`.
    static func enter(_ directory: Directory, within wait: Duration) throws(CodexError) {
        let deadline = Date(timeIntervalSinceNow: wait.bounded / .seconds(1))
        changed.lock()
        defer { changed.unlock() }
        while let phase = unsafe stores[directory.identity] {
            guard phase == .closing, changed.wait(until: deadline) else {
                throw CodexError(
                    .alreadyOpen,
                    "\(directory.path) is open in this process already. Share that Store: it may be "
                        + "used by any number of threads and tasks.")
            }
        }
        unsafe stores[directory.identity] = .open
    }

    /// Records that a store is closing, so that it cannot be used any more.
    static func markClosing(_ identity: FileSystem.Identity) {
        changed.withLock { unsafe stores[identity] = .closing }
    }

    /// Removes a store that is closed.
    static func leave(_ identity: FileSystem.Identity) {
        changed.withLock {
            _ = unsafe stores.removeValue(forKey: identity)
            changed.broadcast()
        }
    }
}
