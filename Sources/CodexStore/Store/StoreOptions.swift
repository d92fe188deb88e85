internal import CodexCore
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
    /// The clock, for what is remembered for a time only: idempotency tokens, and items with a time
    /// to live.
    public var now: @Sendable () -> Date = { Date() } {
        didSet { hasSystemClock = false }
    }
    /// Whether ``now`` is the system's clock.
    private(set) var hasSystemClock = true
    /// How long after one look for expired items the next is; `nil` or zero leaves them to
    /// ``Store/removeExpired(limit:)`` and to the writes that meet them.
    ///
    /// A look costs one lookup in each table with a ``TableDefinition/timeToLive``, and nothing is
    /// written if nothing is due. Nobody finds an item that has expired, whether it was removed or
    /// not.
    public var sweepInterval: Duration? = .seconds(1)
    /// When an acknowledged write is on the medium.
    public var durability: Durability
    /// When a checkpoint is due.
    public var checkpoints = CheckpointPolicy()
    /// How long changes stay readable.
    public var changeRetention = ChangeRetention()
    /// Called with what an operator should know of: slow commits, checkpoints, recovery, long
    /// readers, growth.
    ///
    /// It is called on threads of the store: it should hand over what it gets, and must not write to
    /// the store.
    public var observer: (@Sendable (StoreEvent) -> Void)?
    /// From when on ``observer`` is told.
    public var thresholds = StoreEvent.Thresholds()

    #if Encryption
        /// The keys of encrypted fields (``Schema/sealing(_:of:)``); without them those fields read as if the
        /// items lacked them, and cannot be written.
        public var encryptionKeys: (any EncryptionKeyProvider)? {
            didSet { sealer = encryptionKeys.map { AESGCMSealer($0) } }
        }
    #endif
    /// Whether typed reads refuse fields that are to be encrypted and are not, since they were stored before
    /// that was asked for or by somebody else (``CodexError/Code/valueNotSealed``), and those that the keys
    /// do not open (``CodexError/Code/keyUnavailable``), instead of taking them as plain, and as absent.
    ///
    /// Set it once `reseal()` has encrypted all.
    public var requiresSealedFields = false
    /// Whether the log is applied to a copy from a backup, which lacks what builders did since.
    var isRestoring = false
    /// What seals and opens encrypted fields.
    var sealer: (any FieldSealer)?

    /// Called before a group that changed something is committed; what it throws fails the group.
    package var beforeCommit: (@Sendable () throws -> Void)?
    /// Told of each step of the durability protocol.
    package var probe: (@Sendable (ProtocolStep) -> Void)?
    /// The size that segments of the log grow to.
    package var logSegmentByteCountMax = 64 << 20
    /// Most changes that are redone in one transaction.
    package var redoneChangeCountMax = 8192
    /// The map to reserve instead of the largest possible; tests make it run out.
    package var mapByteCount: Int?
    /// A fault that a harness must catch.
    package var plantedFault: PlantedFault?

    /// Creates options.
    public init(
        isReadOnly: Bool = false, durability: Durability = .everyCommit,
        waitingWriteCountMax: Int = 16_384, groupCountMax: Int = 512
    ) {
        self.isReadOnly = isReadOnly
        self.durability = durability
        self.waitingWriteCountMax = waitingWriteCountMax
        self.groupCountMax = groupCountMax
    }
}

extension StoreOptions {
    /// Now, in milliseconds since 1970.
    var milliseconds: UInt64 { UInt64(max(0, now().timeIntervalSince1970 * 1000)) }

    func with(_ body: (inout StoreOptions) -> Void) -> StoreOptions {
        var copy = self
        body(&copy)
        return copy
    }

    func validate() throws(CodexError) {
        guard waitingWriteCountMax >= 1, groupCountMax >= 1 else {
            throw CodexError(
                .invalidArgument, "The limits of waiting and grouped writes are at least 1.")
        }
        var durations = [checkpoints.interval, changeRetention.age]
        if case .interval(let loss) = durability.level { durations.append(loss) }
        guard durations.allSatisfy({ $0 > .zero }), checkpoints.dirtyByteCount > 0,
            checkpoints.dirtyByteCountMax >= checkpoints.dirtyByteCount,
            checkpoints.changeCount > 0, changeRetention.byteCount >= 0
        else {
            throw CodexError(
                .invalidArgument,
                "Intervals and bounds of checkpoints, durability and retention are above zero.")
        }
    }

    func reached(_ step: ProtocolStep) { probe?(step) }
}

/// When an acknowledged write is on the medium, so that it survives a power cut.
///
/// Every level appends each commit to the log before it becomes visible, and survives a killed
/// process without loss; they differ in when the log is flushed. See `Docs/Durability.md`.
public struct Durability: Sendable, Hashable {
    enum Level: Hashable {
        case everyCommit, interval(Duration), none
    }
    let level: Level

    /// Before it is acknowledged, and before anybody can see it.
    public static let everyCommit = Durability(level: .everyCommit)
    /// With the checkpoints: a power cut may lose what came after the last one.
    public static let none = Durability(level: .none)

    /// At most `loss` after it was acknowledged: a power cut may lose the writes of that time.
    public static func interval(losing loss: Duration) -> Durability {
        Durability(level: .interval(loss))
    }
}

/// When a checkpoint is due: whatever comes first.
///
/// A checkpoint flushes the data file. What came after the last one is redone from the log when the
/// store is opened, and the pages that it replaced cannot be reused before the next.
public struct CheckpointPolicy: Sendable, Hashable {
    /// The longest time between a commit and the checkpoint that has it.
    public var interval: Duration
    /// Most bytes of pages that were replaced since the last one.
    public var dirtyByteCount: Int
    /// Most changes of items since the last one.
    public var changeCount: Int
    /// From so many bytes of replaced pages on, writes wait for the checkpoint.
    public var dirtyByteCountMax: Int

    /// Creates a policy.
    public init(
        interval: Duration = .seconds(2), dirtyByteCount: Int = 256 << 20,
        changeCount: Int = 32_768, dirtyByteCountMax: Int = 1 << 30
    ) {
        self.interval = interval
        self.dirtyByteCount = dirtyByteCount
        self.changeCount = changeCount
        self.dirtyByteCountMax = dirtyByteCountMax
    }
}

/// How long changes stay readable in the log: until they are older than `age`, or the log is larger
/// than `byteCount`, whatever comes first.
///
/// Segments are removed as a whole, and never those that a recovery needs. A consumer that falls
/// off the end is told so, with ``CodexError/Code/changesTrimmed``.
public struct ChangeRetention: Sendable, Hashable {
    /// The age from which on changes may go.
    public var age: Duration
    /// The size of the log, in bytes, from which on the oldest changes go.
    public var byteCount: Int

    /// Creates a retention; DynamoDB's streams keep 24 hours.
    public init(age: Duration = .seconds(24 * 3600), byteCount: Int = 1 << 30) {
        self.age = age
        self.byteCount = byteCount
    }
}

/// Mistakes that the tests' harnesses plant, to prove that they would catch them.
package enum PlantedFault: String, Sendable, CaseIterable {
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
    /// Expired items are there until they are removed, which they never are.
    case shownExpired

    /// Those of index maintenance and expiry, which the model test finds.
    package static let maintenance: [PlantedFault] = [
        .skippedDelete, .staleProjection, .missedMove, .miscount, .lostOverflow, .shownExpired,
    ]
}
