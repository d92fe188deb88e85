internal import CodexCore
internal import Synchronization

/// A pooled read transaction.
///
/// Sendable in spite of its state: the pool lends it to one thread at a time, and LMDB allows that
/// for read transactions opened with `MDB_NOTLS`.
package final class ReadContext: TransactionContext, @unchecked Sendable {
    /// The snapshot that the catalog was compared with last.
    private var synchronizedID = -1
    /// The epoch that it was taken in.
    var epoch = 0
    /// The thread that reads with it; 0 while none does.
    let thread = Atomic<UInt>(0)

    func reset() { transaction.reset() }
    func renew() throws(CodexError) {
        instant = nil
        try transaction.renew()
    }
    func abort() {
        core.remove(self)
        transaction.abort()
    }

    /// Makes the catalog that of the snapshot; takes a newer snapshot if databases must be opened.
    @inline(__always)
    func synchronize() throws(CodexError) {
        let id = transaction.id
        if id != synchronizedID { try slowSynchronize() }
    }

    private func slowSynchronize() throws(CodexError) {
        while try Catalog.storedGeneration(transaction, catalog.meta) != catalog.generation {
            // Databases that are opened from now on are not for this snapshot, but for the next.
            catalog = try core.refreshCatalog()
            reset()
            try renew()
        }
        synchronizedID = transaction.id
    }
}
