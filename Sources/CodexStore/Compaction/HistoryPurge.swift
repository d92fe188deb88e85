internal import CodexCore

/// What a purge of plain values removed of a store's history.
struct PurgedHistory: Sendable {
    /// The last commit whose changes are gone.
    let sequence: UInt64
    /// How many segments of the log were removed.
    let segmentCount: Int
    /// The readers that had not read all of it.
    let readers: [String]
}

/// The part of a purge that is none of a compaction: on the writer's thread, without a transaction,
/// while no other process has the store open.
///
/// 1. Nothing in the store may be plain any more that is to be sealed.
/// 2. The log goes on in a new segment of zeros, and a checkpoint lies in it.
/// 3. All that is before it goes, and the spare, which may have been a segment.
///
/// Cut short, it leaves a store that lacks some history at most: it is done again as a whole.
struct HistoryPurge {
    private let core: StoreCore
    private let parts: WritableParts

    init(_ core: StoreCore, _ parts: WritableParts) {
        (self.core, self.parts) = (core, parts)
    }

    /// Sees that nothing is plain that is to be sealed, but for the history.
    ///
    /// - Returns: The consumers that lose nothing with that.
    /// - Throws: As ``WriteContext/requireSealed()``.
    func prepare() throws(CodexError) -> Set<String> {
        let context = try makeContext()
        try context.requireSealed()
        try context.replaceAllPlainDigests()
        return try core.consumersAtEnd()
    }

    /// Removes the history, after a checkpoint of all that there is.
    ///
    /// - Parameter consumers: What ``prepare()`` returned.
    /// - Returns: What was removed.
    /// - Throws: ``CodexError/Code/diskFull``, and what writing and flushing throw.
    func run(_ consumers: Set<String>) throws(CodexError) -> PurgedHistory {
        let context = try makeContext()
        try context.renewLog()
        try context.moveToEnd(consumers)
        // From now on no recovery needs what is before the new segment.
        try parts.checkpointer.settle()
        return try parts.log.space.discardHistory()
    }

    /// A context of its own, which must be gone before the environment is closed.
    private func makeContext() throws(CodexError) -> WriteContext {
        try WriteContext(core, parts.log, parts.checkpointer)
    }
}
