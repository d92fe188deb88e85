internal import CodexCore

/// The places of the parts of a branch or leaf page of LMDB's data file.
///
/// The layout is liblmdb 0.9's on 64-bit machines: `MDB_page`, `MDB_node` and `MDB_db` in its
/// `mdb.c`.
struct PageLayout {
    static let headByteCount = 16
    private static let flagsOffset = 10
    private static let lowerOffset = 12
    private static let upperOffset = 14
    private static let overflowCountOffset = 12
    private static let leaf = 2
    private static let branchOrLeaf = 3
    private static let overflow = 4

    /// The parts of an entry of a page.
    private enum Node {
        static let headByteCount = 8
        static let flagsOffset = 4
        static let keyByteCountOffset = 6
        /// The node's value has separate pages; the node has their number instead.
        static let bigFlag = 1
        /// The node's value is the root of a tree.
        static let treeFlag = 2
    }

    /// The place of the page.
    private let start: Int
    private let end: Int
    /// Whether it has values, and not the numbers of other pages.
    let isLeaf: Bool
    /// The bytes that belong to no entry.
    let gap: Range<Int>

    /// Takes the branch or leaf page at `start`.
    ///
    /// - Throws: ``CodexError/Code/corrupted`` for bytes that are no such page.
    init(_ bytes: [UInt8], at start: Int, byteCount: Int) throws(CodexError) {
        let flags = Self.integer(bytes, start + Self.flagsOffset, 2)
        let lower = Self.integer(bytes, start + Self.lowerOffset, 2)
        let upper = Self.integer(bytes, start + Self.upperOffset, 2)
        guard flags & Self.branchOrLeaf != 0, lower >= Self.headByteCount, lower % 2 == 0,
            lower <= upper, upper <= byteCount
        else { throw Self.unknown }
        self.start = start
        end = start + byteCount
        isLeaf = flags & Self.leaf != 0
        gap = start + lower..<start + upper
    }

    /// The number of pages of the large value whose pages begin at `start`; `nil` if another page
    /// does.
    static func overflowCount(_ bytes: [UInt8], at start: Int) -> Int? {
        guard integer(bytes, start + flagsOffset, 2) & overflow != 0 else { return nil }
        return integer(bytes, start + overflowCountOffset, 4)
    }

    // MARK: Entries

    /// The number of entries.
    var entryCount: Int { (gap.lowerBound - start - Self.headByteCount) / 2 }

    /// The place of an entry, for the functions below.
    ///
    /// - Throws: ``CodexError/Code/corrupted`` if it is outside of the page.
    func node(_ entry: Int, in bytes: [UInt8]) throws(CodexError) -> Int {
        let node = start + Self.integer(bytes, start + Self.headByteCount + 2 * entry, 2)
        guard node >= gap.upperBound, node + Node.headByteCount <= end else { throw Self.unknown }
        return node
    }

    /// The page below an entry of a branch.
    func child(_ node: Int, in bytes: [UInt8]) -> Int {
        let low = Self.integer(bytes, node, 4)
        return low | Self.integer(bytes, node + Node.flagsOffset, 2) << 32
    }

    /// The bytes of an entry's key.
    ///
    /// - Throws: ``CodexError/Code/corrupted`` if it ends outside of the page.
    func key(_ node: Int, in bytes: [UInt8]) throws(CodexError) -> ArraySlice<UInt8> {
        let start = node + Node.headByteCount
        let count = Self.integer(bytes, node + Node.keyByteCountOffset, 2)
        guard start + count <= end else { throw Self.unknown }
        return bytes[start..<start + count]
    }

    /// The first page and the length of an entry's value that has separate pages; `nil` for other
    /// values.
    ///
    /// - Throws: ``CodexError/Code/corrupted`` if the number of the page is outside of this page.
    func largeValue(
        _ node: Int, in bytes: [UInt8]
    ) throws(CodexError) -> (page: Int, byteCount: Int)? {
        guard flags(node, in: bytes) & Node.bigFlag != 0 else { return nil }
        let place = try key(node, in: bytes).endIndex
        guard place + 8 <= end else { throw Self.unknown }
        return (Self.integer(bytes, place, 8), Self.integer(bytes, node, 4))
    }

    /// The root of the tree that an entry names; `nil` for other values.
    ///
    /// - Throws: ``CodexError/Code/corrupted`` if it ends outside of the page.
    func tree(_ node: Int, in bytes: [UInt8]) throws(CodexError) -> TreeRoot? {
        guard flags(node, in: bytes) & Node.treeFlag != 0 else { return nil }
        let place = try key(node, in: bytes).endIndex
        guard place + TreeRoot.byteCount <= end else { throw Self.unknown }
        return TreeRoot(bytes, at: place)
    }

    private func flags(_ node: Int, in bytes: [UInt8]) -> Int {
        Self.integer(bytes, node + Node.flagsOffset, 2)
    }

    /// A number in the byte order of the machine.
    static func integer(_ bytes: [UInt8], _ offset: Int, _ count: Int) -> Int {
        let field = bytes[offset..<offset + count]
        #if _endian(big)
            let value = field.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        #else
            let value = field.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        #endif
        return Int(clamping: value)
    }

    /// The error for a page with another layout.
    static var unknown: CodexError { Wire.corrupted("a page of the data file") }
}

/// The root of a tree of LMDB's data file.
struct TreeRoot: Equatable {
    /// The number of the page.
    let page: Int
    /// The number of pages from the root to a leaf, both included; 0 for an empty tree.
    let depth: Int

    static let byteCount = 48
    private static let depthOffset = 6
    private static let pageOffset = 40

    /// An empty tree.
    static let empty = TreeRoot(page: 0, depth: 0)

    private init(page: Int, depth: Int) { (self.page, self.depth) = (page, depth) }

    /// Reads the root as it is in a meta page, or in the entry of a tree's name.
    init(_ bytes: [UInt8], at start: Int) {
        page = PageLayout.integer(bytes, start + Self.pageOffset, 8)
        depth = PageLayout.integer(bytes, start + Self.depthOffset, 2)
    }
}
