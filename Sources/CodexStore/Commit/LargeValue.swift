internal import CodexCore

/// The reference that is stored in place of a value in chunks.
///
/// It has a byte that no item begins with, the number of the chunks, and the value's length.
struct LargeValue {
    static let tag: UInt8 = 0xF0
    /// The room in four of LMDB's pages after their header, so that a chunk wastes no space.
    static let chunkByteCount = 4 * 4096 - 16
    private static let byteCount = 13

    let id: UInt64
    let length: Int

    init(id: UInt64, length: Int) {
        self.id = id
        self.length = length
    }

    /// Reads a reference; `nil` if the bytes are the value itself.
    @inline(__always)
    init?(_ bytes: UnsafeBufferPointer<UInt8>) throws(CodexError) {
        guard let first = unsafe bytes.first, first == Self.tag else { return nil }
        unsafe try self.init(reference: bytes)
    }

    /// The length of a stored value, or of all its chunks together.
    static func storedByteCount(of value: UnsafeBufferPointer<UInt8>) throws(CodexError) -> Int {
        guard let large = unsafe try LargeValue(value) else { return value.count }
        return large.length
    }

    private init(reference bytes: UnsafeBufferPointer<UInt8>) throws(CodexError) {
        guard bytes.count == Self.byteCount,
            let id = unsafe BigEndian.integer(UnsafeBufferPointer(rebasing: bytes[1..<9]))
        else { throw Wire.corrupted("the reference to a large value") }
        length = unsafe bytes[9...].reduce(0) { $0 << 8 | Int($1) }
        guard length <= StoreLimits.inflatedByteCountMax else {
            throw Wire.corrupted("the length of a large value")
        }
        self.id = id
    }

    var bytes: [UInt8] {
        [Self.tag] + BigEndian.bytes(id) + BigEndian.bytes(UInt32(length))
    }

    var chunkCount: Int { (length + Self.chunkByteCount - 1) / Self.chunkByteCount }

    static func key(_ id: UInt64, _ position: Int) -> [UInt8] {
        BigEndian.bytes(id) + BigEndian.bytes(UInt32(position))
    }

    /// Reads all chunks of the value.
    func read(_ transaction: Transaction, _ overflow: Overflow) throws(CodexError) -> [UInt8] {
        var value: [UInt8] = []
        value.reserveCapacity(length)
        for position in 0..<chunkCount {
            guard
                let chunk = unsafe try transaction.get(
                    overflow.chunks, Self.key(id, position))
            else { throw Wire.corrupted("a chunk of a large value is missing") }
            // The length of a chunk comes from the file, so it is not trusted.
            guard chunk.count <= length - value.count else { break }
            unsafe value.append(contentsOf: chunk)
        }
        guard value.count == length else { throw Wire.corrupted("a large value's length") }
        return value
    }
}

extension Transaction {
    /// The bytes to store for an encoded value: the value itself, or the reference to its chunks.
    ///
    /// This method stores the chunks, and adds their bytes to those of the tree.
    func storable(_ value: [UInt8], in tree: Tree) throws(CodexError) -> [UInt8] {
        guard value.count > StoreLimits.unchunkedByteCountMax else { return value }
        let overflow = tree.overflow
        let large = LargeValue(id: try nextID(overflow), length: value.count)
        for position in 0..<large.chunkCount {
            let start = position * LargeValue.chunkByteCount
            let end = min(start + LargeValue.chunkByteCount, value.count)
            try put(overflow.chunks, LargeValue.key(large.id, position), Array(value[start..<end]))
        }
        try addLargeBytes(large.length, tree)
        return large.bytes
    }

    /// Removes the chunks of a value that the tree no longer has.
    ///
    /// Several entries of an item may share chunks. They are counted and removed once.
    func removeChunks(_ large: LargeValue, of tree: Tree) throws(CodexError) {
        var wereThere = false
        for position in 0..<large.chunkCount {
            let isRemoved = try delete(tree.overflow.chunks, LargeValue.key(large.id, position))
            wereThere = wereThere || isRemoved
        }
        if wereThere { try addLargeBytes(-large.length, tree) }
    }

    /// The bytes of a tree's values that are in chunks.
    ///
    /// Values that an earlier release stored are not among them.
    func largeByteCount(_ tree: Tree) throws(CodexError) -> Int {
        guard let stored = unsafe try get(tree.overflow.meta, tree.largeKey) else { return 0 }
        guard let count = unsafe BigEndian.integer(stored), count < 1 << 60 else {
            throw Wire.corrupted("the bytes of a tree's large values")
        }
        return Int(count)
    }

    private func addLargeBytes(_ difference: Int, _ tree: Tree) throws(CodexError) {
        // The removal of a value that an earlier release stored subtracts what was not added.
        let sum = max(0, try largeByteCount(tree) + difference)
        try put(tree.overflow.meta, tree.largeKey, BigEndian.bytes(UInt64(sum)))
    }
}
