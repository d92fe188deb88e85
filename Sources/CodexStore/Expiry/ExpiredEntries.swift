internal import CodexCore
internal import CodexIndex

/// The entries of expired items in the indexes of expiry, as a transaction sees them.
struct ExpiredEntries {
    private let context: TransactionContext

    init(_ context: TransactionContext) { self.context = context }

    /// The keys of the entries of expired items in an index of expiry, ascending.
    ///
    /// - Parameters:
    ///   - index: The index.
    ///   - instant: The last expiry time to include, in seconds since 1970.
    ///   - start: The entry after which to start; `nil` starts at the first.
    ///   - countMax: The maximum number of keys.
    /// - Returns: The keys, without those of items that expired too long ago.
    /// - Throws: ``CodexError/Code/corrupted``.
    func keys(
        _ index: IndexHandle, by instant: Int, after start: [UInt8]?, _ countMax: Int
    ) throws -> [[UInt8]] {
        // Items that the wall clock exempts from expiry are skipped.
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

    /// The names of the tables that have expired items to remove.
    ///
    /// - Parameter instant: The last expiry time to include, in seconds since 1970.
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
