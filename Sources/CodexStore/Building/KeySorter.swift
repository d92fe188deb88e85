internal import CodexCore

/// Sorts any number of keys in bounded memory: it writes sorted runs to files, and merges them.
struct KeySorter {
    private let directory: Directory
    private let byteCountMax: Int
    private var keys: [[UInt8]] = []
    private var byteCount = 0
    private var runs: [SpillFile] = []

    /// The default limit of the bytes of keys in memory.
    static let defaultByteCountMax = 64 << 20
    /// The memory for a key beyond its bytes.
    private static let overheadByteCount = 48

    init(directory: Directory, byteCountMax: Int = Self.defaultByteCountMax) {
        self.directory = directory
        self.byteCountMax = byteCountMax
    }

    mutating func add(_ key: [UInt8]) throws(CodexError) {
        keys.append(key)
        byteCount += key.capacity + Self.overheadByteCount
        guard byteCount > byteCountMax else { return }
        sort()
        let run = try SpillFile(in: directory)
        for key in keys { try run.write(key) }
        try run.rewind()
        runs.append(run)
        keys.removeAll(keepingCapacity: true)
        byteCount = 0
    }

    private mutating func sort() { keys.sort { ByteOrder.compare($0, $1) < 0 } }

    /// Ends the input and returns the keys, ascending.
    consuming func sorted() throws(CodexError) -> SortedKeys {
        sort()
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
