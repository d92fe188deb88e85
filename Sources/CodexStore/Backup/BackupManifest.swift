internal import CodexCore
internal import FoundationEssentials

/// The manifest of a backup: the file `backup.json`, which is written last.
struct BackupManifest: Codable {
    var format = ChecksummedJSON.format
    let storeID: UUID
    /// The position in the log, in the form that LMDB stores.
    let position: Data
    /// The time of the backup's last commit, in milliseconds since 1970.
    ///
    /// It is 0 if there is no commit, and `nil` if the log no longer has the time.
    let committedAt: UInt64?
    let dataByteCount: Int
    /// The CRC-32 of the data file.
    let dataChecksum: UInt32

    static let name = "backup.json"

    func logPosition() throws(CodexError) -> LogPosition { try LogPosition(Array(position)) }

    /// Reads the manifest of a backup.
    ///
    /// - Throws: ``CodexError/Code/notAStore`` if there is none, ``CodexError/Code/corrupted``,
    ///   ``CodexError/Code/unsupportedFormat``.
    init(of backup: Directory) throws(CodexError) {
        guard try backup.kind(Self.name) == .other else { throw Self.missing(backup.path) }
        self = try ChecksummedJSON.read(
            Self.name, in: backup, as: Self.self, damaged: Self.damaged(backup.path))
        guard committedAt ?? 0 < 1 << 62, position.count == LogPosition.byteCount else {
            throw Self.damaged(backup.path)
        }
        _ = try logPosition()
    }

    init(
        storeID: UUID, position: LogPosition, committedAt: UInt64?, dataByteCount: Int,
        dataChecksum: UInt32
    ) {
        self.storeID = storeID
        self.position = Data(position.bytes)
        self.committedAt = committedAt
        self.dataByteCount = dataByteCount
        self.dataChecksum = dataChecksum
    }

    /// Opens the directory of a backup.
    ///
    /// - Throws: ``CodexError/Code/notAStore`` if there is none.
    static func directory(_ path: String) throws(CodexError) -> Directory {
        guard try FileSystem.kind(path) == .directory else { throw missing(path) }
        return try Directory(path)
    }

    private static func missing(_ path: String) -> CodexError {
        CodexError(
            .notAStore, "\(path) is no backup, or one that was not finished: it has no \(name).")
    }

    static func damaged(_ backup: String) -> CodexError {
        CodexError(.corrupted, "The backup \(backup) is damaged. Use another.")
    }
}

extension File {
    /// The CRC-32 and the length of the whole file.
    ///
    /// Its bytes are also written to `copy`, if there is one. `afterPart` is called after each
    /// part, with its range.
    func checksum(
        copyingTo copy: File? = nil,
        afterPart: (Range<Int>) throws(CodexError) -> Void = { _ in }
    ) throws(CodexError) -> (checksum: UInt32, byteCount: Int) {
        var (checksum, offset): (UInt32, Int) = (0, 0)
        while true {
            let bytes = try read(at: offset, count: 1 << 20)
            if bytes.isEmpty { return (checksum, offset) }
            checksum = Compression.checksum(bytes, in: 0..<bytes.count, after: checksum)
            try copy?.write(bytes, at: offset)
            try afterPart(offset..<offset + bytes.count)
            offset += bytes.count
        }
    }
}
