internal import CodexCore
internal import FoundationEssentials

/// What a backup says about itself: the file `backup.json`, which is written last.
struct BackupManifest: Codable {
    var format = 1
    let storeID: UUID
    /// Where the log was, as LMDB has it.
    let position: Data
    /// When the last commit in it was made, in milliseconds since 1970; 0 without one.
    let committedAt: UInt64
    let dataByteCount: Int
    /// The CRC-32 of the data file.
    let dataChecksum: UInt32

    static let name = "backup.json"
    private static let byteCountMax = 1 << 16

    func logPosition() throws(CodexError) -> LogPosition { try LogPosition(Array(position)) }

    /// Reads the manifest of a backup.
    ///
    /// - Throws: ``CodexError/Code/notAStore`` if there is none, ``CodexError/Code/corrupted``,
    ///   ``CodexError/Code/unsupportedFormat``.
    init(of backup: String) throws(CodexError) {
        let path = backup + "/" + Self.name
        guard try FileSystem.kind(path) == .other else {
            throw CodexError(
                .notAStore,
                "\(backup) is no backup, or one that was not finished: it has no \(Self.name).")
        }
        let bytes = try FileSystem.read(path, limit: Self.byteCountMax)
        struct Version: Decodable { let format: Int }
        guard let version = try? JSONDecoder().decode(Version.self, from: Data(bytes)) else {
            throw Self.damaged(backup)
        }
        guard version.format == 1 else {
            throw CodexError(
                .unsupportedFormat,
                "The backup has format \(version.format); this release reads 1. Use a newer release.")
        }
        guard let manifest = try? JSONDecoder().decode(Self.self, from: Data(bytes)) else {
            throw Self.damaged(backup)
        }
        self = manifest
        _ = try logPosition()
    }

    init(
        storeID: UUID, position: LogPosition, committedAt: UInt64, dataByteCount: Int,
        dataChecksum: UInt32
    ) {
        self.storeID = storeID
        self.position = Data(position.bytes)
        self.committedAt = committedAt
        self.dataByteCount = dataByteCount
        self.dataChecksum = dataChecksum
    }

    func json() throws(CodexError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        guard let json = try? encoder.encode(self) else { throw Self.damaged("") }
        return Array(json)
    }

    static func damaged(_ backup: String) -> CodexError {
        CodexError(.corrupted, "The backup \(backup) is damaged. Use another.")
    }
}

extension File {
    /// The CRC-32 of the whole file, and its length.
    func checksum() throws(CodexError) -> (checksum: UInt32, byteCount: Int) {
        var (checksum, offset): (UInt32, Int) = (0, 0)
        while true {
            let bytes = try read(at: offset, count: 1 << 20)
            if bytes.isEmpty { return (checksum, offset) }
            checksum = Compression.checksum(bytes, in: 0..<bytes.count, after: checksum)
            offset += bytes.count
        }
    }
}
