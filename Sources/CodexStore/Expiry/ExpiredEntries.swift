internal import CodexCore
internal import CodexIndex

/// The entries of indexes of expiry whose items are expired, as a transaction sees them.
struct ExpiredEntries {
    private let context: TransactionContext

    init(_ context: TransactionContext) { self.context = context }

    /// The keys of entries in an index of expiry whose items are expired, ascending.
    ///
    /// - Parameters:
    ///   - index: The index.
    ///   - instant: The last second of expiry, counted from 1970, that is looked for.
    ///   - start: The entry after which to begin; `nil` is the first.
    ///   - countMax: How many keys at most.
    /// - Returns: The keys; those of items that expired too long ago are not among them.
    /// - Throws: ``CodexError/Code/corrupted``.
    func keys(
        _ index: IndexHandle, by instant: Int, after start: [UInt8]?, _ countMax: Int
    ) throws -> [[UInt8]] {
        // What the wall clock exempts is not looked at.
        var range = IndexPlan.expired(at: context.now)
        range.upper = IndexPlan.expired(at: instant).upper
        return try context.transaction.withCursor(index.tree) { cursor in
            var keys: [[UInt8]] = []
            var entry = unsafe try cursor.advance(to: start.map { $0 + [0] } ?? range.lower)
            while let current = unsafe entry, keys.count < countMax {
                let key = unsafe Array(current.key)
                guard range.contains(key) else { break }
                keys.append(key)
                unsafe entry = try cursor.next()
            }
            return keys
        }
    }

    /// The names of the tables that have expired items to be removed.
    ///
    /// - Parameter instant: The last second of expiry, counted from 1970, that is looked for.
    /// - Returns: The names.
    /// - Throws: ``CodexError/Code/corrupted``.
    /// - Complexity: One lookup for each table whose items expire.
    func tableNames(by instant: Int) throws -> [String] {
        var names: [String] = []
        for table in context.catalog.allTables {
            guard let index = table.expiryIndex, index.state == nil,
                try !keys(index, by: instant, after: nil, 1).isEmpty
            else { continue }
            names.append(table.name)
        }
        return names
    }
}
