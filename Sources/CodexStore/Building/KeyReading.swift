internal import CodexCore
internal import CodexIndex

/// Reads the keys of the entries that a table's items have in some indexes, and sorts them.
///
/// It reads the items in the order of their keys. It may continue in a later snapshot.
struct KeyReading {
    private let table: TableHandle
    private let indexes: [IndexHandle]
    /// For each index, the last entry key that is already there.
    private let done: [[UInt8]]
    private var sorters: [KeySorter]
    /// The key of the last item that was read.
    private var last: [UInt8] = []
    /// The number of items that were read.
    private(set) var itemCount = 0

    init(
        _ table: TableHandle, _ indexes: [IndexHandle], after done: [[UInt8]],
        in directory: Directory
    ) {
        self.table = table
        self.indexes = indexes
        self.done = done
        sorters = indexes.map { _ in
            KeySorter(
                directory: directory,
                byteCountMax: KeySorter.defaultByteCountMax / indexes.count)
        }
    }

    /// Reads further items of a snapshot.
    ///
    /// - Parameters:
    ///   - context: The snapshot.
    ///   - countMax: The maximum number of items.
    /// - Returns: Whether there may be more.
    /// - Throws: The errors of reading.
    mutating func read(_ context: ReadContext, countMax: Int) throws -> Bool {
        var count = 0
        try context.transaction.withCursor(table.tree) { cursor in
            var entry = unsafe try cursor.advance(past: last)
            while let current = unsafe entry, count < countMax {
                count += 1
                last = unsafe Array(current.key)
                try unsafe context.withItem(current.value, current.key, table.plan) { bytes in
                    for (position, index) in indexes.enumerated() {
                        // An item from before the index may have no valid key. It has no entry, and
                        // verify() lists it.
                        let keys = try? IndexReads(context).entryKeys(index, last, bytes)
                        for key in keys ?? []
                        where ByteOrder.compare(done[position], key) < 0 {
                            try sorters[position].add(key)
                        }
                    }
                }
                unsafe entry = try cursor.next()
            }
        }
        itemCount += count
        return count == countMax
    }

    /// Ends the reading and returns the keys of each index, ascending.
    consuming func sorted() throws(CodexError) -> [SortedKeys] {
        var sorted: [SortedKeys] = []
        for sorter in sorters { sorted.append(try sorter.sorted()) }
        return sorted
    }
}
