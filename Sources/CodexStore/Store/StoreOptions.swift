public import FoundationEssentials

/// How a store is opened.
public struct StoreOptions: Sendable {
    /// Whether to refuse writes.
    ///
    /// A read-only store is never created or changed by opening it.
    public var isReadOnly: Bool
    /// Most writes that may wait for the writer; one more is refused with
    /// ``CodexError/Code/queueFull``.
    public var waitingWriteCountMax: Int
    /// Most waiting writes that are committed together.
    public var groupCountMax: Int
    /// The clock, for what is remembered for a time only (idempotency tokens).
    public var now: @Sendable () -> Date = { Date() }
    /// Called with what an operator should know of: slow commits, long readers, growth.
    ///
    /// It is called on the store's writer thread: it should hand over what it gets, and must not
    /// write to the store.
    public var observer: (@Sendable (StoreEvent) -> Void)?
    /// From when on ``observer`` is told.
    public var thresholds = StoreEvent.Thresholds()

    /// What happens before a group's commit; tests inject failures here.
    package var commitSink: any CommitSink = SynchronousCommit()
    /// The map to reserve instead of the largest possible; tests make it run out.
    package var mapByteCount: Int?
    /// A fault that a harness must catch.
    package var plantedFault: PlantedFault?

    /// Creates options.
    public init(
        isReadOnly: Bool = false, waitingWriteCountMax: Int = 16_384, groupCountMax: Int = 512
    ) {
        self.isReadOnly = isReadOnly
        self.waitingWriteCountMax = waitingWriteCountMax
        self.groupCountMax = groupCountMax
    }
}

/// Mistakes in index maintenance that the model test plants, to prove that it would catch them.
package enum PlantedFault: Sendable, CaseIterable {
    /// Deleting an item leaves its index entries.
    case skippedDelete
    /// An entry's projected attributes are not refreshed when the item changes.
    case staleProjection
    /// An item whose index key changes keeps its old entry too.
    case missedMove
    /// A counter is off by one.
    case miscount
    /// The rest of a long key is lost.
    case lostOverflow
}
