/// The steps of commit, checkpoint, recovery and compaction, after each of which a process may be
/// killed.
///
/// Tests kill processes at each step, and check that each was reached.
package enum ProtocolStep: String, Sendable, CaseIterable {
    // Commit
    case bodiesRun, roomReserved, recordAppended, recordFlushed, committed
    // A new segment of the log
    case segmentPrepared, segmentNamed, segmentMarked
    // Checkpoint
    case pinned, dataFlushed, checkpointWritten, checkpointNamed, checkpointPublished
    case readerReleased, segmentsPruned, spareMade
    // Recovery
    case recoveryBegun, checkpointRenewed, metaRestored, readerHeld, tailFlushed, incarnationRaised,
        redone, recovered
    // Compaction
    case compactionCopied, compactionIntended, compactionRenamed, compactionPublished,
        compactionSettled, compactionReopened
    // The end of an interrupted compaction, when the store is opened
    case compactionUndone, compactionCompleted

    /// The steps that only opening a store passes.
    package static let recovery: Set<ProtocolStep> = [
        .recoveryBegun, .checkpointRenewed, .metaRestored, .readerHeld, .tailFlushed,
        .incarnationRaised, .redone,
        .recovered, .compactionUndone, .compactionCompleted,
    ]
    /// The steps that only a compaction passes.
    package static let compaction: Set<ProtocolStep> = [
        .compactionCopied, .compactionIntended, .compactionRenamed, .compactionPublished,
        .compactionSettled, .compactionReopened,
    ]
}
