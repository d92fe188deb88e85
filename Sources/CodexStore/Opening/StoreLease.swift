internal import CodexCore
internal import Synchronization

/// Shows a process whether other processes have the store open.
///
/// There are two lock files. Each process holds `lease.lock` shared while it has the store open. An
/// opening process holds `gate.lock` until recovery is complete and the lease is taken. Only the
/// holder of the gate decides whether it is alone.
///
/// The data file itself is locked in the same way. If `lease.lock` was replaced, the next process
/// would get the new file's lock alone. The lock of the data file then shows that other processes
/// have the store open.
///
/// The first bytes of `lease.lock` are for running processes, and need not survive a power cut:
///
/// ```
/// byte 0   1: a write or flush failed; writes are refused until a process opens the store alone
///      1   the PID namespace of the process that opened it alone, as text, up to a zero
///     64   the files that all processes must share (``SharedFiles``), as that process found them
/// ```
final class StoreLease: Sendable {
    private let directory: Directory
    let lease: FileLock
    private let data: Locked<FileLock>
    private let files: FileGuard
    /// Makes the call that marks a failure; `nil` is the lease itself.
    let calls: (any StoreCalls)?
    /// Whether a write or flush of this process failed; writing the mark to the file may have
    /// failed too.
    let hasFailed = Atomic(false)

    static let gateName = "gate.lock"
    static let leaseName = "lease.lock"
    private static let sharedFilesOffset = 64
    private static let byteCount = 256

    /// Makes the files of a new store.
    static func make(_ directory: Directory) throws(CodexError) {
        for name in [gateName, Checkpoint.lockName] { try directory.writeDurably([], to: name) }
        try directory.writeDurably([UInt8](repeating: 0, count: byteCount), to: leaseName)
    }

    /// The gate, which is held while a process opens, closes or compacts a store.
    ///
    /// - Throws: ``CodexError/Code/lockTimeout`` if another process has it for longer than `wait`.
    static func gate(
        _ directory: Directory, isReadOnly: Bool, within wait: Duration
    ) throws(CodexError) -> FileLock {
        let gate = try FileLock(gateName, in: directory, mayCreate: !isReadOnly)
        try gate.take(
            within: wait, "opens, closes or compacts the store at \(directory.path)")
        return gate
    }

    /// Opens the lease; ``takeAloneOrJoin(retried:)`` must follow.
    init(
        _ directory: Directory, isReadOnly: Bool, calls: (any StoreCalls)? = nil,
        moved: @escaping @Sendable (String) -> Void = { _ in }
    ) throws(CodexError) {
        self.directory = directory
        self.calls = calls
        files = FileGuard(directory, moved: moved)
        lease = try FileLock(
            Self.leaseName, in: directory, mayCreate: !isReadOnly, mustWrite: !isReadOnly)
        data = Locked(
            try FileLock(StoreDirectory.dataFile, in: directory, mayCreate: false))
        // Stores of earlier releases lack this file. A link in its place is refused now, and not at
        // the first checkpoint.
        if !isReadOnly {
            try FileLock(Checkpoint.lockName, in: directory, mayCreate: true).release()
        }
    }

    /// Whether no other process has the store open; the caller holds the gate.
    ///
    /// If others have it open, its files are those that the others opened.
    ///
    /// - Parameter retried: Called when the locks are looked at again, since a process may be
    ///   ending.
    /// - Returns: Whether this process is alone.
    /// - Throws: ``CodexError/Code/filesReplaced``.
    func takeAloneOrJoin(
        retried: (@Sendable () throws(CodexError) -> Void)?
    ) throws(CodexError) -> Bool {
        try EndingProcess.settled(.filesReplaced, retried) { () throws(CodexError) in
            if try takeAlone() { return true }
            // Only a process that has the gate takes the lease exclusively.
            guard try lease.take(.shared, waits: false) else {
                throw FileGuard.replaced("its file \(Self.gateName)", directory.path)
            }
            try requireShared()
            return false
        }
    }

    /// Whether no other process has the store open now; the caller holds the gate.
    ///
    /// - Throws: ``CodexError/Code/filesReplaced`` if other processes have the data file open with
    ///   another lease.
    func takeAlone() throws(CodexError) -> Bool {
        guard try lease.take(.exclusive, waits: false) else { return false }
        guard try takeData(.exclusive, waits: false) else {
            throw FileGuard.replaced("its file \(Self.leaseName)", directory.path)
        }
        return true
    }

    /// Throws unless the store's files are those that the other processes opened.
    ///
    /// LMDB's lock file must be in use. If it has no lock, liblmdb would initialize it: it would
    /// clear the readers of other processes and replace its mutexes.
    ///
    /// - Throws: ``CodexError/Code/filesReplaced``.
    private func requireShared() throws(CodexError) {
        // On a read-only device, liblmdb uses no lock file, and no process could record the files.
        if directory.device.isReadOnly { return }
        let stored = Array(try lease.read(Self.byteCount).dropFirst(Self.sharedFilesOffset))
        let current = try SharedFiles(directory)
        if let known = SharedFiles(Array(stored.prefix(SharedFiles.byteCount))),
            let name = known.firstDifference(current)
        {
            throw FileGuard.replaced("its file \(name)", directory.path)
        }
        guard try ForeignLock(StoreDirectory.lockFile, in: directory).isTaken() else {
            throw FileGuard.replaced("its file \(StoreDirectory.lockFile)", directory.path)
        }
    }

    /// Shares the lease with other processes; the caller holds the gate.
    ///
    /// A process that was alone records its namespace and its files.
    ///
    /// - Throws: ``CodexError/Code/notWritable`` if the other processes are in another PID
    ///   namespace: LMDB would treat them as dead, and free the pages that they read.
    func share(wasAlone: Bool, isReadOnly: Bool) throws(CodexError) {
        let shared = try files.record()
        if wasAlone {
            do throws(CodexError) {
                // The mark of a failure stays: only a recovery clears it.
                let namespace = FileSystem.processNamespace.prefix(Self.sharedFilesOffset - 2)
                try lease.write(namespace + [0], at: 1)
                try lease.write(shared.bytes, at: Self.sharedFilesOffset)
            } catch {
                guard isReadOnly else { throw error }
            }
        } else {
            try requireNamespace()
        }
        try share()
    }

    /// Shares the lease with other processes; the caller holds the gate, so no process has it
    /// exclusively.
    private func share() throws(CodexError) {
        _ = try lease.take(.shared, waits: true)
        _ = try takeData(.shared, waits: true)
    }

    private func takeData(_ kind: FileLock.Kind, waits: Bool) throws(CodexError) -> Bool {
        try data.withLock { $0 }.take(kind, waits: waits)
    }

    private func requireNamespace() throws(CodexError) {
        let own = FileSystem.processNamespace
        let stored = try lease.read(Self.sharedFilesOffset).dropFirst().prefix { $0 != 0 }
        guard stored.isEmpty || own.isEmpty || Array(stored) == own else {
            throw CodexError(
                .notWritable,
                "The store is open in another PID namespace (a container), whose processes this "
                    + "one cannot tell from dead ones. Let them share one (--pid).")
        }
    }

    /// Releases the lease.
    func release() {
        data.withLock { $0 }.release()
        lease.release()
    }

    // MARK: Compaction

    /// Runs `body` while no other process has the store open; the caller holds the gate.
    ///
    /// If `body` throws, the lease is shared again. If it does not, ``share(wasAlone:isReadOnly:)``
    /// must follow.
    ///
    /// - Throws: ``CodexError/Code/inUse``, and the errors of `body`.
    func alone<R>(_ body: () throws(CodexError) -> R) throws(CodexError) -> R {
        do throws(CodexError) {
            // A failed attempt to take the exclusive lock loses the shared lock.
            let isAlone = try EndingProcess.settled(.filesReplaced, nil) { () throws(CodexError) in
                try takeAlone()
            }
            guard isAlone else {
                throw CodexError(
                    .inUse,
                    "Another process has the store at \(directory.path) open. Close it there first."
                )
            }
            return try body()
        } catch {
            try share()
            throw error
        }
    }

    /// Takes over the lock of the new data file.
    func replaceData(_ lock: FileLock) {
        let old = data.withLock { data in
            defer { data = lock }
            return data
        }
        old.release()
    }

    /// Throws if the store's directory or its shared files were removed or replaced.
    func requireFiles() throws(CodexError) { try files.requireUnchanged() }
}
