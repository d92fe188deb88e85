internal import CodexCore
internal import FoundationEssentials

/// The first bytes of a segment; byte map in `Docs/Format.md`.
struct LogSegmentHeader: Equatable {
    /// The ID of the log's store.
    var storeID: UUID
    /// The segment's number: one more than the previous segment's.
    var number: UInt64
    /// The segment's incarnation, which its records have too.
    ///
    /// It is raised at each recovery, and salted.
    var incarnation: UInt64
    /// The sequence number of the segment's first record.
    var firstSequence: UInt64
    /// The checksum of the record before the first one.
    var previousChecksum: UInt32
    /// The allocated size of the segment, in bytes.
    var byteCount: UInt64
    /// The time when the segment was begun, in milliseconds since 1970.
    var milliseconds: UInt64

    /// The size of the header; the records begin after it.
    static let byteCount = 4096
    private static let usedByteCount = 80
    private static let magic = Array("CODEXLOG".utf8)
    private static let format: UInt32 = 1

    var bytes: [UInt8] {
        var bytes = Self.magic
        LittleEndian.append(Self.format, to: &bytes)
        LittleEndian.append(UInt32(0), to: &bytes)
        bytes += storeID.byteArray
        for value in [number, incarnation, firstSequence] {
            LittleEndian.append(value, to: &bytes)
        }
        LittleEndian.append(previousChecksum, to: &bytes)
        LittleEndian.append(UInt32(0), to: &bytes)
        LittleEndian.append(byteCount, to: &bytes)
        LittleEndian.append(milliseconds, to: &bytes)
        LittleEndian.replace(
            Compression.checksum(bytes, in: 16..<bytes.count, after: 0), in: &bytes, at: 12)
        bytes += [UInt8](repeating: 0, count: Self.byteCount - bytes.count)
        return bytes
    }

    init(
        storeID: UUID, number: UInt64, incarnation: UInt64, firstSequence: UInt64,
        previousChecksum: UInt32, byteCount: UInt64, milliseconds: UInt64
    ) {
        self.storeID = storeID
        self.number = number
        self.incarnation = incarnation
        self.firstSequence = firstSequence
        self.previousChecksum = previousChecksum
        self.byteCount = byteCount
        self.milliseconds = milliseconds
    }

    /// Reads a header; `nil` if the bytes are not a header.
    ///
    /// - Throws: ``CodexError/Code/unsupportedFormat`` if a newer release wrote it.
    init?(_ bytes: [UInt8]) throws(CodexError) {
        guard bytes.count >= Self.usedByteCount, Array(bytes.prefix(8)) == Self.magic,
            Compression.checksum(bytes, in: 16..<Self.usedByteCount, after: 0)
                == LittleEndian.integer(bytes, at: 12, as: UInt32.self)
        else { return nil }
        let format = LittleEndian.integer(bytes, at: 8, as: UInt32.self)
        guard format == Self.format else {
            throw CodexError(
                .unsupportedFormat,
                "A log segment has format \(format); this release reads \(Self.format). "
                    + "Use a newer release.")
        }
        guard let id = UUID(byteArray: Array(bytes[16..<32])) else { return nil }
        storeID = id
        number = LittleEndian.integer(bytes, at: 32)
        incarnation = LittleEndian.integer(bytes, at: 40)
        firstSequence = LittleEndian.integer(bytes, at: 48)
        previousChecksum = LittleEndian.integer(bytes, at: 56)
        byteCount = LittleEndian.integer(bytes, at: 64)
        milliseconds = LittleEndian.integer(bytes, at: 72)
        guard number < 1 << 62, incarnation < 1 << 62, (1..<1 << 62).contains(firstSequence),
            byteCount < 1 << 48
        else { return nil }
    }
}

/// A number that distinguishes a segment's records from old ones in a recycled file.
///
/// The low 24 bits count recoveries. The higher bits are random in each segment, so that no item
/// can have bytes that look like a record.
enum Incarnation {
    private static let countMask: UInt64 = (1 << 24) - 1

    /// The incarnation of a segment.
    ///
    /// - Parameters:
    ///   - count: The count of recoveries.
    ///   - randomBits: 64 random bits; the upper 38 are used.
    /// - Returns: The incarnation.
    static func salted(_ count: UInt64, _ randomBits: UInt64) -> UInt64 {
        (randomBits >> 26) << 24 | count & countMask
    }

    /// The count after a recovery of a log whose last segment had `incarnation`.
    static func next(after incarnation: UInt64?) -> UInt64 {
        ((incarnation ?? 0) & countMask) + 1
    }
}

extension UUID {
    var byteArray: [UInt8] {
        let u = uuid
        return [
            u.0, u.1, u.2, u.3, u.4, u.5, u.6, u.7, u.8, u.9, u.10, u.11, u.12, u.13, u.14, u.15,
        ]
    }

    init?(byteArray b: [UInt8]) {
        guard b.count == 16 else { return nil }
        self.init(
            uuid: (
                b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12],
                b[13], b[14], b[15]
            ))
    }
}

/// An open segment: its file and its header.
struct LogSegment: Sendable {
    let file: File
    let header: LogSegmentHeader
    /// The size of the file; it may be less than the header's size if the segment was abandoned
    /// early.
    let byteCount: Int

    /// The maximum size of a segment: the largest record, and room around it.
    static let byteCountMax = LogRecordHeader.bodyByteCountMax + (1 << 20)
}

/// The files of the log in the folder `log`.
///
/// There is a file for each segment, named by its number, and at most one spare.
struct LogDirectory: Sendable {
    let directory: Directory
    /// The directory of the store.
    let store: Directory
    let storeID: UUID

    static let name = "log"
    static let spareName = "spare"
    private static let suffix = ".segment"
    /// The prefixes of the names of segments and spares that are not complete yet.
    private static let leftoverPrefixes = ["next-", "spare-"]

    /// Opens the folder `log` of a store.
    init(store: Directory, id: UUID) throws(CodexError) {
        directory = try Directory(Self.name, in: store)
        self.store = store
        storeID = id
    }

    func fileName(_ number: UInt64) -> String {
        let hex = String(number, radix: 16)
        return String(repeating: "0", count: 16 - hex.count) + hex + Self.suffix
    }

    /// Whether a file of the name in the folder is the log's.
    static func isOwnName(_ name: String) -> Bool {
        name == spareName || name == HistoryReader.archive || name.hasSuffix(suffix)
            || name.hasPrefix(HistoryReader.followerPrefix)
            || leftoverPrefixes.contains { name.hasPrefix($0) }
    }

    /// The numbers of the existing segments, ascending.
    func numbers() throws(CodexError) -> [UInt64] {
        try directory.entries().compactMap { name in
            guard name.hasSuffix(Self.suffix) else { return nil }
            return UInt64(name.dropLast(Self.suffix.count), radix: 16)
        }.sorted()
    }

    /// Removes incomplete files that killed processes left.
    ///
    /// - Parameter isAlone: Whether no other process has the store open; otherwise files of live
    ///   processes stay.
    func removeLeftovers(isAlone: Bool) {
        for name in (try? directory.entries()) ?? [] {
            guard let prefix = Self.leftoverPrefixes.first(where: { name.hasPrefix($0) }) else {
                continue
            }
            let maker = Int32(name.dropFirst(prefix.count))
            if isAlone || maker.map(FileSystem.isGone) ?? false { directory.remove(name) }
        }
    }

    /// The bytes of all files of the log, including the spare.
    func byteCount() -> Int {
        let names = (try? directory.entries()) ?? []
        return names.reduce(0) { $0.addingFileSize((try? directory.byteCount($1)) ?? 0) }
    }

    /// Opens a segment; `nil` if it is not there.
    ///
    /// - Throws: ``CodexError/Code/corrupted`` if it is not a segment of this store's log.
    func open(_ number: UInt64, for mode: File.Mode = .read) throws(CodexError) -> LogSegment? {
        let name = fileName(number)
        let file: File
        do throws(CodexError) {
            file = try File(name, in: directory, mode)
        } catch  where error.code == .notFound {
            return nil
        }
        let head = try file.read(at: 0, count: LogSegmentHeader.byteCount)
        guard let header = try LogSegmentHeader(head), header.number == number else {
            // Another process may just have made it the spare, and then another segment.
            guard try directory.identity(name) == file.identity() else { return nil }
            throw damaged(number, "its header cannot be read")
        }
        guard header.storeID == storeID else {
            throw CodexError(
                .corrupted,
                "The log segment \(self.name(number)) is of another store. Put back this store's own "
                    + "files, or restore from a backup.")
        }
        let byteCount = try file.byteCount()
        guard byteCount <= LogSegment.byteCountMax else {
            throw damaged(number, "it is larger than a segment can be")
        }
        return LogSegment(file: file, header: header, byteCount: byteCount)
    }

    func name(_ number: UInt64) -> String {
        Self.name + "/" + fileName(number)
    }

    func damaged(_ number: UInt64, _ what: String) -> CodexError {
        CodexError(
            .corrupted,
            "The log segment \(name(number)) is damaged: \(what). Restore from a backup.")
    }

    func missing(_ number: UInt64) -> CodexError {
        CodexError(
            .corrupted,
            "The log segment \(name(number)) is missing. Put it back, or restore from a backup.")
    }
}
