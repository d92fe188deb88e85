internal import CodexCore

/// The bytes of a data file's pages that belong to no entry.
///
/// They are between the entries of a page, and after a value that has separate pages.
///
/// liblmdb builds a page in reused memory, and writes the whole page. So these bytes may be of
/// values that were deleted long ago. A copy of the file also has the bytes after a value.
struct PageGaps {
    private let file: File
    private let pageByteCount: Int
    private let pageCount: Int

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
        guard bytes.count == count * pageByteCount else { throw PageLayout.unknown }
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
        if let count = PageLayout.overflowCount(bytes, at: start) {
            guard count >= 1, count <= pageCount else { throw PageLayout.unknown }
            return count
        }
        let page = try PageLayout(bytes, at: start, byteCount: pageByteCount)
        if page.isLeaf {
            for entry in 0..<page.entryCount {
                let node = try page.node(entry, in: bytes)
                if let gap = try tail(bytes, page, node) { tails.append(gap) }
            }
        }
        for place in page.gap { bytes[place] = byte }
        return 1
    }

    /// The range in the file of the bytes after a large value; `nil` for a value in the node.
    private func tail(
        _ bytes: [UInt8], _ layout: PageLayout, _ node: Int
    ) throws(CodexError) -> Range<Int>? {
        guard let (page, byteCount) = try layout.largeValue(node, in: bytes) else { return nil }
        guard page >= 2, page < pageCount else { throw PageLayout.unknown }
        let head = try file.read(at: page * pageByteCount, count: PageLayout.headByteCount)
        guard head.count == PageLayout.headByteCount,
            let count = PageLayout.overflowCount(head, at: 0), count >= 1,
            count <= pageCount - page,
            PageLayout.headByteCount + byteCount <= count * pageByteCount
        else { throw PageLayout.unknown }
        let valueEnd = page * pageByteCount + PageLayout.headByteCount + byteCount
        return valueEnd..<(page + count) * pageByteCount
    }
}
