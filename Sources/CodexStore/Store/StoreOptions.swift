internal import CodexCore
public import FoundationEssentials

/// The options with which a store is opened.
///
/// A duration above 100 years counts as 100 years. Stored times lie within the years 1970 to 9999.
public struct StoreOptions: Sendable {
    /// Whether to refuse writes.
    ///
    /// A read-only store is never created or changed by opening it.
    public var isReadOnly: Bool
    /// The maximum number of writes that may wait for the writer.
    ///
    /// A further write is refused with ``CodexError/Code/queueFull``.
    public var maximumWaitingWrites: Int
    /// The maximum number of waiting writes that are committed together.
    ///
    /// A group is smaller if its record reaches ``StoreLimits/commitGroupByteCountMax`` first.
    public var maximumGroupedWrites: Int
    /// The wall clock, for data that is kept for a limited time.
    ///
    /// Such data are idempotency tokens, items with a time to live, and changes, which are retained
    /// by age. A deletion by time also waits for real time to pass: see ``clockConfirmation``.
    /// Tests that move the time use the `ManualClock` of `CodexTesting`, which also moves the
    /// monotonic time.
    public var now: @Sendable () -> Date = { Date() } {
        didSet { hasSystemClock = false }
    }
    /// Whether ``now`` is the system's clock.
    private(set) var hasSystemClock = true
    /// The time for which the wall clock and the monotonic clock must agree before deletions use
    /// the wall clock.
    ///
    /// The wall clock is ``now``. Reads use it at once. Deletions, which cannot be undone, wait:
    /// the removal of expired items, the trimming of changes by age, and the removal of idempotency
    /// tokens. After a jump of the wall clock, deletions use the time that really passed until both
    /// clocks have agreed for this time. For tokens, this time is at least
    /// ``DynamoDBLimits/idempotencyWindowSeconds``. After opening, deletions start from the newest
    /// certain time in the log. A process that is open for a shorter time deletes only data that
    /// had expired by then. Writes that find an expired item still remove it.
    ///
    /// Zero trusts the wall clock at once, also for tokens. Time while the machine is suspended
    /// counts as passed.
    public var clockConfirmation: Duration = .seconds(300)
    /// The interval at which the store looks for expired items.
    ///
    /// With `nil` or zero, only ``Store/removeExpired(limit:)`` and writes that find expired items
    /// remove them.
    ///
    /// A look costs one lookup in each table with a ``TableDefinition/timeToLive``. It writes
    /// nothing if no item is due. Reads never find an expired item, whether it was removed or not.
    public var sweepInterval: Duration? = .seconds(1)
    /// The time when an acknowledged write is on stable storage.
    public var durability: Durability
    /// The limits at which a checkpoint is due.
    public var checkpoints = CheckpointPolicy()
    /// The limits within which changes stay readable.
    public var changeRetention = ChangeRetention()
    /// The time for which opening, closing and checkpoints wait for the lock of another process.
    ///
    /// Opening and checkpoints then fail with ``CodexError/Code/lockTimeout``, which names the
    /// process that has the lock. That process may be stopped: continue it or kill it. It may also
    /// recover a long log or compact the store: wait, or choose a longer time. Closing does not
    /// fail: it goes on without shortening the data file.
    ///
    /// If this process is closing its store of the same directory, an opening waits for the same
    /// time. Then it fails with ``CodexError/Code/alreadyOpen``.
    public var lockTimeout: Duration = .seconds(30)
    /// The maximum number of snapshots that the process has open at once.
    ///
    /// A further snapshot is refused with ``CodexError/Code/tooManyReaders``.
    ///
    /// All processes together have 4096 slots for readers, 64 of which are kept for writers and
    /// checkpoints.
    public var maximumSnapshots = 1000
    /// The bytes of address space to reserve.
    ///
    /// `nil` is 16 times the data file, from 64 GiB to 1 TiB, and at least twice the data file.
    ///
    /// It is neither memory nor disk. The data file cannot grow past it while the store is open
    /// (``CodexError/Code/storeFull``). With `nil`, opening the store again reserves more. A value
    /// that you set must be raised first.
    ///
    /// A process has 128 TiB of addresses on usual machines: choose less if it opens more than
    /// about 2,000 stores.
    public var mapByteCount: Int?
    /// The users who may use the store's files.
    ///
    /// With `nil`, the mode of the directory decides; a new directory is for its owner only.
    ///
    /// A value that you set also changes an existing store, if a process of the directory's owner
    /// opens it for writing. For a group, give the directory to the group first (`chgrp`).
    public var fileAccess: FileAccess?
    /// Gets the events for an operator: slow commits, checkpoints, recovery, long readers, growth.
    ///
    /// It gets one event at a time, in order, on a thread without locks of the store. It may use
    /// the store, and close it. The store does not wait for it. If it is slow, up to 1,024 events
    /// wait; further events are only counted (``StoreEvent/eventsDropped(count:)``). Events of
    /// opening may come before or after the initializer has returned.
    public var observer: (@Sendable (StoreEvent) -> Void)?
    /// The thresholds from which ``observer`` gets events.
    public var thresholds = StoreEvent.Thresholds()

    #if Encryption
        /// The keys of encrypted fields (``Schema/sealing(_:of:)``).
        ///
        /// Without keys, reads treat these fields as absent, and they cannot be written.
        public var encryptionKeys: (any EncryptionKeyProvider)? {
            didSet { sealer = encryptionKeys.map { AESGCMSealer($0) } }
        }
    #endif
    /// Whether plain values in encrypted fields are refused.
    ///
    /// If set, typed reads throw ``CodexError/Code/valueNotSealed`` for them. With keys, they throw
    /// ``CodexError/Code/keyUnavailable`` for a value whose key is missing.
    ///
    /// If not set, typed reads return plain values, and treat values whose key is missing as
    /// absent. Set it after `reseal()` has encrypted all values.
    public var requiresSealedFields = false
    /// The stores in which encrypted values can be opened, if the keys are available.
    public var sealedFieldBinding = SealedFieldBinding.store
    /// Whether the log is applied to a copy from a backup, which lacks later work of builders.
    var isRestoring = false
    /// Seals and opens encrypted fields.
    var sealer: (any FieldSealer)?
    /// Determines the time for deletions, once the store is open for writing.
    var deletionClock: DeletionClock?

    /// The collaborators that tests may replace.
    package var parts = StoreParts()
    /// The size, in bytes, to which segments of the log grow.
    package var logSegmentByteCountMax = 16 << 20
    /// The bytes of replaced pages that are acceptable for any store.
    ///
    /// Checkpoints of fewer bytes cost more than they save.
    package var leastDirtyByteCount = 32 << 20
    /// The bytes that commits write into the data file before they are written out; zero leaves all
    /// of them to the flushes of checkpoints.
    package var writebackByteCount = 8 << 20
    /// The maximum number of changes that are redone in one transaction.
    package var redoneChangeCountMax = 8192
    /// The maximum bytes of records that are redone in one transaction; one record may have more.
    package var redoneByteCountMax = 16 << 20

    /// Creates options.
    public init(
        isReadOnly: Bool = false, durability: Durability = .everyCommit,
        maximumWaitingWrites: Int = 16_384, maximumGroupedWrites: Int = 512
    ) {
        self.isReadOnly = isReadOnly
        self.durability = durability
        self.maximumWaitingWrites = maximumWaitingWrites
        self.maximumGroupedWrites = maximumGroupedWrites
    }
}

extension StoreOptions {
    /// The current time, in milliseconds since 1970.
    var nowMilliseconds: UInt64 { UInt64(max(0, now().millisecondsSince1970)) }

    func with(_ body: (inout StoreOptions) -> Void) -> StoreOptions {
        var copy = self
        body(&copy)
        return copy
    }

    /// The options as a store uses them: validated, and with bounded durations.
    ///
    /// - Throws: ``CodexError/Code/invalidArgument``.
    func validated() throws(CodexError) -> StoreOptions {
        try validate()
        return with { options in
            options.checkpoints.interval = checkpoints.interval.bounded
            options.changeRetention.age = changeRetention.age.bounded
            options.lockTimeout = lockTimeout.bounded
            options.clockConfirmation = clockConfirmation.bounded
            options.sweepInterval = sweepInterval?.bounded
            options.durability = durability.bounded
            options.thresholds.slowCommit = thresholds.slowCommit.bounded
            options.thresholds.longReader = thresholds.longReader.bounded
        }
    }

    private func validate() throws(CodexError) {
        guard maximumWaitingWrites >= 1, maximumGroupedWrites >= 1, maximumSnapshots >= 1 else {
            throw CodexError(
                .invalidArgument,
                "The limits of waiting and grouped writes and of snapshots are at least 1.")
        }
        guard clockConfirmation >= .zero else {
            throw CodexError(
                .invalidArgument, "The confirmation of the clock is zero or more.")
        }
        var durations = [checkpoints.interval, changeRetention.age]
        if case .interval(let loss) = durability.level { durations.append(loss) }
        guard durations.allSatisfy({ $0 > .zero }), checkpoints.dirtyByteCount > 0,
            checkpoints.maximumDirtyBytes >= checkpoints.dirtyByteCount,
            checkpoints.changeCount > 0, changeRetention.byteCount >= 0
        else {
            throw CodexError(
                .invalidArgument,
                "Intervals and bounds of checkpoints, durability and retention are above zero.")
        }
    }

    func reached(_ step: ProtocolStep) { parts.reached?(step) }
}

/// The time when an acknowledged write is on stable storage, so that it survives a power cut.
///
/// At every level, each commit is appended to the log before it becomes visible, and a killed
/// process loses no commit. The levels differ in the time of the log's flush. See
/// `Docs/Durability.md`.
public struct Durability: Sendable, Hashable {
    enum Level: Hashable {
        case everyCommit, interval(Duration), none
    }
    let level: Level

    /// A write is on stable storage before it is acknowledged, and before any reader sees it.
    public static let everyCommit = Durability(level: .everyCommit)
    /// Writes reach stable storage with the checkpoints: a power cut may lose the writes after the
    /// last checkpoint.
    public static let none = Durability(level: .none)

    /// A write is on stable storage at most `loss` after it was acknowledged.
    ///
    /// A power cut may lose the writes of that time.
    public static func interval(losing loss: Duration) -> Durability {
        Durability(level: .interval(loss))
    }

    /// The same level with a bounded duration.
    fileprivate var bounded: Durability {
        if case .interval(let loss) = level { .interval(losing: loss.bounded) } else { self }
    }
}

/// The limits at which a checkpoint is due; the first one that is reached counts.
///
/// A checkpoint flushes the data file. Commits after the last checkpoint are redone from the log
/// when the store is opened. The pages that they replaced cannot be reused before the next
/// checkpoint.
public struct CheckpointPolicy: Sendable, Hashable {
    /// The longest time between a commit and the checkpoint that includes it.
    public var interval: Duration
    /// The maximum bytes of pages that were replaced since the last checkpoint, and of records in
    /// the log.
    ///
    /// For a small store, the limit is a quarter of its size, but at least 32 MiB. So pages that
    /// wait for a checkpoint do not make the file much larger than its contents.
    public var dirtyByteCount: Int
    /// The maximum number of changes of items since the last checkpoint.
    public var changeCount: Int
    /// The bytes of replaced pages from which writes wait for the checkpoint.
    public var maximumDirtyBytes: Int

    /// Creates a policy.
    public init(
        interval: Duration = .seconds(2), dirtyByteCount: Int = 256 << 20,
        changeCount: Int = 32_768, maximumDirtyBytes: Int = 1 << 30
    ) {
        self.interval = interval
        self.dirtyByteCount = dirtyByteCount
        self.changeCount = changeCount
        self.maximumDirtyBytes = maximumDirtyBytes
    }
}

extension CheckpointPolicy {
    /// The bytes of replaced pages at which a checkpoint of a store of `usedByteCount` is due.
    func dirtyByteCount(of usedByteCount: Int, least: Int) -> Int {
        min(dirtyByteCount, max(least, usedByteCount / 4))
    }
}

/// The limits within which changes stay readable in the log.
///
/// Changes are removed when they are older than `age`, or when the log is larger than `byteCount`.
///
/// Segments are removed as a whole. Segments that a recovery needs are never removed. A consumer
/// whose next changes were removed gets ``CodexError/Code/changesTrimmed``.
public struct ChangeRetention: Sendable, Hashable {
    /// The age from which changes may be removed.
    public var age: Duration
    /// The size of the log, in bytes, from which the oldest changes are removed.
    public var byteCount: Int

    /// Creates a retention; DynamoDB's streams keep 24 hours.
    public init(age: Duration = .seconds(24 * 3600), byteCount: Int = 1 << 30) {
        self.age = age
        self.byteCount = byteCount
    }
}
