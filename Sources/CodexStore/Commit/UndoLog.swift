/// What takes a transaction's changes back, the last first.
struct UndoLog {
    /// What undoing one change needs.
    enum Entry {
        /// An item's change: where its entry in the record begins.
        case item(start: Int)
        /// What a system entry was before.
        case system(SystemSpace, key: [UInt8], old: [UInt8]?, start: Int)
        /// A system entry that was removed unread: it cannot be put back.
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

    /// The place that the transaction has come to.
    var mark: Mark { Mark(entryCount: entries.count, hadChanges: hasChanges) }

    /// Adds what undoes the change that follows.
    mutating func append(_ entry: Entry) { entries.append(entry) }

    /// Sets that something changed.
    ///
    /// - Parameter addsEntries: Whether it makes the store larger, without a record in the log.
    mutating func noteChange(addsEntries: Bool = false) {
        hasChanges = true
        if addsEntries { self.addsEntries = true }
    }

    /// Takes the last entry out; `nil` if there is none after `mark`.
    mutating func popLast(downTo mark: Mark) -> Entry? {
        entries.count > mark.entryCount ? entries.popLast() : nil
    }

    /// Ends a rollback, after all entries were taken out.
    mutating func endRollback(to mark: Mark) { hasChanges = mark.hadChanges }

    /// Forgets all of it, for the next transaction.
    mutating func clear() {
        entries = []
        hasChanges = false
        addsEntries = false
    }
}
