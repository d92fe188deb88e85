/// The entries that undo a transaction's changes, the last first.
struct UndoLog {
    /// The data that undoes one change.
    enum Entry {
        /// A change of an item, with the start of its entry in the record.
        case item(start: Int)
        /// A change of a system entry, with its old value.
        case system(SystemSpace, key: [UInt8], old: [UInt8]?)
        /// The removal of a system entry that was not read: it cannot be undone.
        case unread
    }

    /// A place in the transaction to go back to.
    struct Mark {
        fileprivate let entryCount: Int
        fileprivate let hadChanges: Bool
    }

    private var entries: [Entry] = []
    /// Whether the transaction changed anything.
    private(set) var hasChanges = false
    /// Whether entries were added that the log does not have.
    private(set) var addsEntries = false

    /// The current place in the transaction.
    var mark: Mark { Mark(entryCount: entries.count, hadChanges: hasChanges) }

    /// Adds the undo entry of the change that follows.
    mutating func append(_ entry: Entry) { entries.append(entry) }

    /// Records that the transaction changed something.
    ///
    /// - Parameter addsEntries: Whether the change makes the store larger, without a record in the
    ///   log.
    mutating func noteChange(addsEntries: Bool = false) {
        hasChanges = true
        if addsEntries { self.addsEntries = true }
    }

    /// Removes and returns the last entry; `nil` if there is none after `mark`.
    mutating func popLast(downTo mark: Mark) -> Entry? {
        entries.count > mark.entryCount ? entries.popLast() : nil
    }

    /// Ends a rollback, after all entries were removed.
    ///
    /// ``addsEntries`` stays: what a step of a build added has no undo entry, and is not undone.
    mutating func endRollback(to mark: Mark) { hasChanges = mark.hadChanges }

    /// Forgets all entries, for the next transaction.
    mutating func clear() {
        entries = []
        hasChanges = false
        addsEntries = false
    }
}
