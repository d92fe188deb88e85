public import CodexCore

/// What an operator of a store should know of.
///
/// ``StoreOptions/observer`` gets them.
public enum StoreEvent: Sendable, Hashable {
    /// A commit took long, its bodies included.
    case slowCommit(duration: Duration, changeCount: Int)
    /// A snapshot has been open for long, in this process or another: the pages that it sees are
    /// not reused, and the file grows under writes.
    case longReader(processID: Int32, duration: Duration)
    /// The data file grew by so many bytes since the last such event, or since the store was
    /// opened.
    case growth(byteCount: Int, fileByteCount: Int)
    /// The store was opened by the only process that has it, and what the log had beyond the last
    /// checkpoint was redone.
    case recovery(RecoveryReport)
    /// A checkpoint was published, with all commits up to `sequence`.
    case checkpoint(duration: Duration, sequence: UInt64)
    /// A checkpoint could not be made; the log grows, and it is tried again.
    ///
    /// A failed write or flush of the log, or a failed flush or rename of a checkpoint, refuses
    /// writes (``CodexError/Code/writesRefused``). After any other failure writes go on.
    case checkpointFailed(code: CodexError.Code, message: String)
    /// The background flush of the log failed, at ``Durability/Level/interval(_:)``.
    ///
    /// Acknowledged commits of the last interval may be lost by a power failure. The store refuses
    /// writes (``CodexError/Code/writesRefused``), and the flush is not tried again: close the store
    /// in all processes, and open it again.
    case logFlushFailed(code: CodexError.Code, message: String)
    /// Building an index or counter, or emptying what a removed one left, failed; writing goes on.
    ///
    /// It is tried again after `retryDelay`. If that is `nil`, it cannot succeed by itself: see to
    /// the cause, and call ``Store/waitUntilReady()``. `table` and `name` are `nil` where the work
    /// was not that of one table or part.
    case buildFailed(
        table: String?, name: String?, code: CodexError.Code, message: String,
        retryDelay: Duration?)
    /// A table has `count` damaged values of encrypted fields, which a format before 4 wrote: they
    /// were changed, cut, or moved from another item or field, or somebody made them up.
    ///
    /// They stay as they are, and all other values are decided. Reading one throws
    /// ``CodexError/Code/valueTampered``, and ``Store/verify()`` names its item
    /// (``VerificationReport/Difference/Kind/tamperedValue``). Each opening with the keys tells it,
    /// until the values are restored or replaced.
    case valuesDamaged(table: String, count: Int)
    /// The observer was busy for long, and `count` events that happened here found no room.
    case eventsDropped(count: Int)

    /// Nothing is at the store's path, or something else: its directory was renamed or removed.
    ///
    /// After a rename writes go on, to where the directory is now. Writes fail with
    /// ``CodexError/Code/filesReplaced`` if the directory's files were removed, or if another
    /// directory is at its path.
    case directoryMoved(path: String)

    /// Changes up to a commit were removed from the log before their time: the device is full, or
    /// ``Store/purgePlaintext(batchCount:progress:)`` was called.
    ///
    /// The readers that are named had not read them, and get ``CodexError/Code/changesTrimmed``.
    /// `readers` has the names of consumers, `archived` for the archive, and `followed-…` for a
    /// follower's stream. History that none of them needs is removed without an event.
    case historyShed(through: UInt64, readers: [String])

    /// The wall clock was set by so much, or the store was opened by a clock that is behind its
    /// log.
    ///
    /// Nothing is deleted by the new time until both clocks have agreed for
    /// ``StoreOptions/clockConfirmation``. It is noticed when something asks for the time by which
    /// to delete: the sweeper does with each look.
    ///
    /// `by` is above zero if the clock was set forward, and below zero if it was set back or is
    /// behind the log. If the new time is wrong, correct the clock within the confirmation.
    case clockJumped(by: Duration)

    /// From when on events are told.
    public struct Thresholds: Sendable, Hashable {
        /// The shortest commit that is slow.
        public var slowCommit: Duration
        /// The shortest time that a snapshot is long.
        ///
        /// It is looked for when something is committed, at most once a second.
        public var longReader: Duration
        /// The least growth.
        public var growthByteCount: Int

        /// Creates thresholds.
        public init(
            slowCommit: Duration = .milliseconds(250), longReader: Duration = .seconds(30),
            growthByteCount: Int = 256 << 20
        ) {
            self.slowCommit = slowCommit
            self.longReader = longReader
            self.growthByteCount = growthByteCount
        }
    }
}
