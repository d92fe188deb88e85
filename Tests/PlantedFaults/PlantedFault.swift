internal import CodexCore
package import CodexStore
internal import FoundationEssentials

/// Mistakes that tests put into a store, to show that they would find them.
package enum PlantedFault: String, Sendable, CaseIterable {
    /// Deleting an item leaves its index entries.
    case skippedDelete
    /// An entry's projected attributes are not refreshed when the item changes.
    case staleProjection
    /// A reference is not refreshed when its item begins or ceases to expire.
    case staleReference
    /// An item whose index key changes keeps its old entry too.
    case missedMove
    /// A counter is off by one.
    case miscount
    /// The rest of a long key is lost.
    case lostOverflow
    /// Commits are not appended to the log.
    case noLog
    /// The log is not flushed.
    case noFlush
    /// A checkpoint does not flush the data file.
    case noDataFlush
    /// No reader protects the checkpoint's pages during the redo.
    case noReaderInRedo
    /// Nothing is redone when a store is opened: it stays at the checkpoint, to be looked at.
    case noRedo
    /// Opening takes no gate.
    case noGate
    /// The store's clock stands still: items that expire stay there, and are never removed.
    case shownExpired
    /// A build adds entries that it read before, without a look at their items.
    case staleBuild
    /// No checkpoint has what a build added when the log tells that it ended.
    case noBuildCheckpoint
    /// A failed write or flush is not marked, so that writes go on.
    case unmarkedFailure
    /// A follower keeps its schema when the leader changes it.
    case keptSchema
    /// A reader of changes that stopped within a commit goes on after it: the rest is lost.
    case resumeAfterCommit

    /// Those of index maintenance and expiry, which the model test finds.
    package static let maintenance: [PlantedFault] = [
        .skippedDelete, .staleProjection, .staleReference, .missedMove, .miscount, .lostOverflow,
        .shownExpired,
    ]
}

extension StoreOptions {
    /// Puts a collaborator with a fault in the place of the store's own.
    ///
    /// - Parameter fault: The fault. ``PlantedFault/shownExpired`` stops the present clocks of the
    ///   options.
    package mutating func plant(_ fault: PlantedFault) {
        switch fault {
        case .skippedDelete: parts.maintenance = SkippedDelete()
        case .staleProjection: parts.maintenance = StaleProjection()
        case .staleReference: parts.maintenance = StaleReference()
        case .missedMove: parts.maintenance = MissedMove()
        case .miscount: parts.maintenance = Miscount()
        case .lostOverflow: parts.maintenance = LostOverflow()
        case .noLog: parts.calls = OmittedCall(.appendRecord)
        case .noFlush: parts.calls = OmittedCall(.flushLog)
        case .noDataFlush:
            parts.calls = OmittedCall(.flushData)
            // Pages that are written out early may be on the disk without a flush.
            writebackByteCount = 0
        case .noReaderInRedo: parts.readerHeld = { reader in reader.letGo() }
        case .noRedo: parts.calls = OmittedCall(.applyLog)
        case .noGate:
            parts.calls = OmittedCall(.takeGate)
            // The locks of a process that opens the store are like those of one that ends.
            parts.locksRetried = { () throws(CodexError) in
                throw CodexError(.filesReplaced, "Another process opens the store.")
            }
        case .shownExpired: stopClocks()
        case .staleBuild: parts.maintenance = StaleBuild()
        case .noBuildCheckpoint: parts.calls = OmittedCall(.checkpointBuild)
        case .unmarkedFailure: parts.calls = OmittedCall(.markFailure)
        case .keptSchema: parts.calls = OmittedCall(.adoptSchema)
        case .resumeAfterCommit:
            parts.resumption = { last in SequenceNumber(commit: last.commit) }
        }
    }

    private mutating func stopClocks() {
        let (wall, elapsed) = (now(), parts.monotonic())
        now = { wall }
        parts.monotonic = { elapsed }
    }
}
