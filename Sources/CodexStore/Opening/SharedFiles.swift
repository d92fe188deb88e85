internal import CodexCore

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// The files that all processes with an open store must share, by device and inode.
struct SharedFiles: Equatable {
    private(set) var identities: [FileSystem.Identity?]

    /// The lock files, the data file and the folder of the log.
    static let names = [
        StoreDirectory.dataFile, StoreDirectory.lockFile, StoreLease.leaseName,
        StoreLease.gateName, Checkpoint.lockName, LogDirectory.name,
    ]

    /// Reads the current files.
    init(_ directory: Directory) throws(CodexError) {
        identities = []
        for name in Self.names { identities.append(try directory.identity(name)) }
    }

    /// The name of the first file that differs in `other`, or is missing in one of them.
    func firstDifference(_ other: SharedFiles) -> String? {
        zip(Self.names, zip(identities, other.identities)).first { $0.1.0 != $0.1.1 }?.0
    }

    // MARK: Stored form

    private static let magic: UInt64 = 0x31_454C_4946_5843
    static let byteCount = 8 + 16 * names.count

    /// The device and inode of each file, with zeros for a missing one.
    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        LittleEndian.append(Self.magic, to: &bytes)
        for identity in identities {
            LittleEndian.append(identity?.device ?? 0, to: &bytes)
            LittleEndian.append(identity?.inode ?? 0, to: &bytes)
        }
        return bytes
    }

    /// Reads the stored form; `nil` if the bytes are malformed.
    init?(_ bytes: [UInt8]) {
        guard bytes.count == Self.byteCount, LittleEndian.integer(bytes, at: 0) == Self.magic else {
            return nil
        }
        identities = Self.names.indices.map { position in
            let device = LittleEndian.integer(bytes, at: 8 + 16 * position, as: UInt64.self)
            let inode = LittleEndian.integer(bytes, at: 16 + 16 * position, as: UInt64.self)
            return inode == 0 ? nil : FileSystem.Identity(device: device, inode: inode)
        }
    }
}

/// Checks whether the store's directory and its shared files are still those that were opened.
///
/// Writes are not refused after a rename of the directory alone: they still go to the same files.
final class FileGuard: Sendable {
    private struct State {
        var expected: SharedFiles?
        /// The directory's time of modification at which all files were as expected.
        var checked: FileSystem.Instant?
        var isMoved = false
    }

    private let directory: Directory
    private let state = Locked(State())
    private let moved: @Sendable (String) -> Void

    /// Guards a directory; `moved` is called once when its path no longer leads to it.
    init(_ directory: Directory, moved: @escaping @Sendable (String) -> Void) {
        self.directory = directory
        self.moved = moved
    }

    /// Records the current files.
    @discardableResult
    func record() throws(CodexError) -> SharedFiles {
        let files = try SharedFiles(directory)
        state.withLock { ($0.expected, $0.checked) = (files, nil) }
        return files
    }

    /// Throws if the directory or a file was removed or replaced since ``record()``.
    ///
    /// - Throws: ``CodexError/Code/filesReplaced``.
    /// - Complexity: Two system calls, and one for each file after the directory changed.
    func requireUnchanged() throws(CodexError) {
        let (expected, checked) = state.withLock { ($0.expected, $0.checked) }
        guard let expected else { return }
        let identity = try directory.identityAtPath()
        if identity == nil { noteMove() }
        guard identity == nil || identity == directory.identity else {
            noteMove()
            throw Self.replaced("its directory", directory.path)
        }
        let modified = try directory.modified()
        guard checked != modified else { return }
        if let name = expected.firstDifference(try SharedFiles(directory)) {
            throw Self.replaced("its file \(name)", directory.path)
        }
        // A later change within the same clock tick would not be seen: check again until the tick
        // is over.
        if modified.isSettled { state.withLock { $0.checked = modified } }
    }

    private func noteMove() {
        let isFirst = state.withLock { state in
            defer { state.isMoved = true }
            return !state.isMoved
        }
        if isFirst { moved(directory.path) }
    }

    static func replaced(_ what: String, _ path: String) -> CodexError {
        CodexError(
            .filesReplaced,
            "The store that was opened at \(path) takes no writes: \(what) was removed or replaced "
                + "while it is open. Put it back, or close the store in all processes.")
    }
}

extension FileSystem.Instant {
    /// Whether the file system's clock has certainly passed the tick of this instant.
    var isSettled: Bool {
        // A file system with a granularity of one or two seconds has no nanoseconds.
        age > (nanoseconds == 0 ? 2.5 : 0.05)
    }

    /// Whether the instant was more than a minute ago.
    var isOld: Bool { age > 60 }

    /// The seconds since the instant, by the system's clock.
    var age: Double {
        var now = timespec()
        guard unsafe clock_gettime(CLOCK_REALTIME, &now) == 0 else { return 0 }
        return Double(now.tv_sec) - Double(seconds)
            + (Double(now.tv_nsec) - Double(nanoseconds)) / 1e9
    }
}
