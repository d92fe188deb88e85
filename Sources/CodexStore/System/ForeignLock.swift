internal import CodexCore

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// An `fcntl` lock of another process on the first byte of a file.
///
/// LMDB holds one on its lock file while an environment is open.
struct ForeignLock {
    private let name: String
    private let directory: Directory

    init(_ name: String, in directory: Directory) {
        (self.name, self.directory) = (name, directory)
    }

    /// Whether another process has the lock.
    ///
    /// - Important: Call it only while this process has no environment open with the file: closing
    ///   the file drops the process's own `fcntl` locks.
    func isTaken() throws(CodexError) -> Bool {
        let file = directory.openFile(name, O_RDWR)
        guard file >= 0 else {
            if errno == ENOENT { return false }
            throw .system("openat", errno, path: directory.path(of: name))
        }
        defer { close(file) }
        var lock = flock()
        lock.l_type = Int16(F_WRLCK)
        lock.l_whence = Int16(SEEK_SET)
        lock.l_start = 0
        lock.l_len = 1
        guard unsafe fcntl(file, F_GETLK, &lock) == 0 else {
            throw .system("fcntl", errno, path: directory.path(of: name))
        }
        return lock.l_type != Int16(F_UNLCK)
    }
}
