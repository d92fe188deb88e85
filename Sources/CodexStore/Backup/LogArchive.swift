internal import CodexCore
internal import FoundationEssentials

/// A directory with a store's log as gzip files, one for each segment, and `archive.json`, which
/// names the store.
///
/// A finished segment is `<number>.segment.gz`. The segment that the store still writes is
/// `<number>.partial.gz`: its records so far. The next update replaces it.
struct LogArchive {
    let directory: Directory
    private(set) var head: Head
    var storeID: UUID { head.storeID }

    fileprivate static let name = "archive.json"
    private static let lockName = "archive.lock"
    private static let whole = ".segment.gz"
    private static let partial = ".partial.gz"

    struct Head: Codable {
        var format = ChecksummedJSON.format
        let storeID: UUID
        /// The first commit from which the archive is complete.
        var first: UInt64 = 0
        /// The last commit in the archive.
        var sequence: UInt64 = 0
        /// The checksum of that commit's record; it tells apart stores that share a part of their
        /// history.
        var checksum: UInt32 = 0
        /// The time up to which there are no later commits, in milliseconds since 1970.
        var time: UInt64 = 0
    }

    /// Opens the archive of a store, or makes it if there is nothing at the path.
    ///
    /// - Parameters:
    ///   - path: The archive's directory.
    ///   - storeID: The store's identifier.
    ///   - modes: The group and the modes of an archive that it makes.
    /// - Throws: ``CodexError/Code/notAStore`` if the path has another store's archive, or
    ///   something else.
    init(
        making path: String, for storeID: UUID, _ modes: CreationModes
    ) throws(CodexError) {
        let path = StoreDirectory(path).path
        if try FileSystem.kind(path) == nil {
            let label = try ChecksummedJSON.bytes(Head(storeID: storeID))
            do throws(CodexError) {
                try StagedDirectory.make(at: path, modes) { staging throws(CodexError) in
                    try staging.writeDurably(label, to: Self.name)
                }
            } catch  where error.code == .invalidArgument {
                // Another process has just made it.
            }
        }
        try self.init(at: path, of: storeID)
    }

    /// Opens the archive of a store.
    init(at path: String, of storeID: UUID) throws(CodexError) {
        guard try FileSystem.kind(path) == .directory else { throw Self.missing(path) }
        directory = try Directory(path)
        guard try directory.kind(Self.name) == .other else { throw Self.missing(path) }
        head = try Head(in: directory, Self.damaged(path))
        guard head.storeID == storeID else {
            throw CodexError(
                .notAStore,
                "\(path) is the archive of another store; a restored store begins one of its own. Name "
                    + "this store's, or a new directory.")
        }
    }

    /// Runs `body` with the archive's current head, while no other process changes the archive.
    static func withLock<R>(
        making path: String, for storeID: UUID, _ modes: CreationModes,
        _ body: (inout LogArchive) throws(CodexError) -> R
    ) throws(CodexError) -> R {
        var archive = try LogArchive(making: path, for: storeID, modes)
        let lock = try FileLock(lockName, in: archive.directory, mayCreate: true)
        defer { lock.release() }
        _ = try lock.take(.exclusive, waits: true)
        FileAccess.settle(archive.directory, nil, isOwnName)
        // These are files that a killed process began to write.
        for name in try archive.directory.entries() where name.hasSuffix(".new") {
            archive.directory.remove(name)
        }
        try archive.readHead()
        return try body(&archive)
    }

    /// Whether a file of this name belongs to the archive.
    private static func isOwnName(_ file: String) -> Bool {
        file == name || file == lockName || file.hasSuffix(whole) || file.hasSuffix(partial)
    }

    /// Records how far the archive goes now; the caller writes the segments before.
    mutating func advance(
        from first: UInt64, to position: LogPosition, time: UInt64
    ) throws(CodexError) {
        var head = head
        (head.first, head.sequence, head.checksum) = (first, position.sequence, position.checksum)
        head.time = time
        try directory.replaceDurably(Self.name, with: try ChecksummedJSON.bytes(head))
        self.head = head
    }

    /// The error for a store whose log does not continue the archive.
    var otherHistory: CodexError {
        CodexError(
            .notAStore,
            "The archive \(directory.path) has another history than the store, which was put back to an earlier "
                + "state. Make a backup, and begin a new archive.")
    }

    /// Reads the head again, with the lock held.
    private mutating func readHead() throws(CodexError) {
        head = try Head(in: directory, Self.damaged(directory.path))
    }

    private static func missing(_ path: String) -> CodexError {
        CodexError(.notAStore, "\(path) is no archive of a log: it has no \(name).")
    }

    private static func damaged(_ path: String) -> CodexError {
        CodexError(.corrupted, "The archive \(path) is damaged. Put back another copy.")
    }

    /// Keeps other processes from changing the archive as long as the value lives.
    ///
    /// - Returns: `nil` if no process ever locked the archive.
    func lockForReading() throws(CodexError) -> FileLock? {
        guard try directory.contains(Self.lockName) else { return nil }
        let lock = try FileLock(Self.lockName, in: directory, mayCreate: false)
        _ = try lock.take(.shared, waits: true)
        return lock
    }

    /// The numbers of the segments, ascending, and which of them are whole.
    func numbers() throws(CodexError) -> [(number: UInt64, isWhole: Bool)] {
        var found: [UInt64: Bool] = [:]
        for name in try directory.entries() {
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
        return digits + (isWhole ? Self.whole : Self.partial)
    }

    /// Writes a segment to the archive.
    ///
    /// - Returns: The byte count of the compressed segment.
    func writeSegment(
        _ bytes: [UInt8], number: UInt64, isWhole: Bool
    ) throws(CodexError) -> Int {
        let packed = try Compression.gzip(bytes)
        try directory.replaceDurably(file(number, isWhole: isWhole), with: packed)
        if isWhole { directory.remove(file(number, isWhole: false)) }
        return packed.count
    }

    /// The bytes of a segment.
    ///
    /// - Throws: ``CodexError/Code/corrupted`` if it is damaged or of another store.
    func read(_ number: UInt64, isWhole: Bool) throws(CodexError) -> [UInt8] {
        let name = file(number, isWhole: isWhole)
        do throws(CodexError) {
            let limit = LogSegment.byteCountMax
            let byteCount = try directory.byteCount(name)
            guard byteCount <= limit else { throw Wire.corrupted("its length") }
            let packed = try directory.read(name, limit: byteCount)
            let bytes = try Compression.gunzip(packed, limit: limit)
            guard let header = try LogSegmentHeader(bytes), header.number == number,
                header.storeID == storeID
            else { throw Wire.corrupted("its header") }
            return bytes
        } catch  where error.code == .corrupted {
            throw CodexError(
                .corrupted,
                "The archived segment \(directory.path)/\(name) is damaged, or of another store. "
                    + "Put back another copy.")
        }
    }
}

extension LogArchive.Head {
    /// Reads the head of an archive.
    ///
    /// - Throws: `damaged` for a file that is no head, and for numbers that no log reaches.
    fileprivate init(in directory: Directory, _ damaged: CodexError) throws(CodexError) {
        self = try ChecksummedJSON.read(
            LogArchive.name, in: directory, as: Self.self, damaged: damaged)
        guard max(first, sequence, time) < 1 << 62 else { throw damaged }
    }
}
