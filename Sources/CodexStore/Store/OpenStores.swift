internal import CodexCore
internal import Synchronization

/// The stores that this process has open, by directory: LMDB's locks break silently if one process
/// opens an environment twice (lmdb.h).
enum OpenStores {
    private static let open = Locked<Set<FileSystem.Identity>>([])

    static func enter(_ identity: FileSystem.Identity, path: String) throws(CodexError) {
        guard open.withLock({ $0.insert(identity).inserted }) else {
            throw CodexError(
                .alreadyOpen,
                "\(path) is open in this process already. Share that Store: it may be used by any "
                    + "number of threads and tasks.")
        }
    }

    static func leave(_ identity: FileSystem.Identity) {
        open.withLock { _ = $0.remove(identity) }
    }
}
