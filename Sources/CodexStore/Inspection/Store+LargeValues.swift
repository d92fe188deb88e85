internal import CodexCore

extension Store {
    /// The most entries of a tree that are examined for its large values.
    private static let examinedEntryCountMax = 4096

    /// The bytes of the large values of a table or index, which are stored in chunks.
    ///
    /// ``StoreStatistics/Tree/byteCount`` does not have them. The figure is exact up to 4,096
    /// entries. In a larger tree it is estimated from its first entries.
    ///
    /// - Parameters:
    ///   - name: The table's name.
    ///   - index: The index's name; `nil` is the table itself.
    /// - Returns: The bytes; 0 for an index that the table does not have.
    /// - Throws: ``CodexError/Code/unknownTable``, ``CodexError/Code/corrupted``,
    ///   ``CodexError/Code/closed``.
    /// - Complexity: O(*n*) for *n* entries, at most 4,096 of them.
    package func largeByteCount(of name: String, index: String? = nil) throws -> Int {
        try core.withReadContext { context -> Int in
            let table = try context.catalog.table(name)
            let indexTree = table.indexes.first { $0.plan.definition.name == index }?.tree
            guard let tree = index == nil ? table.tree : indexTree else { return 0 }
            let entryCount = try context.transaction.count(tree)
            return try context.transaction.withCursor(tree) { cursor -> Int in
                var (byteCount, examinedCount) = (0, 0)
                var entry = unsafe try cursor.first()
                while let current = unsafe entry {
                    if let large = unsafe try LargeValue(current.value) {
                        byteCount += large.length
                    }
                    examinedCount += 1
                    guard examinedCount < Self.examinedEntryCountMax else { break }
                    unsafe entry = try cursor.next()
                }
                guard examinedCount > 0, entryCount > examinedCount else { return byteCount }
                let (estimate, isTooLarge) = (byteCount / examinedCount)
                    .multipliedReportingOverflow(by: entryCount)
                return isTooLarge ? .max : estimate
            }
        }
    }
}
