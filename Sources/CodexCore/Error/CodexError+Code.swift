extension CodexError {
    /// The kind of a failure; the set is open, so later releases may add kinds.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Kind: String {
            case invalidNumber, invalidItem, itemTooLarge, invalidKey, keyTooLong, invalidPath
            case invalidExpression, invalidArgument, invalidIdentifier, invalidJSON,
                invalidPageToken
            case typeMismatch, missingAttribute, invalidSchema, schemaMismatch, unknownTable
            case unknownIndex, unknownEntity, otherEntity, indexNotReady
            case programTooOld, migrationPending
            case transactionCancelled, idempotencyMismatch
            case conditionFailed, versionMismatch, uniqueViolation, duplicateTarget
            case corrupted, notAStore, unsupportedFormat, notWritable, notFound, alreadyOpen
            case readOnly, diskFull, inputOutput, outOfMemory, tooManyReaders, transactionTooLarge
            case closed, nestedWrite, queueFull, cancelled, commitFailed
            case outcomeUnknown, writesRefused, needsRecovery, changesTrimmed, unknownConsumer
            case consumerMoved, ruleViolated, invalidPattern
            case keyUnavailable, valueTampered, valueNotSealed, notCovered
            case tooManyDeadLetters
            case filesReplaced, lockTimeout, forked, limitReached, storeFull, inUse
            case following, notFollowing, diverged, recordsMissing, behindLeader
            case throttled, writeConflict, unavailable, timedOut, accessDenied
            case credentialsUnavailable, invalidResponse, unsupportedOperation
        }

        private let kind: Kind

        private init(_ kind: Kind) { self.kind = kind }

        /// The code's name, stable across releases.
        public var description: String { kind.rawValue }

        /// A number that is malformed, not finite, too precise or out of range.
        public static let invalidNumber = Code(.invalidNumber)
        /// An item that no table accepts: an empty set, nesting too deep, a name too long.
        public static let invalidItem = Code(.invalidItem)
        /// An item over ``DynamoDBLimits/itemByteCountMax``.
        public static let itemTooLarge = Code(.itemTooLarge)
        /// A key attribute that is missing, empty or of the wrong type.
        public static let invalidKey = Code(.invalidKey)
        /// A key over one of the key limits.
        public static let keyTooLong = Code(.keyTooLong)
        /// A document path that cannot be parsed or does not fit the item.
        public static let invalidPath = Code(.invalidPath)
        /// A condition, update, filter or projection that DynamoDB's rules refuse.
        public static let invalidExpression = Code(.invalidExpression)
        /// An argument outside its documented range.
        public static let invalidArgument = Code(.invalidArgument)
        /// An identifier that is empty or contains `#` or a control character.
        public static let invalidIdentifier = Code(.invalidIdentifier)
        /// JSON that is malformed or not DynamoDB JSON.
        public static let invalidJSON = Code(.invalidJSON)
        /// A page token that is damaged or belongs to another query or store.
        public static let invalidPageToken = Code(.invalidPageToken)
        /// An attribute whose type or value does not fit the model's field.
        public static let typeMismatch = Code(.typeMismatch)
        /// An attribute that a model requires and an item lacks.
        public static let missingAttribute = Code(.missingAttribute)
        /// A schema that contradicts itself.
        public static let invalidSchema = Code(.invalidSchema)
        /// A schema that does not fit the one the store was made with.
        public static let schemaMismatch = Code(.schemaMismatch)
        /// A table name that the schema does not have.
        public static let unknownTable = Code(.unknownTable)
        /// An index name that the table does not have.
        public static let unknownIndex = Code(.unknownIndex)
        /// An index or counter that is still being built, or a unique index with duplicates.
        public static let indexNotReady = Code(.indexNotReady)
        /// A list of actions was not performed; ``CodexError/reasons`` has the reason for each
        /// action.
        public static let transactionCancelled = Code(.transactionCancelled)
        /// An idempotency token or key came with other actions, another command or other arguments.
        ///
        /// Send the first arguments again, or use a new token or key for a new command.
        public static let idempotencyMismatch = Code(.idempotencyMismatch)
        /// An entity that the schema does not have.
        public static let unknownEntity = Code(.unknownEntity)
        /// The item under the key belongs to another entity.
        ///
        /// A typed read does not read it, and a typed write does not replace it. The key templates
        /// of the two entities can make the same key: change one of them.
        public static let otherEntity = Code(.otherEntity)
        /// An item, or the store, has a later version of the entity than the program.
        ///
        /// Update the program.
        public static let programTooOld = Code(.programTooOld)
        /// An index has entries of an earlier version of the entity, which a query may miss.
        ///
        /// Call `migrate(_:)` for the entity.
        public static let migrationPending = Code(.migrationPending)
        /// A condition was false; ``CodexError/currentItem`` is the item that was checked.
        public static let conditionFailed = Code(.conditionFailed)
        /// The item changed since it was read; ``CodexError/currentItem`` is its current state.
        public static let versionMismatch = Code(.versionMismatch)
        /// Another item has the same key in a unique index.
        public static let uniqueViolation = Code(.uniqueViolation)
        /// One batch or action list names the same item twice.
        public static let duplicateTarget = Code(.duplicateTarget)
        /// Stored bytes that are not valid, because a file is damaged.
        public static let corrupted = Code(.corrupted)
        /// A directory that is not the required Codex store, backup or archive, or that is another
        /// store's archive.
        public static let notAStore = Code(.notAStore)
        /// A store written by a newer release, or a build of LMDB that cannot read it.
        public static let unsupportedFormat = Code(.unsupportedFormat)
        /// A directory or file that this process may not write.
        public static let notWritable = Code(.notWritable)
        /// A file or directory that does not exist.
        public static let notFound = Code(.notFound)
        /// The store is already open in this process.
        public static let alreadyOpen = Code(.alreadyOpen)
        /// A write to a store that was opened read-only.
        public static let readOnly = Code(.readOnly)
        /// No space is left on the device.
        public static let diskFull = Code(.diskFull)
        /// A read or write of the device failed.
        public static let inputOutput = Code(.inputOutput)
        /// Memory or address space ran out.
        public static let outOfMemory = Code(.outOfMemory)
        /// More snapshots are open than the reader table has slots, or than
        /// `StoreOptions.maximumSnapshots` allows in this process.
        public static let tooManyReaders = Code(.tooManyReaders)
        /// One transaction changed more data than LMDB can hold uncommitted (512 MiB).
        ///
        /// A command on a remote table throws it for more than
        /// ``DynamoDBLimits/transactionActionCountMax`` items, or for more than 4 MB of them.
        public static let transactionTooLarge = Code(.transactionTooLarge)
        /// The store was closed.
        public static let closed = Code(.closed)
        /// A write was started inside the body of another write.
        public static let nestedWrite = Code(.nestedWrite)
        /// Too many writes are waiting.
        public static let queueFull = Code(.queueFull)
        /// The task was cancelled while its write was still waiting; nothing was written.
        public static let cancelled = Code(.cancelled)
        /// The commit failed; none of its changes are visible.
        public static let commitFailed = Code(.commitFailed)
        /// A write whose outcome is unknown: the next opening of the store shows whether it exists.
        ///
        /// Either its log record may not be on stable storage, or the record is there and the data
        /// file could not be updated. A write to a remote table has it if no answer came, and if a
        /// repetition could be applied twice: read the item before you write it again.
        public static let outcomeUnknown = Code(.outcomeUnknown)
        /// Writes are refused in all processes after a failure of the log or of a checkpoint.
        ///
        /// A write or flush of the log failed, or a flush or rename of a checkpoint. Close the
        /// store in all processes, then open it again for writing.
        public static let writesRefused = Code(.writesRefused)
        /// A store opened read-only needs recovery; open it for writing first.
        public static let needsRecovery = Code(.needsRecovery)
        /// The changes after a position are no longer retained.
        public static let changesTrimmed = Code(.changesTrimmed)
        /// A consumer of changes that the store does not know.
        public static let unknownConsumer = Code(.unknownConsumer)
        /// A consumer's checkpoint moved unexpectedly: another process consumes too.
        public static let consumerMoved = Code(.consumerMoved)
        /// A consumer has the most dead letters that it may have, and failed on one more change.
        ///
        /// Retry some of the dead letters or discard them, then consume again.
        public static let tooManyDeadLetters = Code(.tooManyDeadLetters)
        /// A rule of the domain was broken, and nothing was written; ``CodexError/violation`` names
        /// the rule.
        public static let ruleViolated = Code(.ruleViolated)
        /// An event pattern that is malformed.
        public static let invalidPattern = Code(.invalidPattern)
        /// The key is unavailable for an encrypted field, or for the digests of idempotency tokens.
        public static let keyUnavailable = Code(.keyUnavailable)
        /// An encrypted value that was changed, or that belongs to another item, field or store.
        public static let valueTampered = Code(.valueTampered)
        /// A time or commit that a backup and its archive do not reach, or a gap in them.
        public static let notCovered = Code(.notCovered)
        /// The store's directory, or a file that every process needs, was removed or replaced while
        /// the store is open.
        ///
        /// Writes are refused until the original file or directory is renamed back. It must be the
        /// same inode, not a copy. Do not close the last process that has the store open. If the
        /// original is gone, make a `backup(to:)`, which reads through the open files. Then close
        /// the store and restore the backup.
        public static let filesReplaced = Code(.filesReplaced)
        /// Another process holds the lock for opening and closing, or for checkpoints, longer than
        /// `StoreOptions.lockTimeout`.
        ///
        /// The process may be stopped (state `T` in `ps`). Continue it, or kill it, which is safe
        /// at every step. It may also be recovering a long log or compacting the store. In that
        /// case wait, or raise the option.
        public static let lockTimeout = Code(.lockTimeout)
        /// A store is used in a process that was forked from the process that opened it.
        public static let forked = Code(.forked)
        /// A limit of the store or the process was reached, such as tables and indexes, or open
        /// files.
        ///
        /// The message names the limit.
        public static let limitReached = Code(.limitReached)
        /// A compaction of a store that a snapshot or another process uses, or a read during a
        /// compaction.
        public static let inUse = Code(.inUse)
        /// The store filled the address space that this process reserved for it.
        ///
        /// It is also thrown if another process made the data file larger than that. With
        /// `StoreOptions.mapByteCount` `nil`, opening the store again reserves more. Otherwise
        /// raise the option first.
        public static let storeFull = Code(.storeFull)
        /// A write to a store that follows a leader.
        public static let following = Code(.following)
        /// Records of a leader, for a store that follows no leader or was promoted.
        public static let notFollowing = Code(.notFollowing)
        /// Records that do not continue the follower's history, because they belong to another
        /// store or history.
        public static let diverged = Code(.diverged)
        /// Records that begin after the commit that the follower needs next.
        public static let recordsMissing = Code(.recordsMissing)
        /// A promotion of a follower that lacks commits that its leader is known to have made.
        public static let behindLeader = Code(.behindLeader)
        /// A field that must be encrypted is not encrypted.
        public static let valueNotSealed = Code(.valueNotSealed)
        /// A remote service takes no more requests at this moment.
        ///
        /// Try again later, send fewer requests at once, or raise the capacity of the table.
        public static let throttled = Code(.throttled)
        /// Other requests were changing the same items of a remote table, at each attempt.
        public static let writeConflict = Code(.writeConflict)
        /// A remote service was not reached, or failed, and nothing was written.
        public static let unavailable = Code(.unavailable)
        /// A read of a remote table, or a write that was not sent, took too long.
        ///
        /// A write that was sent and had no answer is an ``outcomeUnknown``.
        public static let timedOut = Code(.timedOut)
        /// A remote service refuses the credentials, or what they permit.
        public static let accessDenied = Code(.accessDenied)
        /// No source gives credentials for a remote service, or one that is set up gives none.
        public static let credentialsUnavailable = Code(.credentialsUnavailable)
        /// The answer of a remote service is damaged, too large, or not of its protocol.
        public static let invalidResponse = Code(.invalidResponse)
        /// A remote service, or a part of the program, lacks what is needed; the message names it.
        public static let unsupportedOperation = Code(.unsupportedOperation)
    }
}
