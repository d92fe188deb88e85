package import CodexCore

/// The collaborators of a store that tests may replace.
///
/// The clock and the random bits are the system's by default. The other parts are absent: the
/// store then does its own work, and pays one comparison with `nil` for each.
package struct StoreParts: Sendable {
    /// The monotonic clock: the time since a fixed instant, including suspended time.
    package var monotonic: @Sendable () -> Duration = { StoreParts.start.duration(to: .now) }
    private static let start = ContinuousClock.now
    /// Returns 64 random bits, which salt the segments of the log.
    package var randomBits: @Sendable () -> UInt64 = { UInt64.random(in: .min ... .max) }
    /// Makes the calls of log, data file and opening.
    package var calls: (any StoreCalls)?
    /// Sees the entries that maintenance stores when items change.
    package var maintenance: (any MaintenanceFilter)?
    /// Gets the reader that keeps the checkpoint's pages while the log is applied.
    package var readerHeld: (@Sendable (any HeldReader) -> Void)?
    /// Called when an opening process looks at the locks of others again, since one may be ending.
    package var locksRetried: (@Sendable () throws(CodexError) -> Void)?
    /// Called before a group with changes is committed; an error that it throws fails the group.
    package var beforeCommit: (@Sendable () throws -> Void)?
    /// Called at each step of the durability protocol.
    package var reached: (@Sendable (ProtocolStep) -> Void)?
    /// Lets the builder work on demand alone.
    package var builds: BuildsOnDemand?
    /// Gets the change after which a reader of changes begins, and returns the one to use.
    package var resumption: (@Sendable (SequenceNumber) -> SequenceNumber)?

    /// Makes the parts of production.
    package init() {}
}

// MARK: Calls

/// A call that ``StoreCalls`` makes.
package enum StoreCall: Sendable, Equatable {
    /// Takes the lock that lets processes open a store one after the other.
    case takeGate
    /// Makes the end of the log durable and applies the log, when a store is opened alone.
    case applyLog
    /// Writes a commit's record to the log.
    case appendRecord
    /// Flushes a segment of the log that has new records.
    case flushLog
    /// Flushes the data file for a checkpoint.
    case flushData
    /// Writes out a range of the data file, in bytes, so that the next flush has less to write.
    case writeOutData(Range<Int>)
    /// Makes the checkpoint that must have what a build added, before the log tells that it ended.
    case checkpointBuild
    /// Changes the manifest of an earlier format, which raises the format.
    case raiseFormat
    /// Marks that a write or flush failed, so that all processes refuse writes.
    case markFailure
    /// Takes over a change of the schema from the leader, or from the log of a restored store.
    case adoptSchema
}

/// Makes calls for the store; it may delay a call, omit it, or fail instead.
package protocol StoreCalls: AnyObject, Sendable {
    /// Makes a call.
    ///
    /// - Parameters:
    ///   - call: The kind of the call.
    ///   - make: Makes the call as the store does by default.
    /// - Throws: The errors of `make`, or another error instead.
    func perform(_ call: StoreCall, _ make: () throws(CodexError) -> Void) throws(CodexError)
}

extension StoreParts {
    /// Makes a call through ``calls``, or directly if there are none.
    @inline(__always)
    func perform(
        _ call: StoreCall, _ make: () throws(CodexError) -> Void
    ) throws(CodexError) {
        guard let calls else { return try make() }
        try calls.perform(call, make)
    }
}

/// A reader that keeps the pages of a state from reuse.
package protocol HeldReader {
    /// Lets the pages be reused, as if another process had cleared the reader's slot.
    func letGo()
}

// MARK: Maintenance

/// Sees the keys and counts that maintenance is about to store, and may replace them.
///
/// By default, each function returns its argument.
package protocol MaintenanceFilter: AnyObject, Sendable {
    /// The key under which an entry of an item tree, index or counter is stored.
    func treeKey(_ key: [UInt8]) -> [UInt8]

    /// The keys of an item's entries in one index: before a change, and after it.
    func indexKeys(old: [[UInt8]], new: [[UInt8]]) -> (old: [[UInt8]], new: [[UInt8]])

    /// Whether an entry that refers to an item, and keeps its key, stays as it is.
    ///
    /// The argument tells whether the reference is the same as before.
    func keepsReference(_ isSame: Bool) -> Bool

    /// The number of items that is stored for a group of a counter.
    func groupCount(_ count: Int) -> Int

    /// Whether a build adds the entries that it read before, without a look at the items.
    ///
    /// The argument tells whether no write came since.
    func addsUnseen(_ isUnchanged: Bool) -> Bool
}

extension MaintenanceFilter {
    package func treeKey(_ key: [UInt8]) -> [UInt8] { key }

    package func indexKeys(
        old: [[UInt8]], new: [[UInt8]]
    ) -> (old: [[UInt8]], new: [[UInt8]]) {
        (old: old, new: new)
    }

    package func keepsReference(_ isSame: Bool) -> Bool { isSame }

    package func groupCount(_ count: Int) -> Int { count }

    package func addsUnseen(_ isUnchanged: Bool) -> Bool { isUnchanged }
}
