internal import CodexCore
internal import CodexIndex

/// Reads of an index in a transaction: the entries that items have, and the keys that items share.
struct IndexReads {
    private let context: TransactionContext
    private var catalog: Catalog { context.catalog }

    init(_ context: TransactionContext) { self.context = context }

    /// The keys of a stored item's entries in an index, ascending; only the key attributes are
    /// decoded.
    ///
    /// - Throws: ``CodexError``, also if an attribute of the index's key has a value that no key
    ///   may have.
    func entryKeys(
        _ index: IndexHandle, _ key: [UInt8], _ bytes: ItemBytes
    ) throws(CodexError) -> [[UInt8]] {
        guard catalog.includes(index.plan.definition.entities, bytes.layout.header.entityNumber)
        else { return [] }
        // Few items expire: a check of the attribute names rules out the others. An attribute of
        // the table's key is not among the names.
        if index.plan.isExpiry, !index.plan.isOfTableKey,
            bytes.layout.shape.position(of: index.plan.definition.partitionKey[0].name) == nil
        {
            return []
        }
        let item = try bytes.item(keeping: index.plan.indexKeyNames)
        return try index.plan.entryKeys(for: item, primaryKey: key)
    }

    /// The encoded primary keys of items that share their index key with an earlier item.
    ///
    /// Expired items are ignored: the next write that needs such an item's key removes it.
    func duplicates(
        _ table: TableHandle, _ index: IndexHandle, limit: Int
    ) throws -> [[UInt8]] {
        return try context.transaction.withCursor(index.tree) { cursor in
            var found: [[UInt8]] = []
            var previous: [UInt8] = []
            var entry = unsafe try cursor.first()
            while let current = unsafe entry, found.count < limit {
                let key = unsafe Array(current.key)
                let offset = try index.plan.primaryKeyOffset(key.span)
                let isExpired = unsafe try context.isExpired(
                    entry: current.value, of: key[offset...], index, in: table)
                if !isExpired {
                    let prefix = Array(key[..<offset])
                    if prefix == previous { found.append(Array(key[offset...])) }
                    previous = prefix
                }
                unsafe entry = try cursor.next()
            }
            return found
        }
    }
}
