internal import CodexCore

/// Recovers a store that a process opens alone: it restores the checkpoint, and redoes the log.
///
/// It does so after a close, a kill, and a power cut alike.
///
/// It checks for all errors before it changes any file.
struct Recovery {
    let directory: Directory
    let lease: StoreLease
    let options: StoreOptions
    let checkpoint: Checkpoint
    let file: DataFile
    let log: LogWriter
    /// The end of the log.
    private let end: LogPosition
    /// Whether an incomplete record follows the end.
    private let isTorn: Bool
    /// Whether a write or flush failed, so that readable data may not be on stable storage.
    private let wasRefused: Bool

    /// Checks the checkpoint and the log.
    ///
    /// - Throws: ``CodexError/Code/corrupted`` if a file is missing, damaged or of another store.
    init(
        _ directory: Directory, _ lease: StoreLease, _ options: StoreOptions
    ) throws(CodexError) {
        self.directory = directory
        self.lease = lease
        self.options = options
        options.reached(.recoveryBegun)
        try Self.requireNoStranger(directory, options)
        try CompactionIntent.resolve(in: directory, lease, options)
        checkpoint = try Checkpoint(of: directory)
        wasRefused = try lease.isRefused()
        file = try DataFile(directory)
        try Self.requireFile(checkpoint, file, directory.path)
        let logDirectory = try LogDirectory(store: directory, id: checkpoint.storeID)
        log = LogWriter(logDirectory, lease, options)
        var cursor = LogCursor(logDirectory, after: checkpoint.position)
        while try cursor.next() != nil {}
        try cursor.requireEnd()
        end = cursor.position
        isTorn = try cursor.isTorn()
        logDirectory.removeLeftovers(isAlone: true)
        Leftovers(in: directory).remove()
    }

    /// Throws if a program that does not use the lease has the environment open.
    ///
    /// - Throws: ``CodexError/Code/notWritable``.
    static func requireNoStranger(
        _ directory: Directory, _ options: StoreOptions
    ) throws(CodexError) {
        try EndingProcess.settled(
            .notWritable, options.parts.locksRetried
        ) { () throws(CodexError) in
            guard try !ForeignLock(StoreDirectory.lockFile, in: directory).isTaken() else {
                throw CodexError(
                    .notWritable,
                    "Another program has the store's data file open without Codex's lease, or with "
                        + "an earlier release. Close it there.")
            }
        }
    }

    /// Throws unless the data file is this store's, has had the checkpoint's state, and has the
    /// state's pages.
    private static func requireFile(
        _ checkpoint: Checkpoint, _ file: DataFile, _ path: String
    ) throws(CodexError) {
        let pages = try file.metaPages()
        let newest = max(pages.first.transaction, pages.second.transaction)
        guard try file.storeID() == checkpoint.storeID, newest >= checkpoint.meta.transaction,
            checkpoint.meta.pageByteCount == file.pageByteCount
        else { throw mismatch }
        guard checkpoint.meta.lastPage < 1 << 40,
            try file.file.byteCount()
                >= (Int(checkpoint.meta.lastPage) + 1) * checkpoint.meta.pageByteCount
        else { throw StoreDirectory.cut(path) }
    }

    private static var mismatch: CodexError {
        CodexError(
            .corrupted,
            "The file `checkpoint` does not belong to the data file. Put back the one that does, "
                + "or restore from a backup.")
    }

    /// Checks that a store is in the state of its checkpoint, so that it can be read without a
    /// change.
    ///
    /// - Throws: ``CodexError/Code/needsRecovery`` if it is not.
    static func requireClean(
        _ directory: Directory, _ lease: StoreLease
    ) throws(CodexError) {
        guard try !directory.contains(CompactionIntent.name) else { throw needsRecovery }
        let checkpoint = try Checkpoint(of: directory)
        let file = try DataFile(directory, .read)
        try requireFile(checkpoint, file, directory.path)
        let pages = try file.metaPages()
        var cursor = LogCursor(
            try LogDirectory(store: directory, id: checkpoint.storeID), after: checkpoint.position)
        let newest =
            pages.first.transaction > pages.second.transaction ? pages.first : pages.second
        // A process that joins a reader does no recovery, so all checks of a recovery are made
        // here.
        guard newest.numbered(0) == checkpoint.meta.numbered(0), try cursor.next() == nil,
            try !cursor.isTorn(), try !lease.isRefused()
        else { throw needsRecovery }
        try cursor.requireEnd()
    }

    private static var needsRecovery: CodexError {
        CodexError(
            .needsRecovery,
            "The store was not closed by the last program that wrote to it. Open it once for writing, "
                + "which recovers it (`codexflow recover`).")
    }

    /// Restores the checkpoint's state; LMDB must not be open.
    ///
    /// First the checkpoint itself is published again. The process that published it may have been
    /// killed before the name reached stable storage. Or its flush failed, which the system reports
    /// only once. Until then, the pages of the previous checkpoint must stay.
    func restore() throws(CodexError) {
        do throws(CodexError) {
            try checkpoint.publish(in: directory, lease)
        } catch  where error.code == .diskFull && !wasRefused {
            // It must be possible to open a full store, so that items can be deleted.
            try Checkpoint.flushDirectory(in: directory, lease)
        }
        options.reached(.checkpointRenewed)
        try file.restore(checkpoint.meta)
        options.reached(.metaRestored)
    }

    /// Pins the restored state, and checks that it is the checkpoint's.
    func pin(
        _ environment: Environment, _ metaDatabase: DatabaseID
    ) throws(CodexError) -> Pin {
        let pin = try Pin(environment, file, metaDatabase)
        guard pin.id == checkpoint.transaction, pin.position == checkpoint.position else {
            pin.release()
            throw Self.mismatch
        }
        options.reached(.readerHeld)
        return pin
    }

    /// Puts the records that must be redone on stable storage, and prepares the place of the next
    /// commit.
    ///
    /// A fresh segment with a new incarnation follows if there are records to redo, or if the end
    /// may be torn or not on stable storage. So no old bytes can be mistaken for a continuation.
    ///
    /// - Returns: The fresh segment's number; `nil` if the log continues at its end.
    func prepareLog() throws(CodexError) -> UInt64? {
        try log.rewrite(from: checkpoint.position, to: end)
        options.reached(.tailFlushed)
        guard end != checkpoint.position || isTorn || wasRefused else { return nil }
        let last = try log.directory.numbers().last ?? end.segment
        let incarnation = try log.directory.open(last)?.header.incarnation
        let segment = try log.space.makeSegment(
            end.segment + 1, after: end,
            incarnation: Incarnation.next(after: incarnation), .shrinking)
        options.reached(.incarnationRaised)
        return segment.header.number
    }

    /// Redoes the log, and returns the report.
    func redo(
        _ pipeline: CommitPipeline, fresh segment: UInt64?, since start: ContinuousClock.Instant
    ) throws(CodexError) -> RecoveryReport {
        let done = try LogApplier(pipeline).applyLog()
        if let segment { try pipeline.moveLog(to: segment) }
        var report = RecoveryReport()
        report.commitCount = done.commitCount
        report.changeCount = done.changeCount
        report.foundTornRecord = isTorn
        report.duration = .now - start
        options.reached(.recovered)
        return report
    }
}
