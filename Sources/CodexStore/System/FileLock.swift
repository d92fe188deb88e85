internal import CodexCore

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// A lock among processes, held until it is released or the value goes; a process that ends lets go
/// of it.
final class FileLock: Sendable {
    private let descriptor: Int32

    /// Takes the lock of the file `path`; `nil` if somebody has it.
    init?(_ path: String) throws(CodexError) {
        descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw .system("open", errno) }
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            let code = errno
            if code == EINTR { continue }
            close(descriptor)
            if code == EWOULDBLOCK { return nil }
            throw .system("flock", code)
        }
    }

    /// Lets go of the lock.
    func release() { _ = flock(descriptor, LOCK_UN) }

    deinit { close(descriptor) }
}
