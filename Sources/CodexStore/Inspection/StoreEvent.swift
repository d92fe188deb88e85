public import CodexCore

/// An event that the operator of a store should know.
///
/// ``StoreOptions/observer`` gets the events.
public enum StoreEvent: Sendable, Hashable {
    /// A commit took long, including its bodies.
    case slowCommit(duration: Duration, changeCount: Int)
    /// A snapshot has been open for long, in this process or another.
    ///
    /// The pages that it sees are not reused, and the file grows under writes.
    case longReader(processID: Int32, duration: Duration)
    /// The data file grew by `byteCount` bytes since the last such event, or since the opening.
    case growth(byteCount: Int, fileByteCount: Int)
    /// The store was opened alone, and the commits after the last checkpoint were redone from the
    /// log.
    case recovery(RecoveryReport)
    /// A checkpoint was published, with all commits up to `sequence`.
    case checkpoint(duration: Duration, sequence: UInt64)
    /// A checkpoint failed; the log grows, and the checkpoint is retried.
    ///
    /// A failed write or flush of the log, or a failed flush or rename of a checkpoint, makes the
    /// store refuse writes (``CodexError/Code/writesRefused``). After any other failure writes
    /// continue.
    case checkpointFailed(code: CodexError.Code, message: String)
    /// A flush of the log failed, at ``Durability/Level/interval(_:)``.
    ///
    /// It was a flush in the background, of a full segment before the next one begins, or of a
    /// checkpoint. A process sends the event once for each opening.
    ///
    /// A power failure may lose acknowledged commits of the last interval. The store refuses writes
    /// (``CodexError/Code/writesRefused``), and the flush is not retried: close the store in all
    /// processes, and open it again.
    case logFlushFailed(code: CodexError.Code, message: String)
    /// Building an index or counter, or emptying a removed one, failed; writes continue.
    ///
    /// It is retried after `retryDelay`. If that is `nil`, it cannot succeed by itself: remove the
    /// cause, and call ``Store/waitUntilReady()``. `table` and `name` are `nil` if the work does
    /// not belong to one table or part.
    case buildFailed(
        table: String?, name: String?, code: CodexError.Code, message: String,
        retryDelay: Duration?)
    /// A table has `count` damaged values of encrypted fields, which a format before 4 wrote.
    ///
    /// They were changed, cut, moved from another item or field, or forged. They stay unchanged,
    /// and all other values are decided. A read of one throws ``CodexError/Code/valueTampered``,
    /// and ``Store/verify()`` names its item
    /// (``VerificationReport/Difference/Kind/tamperedValue``). Each opening with the keys repeats
    /// the event, until the values are restored or replaced.
    case valuesDamaged(table: String, count: Int)
    /// The observer was busy for long, and `count` events at this point found no room.
    case eventsDropped(count: Int)

    /// The store's path is empty or has another file: its directory was renamed or removed.
    ///
    /// After a rename writes continue, in the directory's present place. Writes fail with
    /// ``CodexError/Code/filesReplaced`` if the directory's files were removed, or if another
    /// directory is at its path.
    case directoryMoved(path: String)

    /// Changes up to a commit were removed from the log before the end of their retention.
    ///
    /// The device is full, or ``Store/purgePlaintext(batchCount:progress:)`` was called. The named
    /// readers had not read them, and get ``CodexError/Code/changesTrimmed``. `readers` has the
    /// names of consumers, `archived` for the archive, and `followed-…` for a follower's stream.
    /// History that none of them needs is removed without an event.
    case historyShed(through: UInt64, readers: [String])

    /// The wall clock was set, by the given duration, or is behind the store's log at the opening.
    ///
    /// The store deletes nothing by the new time until both clocks have agreed for
    /// ``StoreOptions/clockConfirmation``. The store detects the jump when it reads the time for
    /// deletions, as the sweeper does at each check.
    ///
    /// `by` is above zero if the clock was set forward, and below zero if it was set back or is
    /// behind the log. If the new time is wrong, correct the clock within the confirmation.
    case clockJumped(by: Duration)

    /// The attributes of an entity's Swift type cannot be known, so its definition is not checked.
    ///
    /// Each opening with the type sends the event. The type's coding keys accept any name, or its
    /// `init(from:)` asks first for keys whose type is not its own `CodingKeys`. Mistakes in key
    /// templates, indexes and filters of the entity are then not found. Declare the fields in the
    /// type's definition (``EntityDefinition/fields``). The value is the entity's stored name.
    case entityUnchecked(String)

    /// The schema has a mistake that was in the store before it was checked, or names another
    /// layout of an index than the store has.
    ///
    /// Two entities of a table can have the same key. Or an index, a counter or the time to live
    /// names an attribute that no entity has, so that it is for raw items alone. New mistakes of
    /// both kinds are refused. An index keeps its layout until
    /// ``Store/changeLayout(ofIndex:in:to:)`` is called. Each opening with the schema sends the
    /// event. The value is a description, which has names of the schema and no stored data.
    case schemaWarning(String)

    /// The thresholds from which events are sent.
    public struct Thresholds: Sendable, Hashable {
        /// The shortest commit that is slow.
        public var slowCommit: Duration
        /// The shortest duration of a long snapshot.
        ///
        /// It is checked at commits, at most once a second.
        public var longReader: Duration
        /// The least growth of the data file, in bytes.
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
