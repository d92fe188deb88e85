internal import CodexCore

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// A file of secrets, which only its owner may read and replace.
///
/// Each read checks the file and its directory by open descriptors. So the checked file is the one
/// that is read, and a link in its place is refused.
struct SecretFile: Sendable {
    /// The path that was given.
    let path: String
    private let folder: String
    private let name: String
    /// The path of the file through `folder`, which each use of a key checks.
    private let lookupPath: String

    /// The maximum time that another process may hold the lock.
    private static let lockTimeout = Duration.seconds(30)

    init(_ path: String) {
        let parent = FileSystem.parent(of: path)
        self.path = path
        // A relative path must mean the same file after a change of the working directory.
        folder =
            FileSystem.isAbsolute(path) ? parent : FileSystem.resolved(parent) ?? parent
        name = FileSystem.lastComponent(of: path)
        lookupPath = folder + "/" + name
    }

    /// A state of the file and of the permissions for it; equal stamps mean no change.
    struct Stamp: Hashable {
        private let file: Status
        private let changed: FileSystem.Instant
        private let byteCount: Int
        private let folder: Status

        fileprivate init(_ file: stat, in folder: stat) {
            #if canImport(Darwin)
                let time = file.st_ctimespec
            #else
                let time = file.st_ctim
            #endif
            self.file = Status(file)
            changed = FileSystem.Instant(
                seconds: Int(time.tv_sec), nanoseconds: Int(time.tv_nsec))
            byteCount = Int(file.st_size)
            self.folder = Status(folder)
        }
    }

    /// The identity, the owner and the mode of a file or directory.
    private struct Status: Hashable {
        let identity: FileSystem.Identity
        let owner: UInt32
        let mode: UInt32

        init(_ info: stat) {
            identity = FileSystem.Identity(info)
            owner = UInt32(info.st_uid)
            mode = UInt32(info.st_mode)
        }
    }

    /// The present state of the file, whether it may be read or not.
    ///
    /// - Throws: ``CodexError/Code/keyUnavailable`` if it is missing, or its status may not be
    ///   read, and other errors of the system.
    func stamp() throws(CodexError) -> Stamp {
        var (file, parent) = (stat(), stat())
        // Passing the strings themselves would copy them at each use of a key.
        guard unsafe lookupPath.withCString({ unsafe lstat($0, &file) }) == 0 else {
            throw unreadable("lstat", errno)
        }
        guard unsafe folder.withCString({ unsafe stat($0, &parent) }) == 0 else {
            throw unreadable("stat", errno)
        }
        return Stamp(file, in: parent)
    }

    /// Whether there is an entry of that name, links included.
    ///
    /// - Throws: As ``stamp()``, but a missing file is no error.
    func exists() throws(CodexError) -> Bool {
        var info = stat()
        if unsafe lookupPath.withCString({ unsafe lstat($0, &info) }) == 0 { return true }
        guard errno == ENOENT else { throw unreadable("lstat", errno) }
        return false
    }

    /// Reads the file.
    ///
    /// - Parameter limit: The maximum size of the file in bytes.
    /// - Returns: The bytes, and the state of the file when it was opened.
    /// - Throws: ``CodexError/Code/keyUnavailable`` if another user may read or replace the file;
    ///   if it is a link or no plain file; if it is larger than the limit; if it is missing, or may
    ///   not be read. Other errors of the system.
    func read(limit: Int) throws(CodexError) -> (bytes: [UInt8], stamp: Stamp) {
        let (directory, parent) = try openFolder()
        // Opening a pipe would wait for its other end.
        let descriptor = directory.openFile(name, O_RDONLY | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ELOOP { throw refusal("is a symbolic link. Name the file itself.") }
            throw unreadable("openat", errno)
        }
        let file = File(descriptor, path: path)
        defer { file.close() }
        let info = try status(of: descriptor)
        try requirePrivate(info)
        guard info.st_size <= limit else { throw refusal("has more than \(limit) bytes.") }
        return (try file.read(at: 0, count: Int(info.st_size)), Stamp(info, in: parent))
    }

    /// Replaces the file as a whole, durably, with one that only its owner may read.
    ///
    /// - Throws: ``CodexError/Code/keyUnavailable`` if another user may replace the file, or its
    ///   directory is missing; ``CodexError/Code/notWritable`` if this process may not; other
    ///   errors of the system.
    func replace(with bytes: [UInt8]) throws(CodexError) {
        let directory = try openFolder().directory
        try changing { () throws(CodexError) in
            try directory.replaceDurably(name, with: bytes, permissions: 0o600)
        }
    }

    /// Takes the lock for replacing the file.
    ///
    /// - Throws: ``CodexError/Code/lockTimeout``; ``CodexError/Code/keyUnavailable`` also if
    ///   another user may keep it locked; as ``replace(with:)``.
    func lock() throws(CodexError) -> FileLock {
        let directory = try openFolder().directory
        let lock = try openLock(in: directory)
        try lock.take(within: Self.lockTimeout, "changes the file \(path)")
        // Leftovers may have keys that were removed since.
        Leftovers(in: directory).remove(of: name)
        return lock
    }

    /// Opens the lock's file, and checks it: in a directory for all, another user may have made it.
    private func openLock(in directory: Directory) throws(CodexError) -> FileLock {
        let lock: FileLock
        do throws(CodexError) {
            lock = try FileLock(
                name + ".lock", in: directory, mayCreate: true, mustWrite: true)
        } catch {
            guard let failure = error.cause as? SystemFailure else { throw error }
            var info = stat()
            let lockPath = lookupPath + ".lock"
            if unsafe lstat(lockPath, &info) == 0 { try requireOwnLock(info) }
            throw unwritable(failure.call, failure.code)
        }
        let info = try lock.status()
        try requireOwnLock(info)
        guard info.st_mode & 0o077 == 0 else {
            throw lockRefusal("may be opened, and kept locked, by others than its owner.")
        }
        return lock
    }

    // MARK: Checks

    /// Opens the directory, and checks it.
    private func openFolder() throws(CodexError) -> (directory: Directory, status: stat) {
        let directory: Directory
        do throws(CodexError) {
            directory = try Directory(folder)
        } catch {
            guard let failure = error.cause as? SystemFailure else { throw error }
            throw unreadable(failure.call, failure.code)
        }
        let descriptor = directory.openFile(".", O_RDONLY | O_DIRECTORY)
        guard descriptor >= 0 else { throw unreadable("openat", errno) }
        defer { close(descriptor) }
        let info = try status(of: descriptor)
        guard Self.isTrusted(info.st_uid) else {
            throw refusal(
                "is in a directory of another user. "
                    + Self.advice("Run this as the directory's owner.", "Move it, or chown it."))
        }
        // In a directory with the sticky bit, only a file's owner can replace it.
        guard info.st_mode & 0o022 == 0 || info.st_mode & 0o1000 != 0 else {
            throw refusal("is in a directory that others may write to. chmod 700 the directory.")
        }
        return (directory, info)
    }

    private func requirePrivate(_ info: stat) throws(CodexError) {
        guard info.st_mode & S_IFMT == S_IFREG else { throw refusal("is no plain file.") }
        guard Self.isTrusted(info.st_uid) else {
            throw refusal(
                "belongs to another user. "
                    + Self.advice(
                        "Run this as the file's owner.", "chown it to the user of the process."))
        }
        guard info.st_mode & 0o077 == 0 else {
            throw refusal("may be read or written by others than its owner. chmod 600 it.")
        }
    }

    private func requireOwnLock(_ info: stat) throws(CodexError) {
        guard info.st_mode & S_IFMT == S_IFREG else { throw lockRefusal("is no plain file.") }
        guard Self.isTrusted(info.st_uid) else {
            throw lockRefusal("belongs to another user, who may keep it locked.")
        }
    }

    private func lockRefusal(_ problem: String) -> CodexError {
        CodexError(
            .keyUnavailable,
            "The lock \(path).lock of the file of keys \(problem) Remove it while no program "
                + "changes the keys, or keep them in a directory that others may not write to.")
    }

    /// Whether a user may read every file that the process may read: its own user, and root.
    private static func isTrusted(_ user: uid_t) -> Bool { user == geteuid() || user == 0 }

    private func status(of descriptor: Int32) throws(CodexError) -> stat {
        var info = stat()
        guard unsafe fstat(descriptor, &info) == 0 else {
            throw .system("fstat", errno, path: path)
        }
        return info
    }

    /// The advice for another user's file: an administrator should not change its owner.
    private static func advice(_ administrator: String, _ user: String) -> String {
        geteuid() == 0 ? administrator : user
    }

    private func refusal(_ problem: String, cause: (any Error)? = nil) -> CodexError {
        CodexError(.keyUnavailable, "The file of keys \(path) \(problem)", cause: cause)
    }

    // MARK: Errors of the system

    /// The error for a call that read the file or its status, by its `errno`.
    func unreadable(_ call: String, _ code: Int32) -> CodexError {
        let cause = SystemFailure(call: call, code: code)
        switch code {
        case ENOENT, ENOTDIR:
            return refusal(
                "does not exist. Correct the path, or mount what it is on. Make a file of keys "
                    + "only for stores that have none.", cause: cause)
        case EACCES, EPERM:
            return refusal(
                "may not be read by this process, or a directory on its path may not. Run this as "
                    + "the file's owner.", cause: cause)
        default: return .system(call, code, path: path)
        }
    }

    /// The error for a call that changed the file or its lock, by its `errno`.
    func unwritable(_ call: String, _ code: Int32) -> CodexError {
        let cause = SystemFailure(call: call, code: code)
        switch code {
        case ENOENT, ENOTDIR:
            return refusal("is in a directory that was removed. Make it again.", cause: cause)
        case EACCES, EPERM:
            return CodexError(
                .notWritable,
                "The file of keys \(path) cannot be changed: this process may not write to its "
                    + "directory, or to \(name).lock in it. Run this as the directory's owner.",
                cause: cause)
        case EROFS:
            return CodexError(
                .notWritable,
                "The file of keys \(path) cannot be changed: its file system is read-only. Change "
                    + "it where that can be written.", cause: cause)
        default: return .system(call, code, path: path)
        }
    }

    /// Runs an operation that changes the directory.
    private func changing<R>(_ body: () throws(CodexError) -> R) throws(CodexError) -> R {
        do throws(CodexError) {
            return try body()
        } catch {
            guard let failure = error.cause as? SystemFailure else { throw error }
            throw unwritable(failure.call, failure.code)
        }
    }
}
