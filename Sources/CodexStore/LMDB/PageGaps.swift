internal import CodexCore

/// The bytes of a data file's pages that belong to no entry.
///
/// They are between the entries of a page, and after a value that has separate pages.
///
/// liblmdb builds a page in reused memory, and writes the whole page. So these bytes may be of
/// values that were deleted long ago. A copy of the file also has the bytes after a value.
///
/// The layout is liblmdb 0.9's on 64-bit machines: `MDB_page` and `MDB_node` in its `mdb.c`.
struct PageGaps {
    private let file: File
    private let pageByteCount: Int
    private let pageCount: Int

    private enum Page {
        static let headByteCount = 16
        static let flags = 10
        static let lower = 12
        static let upper = 14
        static let overflowCount = 12
        static let leaf = 2
        static let branchOrLeaf = 3
        static let overflow = 4
    }

    private enum Node {
        static let headByteCount = 8
        static let flags = 4
        static let keyByteCount = 6
        /// The node's value has separate pages; the node has their number instead.
        static let isBig = 1
    }

    /// The number of pages that are in memory at once.
    private static let chunkPageCount = 256

    /// Takes a file that no process has open, and that has no free pages.
    ///
    /// `meta` is the file's newest meta page.
    init(_ file: File, _ meta: MetaPage) {
        self.file = file
        pageByteCount = meta.pageByteCount
        pageCount = Int(meta.lastPage) + 1
    }

    /// Overwrites all gaps with a byte.
    ///
    /// - Throws: ``CodexError/Code/corrupted`` for a page with another layout, and the errors of
    ///   reading and writing.
    /// - Complexity: It reads and writes the file once.
    func overwrite(with byte: UInt8 = 0) throws(CodexError) {
        // The pages after the two meta pages.
        var page = 2
        while page < pageCount { page = try overwritePages(from: page, byte) }
    }

    /// Overwrites the gaps of some pages.
    ///
    /// - Returns: The next page to process.
    private func overwritePages(from first: Int, _ byte: UInt8) throws(CodexError) -> Int {
        let count = min(Self.chunkPageCount, pageCount - first)
        var bytes = try file.read(at: first * pageByteCount, count: count * pageByteCount)
        guard bytes.count == count * pageByteCount else { throw Self.unknown }
        var tails: [Range<Int>] = []
        var place = 0
        while place < count {
            place += try overwritePage(&bytes, place * pageByteCount, byte, &tails)
        }
        try file.write(bytes, at: first * pageByteCount)
        // They are written after the pages, since they may be in these pages.
        for tail in tails {
            try file.write([UInt8](repeating: byte, count: tail.count), at: tail.lowerBound)
        }
        return first + place
    }

    /// Overwrites the gap between the entries of a page, and finds the gaps after their large
    /// values.
    ///
    /// - Returns: The number of pages that it takes.
    private func overwritePage(
        _ bytes: inout [UInt8], _ start: Int, _ byte: UInt8, _ tails: inout [Range<Int>]
    ) throws(CodexError) -> Int {
        let flags = integer(bytes, start + Page.flags, 2)
        if flags & Page.overflow != 0 {
            let count = integer(bytes, start + Page.overflowCount, 4)
            guard count >= 1, count <= pageCount else { throw Self.unknown }
            return count
        }
        let lower = integer(bytes, start + Page.lower, 2)
        let upper = integer(bytes, start + Page.upper, 2)
        guard flags & Page.branchOrLeaf != 0, lower >= Page.headByteCount, lower % 2 == 0,
            lower <= upper, upper <= pageByteCount
        else { throw Self.unknown }
        if flags & Page.leaf != 0 {
            for entry in stride(from: Page.headByteCount, to: lower, by: 2) {
                let node = integer(bytes, start + entry, 2)
                guard node >= upper, node + Node.headByteCount <= pageByteCount else {
                    throw Self.unknown
                }
                let end = start + pageByteCount
                if let gap = try tail(bytes, start + node, end: end) { tails.append(gap) }
            }
        }
        for place in start + lower..<start + upper { bytes[place] = byte }
        return 1
    }

    /// The range in the file of the bytes after a large value; `nil` for a value in the node.
    private func tail(
        _ bytes: [UInt8], _ node: Int, end: Int
    ) throws(CodexError) -> Range<Int>? {
        guard integer(bytes, node + Node.flags, 2) & Node.isBig != 0 else { return nil }
        let place = node + Node.headByteCount + integer(bytes, node + Node.keyByteCount, 2)
        guard place + 8 <= end else { throw Self.unknown }
        let page = integer(bytes, place, 8)
        guard page >= 2, page < pageCount else { throw Self.unknown }
        let head = try file.read(at: page * pageByteCount, count: Page.headByteCount)
        guard head.count == Page.headByteCount,
            integer(head, Page.flags, 2) & Page.overflow != 0
        else { throw Self.unknown }
        let count = integer(head, Page.overflowCount, 4)
        let valueByteCount = integer(bytes, node, 4)
        guard count >= 1, count <= pageCount - page,
            Page.headByteCount + valueByteCount <= count * pageByteCount
        else { throw Self.unknown }
        let valueEnd = page * pageByteCount + Page.headByteCount + valueByteCount
        return valueEnd..<(page + count) * pageByteCount
    }

    /// A number in the byte order of the machine.
    private func integer(_ bytes: [UInt8], _ offset: Int, _ count: Int) -> Int {
        let field = bytes[offset..<offset + count]
        #if _endian(big)
            let value = field.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        #else
            let value = field.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        #endif
        return Int(clamping: value)
    }

    private static var unknown: CodexError { Wire.corrupted("a page of the data file") }
}
