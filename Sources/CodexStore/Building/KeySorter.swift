internal import CodexCore

/// Sorts any number of keys in bounded memory: it writes sorted runs to files, and merges them.
///
/// It sorts while keys are added, so that little is left at the end: full chunks are sorted, and
/// merged with sorted keys of about the same number.
struct KeySorter {
    private let directory: Directory
    private let byteCountMax: Int
    /// The keys that were added last, in any order.
    private var chunk: [[UInt8]] = []
    /// Sorted keys; each element has more keys than the next one.
    private var sortedParts: [[[UInt8]]] = []
    private var byteCount = 0
    private var runs: [SpillFile] = []

    /// The default limit of the bytes of keys in memory.
    static let defaultByteCountMax = 64 << 20
    /// The number of keys that are sorted at once.
    static let chunkCount = 4096
    /// The memory for a key beyond its bytes.
    private static let overheadByteCount = 48

    init(directory: Directory, byteCountMax: Int = Self.defaultByteCountMax) {
        self.directory = directory
        self.byteCountMax = byteCountMax
    }

    mutating func add(_ key: [UInt8]) throws(CodexError) {
        chunk.append(key)
        byteCount += key.capacity + Self.overheadByteCount
        if chunk.count >= Self.chunkCount { sortChunk() }
        guard byteCount > byteCountMax else { return }
        let run = try SpillFile(in: directory)
        for key in takeKeys() { try run.write(key) }
        try run.rewind()
        runs.append(run)
        byteCount = 0
    }

    private mutating func sortChunk() {
        guard !chunk.isEmpty else { return }
        chunk.sort { ByteOrder.compare($0, $1) < 0 }
        sortedParts.append(chunk)
        chunk = []
        while sortedParts.count > 1,
            sortedParts[sortedParts.count - 2].count <= sortedParts[sortedParts.count - 1].count
        {
            mergeLastParts()
        }
    }

    private mutating func mergeLastParts() {
        let later = sortedParts.removeLast()
        let earlier = sortedParts.removeLast()
        sortedParts.append(Self.merged(earlier, later))
    }

    /// Takes all keys in memory, ascending.
    private mutating func takeKeys() -> [[UInt8]] {
        sortChunk()
        while sortedParts.count > 1 { mergeLastParts() }
        return sortedParts.popLast() ?? []
    }

    private static func merged(_ left: [[UInt8]], _ right: [[UInt8]]) -> [[UInt8]] {
        // Keys that come in order need no comparisons.
        if let last = left.last, let first = right.first, ByteOrder.compare(last, first) <= 0 {
            return left + right
        }
        var merged: [[UInt8]] = []
        merged.reserveCapacity(left.count + right.count)
        var (leftPlace, rightPlace) = (0, 0)
        while leftPlace < left.count, rightPlace < right.count {
            if ByteOrder.compare(right[rightPlace], left[leftPlace]) < 0 {
                merged.append(right[rightPlace])
                rightPlace += 1
            } else {
                merged.append(left[leftPlace])
                leftPlace += 1
            }
        }
        merged += left[leftPlace...]
        merged += right[rightPlace...]
        return merged
    }

    /// Ends the input and returns the keys, ascending.
    consuming func sorted() throws(CodexError) -> SortedKeys {
        let keys = takeKeys()
        return try SortedKeys(keys: keys, runs: runs)
    }
}

/// The keys of a ``KeySorter`` in order.
struct SortedKeys {
    private var keys: ArraySlice<[UInt8]>
    private var runs: [(file: SpillFile, head: [UInt8])] = []

    fileprivate init(keys: [[UInt8]], runs: [SpillFile]) throws(CodexError) {
        self.keys = keys[...]
        for run in runs {
            if let head = try run.read() { self.runs.append((run, head)) }
        }
    }

    /// Takes the next key; `nil` at the end.
    mutating func next() throws(CodexError) -> [UInt8]? {
        var least: Int?
        for position in runs.indices
        where least.map({ ByteOrder.compare(runs[position].head, runs[$0].head) < 0 }) ?? true {
            least = position
        }
        guard let least else { return keys.popFirst() }
        if let own = keys.first, ByteOrder.compare(own, runs[least].head) < 0 {
            return keys.popFirst()
        }
        let key = runs[least].head
        if let head = try runs[least].file.read() {
            runs[least].head = head
        } else {
            runs.remove(at: least)
        }
        return key
    }
}
