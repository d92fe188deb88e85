internal import CodexCore
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// A lock among processes (`flock`), held until it is released or the value goes; a process that
/// ends lets go of it.
///
/// Each value has an open file of its own, so that two in one process exclude each other too.
final class FileLock: Sendable {
    enum Kind { case shared, exclusive }

    private let handle: Atomic<Int32>
    private var descriptor: Int32 { handle.load(ordering: .relaxed) }

    /// Takes the lock of the file `path` for itself; `nil` if somebody has it.
    convenience init?(_ path: String) throws(CodexError) {
        try self.init(opening: path, mayCreate: true)
        guard try take(.exclusive, waits: false) else { return nil }
    }

    /// Takes the lock of the file `path` for itself, as soon as nobody else has it.
    convenience init(waitingFor path: String) throws(CodexError) {
        try self.init(opening: path, mayCreate: true)
        _ = try take(.exclusive, waits: true)
    }

    /// Opens the file of a lock without taking it; one that may not be written serves as well, unless
    /// it must be.
    init(opening path: String, mayCreate: Bool, mustWrite: Bool = false) throws(CodexError) {
        var opened = unsafe open(path, O_RDWR | (mayCreate ? O_CREAT : 0) | O_CLOEXEC, 0o644)
        if opened < 0, !mustWrite, errno == EACCES || errno == EROFS {
            opened = unsafe open(path, O_RDONLY | O_CLOEXEC)
        }
        handle = Atomic(opened)
        guard descriptor >= 0 else { throw .system("open", errno) }
    }

    /// Takes the lock, or changes its kind, which is not one step: another may come between.
    ///
    /// - Returns: `false` if others have it and `waits` is not set.
    func take(_ kind: Kind, waits: Bool) throws(CodexError) -> Bool {
        let operation = (kind == .shared ? LOCK_SH : LOCK_EX) | (waits ? 0 : LOCK_NB)
        while flock(descriptor, operation) != 0 {
            if errno == EINTR { continue }
            if errno == EWOULDBLOCK { return false }
            throw .system("flock", errno)
        }
        return true
    }

    /// Lets go of the lock and closes its file.
    func release() {
        let old = handle.exchange(-1, ordering: .relaxed)
        if old >= 0 { close(old) }
    }

    /// Reads the first bytes of the lock's file.
    func read(_ count: Int) throws(CodexError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let got = unsafe bytes.withUnsafeMutableBytes { buffer in
            unsafe pread(descriptor, buffer.baseAddress, count, 0)
        }
        guard got >= 0 else { throw .system("pread", errno) }
        return Array(bytes.prefix(got))
    }

    /// Writes bytes of the lock's file; they need not survive a power cut.
    func write(_ bytes: [UInt8], at offset: Int = 0) throws(CodexError) {
        let put = unsafe bytes.withUnsafeBytes { buffer in
            unsafe pwrite(descriptor, buffer.baseAddress, buffer.count, off_t(offset))
        }
        guard put == bytes.count else { throw .system("pwrite", errno) }
    }

    deinit { release() }
}
