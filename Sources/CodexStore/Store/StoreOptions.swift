internal import CodexCore
public import FoundationEssentials

/// How a store is opened.
///
/// A duration above 100 years counts as 100 years. What is stored of a clock's time is kept within
/// the years 1970 to 9999, whatever the clock shows.
public struct StoreOptions: Sendable {
    /// Whether to refuse writes.
    ///
    /// A read-only store is never created or changed by opening it.
    public var isReadOnly: Bool
    /// Most writes that may wait for the writer; one more is refused with
    /// ``CodexError/Code/queueFull``.
    public var maximumWaitingWrites: Int
    /// Most waiting writes that are committed together.
    ///
    /// They are fewer where the commit's record comes to ``StoreLimits/commitGroupByteCountMax``
    /// before.
    public var maximumGroupedWrites: Int
    /// The wall clock, for what is kept for a time only.
    ///
    /// These are idempotency tokens, items with a time to live, and changes, which are retained by
    /// age. What deletes by time waits for real time to pass, too: see ``clockConfirmation``. Tests
    /// that move the time use the `ManualClock` of `CodexTesting`, which also moves the time that
    /// passes.
    public var now: @Sendable () -> Date = { Date() } {
        didSet { hasSystemClock = false }
    }
    /// Whether ``now`` is the system's clock.
    private(set) var hasSystemClock = true
    /// How long the wall clock (``now``) and the monotonic clock must agree before the store
    /// deletes by the wall clock.
    ///
    /// Reads judge by the wall clock at once. What cannot be undone waits: the removal of expired
    /// items, the trimming of changes by age, and the forgetting of idempotency tokens. After a
    /// jump of the wall clock, deletions go on by the time that really passed, until both clocks
    /// have agreed for so long (tokens: for ``DynamoDBLimits/idempotencyWindowSeconds`` at least).
    /// After opening, they go on from the newest time in the log that is certain: a process that is
    /// open for less deletes only what was over then. Writes that meet an expired item still remove
    /// it.
    ///
    /// Zero trusts the wall clock at once, for tokens too. Time in which the machine is suspended
    /// counts as time that passed.
    public var clockConfirmation: Duration = .seconds(300)
    /// How long after one look for expired items the next is; `nil` or zero leaves them to
    /// ``Store/removeExpired(limit:)`` and to the writes that meet them.
    ///
    /// A look costs one lookup in each table with a ``TableDefinition/timeToLive``, and nothing is
    /// written if nothing is due. Nobody finds an item that has expired, whether it was removed or
    /// not.
    public var sweepInterval: Duration? = .seconds(1)
    /// When an acknowledged write is on stable storage.
    public var durability: Durability
    /// When a checkpoint is due.
    public var checkpoints = CheckpointPolicy()
    /// How long changes stay readable.
    public var changeRetention = ChangeRetention()
    /// How long opening, closing and checkpoints wait for the lock of another process.
    ///
    /// Opening and checkpoints then fail with ``CodexError/Code/lockTimeout``, which names the
    /// process that has the lock. It may be stopped: continue it or kill it. It may also recover a
    /// long log or compact the store: wait, or choose a longer time. Closing does not fail: it goes
    /// on without shortening the data file.
    ///
    /// An opening waits as long for this process's own store of the directory that is closing. Then
    /// it fails with ``CodexError/Code/alreadyOpen``.
    public var lockTimeout: Duration = .seconds(30)
    /// Most snapshots that the process has open at once; one more is refused with
    /// ``CodexError/Code/tooManyReaders``.
    ///
    /// All processes together have 4096 slots for readers, 64 of which are kept for writers and
    /// checkpoints.
    public var maximumSnapshots = 1000
    /// The bytes of address space to reserve; `nil` is 16 times the data file, from 64 GiB to 1
    /// TiB.
    ///
    /// It is neither memory nor disk. The data file cannot grow past it while the store is open
    /// (``CodexError/Code/storeFull``). With `nil`, opening the store again reserves more. A value
    /// of your own must be raised first.
    ///
    /// A process has 128 TiB of addresses on usual machines: choose less where it opens more than
    /// about 2,000 stores.
    public var mapByteCount: Int?
    /// Who may use the store's files; `nil` is what its directory says, and its owner alone where
    /// there is none yet.
    ///
    /// A value of your own changes a store that is there, if it is opened for writing by a process
    /// of the directory's owner. For a group, give the directory to the group first (`chgrp`).
    public var fileAccess: FileAccess?
    /// Called with what an operator should know of: slow commits, checkpoints, recovery, long
    /// readers, growth.
    ///
    /// It is called with one event at a time, in their order, on a thread that holds nothing of the
    /// store: it may use the store, and close it. Nothing waits for it. If it is slow, 1,024 events
    /// wait; more are counted instead (``StoreEvent/eventsDropped(count:)``). Events of opening may
    /// come before or after the initializer has returned.
    public var observer: (@Sendable (StoreEvent) -> Void)?
    /// The thresholds from which ``observer`` gets events.
    public var thresholds = StoreEvent.Thresholds()

    #if Encryption
        /// The keys of encrypted fields (``Schema/sealing(_:of:)``); without them those fields read
        /// as if the items lacked them, and cannot be written.
        public var encryptionKeys: (any EncryptionKeyProvider)? {
            didSet { sealer = encryptionKeys.map { AESGCMSealer($0) } }
        }
    #endif
    /// Whether plain values in encrypted fields are refused.
    ///
    /// If set, typed reads throw ``CodexError/Code/valueNotSealed`` for them. With keys, they throw
    /// ``CodexError/Code/keyUnavailable`` for a value whose key is missing.
    ///
    /// If not set, they return plain values and treat the others as absent. Set it after `reseal()`
    /// has encrypted everything.
    public var requiresSealedFields = false
    /// In which stores encrypted values open, besides under which keys.
    public var sealedFieldBinding = SealedFieldBinding.store
    /// Whether the log is applied to a copy from a backup, which lacks what builders did since.
    var isRestoring = false
    /// What seals and opens encrypted fields.
    var sealer: (any FieldSealer)?
    /// Tells by which time may be deleted, once the store is open for writing.
    var deletionClock: DeletionClock?

    /// The collaborators that tests may replace.
    package var parts = StoreParts()
    /// The size that segments of the log grow to.
    package var logSegmentByteCountMax = 16 << 20
    /// So many bytes of replaced pages are not too many for any store: checkpoints of less cost
    /// more than they save.
    package var leastDirtyByteCount = 32 << 20
    /// Most changes that are redone in one transaction.
    package var redoneChangeCountMax = 8192
    /// Most bytes of records that are redone in one transaction; one record may have more.
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
    /// Now, in milliseconds since 1970.
    var nowMilliseconds: UInt64 { UInt64(max(0, now().millisecondsSince1970)) }

    func with(_ body: (inout StoreOptions) -> Void) -> StoreOptions {
        var copy = self
        body(&copy)
        return copy
    }

    /// The options as a store works by them: checked, and with durations that it can compute with.
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

/// When an acknowledged write is on stable storage, so that it survives a power cut.
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

    /// The same with a time that can be computed with.
    fileprivate var bounded: Durability {
        if case .interval(let loss) = level { .interval(losing: loss.bounded) } else { self }
    }
}

/// When a checkpoint is due: whatever comes first.
///
/// A checkpoint flushes the data file. What came after the last one is redone from the log when the
/// store is opened, and the pages that it replaced cannot be reused before the next.
public struct CheckpointPolicy: Sendable, Hashable {
    /// The longest time between a commit and the checkpoint that has it.
    public var interval: Duration
    /// Most bytes of pages that were replaced since the last one, and of records in the log.
    ///
    /// A small store needs fewer: a quarter of its size, but no less than 32 MiB, so that pages
    /// which wait for a checkpoint do not make the file much larger than its contents.
    public var dirtyByteCount: Int
    /// Most changes of items since the last one.
    public var changeCount: Int
    /// From so many bytes of replaced pages on, writes wait for the checkpoint.
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
    /// From how many bytes of replaced pages on a checkpoint of a store of `usedByteCount` is due.
    func dirtyByteCount(of usedByteCount: Int, least: Int) -> Int {
        min(dirtyByteCount, max(least, usedByteCount / 4))
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
