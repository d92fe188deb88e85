/// The steps of committing, checkpointing and recovering, each of which may be the last that
/// happens.
///
/// Tests kill processes there, and see that each was hit.
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
    // What opening a store makes of a compaction that was cut short
    case compactionUndone, compactionCompleted

    /// Those that only opening a store passes.
    package static let recovery: Set<ProtocolStep> = [
        .recoveryBegun, .checkpointRenewed, .metaRestored, .readerHeld, .tailFlushed,
        .incarnationRaised, .redone,
        .recovered, .compactionUndone, .compactionCompleted,
    ]
    /// Those that only a compaction passes.
    package static let compaction: Set<ProtocolStep> = [
        .compactionCopied, .compactionIntended, .compactionRenamed, .compactionPublished,
        .compactionSettled, .compactionReopened,
    ]
}
