internal import CodexCore
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// A lock between processes (`flock`), held until it is released or the value is gone.
///
/// The end of a process releases its locks. Each value has a separate open file, so that two values
/// in one process exclude each other, too.
final class FileLock: Sendable {
    enum Kind { case shared, exclusive }

    private let handle: Atomic<Int32>
    /// The path of the lock's file at the time of opening, for errors.
    private let path: String
    private var descriptor: Int32 { handle.load(ordering: .relaxed) }

    /// Opens the file `name` of a held directory as a lock, without taking it.
    ///
    /// A file without write permission is sufficient, unless `mustWrite` is set.
    init(
        _ name: String, in directory: Directory, mayCreate: Bool, mustWrite: Bool = false
    ) throws(CodexError) {
        handle = Atomic(
            Self.opened(mayCreate: mayCreate, mustWrite: mustWrite) { flags in
                directory.openFile(name, flags)
            })
        let refusal = errno
        path = directory.path(of: name)
        guard descriptor >= 0 else { throw .system("openat", refusal, path: path) }
        InheritedDescriptors.add(descriptor)
    }

    /// Takes the lock of the file `name` exclusively; `nil` if another holder has it.
    convenience init?(_ name: String, in directory: Directory) throws(CodexError) {
        try self.init(name, in: directory, mayCreate: true)
        guard try take(.exclusive, waits: false) else { return nil }
    }

    private static func opened(
        mayCreate: Bool, mustWrite: Bool, _ file: (Int32) -> Int32
    ) -> Int32 {
        let opened = file(O_RDWR | (mayCreate ? O_CREAT : 0))
        guard opened < 0, !mustWrite else { return opened }
        let refusal = errno
        guard refusal == EACCES || refusal == EROFS else { return opened }
        let readable = file(O_RDONLY)
        // The file is missing because it could not be made.
        if readable < 0, errno == ENOENT { errno = refusal }
        return readable
    }

    /// Takes the lock exclusively, and writes the process's ID into its file.
    ///
    /// - Parameters:
    ///   - wait: The maximum time that others may hold it.
    ///   - action: Their use of it, for the error: "opens or closes the store".
    /// - Throws: ``CodexError/Code/lockTimeout``, which names the process that has it.
    func take(within wait: Duration, _ action: String) throws(CodexError) {
        let deadline = ContinuousClock.now + wait.bounded
        // A blocked flock cannot be cancelled, so this polls the lock.
        var pause: UInt32 = 200
        while try !take(.exclusive, waits: false) {
            guard .now < deadline else { throw timeout(wait, action) }
            _ = usleep(pause)
            pause = min(pause * 2, 20_000)
        }
        nameHolder()
    }

    /// Writes the process's ID into the lock's file, for the errors of others that wait.
    func nameHolder() { try? write(Array("\(FileSystem.processID)\n".utf8)) }

    private func timeout(_ wait: Duration, _ action: String) -> CodexError {
        let text = String(decoding: (try? read(16)) ?? [], as: UTF8.self)
        let holder = text.split(separator: "\n").first.flatMap { Int32($0) }
        return CodexError(
            .lockTimeout,
            "Process \(holder.map { "\($0)" } ?? "(unknown)") \(action) for more than \(wait). If it "
                + "is stopped, let it go on or end it, then try again.")
    }

    /// Takes the lock, or changes its kind.
    ///
    /// The change is not atomic: another process may take the lock in between.
    ///
    /// - Returns: `false` if others have it and `waits` is not set.
    func take(_ kind: Kind, waits: Bool) throws(CodexError) -> Bool {
        let operation = (kind == .shared ? LOCK_SH : LOCK_EX) | (waits ? 0 : LOCK_NB)
        while flock(descriptor, operation) != 0 {
            if errno == EINTR { continue }
            if errno == EWOULDBLOCK { return false }
            throw .system("flock", errno, path: path)
        }
        return true
    }

    /// Releases the lock and closes its file.
    func release() {
        let old = handle.exchange(-1, ordering: .relaxed)
        guard old >= 0 else { return }
        InheritedDescriptors.remove(old)
        // A process that is being spawned has the descriptor too, until it runs its program.
        if !InheritedDescriptors.isForked { _ = flock(old, LOCK_UN) }
        close(old)
    }

    /// The status of the lock's file, with its owner and mode.
    func status() throws(CodexError) -> stat {
        var info = stat()
        guard unsafe fstat(descriptor, &info) == 0 else {
            throw .system("fstat", errno, path: path)
        }
        return info
    }

    /// The identity of the lock's file.
    func identity() throws(CodexError) -> FileSystem.Identity {
        try FileSystem.identity(of: descriptor, path: path)
    }

    /// Reads the first bytes of the lock's file.
    func read(_ count: Int) throws(CodexError) -> [UInt8] {
        try FileSystem.read(descriptor, at: 0, count: count, path: path)
    }

    /// The first byte of the lock's file; `nil` if it is empty.
    func firstByte() throws(CodexError) -> UInt8? {
        var byte: UInt8 = 0
        let got = unsafe pread(descriptor, &byte, 1, 0)
        guard got >= 0 else { throw .system("pread", errno, path: path) }
        return got == 1 ? byte : nil
    }

    /// Writes bytes of the lock's file; they need not survive a power cut.
    func write(_ bytes: [UInt8], at offset: Int = 0) throws(CodexError) {
        try FileSystem.write(bytes, to: descriptor, at: offset, path: path)
    }

    deinit { release() }
}
