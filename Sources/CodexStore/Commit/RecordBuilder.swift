internal import CodexCore

/// The record, under construction, that a commit appends to the log, with its counts.
struct RecordBuilder {
    /// The counts of a record, from which ``RoomNeed`` is estimated.
    struct Counts: Equatable {
        /// The number of changes of items in the record.
        var changeCount = 0
        /// The number of other changes in the record.
        var systemChangeCount = 0
        /// The number of the changes that streams will have.
        var streamedCount: UInt32 = 0
        /// The number of bytes by which the changed items grew.
        var growth = 0
        /// The number of bytes by which system entries, such as tokens, grew.
        var systemGrowth = 0
        /// The bytes of all values that were written.
        var newByteCount = 0
        /// The bytes of the largest entry that was written.
        var largestByteCount = 0
    }

    /// A place in the record to go back to.
    struct Mark {
        fileprivate let byteCount: Int
        fileprivate let counts: Counts
    }

    /// The room for the header, and the entries.
    var bytes = [UInt8](repeating: 0, count: LogRecordHeader.byteCount)
    private(set) var counts = Counts()

    /// The bytes of the record, including its header.
    var byteCount: Int { bytes.count }

    /// Whether the record has no entries.
    var isEmpty: Bool { bytes.count <= LogRecordHeader.byteCount }

    /// Appends an item's change; `new` is its stored form.
    mutating func append(_ change: Change, _ new: [UInt8]?) {
        counts.changeCount += 1
        let isSilent = change.leavesAttributes(new)
        if !isSilent { counts.streamedCount += 1 }
        countValue(new)
        counts.growth += (new?.count ?? 0) - (change.old?.stored?.count ?? 0)
        LogBody.appendItem(
            table: change.table.number, key: change.key, old: change.old?.stored, new: new,
            isExpiry: change.isExpiry, isSilent: isSilent, to: &bytes)
    }

    /// Appends the change of a system entry, whose old value has `oldByteCount` bytes.
    mutating func append(
        _ space: SystemSpace, _ key: [UInt8], _ value: [UInt8]?, oldByteCount: Int
    ) {
        countValue(value)
        counts.systemGrowth += (value?.count ?? 0) - oldByteCount
        counts.systemChangeCount += 1
        appendUncounted(space, key, value)
    }

    private mutating func countValue(_ value: [UInt8]?) {
        guard let value else { return }
        counts.newByteCount += value.count
        counts.largestByteCount = max(counts.largestByteCount, value.count)
    }

    /// Appends the removal of a system entry of unknown size.
    mutating func appendRemoval(_ space: SystemSpace, _ key: [UInt8]) {
        counts.systemChangeCount += 1
        appendUncounted(space, key, nil)
    }

    /// Appends an entry that is in no count: of a new shape, or of the manifest.
    mutating func appendUncounted(_ space: SystemSpace, _ key: [UInt8], _ value: [UInt8]?) {
        LogBody.appendSystem(space, key: key, value: value, to: &bytes)
    }

    /// The current place in the record.
    var mark: Mark { Mark(byteCount: bytes.count, counts: counts) }

    /// Removes the entries after `mark`, which were undone, and what they added to the counts.
    mutating func remove(downTo mark: Mark) {
        bytes.removeSubrange(mark.byteCount...)
        counts = mark.counts
    }

    /// Begins the next record, and reuses the memory.
    mutating func clear() {
        bytes.replaceSubrange(LogRecordHeader.byteCount..., with: [])
        counts = Counts()
    }
}
