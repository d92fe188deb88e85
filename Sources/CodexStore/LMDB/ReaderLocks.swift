internal import CodexCore

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// The locks that show other processes of an LMDB environment that this process is alive.
///
/// liblmdb locks two bytes of `lock.mdb`. Byte 0 is locked shared by each process that has the
/// environment open. The byte at the process's ID shows that the process's readers are alive. These
/// locks belong to the process: the kernel drops them when any descriptor of the file is closed,
/// for example by a copy of the directory in the same process. Then other processes treat its
/// readers as dead, and the next one that opens the environment makes new mutexes.
///
/// Here the same bytes are locked for an open file description instead. Such locks are released
/// only with its last descriptor. liblmdb checks locks with `F_GETLK`, which sees both kinds.
final class ReaderLocks: Sendable {
    private let descriptor: Int32

    #if os(Linux)
        /// `F_OFD_SETLK` of fcntl.h.
        private static let setLock: Int32 = 37
    #endif

    /// Takes over liblmdb's locks; `nil` if the system or the file has none to take over.
    ///
    /// The caller holds the gate. The environment is open, and liblmdb has locked its byte (with
    /// its first reader). No reader of this process may be open, since its byte is unlocked
    /// briefly.
    ///
    /// - Throws: ``CodexError/Code/notWritable`` if a process with this ID in another namespace has
    ///   the store open, ``CodexError/Code/limitReached``.
    init?(_ directory: Directory) throws(CodexError) {
        #if os(Linux)
            descriptor = directory.openFile(StoreDirectory.lockFile, O_RDWR)
            guard descriptor >= 0 else {
                if [EACCES, EROFS, ENOENT].contains(errno) { return nil }
                throw .system(
                    "openat", errno, path: directory.path(of: StoreDirectory.lockFile))
            }
            let own = off_t(getpid())
            var status = Self.lock(descriptor, F_RDLCK, 0, Self.setLock)
            if status == 0 { status = Self.lock(descriptor, F_UNLCK, own, F_SETLK) }
            if status == 0 { status = Self.lock(descriptor, F_WRLCK, own, Self.setLock) }
            if status == 0 { status = Self.lock(descriptor, F_UNLCK, 0, F_SETLK) }
            guard status == 0 else {
                // Kernels before 3.15, and some replacements for Linux, lack these locks. The file
                // stays open, since closing it would drop liblmdb's own locks.
                if status == EINVAL { return }
                close(descriptor)
                guard status == EAGAIN || status == EACCES else {
                    throw .system(
                        "fcntl", status, path: directory.path(of: StoreDirectory.lockFile))
                }
                throw CodexError(
                    .notWritable,
                    "A process with this one's number (\(own)) has the store at \(directory.path) "
                        + "open in another PID namespace. Let them share one (--pid).")
            }
            InheritedDescriptors.add(descriptor)
        #else
            return nil
        #endif
    }

    private static func lock(
        _ descriptor: Int32, _ kind: Int32, _ byte: off_t, _ command: Int32
    ) -> Int32 {
        var lock = flock()
        lock.l_type = Int16(kind)
        lock.l_whence = Int16(SEEK_SET)
        lock.l_start = byte
        lock.l_len = 1
        return unsafe fcntl(descriptor, command, &lock) == 0 ? 0 : errno
    }

    /// Releases the locks, after the environment was closed.
    func release() {
        InheritedDescriptors.remove(descriptor)
        #if os(Linux)
            // A process that is being spawned has the descriptor too, until it runs its program.
            if !InheritedDescriptors.isForked {
                for byte in [0, off_t(getpid())] {
                    _ = Self.lock(descriptor, F_UNLCK, byte, Self.setLock)
                }
            }
        #endif
        close(descriptor)
    }
}

/// The reader slots in `lock.mdb`, in the layout of liblmdb 0.9 on 64-bit machines.
///
/// liblmdb frees the slots of dead processes, but never those with its own process's ID. A killed
/// process with the same ID would pin its pages while this process lives.
enum ReaderTable {
    private static let magic: UInt32 = 0xBEEF_C0DE
    /// The first slot is after two blocks of 64 bytes, for the two mutexes.
    private static let firstSlot = 128
    private static let slotByteCount = 64
    private static let processOffset = 8

    /// Allocates the blocks of the lock file, before liblmdb maps it.
    ///
    /// On a full disk, a write to a hole of a mapped file ends the process with SIGBUS.
    ///
    /// - Throws: ``CodexError/Code/diskFull``.
    static func allocate(_ directory: Directory, isReadOnly: Bool) throws(CodexError) {
        let descriptor = directory.openFile(StoreDirectory.lockFile, O_RDWR | O_CREAT)
        // A store that may only be read has a lock file already, or needs none.
        if descriptor < 0, isReadOnly, errno == EROFS || errno == EACCES { return }
        guard descriptor >= 0 else {
            throw .system("openat", errno, path: directory.path(of: StoreDirectory.lockFile))
        }
        defer { close(descriptor) }
        #if os(Linux)
            let byteCount = firstSlot + Int(Environment.readerCountMax) * slotByteCount
            let status = posix_fallocate(descriptor, 0, off_t(byteCount))
            guard status == 0 || status == EINTR || status == EOPNOTSUPP else {
                throw .system(
                    "posix_fallocate", status, path: directory.path(of: StoreDirectory.lockFile))
            }
        #endif
    }

    /// Frees the slots that have this process's ID.
    ///
    /// The caller holds the gate, before the process's first reader.
    ///
    /// - Returns: The number of freed slots.
    @discardableResult
    static func freeOwnSlots(_ directory: Directory) throws(CodexError) -> Int {
        #if os(Linux) && (arch(x86_64) || arch(arm64))
            let file = try File(StoreDirectory.lockFile, in: directory, .write)
            defer { file.close() }
            let bytes = try file.read(
                at: 0, count: firstSlot + Int(Environment.readerCountMax) * slotByteCount)
            guard bytes.count > firstSlot, word(bytes, 0) == magic else { return 0 }
            var count = 0
            for slot in stride(
                from: firstSlot, to: bytes.count - slotByteCount + 1, by: slotByteCount)
            where word(bytes, slot + processOffset) == UInt32(bitPattern: FileSystem.processID) {
                try file.write([0, 0, 0, 0], at: slot + processOffset)
                count += 1
            }
            return count
        #else
            return 0
        #endif
    }

    private static func word(_ bytes: [UInt8], _ offset: Int) -> UInt32 {
        bytes[offset..<offset + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }
}
