internal import CodexCore

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// A copy of the data file without its free pages, in a separate directory, on stable storage.
struct CompactedCopy {
    /// The store's checkpoint once the copy is its data file.
    let checkpoint: Checkpoint
    /// The lock of the copy, which is held before the copy gets the data file's name.
    let lock: FileLock

    private static let stagingName = "compacting"
    /// Its path relative to the store.
    static let path = "\(stagingName)/\(StoreDirectory.dataFile)"

    /// Copies the state of a checkpoint, which is the environment's newest.
    ///
    /// The copy's transaction is the one after the checkpoint's, so that transaction numbers never
    /// decrease.
    ///
    /// - Parameters:
    ///   - environment: The environment.
    ///   - old: The checkpoint.
    ///   - store: The store's directory.
    ///   - clearsGaps: Whether to overwrite the bytes of pages outside of their entries.
    /// - Throws: ``CodexError/Code/diskFull``, ``CodexError/Code/corrupted`` if the copy has
    ///   another state, and the errors of writing and flushing.
    init(
        of environment: Environment, at old: Checkpoint, in store: Directory,
        clearsGaps: Bool
    ) throws(CodexError) {
        Self.removeStaging(in: store)
        try store.makeDirectory(Self.stagingName)
        let staging = try Directory(Self.stagingName, in: store)
        do throws(CodexError) {
            try environment.copy(to: staging)
        } catch  where error.code == .inputOutput && staging.device.isFull {
            // LMDB reports a write that was cut short by a full disk as EIO.
            throw CodexError.diskFull(error)
        }
        let file = try DataFile(staging)
        defer { file.file.close() }
        let meta = try Self.prepare(file, old, clearsGaps: clearsGaps)
        try file.file.flush()
        try staging.flush()
        guard try ClosedStore.position(in: staging) == old.position else {
            throw Self.unfit("is of another commit")
        }
        checkpoint = Checkpoint(
            storeID: old.storeID, transaction: old.transaction + 1, position: old.position,
            meta: meta)
        lock = try FileLock(StoreDirectory.dataFile, in: staging, mayCreate: false)
        guard try lock.take(.exclusive, waits: false) else {
            throw Self.unfit("is locked by another program")
        }
    }

    /// Turns LMDB's copy into a data file of the store that lacks only the store's identifier.
    ///
    /// - Returns: Its meta page.
    private static func prepare(
        _ file: DataFile, _ old: Checkpoint, clearsGaps: Bool
    ) throws(CodexError) -> MetaPage {
        let copied = try file.newestMetaPage()
        guard copied.hasNoFreePages, copied.pageByteCount == old.meta.pageByteCount,
            copied.lastPage <= old.meta.lastPage
        else { throw unfit("is not laid out as liblmdb 0.9 does") }
        if clearsGaps { try PageGaps(file.file, copied).overwrite() }
        let meta = copied.asTransaction(UInt64(old.transaction) + 1)
        try file.restore(meta)
        let usedByteCount = (Int(meta.lastPage) + 1) * meta.pageByteCount
        try file.file.reserve(
            usedByteCount + DataReserve.byteCount(usedByteCount: usedByteCount))
        return meta
    }

    private static func unfit(_ what: String) -> CodexError {
        CodexError(
            .corrupted,
            "The store was not compacted, and is as it was: the copy of its data file \(what).")
    }

    /// Removes the directory with the copy, whether complete or not.
    ///
    /// It ignores errors, because it only cleans up.
    static func removeStaging(in store: Directory) {
        guard let staging = try? Directory(stagingName, in: store) else {
            // It removes a link in that place. It also removes an empty directory, whose maker was
            // killed before it set the modes. Other files stay.
            store.remove(stagingName)
            return store.removeDirectory(stagingName)
        }
        staging.removeFiles()
        store.removeDirectory(stagingName)
    }
}
