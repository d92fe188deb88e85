internal import CodexCore
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// An open file that is read and written at offsets.
///
/// Any thread may make the calls (POSIX). The users of the file coordinate their writes. No call
/// may run while the file is closed.
final class File: Sendable {
    enum Mode {
        case read, write, create

        fileprivate var flags: Int32 {
            switch self {
            case .read: O_RDONLY
            case .write, .create: O_RDWR
            }
        }
    }

    private let handle: Atomic<Int32>
    /// The path at the time of opening, for errors; `nil` for a descriptor that was taken over.
    private let path: String?
    private var descriptor: Int32 { handle.load(ordering: .relaxed) }

    /// Opens the file `name` of a held directory; `create` makes an empty one, and replaces
    /// another.
    ///
    /// `permissions` are the mode of a new file; `nil` uses the directory's modes.
    init(
        _ name: String, in directory: Directory, _ mode: Mode, permissions: UInt32? = nil
    ) throws(CodexError) {
        let opened =
            mode == .create
            ? FileMaking(directory).makeFile(name, permissions: permissions)
            : directory.openFile(name, mode.flags)
        let refusal = errno
        handle = Atomic(opened)
        path = directory.path(of: name)
        guard opened >= 0 else { throw .system("openat", refusal, path: path) }
    }

    /// Takes over an open descriptor; `path` is for errors.
    init(_ descriptor: Int32, path: String? = nil) {
        handle = Atomic(descriptor)
        self.path = path
    }

    deinit { close() }

    /// The descriptor, for calls of liblmdb; the file keeps it.
    var rawDescriptor: Int32 { descriptor }

    /// Closes the file; later calls fail.
    func close() {
        let old = handle.exchange(-1, ordering: .relaxed)
        guard old >= 0 else { return }
        #if canImport(Darwin)
            _ = Darwin.close(old)
        #elseif canImport(Musl)
            _ = Musl.close(old)
        #else
            _ = Glibc.close(old)
        #endif
    }

    /// The file's length in bytes.
    func byteCount() throws(CodexError) -> Int {
        var info = stat()
        guard unsafe fstat(descriptor, &info) == 0 else {
            throw .system("fstat", errno, path: path)
        }
        return Int(info.st_size)
    }

    /// The identity of the file, which does not depend on its name.
    func identity() throws(CodexError) -> FileSystem.Identity {
        try FileSystem.identity(of: descriptor, path: path)
    }

    /// Truncates or lengthens the file; no other user may lengthen it meanwhile.
    func setByteCount(_ byteCount: Int) throws(CodexError) {
        guard ftruncate(descriptor, off_t(byteCount)) == 0 else {
            throw .system("ftruncate", errno, path: path)
        }
    }

    /// Reads up to `count` bytes from `offset` on; fewer only at the file's end.
    func read(at offset: Int, count: Int) throws(CodexError) -> [UInt8] {
        try FileSystem.read(descriptor, at: offset, count: count, path: path)
    }

    /// Writes all bytes from `offset` on.
    func write(_ bytes: [UInt8], at offset: Int) throws(CodexError) {
        try FileSystem.write(bytes, to: descriptor, at: offset, path: path)
    }

    /// Waits until the written bytes are on stable storage.
    ///
    /// A failed flush cannot be retried: the system may have discarded the bytes that it could not
    /// write.
    func flush() throws(CodexError) {
        #if canImport(Darwin)
            // macOS's fsync leaves data in the drive's cache (its manual page).
            guard fcntl(descriptor, F_FULLFSYNC) == 0 else {
                throw .system("F_FULLFSYNC", errno, path: path)
            }
        #else
            guard fdatasync(descriptor) == 0 else {
                throw .system("fdatasync", errno, path: path)
            }
        #endif
    }

    /// Waits until an earlier range was written out, and starts to write out a range.
    ///
    /// A later flush then has less to write. The call makes nothing durable. A failure may be the
    /// only report of lost bytes, so it counts as a failed ``flush()``.
    ///
    /// - Parameters:
    ///   - range: The range.
    ///   - earlier: The range of the last call, or an empty one.
    /// - Returns: Whether the system has such a call for the file. If not, nothing was done.
    /// - Throws: The error of the call.
    func writeOut(_ range: Range<Int>, after earlier: Range<Int>) throws(CodexError) -> Bool {
        #if os(Linux)
            // SYNC_FILE_RANGE_WAIT_BEFORE and SYNC_FILE_RANGE_WRITE of linux/fs.h.
            guard try syncRange(earlier, 1) else { return false }
            return try syncRange(range, 2)
        #else
            return false
        #endif
    }

    #if os(Linux)
        private func syncRange(_ range: Range<Int>, _ flags: UInt32) throws(CodexError) -> Bool {
            // To the call, no bytes are all bytes up to the file's end.
            while !range.isEmpty {
                let status = systemSyncRange(
                    descriptor, Int64(range.lowerBound), Int64(range.count), flags)
                if status == 0 { return true }
                switch errno {
                case EINTR: continue
                // Bytes are lost, or may be.
                case EIO, ENOSPC, EDQUOT, EBADF:
                    throw .system("sync_file_range", errno, path: path)
                // Systems, file systems and sandboxes refuse a call that they do not have with
                // various codes.
                default: return false
                }
            }
            return true
        }
    #endif

    /// Lets the system forget its copy of a range that was written out; a hint.
    func dropCache(_ range: Range<Int>) {
        #if os(Linux)
            _ = posix_fadvise(
                descriptor, off_t(range.lowerBound), off_t(range.count), POSIX_FADV_DONTNEED)
        #endif
    }

    /// Fills the system's copy of a range that was reserved, in units of one page; a hint.
    ///
    /// Without it, Linux makes a unit as large as the first write to it. With ext4, each later
    /// write of one page then walks through a list of all blocks of the unit
    /// (`Docs/Decisions/0053-units-of-the-page-cache.md`). The range has no data, so that nothing
    /// is read from the disk. Only its first 16 MiB are filled, so that little memory is enough.
    func prepareCache(_ range: Range<Int>) {
        #if os(Linux)
            // The system does not do more for one call if it is set up as usual.
            let step = 128 << 10
            let end = min(range.upperBound, range.lowerBound + (16 << 20))
            for offset in stride(from: range.lowerBound, to: end, by: step) {
                let count = min(step, end - offset)
                _ = posix_fadvise(
                    descriptor, off_t(offset), off_t(count), POSIX_FADV_WILLNEED)
            }
        #endif
    }

    /// Ensures that the file has space up to `byteCount`, and at least that length.
    ///
    /// If the device becomes full, the blocks that were already allocated are released.
    func reserve(_ byteCount: Int) throws(CodexError) {
        let length = try self.byteCount()
        guard length < byteCount else { return }
        #if canImport(Darwin)
            guard ftruncate(descriptor, off_t(byteCount)) == 0 else {
                throw .system("ftruncate", errno, path: path)
            }
        #else
            while true {
                let status = posix_fallocate(descriptor, off_t(length), off_t(byteCount - length))
                if status == 0 { return }
                if status == EINTR { continue }
                // Otherwise blocks past the end that were available would stay allocated.
                _ = ftruncate(descriptor, off_t(length))
                throw .system("posix_fallocate", status, path: path)
            }
        #endif
    }
}

#if os(Linux)
    /// The C library declares this call only for C programs that request its extensions.
    @_silgen_name("sync_file_range")
    private func systemSyncRange(
        _ descriptor: Int32, _ offset: Int64, _ byteCount: Int64, _ flags: UInt32
    ) -> Int32
#endif
