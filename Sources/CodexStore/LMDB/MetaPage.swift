internal import CodexCore
internal import FoundationEssentials

/// One of the two pages at the beginning of LMDB's data file, which in turn say which tree is
/// current; as liblmdb 0.9 lays them out on 64-bit machines.
struct MetaPage {
    /// The page's head and what LMDB keeps behind it; the rest of the page is not used.
    private(set) var bytes: [UInt8]

    static let byteCount = 152
    private static let magic: UInt64 = 0xBEEF_C0DE
    private static let version: UInt64 = 1

    /// Takes what is at the beginning of `bytes`; `nil` if it is no meta page.
    init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count >= Self.byteCount else { return nil }
        self.bytes = Array(bytes.prefix(Self.byteCount))
        guard integer(16, 4) == Self.magic, integer(20, 4) == Self.version,
            [4096, 8192, 16_384, 32_768, 65_536].contains(pageByteCount)
        else { return nil }
    }

    var pageByteCount: Int { Int(integer(40, 4)) }
    /// The number of the last page in use.
    var lastPage: UInt64 { integer(136, 8) }
    /// The number of the transaction that wrote it.
    var transaction: UInt64 { integer(144, 8) }

    /// The same, as the page `number`, 0 or 1.
    func numbered(_ number: UInt8) -> [UInt8] {
        var page = bytes
        let position = Self.isBigEndian ? 7 : 0
        for index in 0..<8 { page[index] = index == position ? number : 0 }
        return page
    }

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

/// LMDB's data file, beside LMDB: what it leaves to others.
struct DataFile: Sendable {
    let file: File
    let pageByteCount: Int

    init(_ store: String, _ mode: File.Mode = .write) throws(CodexError) {
        file = try File(store + "/" + StoreDirectory.dataFile, mode)
        pageByteCount = try Self.metaPages(file).first.pageByteCount
    }

    /// Both meta pages.
    ///
    /// - Throws: ``CodexError/Code/corrupted`` if they are none.
    func metaPages() throws(CodexError) -> (first: MetaPage, second: MetaPage) {
        try Self.metaPages(file)
    }

    private static func metaPages(
        _ file: File
    ) throws(CodexError) -> (first: MetaPage, second: MetaPage) {
        let head = try file.read(at: 0, count: 65_536 + MetaPage.byteCount)
        guard let first = MetaPage(head), head.count >= first.pageByteCount,
            let second = MetaPage(head[first.pageByteCount...])
        else {
            throw CodexError(
                .corrupted,
                "The data file does not begin as LMDB's do. Restore from a backup.")
        }
        return (first, second)
    }

    /// The meta page of a transaction; `nil` if there is none any more.
    func metaPage(of transaction: Int) throws(CodexError) -> MetaPage? {
        let pages = try metaPages()
        return [pages.first, pages.second].first { $0.transaction == UInt64(transaction) }
    }

    /// Where the store's ID stands in the first page, behind what LMDB writes there.
    private static let stampOffset = 4080

    /// The ID of the store that the file is of; `nil` if it was not stamped.
    func storeID() throws(CodexError) -> UUID? {
        UUID(byteArray: try file.read(at: Self.stampOffset, count: 16))
    }

    /// Writes down which store's the file is: LMDB's files all look alike.
    func stamp(_ id: UUID) throws(CodexError) {
        try file.write(id.byteArray, at: Self.stampOffset)
    }

    /// Puts a meta page in both places: LMDB then has no other tree than that one.
    ///
    /// It is not flushed: if it is lost, the next recovery does the same again.
    func restore(_ page: MetaPage) throws(CodexError) {
        try file.write(page.numbered(0), at: 0)
        try file.write(page.numbered(1), at: page.pageByteCount)
    }

    /// Cuts off what was reserved behind the last page that either state has; of a file that nobody
    /// has open.
    ///
    /// Until it is flushed a power cut may bring it back, which does no harm.
    static func giveBackReserve(_ store: String) throws(CodexError) {
        let data = try DataFile(store)
        defer { data.file.close() }
        let pages = try data.metaPages()
        let lastPage = max(pages.first.lastPage, pages.second.lastPage)
        guard lastPage < 1 << 40 else { return }
        let used = (Int(lastPage) + 1) * data.pageByteCount
        guard try data.file.byteCount() > used else { return }
        try FileSystem.setByteCount(used, of: store + "/" + StoreDirectory.dataFile)
    }
}
