internal import CodexCore

/// The record that a commit appends to the log, as far as it is known, and its counts.
struct RecordBuilder {
    /// Room for the header, then the entries.
    var bytes = [UInt8](repeating: 0, count: LogRecordHeader.byteCount)
    /// How many changes of items the record has.
    private(set) var changeCount = 0
    /// How many changes besides those of items the record has.
    private(set) var systemChangeCount = 0
    /// How many of the changes streams will have.
    private(set) var streamedCount: UInt32 = 0
    /// By how many bytes the items that changed are larger now.
    private(set) var growth = 0
    /// By how many bytes the entries are larger now that belong to no item, such as tokens.
    private(set) var systemGrowth = 0
    /// The bytes of all that was written.
    private(set) var newByteCount = 0
    /// The bytes of the largest entry that was written.
    private(set) var largestByteCount = 0

    /// The bytes of the record, those of its header included.
    var byteCount: Int { bytes.count }

    /// Whether the record has no entries.
    var isEmpty: Bool { bytes.count <= LogRecordHeader.byteCount }

    /// Appends an item's change; `new` is its stored form.
    mutating func append(_ change: Change, _ new: [UInt8]?) {
        changeCount += 1
        let isSilent = change.leavesAttributes(new)
        if !isSilent { streamedCount += 1 }
        newByteCount += new?.count ?? 0
        largestByteCount = max(largestByteCount, new?.count ?? 0)
        growth += (new?.count ?? 0) - (change.old?.stored?.count ?? 0)
        LogBody.appendItem(
            table: change.table.number, key: change.key, old: change.old?.stored, new: new,
            isExpiry: change.isExpiry, isSilent: isSilent, to: &bytes)
    }

    /// Appends the change of an entry that no item explains, in place of one of `oldByteCount`
    /// bytes.
    mutating func append(
        _ space: SystemSpace, _ key: [UInt8], _ value: [UInt8]?, oldByteCount: Int
    ) {
        newByteCount += value?.count ?? 0
        largestByteCount = max(largestByteCount, value?.count ?? 0)
        systemGrowth += (value?.count ?? 0) - oldByteCount
        systemChangeCount += 1
        appendUncounted(space, key, value)
    }

    /// Appends the removal of an entry of unknown size, which no item explains.
    mutating func appendRemoval(_ space: SystemSpace, _ key: [UInt8]) {
        systemChangeCount += 1
        appendUncounted(space, key, nil)
    }

    /// Appends an entry that counts for nothing: of a new shape, or of the manifest.
    mutating func appendUncounted(_ space: SystemSpace, _ key: [UInt8], _ value: [UInt8]?) {
        LogBody.appendSystem(space, key: key, value: value, to: &bytes)
    }

    /// Takes the last entry back: an item's change, which begins at `start`.
    mutating func remove(_ item: LogEntry.Item, from start: Int) {
        bytes.removeSubrange(start...)
        changeCount -= 1
        growth -= (item.new?.count ?? 0) - (item.old?.count ?? 0)
        if !item.isSilent { streamedCount -= 1 }
    }

    /// Takes the last entry back, which no item explains and which begins at `start`.
    ///
    /// Its counts stay: they are upper bounds of what the commit needs.
    mutating func removeSystemEntry(from start: Int) { bytes.removeSubrange(start...) }

    /// Begins the next record, with the same memory.
    mutating func clear() {
        bytes.replaceSubrange(LogRecordHeader.byteCount..., with: [])
        changeCount = 0
        systemChangeCount = 0
        streamedCount = 0
        growth = 0
        systemGrowth = 0
        newByteCount = 0
        largestByteCount = 0
    }
}
