internal import CodexCore

/// The record, under construction, that a commit appends to the log, with its counts.
struct RecordBuilder {
    /// The room for the header, and the entries.
    var bytes = [UInt8](repeating: 0, count: LogRecordHeader.byteCount)
    /// The number of changes of items in the record.
    private(set) var changeCount = 0
    /// The number of other changes in the record.
    private(set) var systemChangeCount = 0
    /// The number of the changes that streams will have.
    private(set) var streamedCount: UInt32 = 0
    /// The number of bytes by which the changed items grew.
    private(set) var growth = 0
    /// The number of bytes by which system entries, such as tokens, grew.
    private(set) var systemGrowth = 0
    /// The bytes of all values that were written.
    private(set) var newByteCount = 0
    /// The bytes of the largest entry that was written.
    private(set) var largestByteCount = 0

    /// The bytes of the record, including its header.
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

    /// Appends the change of a system entry, whose old value has `oldByteCount` bytes.
    mutating func append(
        _ space: SystemSpace, _ key: [UInt8], _ value: [UInt8]?, oldByteCount: Int
    ) {
        newByteCount += value?.count ?? 0
        largestByteCount = max(largestByteCount, value?.count ?? 0)
        systemGrowth += (value?.count ?? 0) - oldByteCount
        systemChangeCount += 1
        appendUncounted(space, key, value)
    }

    /// Appends the removal of a system entry of unknown size.
    mutating func appendRemoval(_ space: SystemSpace, _ key: [UInt8]) {
        systemChangeCount += 1
        appendUncounted(space, key, nil)
    }

    /// Appends an entry that is in no count: of a new shape, or of the manifest.
    mutating func appendUncounted(_ space: SystemSpace, _ key: [UInt8], _ value: [UInt8]?) {
        LogBody.appendSystem(space, key: key, value: value, to: &bytes)
    }

    /// Removes the last entry: an item's change, which begins at `start`.
    mutating func remove(_ item: LogEntry.Item, from start: Int) {
        bytes.removeSubrange(start...)
        changeCount -= 1
        growth -= (item.new?.count ?? 0) - (item.old?.count ?? 0)
        if !item.isSilent { streamedCount -= 1 }
    }

    /// Removes the last entry: a system entry, which begins at `start`.
    ///
    /// Its counts stay: they are upper bounds of the commit's need.
    mutating func removeSystemEntry(from start: Int) { bytes.removeSubrange(start...) }

    /// Begins the next record, and reuses the memory.
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
