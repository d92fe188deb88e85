internal import CodexCore
internal import Synchronization

/// A pooled read transaction.
///
/// Sendable in spite of its state: the pool gives it to one thread at a time. LMDB allows that for
/// read transactions that were opened with `MDB_NOTLS`.
package final class ReadContext: TransactionContext, @unchecked Sendable {
    /// The last snapshot whose generation was compared with the catalog's.
    private var synchronizedID = -1
    /// The epoch in which the context was taken.
    var epoch = 0
    /// The thread that reads with the context; 0 while no thread does.
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

    /// Updates the catalog to the snapshot's; takes a newer snapshot if databases must be opened.
    @inline(__always)
    func synchronize() throws(CodexError) {
        let id = transaction.id
        if id != synchronizedID { try slowSynchronize() }
    }

    /// Takes over the process's catalog, and reads the manifest only if that is not new enough.
    ///
    /// A refresh takes the schema lock, whose holder may wait for another process's write. The
    /// process's catalog can be read meanwhile. Its handles stay open: the reader was counted in
    /// its epoch before, and a handle that is retired from now on waits for the reader's end.
    private func slowSynchronize() throws(CodexError) {
        while try Catalog.storedGeneration(transaction, catalog.meta) != catalog.generation {
            let known = core.catalog
            catalog = try known === catalog ? core.refreshCatalog() : known
            // Only the next snapshot can use databases that were opened after this one began.
            reset()
            try renew()
        }
        synchronizedID = transaction.id
    }
}
