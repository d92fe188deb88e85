internal import CodexCore
internal import CodexIndex

/// What the value of an index entry is made of.
enum EntryContent: Sendable {
    /// The item is not there.
    case missing
    /// The whole item in its stored form, which is the value.
    case stored([UInt8])
    /// The header of the item, from which its reference is made.
    case header(ItemHeader)
    /// Some attributes of the item, which the writer reads.
    case attributes

    /// Reads the content of an entry.
    ///
    /// - Parameters:
    ///   - key: The entry's key.
    ///   - table: The table.
    ///   - index: The index.
    ///   - context: The transaction.
    /// - Throws: The errors of reading.
    init(
        of key: [UInt8], _ table: TableHandle, _ index: IndexHandle, _ context: TransactionContext
    ) throws {
        let (layout, projection) = (index.plan.layout, index.plan.definition.projection)
        if layout == .copies, projection != .all {
            self = .attributes
            return
        }
        let primaryKey = Array(key[(try index.plan.primaryKeyOffset(key.span))...])
        guard let item = unsafe try context.transaction.get(table.tree, primaryKey) else {
            self = .missing
            return
        }
        if layout == .copies {
            self = .stored(unsafe Array(item))
        } else {
            self = .header(unsafe try context.header(of: item))
        }
    }

    /// About the bytes that it takes in memory.
    var byteCount: Int {
        if case .stored(let bytes) = self { bytes.count + 64 } else { 64 }
    }
}
