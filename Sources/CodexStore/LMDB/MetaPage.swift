internal import CodexCore
internal import FoundationEssentials

/// One of the two meta pages at the beginning of LMDB's data file.
///
/// They name the current tree in turn. The layout is that of liblmdb 0.9 on 64-bit machines.
struct MetaPage {
    /// The page's header and LMDB's data after it; the rest of the page is not used.
    private(set) var bytes: [UInt8]

    static let byteCount = 152
    private static let transactionOffset = 144
    private static let magic: UInt64 = 0xBEEF_C0DE
    private static let version: UInt64 = 1
    /// A limit of pages whose bytes fit into an `Int`.
    static let pageCountMax = 1 << 40

    /// Reads the meta page at the beginning of `bytes`; `nil` if it is not a valid one.
    ///
    /// A number of pages or transactions that no file reaches makes it invalid.
    init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count >= Self.byteCount else { return nil }
        self.bytes = Array(bytes.prefix(Self.byteCount))
        guard integer(16, 4) == Self.magic, integer(20, 4) == Self.version,
            [4096, 8192, 16_384, 32_768, 65_536].contains(pageByteCount),
            lastPage < Self.pageCountMax, transaction < 1 << 62
        else { return nil }
    }

    var pageByteCount: Int { Int(integer(40, 4)) }
    /// The number of the last page in use.
    var lastPage: UInt64 { integer(136, 8) }
    /// The number of the transaction that wrote the page.
    var transaction: UInt64 { integer(Self.transactionOffset, 8) }

    /// The bytes of the same meta page, as page `number`, 0 or 1.
    func numbered(_ number: UInt8) -> [UInt8] {
        var page = bytes
        let position = Self.isBigEndian ? 7 : 0
        for index in 0..<8 { page[index] = index == position ? number : 0 }
        return page
    }

    /// The same tree, with `number` as the transaction that wrote it.
    ///
    /// Pages of LMDB 0.9 do not have the number of the transaction that wrote them. The free list
    /// has transaction numbers, so it must be empty.
    func asTransaction(_ number: UInt64) -> MetaPage {
        var page = self
        for index in 0..<8 {
            let shift = Self.isBigEndian ? 56 - 8 * index : 8 * index
            page.bytes[Self.transactionOffset + index] = UInt8(truncatingIfNeeded: number >> shift)
        }
        return page
    }

    /// The tree of the free list.
    var freeList: TreeRoot { TreeRoot(bytes, at: 40) }
    /// The tree of the names of all other trees, with their roots.
    var names: TreeRoot { TreeRoot(bytes, at: 88) }

    /// Whether the free list has no entry.
    var hasNoFreePages: Bool { integer(80, 8) == .max }

    private static var isBigEndian: Bool {
        #if _endian(big)
            true
        #else
            false
        #endif
    }

    private func integer(_ position: Int, _ count: Int) -> UInt64 {
        let field = bytes[position..<position + count]
        return Self.isBigEndian
            ? field.reduce(0) { $0 << 8 | UInt64($1) }
            : field.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}

/// A data file with LMDB's mark that liblmdb 0.9 does not read on this machine.
///
/// The mark and the version of the format are after the first page's header, in the writer's byte
/// order.
///
/// - The header has 16 bytes in 0.9, and 24 in 1.0, which adds the transaction that wrote the page.
///   On 32-bit machines it has 12 and 16.
/// - The version is 1 in 0.9, and 3 in 1.0. It was 2 in 1.0's development versions.
///
/// Sources:
///
/// - "Upgrading From Release 0.9" in LMDB 1.0's documentation (lmdb.tech/doc/upgrading.html),
/// - `MDB_page`, `MDB_page_header`, `MDB_meta` and `MDB_DATA_VERSION` in `mdb.c` of liblmdb 0.9 and
///   of 1.0's development branch `mdb.master3` (github.com/LMDB/lmdb),
/// - for version 3, `src/legacy.rs` of github.com/JhonaCodes/natdb, which is built with 1.0.2.
enum ForeignDataFile {
    /// A file of another version than 0.9.
    case version
    /// A file of a machine with another word size or byte order.
    case machine

    /// Determines the writer of a file that begins with `head`, which is not a meta page.
    ///
    /// It is `nil` if LMDB's mark is missing, or if the page is a damaged one of 0.9.
    init?(_ head: [UInt8]) {
        func word(_ offset: Int) -> UInt32 {
            let bytes = head[offset..<offset + 4].reversed()
            return UInt32(littleEndian: bytes.reduce(0) { $0 << 8 | UInt32($1) })
        }
        let mark: UInt32 = 0xBEEF_C0DE
        for offset in [16, 24, 12] where head.count >= offset + 8 {
            switch word(offset) {
            case mark.byteSwapped: self = .machine
            case mark where offset == 12: self = .machine
            case mark where offset == 16 && word(offset + 4) == 1: return nil
            case mark: self = .version
            default: continue
            }
            return
        }
        return nil
    }

    /// The error for such a file of a store.
    func error(_ path: String) -> CodexError {
        let writer =
            switch self {
            case .version: "another version of LMDB than 0.9 (1.0, say)"
            case .machine: "a machine with another word size or byte order"
            }
        return CodexError(
            .unsupportedFormat,
            "The data file of \(path) was written by \(writer), in a format that liblmdb 0.9 does "
                + "not read here. Nothing was changed. Write the items out where the file was made "
                + "(`codexflow export`), and read them into a new store here (`codexflow import`). "
                + "See Docs/Format.md, \"Versions of LMDB\".")
    }
}

/// LMDB's data file, read and written without LMDB, in the parts that LMDB does not use.
struct DataFile: Sendable {
    let file: File
    let pageByteCount: Int
    /// The store's path, for errors.
    private let path: String

    init(_ store: Directory, _ mode: File.Mode = .write) throws(CodexError) {
        try LMDBVersion.loaded.requireSupported(opening: store.path)
        path = store.path
        file = try File(StoreDirectory.dataFile, in: store, mode)
        pageByteCount = try Self.metaPages(file, path).first.pageByteCount
    }

    /// Both meta pages.
    ///
    /// - Throws: ``CodexError/Code/corrupted`` if they are not meta pages,
    ///   ``CodexError/Code/unsupportedFormat`` if another version of LMDB wrote the file.
    func metaPages() throws(CodexError) -> (first: MetaPage, second: MetaPage) {
        try Self.metaPages(file, path)
    }

    private static func metaPages(
        _ file: File, _ path: String
    ) throws(CodexError) -> (first: MetaPage, second: MetaPage) {
        let head = try file.read(at: 0, count: 65_536 + MetaPage.byteCount)
        guard let first = MetaPage(head) else {
            if let foreign = ForeignDataFile(head) { throw foreign.error(path) }
            throw damaged(path)
        }
        guard head.count >= first.pageByteCount,
            let second = MetaPage(head[first.pageByteCount...])
        else { throw damaged(path) }
        return (first, second)
    }

    private static func damaged(_ path: String) -> CodexError {
        CodexError(
            .corrupted,
            "The data file of \(path) does not begin as LMDB's do. Restore from a backup.")
    }

    /// The meta page of the newest transaction.
    func newestMetaPage() throws(CodexError) -> MetaPage {
        let pages = try metaPages()
        return pages.first.transaction < pages.second.transaction ? pages.second : pages.first
    }

    /// The meta page of a transaction; `nil` if the file does not have it any more.
    func metaPage(of transaction: Int) throws(CodexError) -> MetaPage? {
        let pages = try metaPages()
        return [pages.first, pages.second].first { $0.transaction == UInt64(exactly: transaction) }
    }

    /// The offset of the store's ID in the first page, after LMDB's data.
    private static let stampOffset = 4080

    /// The ID of the file's store; `nil` if the file was not stamped.
    func storeID() throws(CodexError) -> UUID? {
        UUID(byteArray: try file.read(at: Self.stampOffset, count: 16))
    }

    /// Writes the ID of the store into the file, since LMDB's files have no ID.
    func stamp(_ id: UUID) throws(CodexError) {
        try file.write(id.byteArray, at: Self.stampOffset)
    }

    /// Writes a meta page to both places, so that LMDB has no other tree.
    ///
    /// It is not flushed: if it is lost, the next recovery writes it again.
    func restore(_ page: MetaPage) throws(CodexError) {
        try file.write(page.numbered(0), at: 0)
        try file.write(page.numbered(1), at: page.pageByteCount)
    }

    /// Truncates the file after the last page of both states, and keeps the reserve.
    ///
    /// No process may have the file open.
    ///
    /// Until a flush, a power cut may restore the old length, which is harmless.
    static func giveBackReserve(_ store: Directory) throws(CodexError) {
        let data = try DataFile(store)
        defer { data.file.close() }
        let pages = try data.metaPages()
        let lastPage = max(pages.first.lastPage, pages.second.lastPage)
        guard lastPage < 1 << 40 else { return }
        let used = (Int(lastPage) + 1) * data.pageByteCount
        // The reserve for a full disk stays.
        let kept = used + DataReserve.byteCount(usedByteCount: used)
        guard try data.file.byteCount() > kept else { return }
        try data.file.setByteCount(kept)
    }
}
