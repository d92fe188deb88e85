internal import CodexCore

/// Replaces a store's data file by a copy without free pages, while no other process has the store
/// open.
///
/// It runs on the writer's thread, without a transaction.
///
/// 1. A checkpoint of the whole state is made, and readers are barred. A purge removes the history
///    (``HistoryPurge``).
/// 2. The state is copied to another directory and flushed (``CompactedCopy``).
/// 3. The intent is stored (``CompactionIntent``). Up to here, a failure leaves the store as it
///    was.
/// 4. The copy becomes the data file, and its checkpoint becomes the store's. Then the intent is
///    removed.
/// 5. The environment is opened on the new file. Database handles keep their numbers, and
///    transaction numbers continue: stored copies of both stay valid.
struct Compaction {
    private let core: StoreCore
    private let checkpointer: Checkpointer
    /// The purge of the history; `nil` compacts the data file alone.
    private let purge: HistoryPurge?
    private var directory: Directory { core.directory }

    /// The maximum wait for the gate, during which the writer waits, too.
    private static let gateWait = Duration.seconds(2)

    init(_ core: StoreCore, _ parts: WritableParts, purges: Bool) {
        self.core = core
        checkpointer = parts.checkpointer
        purge = purges ? HistoryPurge(core, parts) : nil
    }

    /// Runs the compaction.
    ///
    /// - Parameter endPipeline: Applies the whole log, and ends the writer's context.
    /// - Returns: The report, and the removed history.
    /// - Throws: ``CodexError/Code/inUse``, ``CodexError/Code/lockTimeout``,
    ///   ``CodexError/Code/diskFull``, ``CodexError/Code/closed`` if the store is no longer usable,
    ///   and the errors of reading and writing.
    func run(_ endPipeline: () throws(CodexError) -> Void) throws(CodexError) -> CompactionOutcome {
        let start = ContinuousClock.now
        let gate = try StoreLease.gate(
            directory, isReadOnly: false, within: min(core.options.lockTimeout, Self.gateWait))
        defer { gate.release() }
        return try core.lease.alone { () throws(CodexError) -> CompactionOutcome in
            try requireNoReaders()
            try endPipeline()
            let consumers = try purge?.prepare() ?? []
            try checkpointer.checkpointAndWait()
            try core.gate.barReaders()
            defer { core.gate.admitReaders() }
            let history = try purge?.run(consumers)
            let before = try directory.byteCount(StoreDirectory.dataFile)
            try replaceDataFile(try settledCheckpoint())
            let report = CompactionReport(
                byteCountBefore: before,
                byteCountAfter: try directory.byteCount(StoreDirectory.dataFile),
                duration: .now - start)
            return CompactionOutcome(report: report, history: history)
        }
    }

    /// Throws if a program that does not use the lease reads the data file.
    private func requireNoReaders() throws(CodexError) {
        core.environment.clearDeadReaders()
        let others = core.environment.readers().filter { $0.processID != FileSystem.processID }
        if let other = others.first {
            throw CodexError(
                .inUse,
                "Process \(other.processID) reads the data file of \(directory.path). End it, then "
                    + "compact the store.")
        }
    }

    /// The checkpoint, which includes the whole data file and the whole log.
    private func settledCheckpoint() throws(CodexError) -> Checkpoint {
        let checkpoint = try Checkpoint(of: directory)
        var cursor = LogCursor(core.logDirectory, after: checkpoint.position)
        guard core.environment.lastTransactionID == checkpoint.transaction,
            try cursor.next() == nil
        else {
            throw CodexError(
                .inUse,
                "The store at \(directory.path) was written to while it was to be compacted, by a "
                    + "program that does not hold its lease. Close it there.")
        }
        return checkpoint
    }

    private func replaceDataFile(_ old: Checkpoint) throws(CodexError) {
        let options = core.options
        let names = try core.withSchemaLock { () throws(CodexError) in
            try core.environment.databaseNames()
        }
        let intent: CompactionIntent
        do throws(CodexError) {
            let copy = try CompactedCopy(
                of: core.environment, at: old, in: directory, clearsGaps: purge != nil)
            options.reached(.compactionCopied)
            intent = CompactionIntent(copy.checkpoint)
            try rename(copy, intent)
            core.lease.replaceData(copy.lock)
        } catch {
            CompactedCopy.removeStaging(in: directory)
            throw error
        }
        do throws(CodexError) {
            options.reached(.compactionRenamed)
            try switchOver(intent, names)
        } catch {
            throw core.gate.refuse(after: error)
        }
        CompactedCopy.removeStaging(in: directory)
    }

    /// Stores the intent and gives the copy the data file's name.
    private func rename(
        _ copy: CompactedCopy, _ intent: CompactionIntent
    ) throws(CodexError) {
        do throws(CodexError) {
            try intent.publish(in: directory)
            core.options.reached(.compactionIntended)
            try directory.rename(CompactedCopy.path, to: StoreDirectory.dataFile)
        } catch {
            // The intent may be on stable storage, and must not meet a later state of the store.
            try CompactionIntent.remove(in: directory, core.lease)
            throw error
        }
    }

    /// Makes the store use the copy, which is now the data file.
    private func switchOver(
        _ intent: CompactionIntent, _ names: [String]
    ) throws(CodexError) {
        let options = core.options
        core.gate.detachEnvironment()
        checkpointer.detach()
        try core.withSchemaLock { () throws(CodexError) in
            // The old file's blocks become free now, in case the checkpoint needs one.
            core.environment.close()
            try intent.complete(in: directory, core.lease, reached: options.reached)
            options.reached(.compactionSettled)
            try core.environment.reopen(directory, names, options)
        }
        options.reached(.compactionReopened)
        try checkpointer.attach(try DataFile(directory))
        try core.lease.share(wasAlone: true, isReadOnly: false)
        core.gate.attachEnvironment()
    }
}
