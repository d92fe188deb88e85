/// Entries of an index that are stored in order.
struct EntryBatch: Sendable {
    /// The keys, ascending.
    var keys: ArraySlice<[UInt8]> = []
    /// The contents of the first entries, as of the time when the keys were read.
    var contents: ArraySlice<EntryContent> = []

    /// Removes the first entries.
    mutating func removeFirst(_ count: Int) {
        keys = keys.dropFirst(count)
        contents = contents.dropFirst(count)
    }
}
