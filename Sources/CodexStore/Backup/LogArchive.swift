internal import CodexCore
internal import FoundationEssentials

/// A directory with a store's log, segment by segment, as gzip files; and `archive.json`, which says whose.
///
/// A segment that is finished is `<number>.segment.gz`; the one that is written to, as far as it was, is
/// `<number>.partial.gz`, until the next time.
struct LogArchive {
    let path: String
    private(set) var head: Head
    var storeID: UUID { head.storeID }

    private static let name = "archive.json"
    private static let whole = ".segment.gz"
    private static let partial = ".partial.gz"

    struct Head: Codable {
        var format = 1
        let storeID: UUID
        /// The commit that it goes up to.
        var sequence: UInt64 = 0
        /// Up to when there are no later commits, in milliseconds since 1970.
        var time: UInt64 = 0
    }

    /// Opens the archive of a store, or makes it where there is nothing.
    ///
    /// - Throws: ``CodexError/Code/notAStore`` if it is another store's, or something else.
    init(making path: String, for storeID: UUID) throws(CodexError) {
        let path = StoreDirectory(path).path
        if try FileSystem.kind(path) == nil {
            let json = try Self.json(Head(storeID: storeID), path)
            try StagedDirectory.make(at: path) { staging throws(CodexError) in
                try FileSystem.writeDurably(json, to: staging + "/" + Self.name)
            }
        }
        try self.init(at: path, of: storeID)
    }

    /// Opens the archive of a store.
    init(at path: String, of storeID: UUID) throws(CodexError) {
        self.path = StoreDirectory(path).path
        let file = self.path + "/" + Self.name
        guard try FileSystem.kind(file) == .other else {
            throw CodexError(.notAStore, "\(path) is no archive of a log: it has no \(Self.name).")
        }
        let bytes = try FileSystem.read(file, limit: 1 << 16)
        guard let head = try? JSONDecoder().decode(Head.self, from: Data(bytes)), head.format == 1
        else { throw Self.damaged(path) }
        guard head.storeID == storeID else {
            throw CodexError(
                .notAStore, "\(path) is the archive of another store. Name the one of this store.")
        }
        self.head = head
    }

    /// Says how far it goes now; after the segments are there.
    mutating func advance(to sequence: UInt64, time: UInt64) throws(CodexError) {
        var head = head
        head.sequence = max(head.sequence, sequence)
        head.time = max(head.time, time)
        try FileSystem.replaceDurably(path + "/" + Self.name, with: try Self.json(head, path))
        self.head = head
    }

    private static func json(_ head: Head, _ path: String) throws(CodexError) -> [UInt8] {
        guard let json = try? JSONEncoder().encode(head) else { throw damaged(path) }
        return Array(json)
    }

    private static func damaged(_ path: String) -> CodexError {
        CodexError(.corrupted, "The archive \(path) is damaged, or of a newer release.")
    }

    /// The numbers of the segments, ascending, and which of them are whole.
    func numbers() throws(CodexError) -> [(number: UInt64, isWhole: Bool)] {
        var found: [UInt64: Bool] = [:]
        for name in try FileSystem.entries(path) {
            for (suffix, isWhole) in [(Self.whole, true), (Self.partial, false)] {
                guard name.hasSuffix(suffix),
                    let number = UInt64(name.dropLast(suffix.count), radix: 16)
                else { continue }
                found[number] = found[number] == true || isWhole
            }
        }
        return found.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    private func file(_ number: UInt64, isWhole: Bool) -> String {
        let hex = String(number, radix: 16)
        let digits = String(repeating: "0", count: 16 - hex.count) + hex
        return path + "/" + digits + (isWhole ? Self.whole : Self.partial)
    }

    /// Keeps a segment.
    ///
    /// - Returns: The bytes that it takes.
    func store(
        _ bytes: [UInt8], number: UInt64, isWhole: Bool
    ) throws(CodexError) -> Int {
        let packed = try Compression.gzip(bytes)
        try FileSystem.replaceDurably(file(number, isWhole: isWhole), with: packed)
        if isWhole { FileSystem.remove(file(number, isWhole: false)) }
        return packed.count
    }

    /// The bytes of a segment.
    ///
    /// - Throws: ``CodexError/Code/corrupted`` if it is damaged or of another store.
    func read(_ number: UInt64, isWhole: Bool) throws(CodexError) -> [UInt8] {
        let path = file(number, isWhole: isWhole)
        do throws(CodexError) {
            let packed = try FileSystem.read(path, limit: try FileSystem.byteCount(path))
            let bytes = try Compression.gunzip(
                packed, limit: LogRecordHeader.bodyByteCountMax + (1 << 20))
            guard let header = try LogSegmentHeader(bytes), header.number == number,
                header.storeID == storeID
            else { throw Wire.corrupted("its header") }
            return bytes
        } catch  where error.code == .corrupted {
            throw CodexError(
                .corrupted,
                "The archived segment \(path) is damaged, or of another store. Put back another copy.")
        }
    }
}
