internal import CodexCore
internal import CodexIndex

/// Refuses changes that would break a unique index.
struct Uniqueness {
    private let context: WriteContext

    init(_ context: WriteContext) { self.context = context }

    private struct TreeKey: Hashable {
        let database: DatabaseID
        let key: [UInt8]

        init(_ database: DatabaseID, _ key: [UInt8]) {
            (self.database, self.key) = (database, key)
        }
    }

    /// Refuses changes after which two items would have the same key in a unique index.
    ///
    /// Expired items that have such a key are removed.
    func requireUnique(
        _ changes: [Change], _ entries: [[EntryChange]]
    ) throws(CodexError) {
        let isUnique = { (entry: EntryChange) in entry.index.refusesEqualKeys }
        var leaving: Set<TreeKey> = []
        if entries.count > 1 {
            for entry in entries.joined() where isUnique(entry) {
                for key in entry.oldKeys where !entry.newKeys.contains(key) {
                    leaving.insert(TreeKey(entry.index.tree.database, key))
                }
            }
        }
        var arriving: Set<TreeKey> = []
        for (position, entries) in entries.enumerated() {
            let table = changes[position].table
            for entry in entries where isUnique(entry) {
                for key in entry.newKeys where !entry.oldKeys.contains(key) {
                    let prefix = Array(key[..<(try entry.index.plan.primaryKeyOffset(key.span))])
                    let isNew = arriving.insert(TreeKey(entry.index.tree.database, prefix)).inserted
                    if isNew, try !isTaken(prefix, table, entry, leaving) { continue }
                    throw CodexError(
                        .uniqueViolation,
                        "Another item has the same key in the unique index "
                            + "\(entry.index.plan.definition.name). Choose another value."
                    ).at(position)
                }
            }
        }
    }

    /// Whether an item that keeps its entry has the index key `prefix`.
    ///
    /// An expired item is removed.
    private func isTaken(
        _ prefix: [UInt8], _ table: TableHandle, _ change: EntryChange, _ leaving: Set<TreeKey>
    ) throws(CodexError) -> Bool {
        // Expired items are removed after the walk, since no cursor may be open on a tree that is
        // written.
        var expired: [[UInt8]] = []
        do {
            let isTaken = try context.transaction.withCursor(change.index.tree) { cursor -> Bool in
                var entry = unsafe try cursor.seek(prefix)
                while let current = unsafe entry, unsafe current.key.starts(with: prefix) {
                    let key = unsafe Array(current.key)
                    if !change.oldKeys.contains(key),
                        !leaving.contains(TreeKey(change.index.tree.database, key))
                    {
                        let primaryKey = key[prefix.count...]
                        let isExpired = unsafe try context.isExpired(
                            entry: current.value, of: primaryKey, change.index, in: table)
                        guard isExpired else { return true }
                        expired.append(Array(primaryKey))
                    }
                    unsafe entry = try cursor.next()
                }
                return false
            }
            if isTaken { return true }
        } catch {
            throw CodexError.wrapping(error)
        }
        for key in expired where try !context.writes.expire(table, key) { return true }
        return false
    }
}
