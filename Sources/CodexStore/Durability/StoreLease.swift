internal import CodexCore
internal import Synchronization

/// What tells processes that have a store open of each other.
///
/// Two lock files: each process holds `lease.lock` shared as long as it has the store open. Opening
/// happens with `gate.lock` held, until recovery is complete and the lease is taken; whether a
/// process is alone is decided only there.
///
/// The first bytes of `lease.lock` are for the living, and need not survive a power cut:
///
/// ```
/// byte 0   1: a write or flush failed, nobody writes until one process opens the store alone
///      1   the PID namespace of whoever opened it alone, as text, up to a zero
/// ```
final class StoreLease: Sendable {
    private let lease: FileLock
    private let path: String
    /// Whether a write or flush of this process failed: the mark in the file may have failed too.
    private let hasFailed = Atomic(false)

    static let gateName = "gate.lock"
    static let leaseName = "lease.lock"
    private static let byteCount = 64

    /// Makes the files of a new store.
    static func make(_ path: String) throws(CodexError) {
        try FileSystem.writeDurably([], to: path + "/" + gateName)
        try FileSystem.writeDurably(
            [UInt8](repeating: 0, count: byteCount), to: path + "/" + leaseName)
    }

    /// The gate, which is held while a process opens a store.
    static func gate(_ path: String, isReadOnly: Bool) throws(CodexError) -> FileLock {
        let gate = try FileLock(opening: path + "/" + gateName, mayCreate: !isReadOnly)
        _ = try gate.take(.exclusive, waits: true)
        return gate
    }

    /// Opens the lease; ``enter(isReadOnly:)`` is to follow.
    init(_ path: String, isReadOnly: Bool) throws(CodexError) {
        self.path = path
        lease = try FileLock(
            opening: path + "/" + Self.leaseName, mayCreate: !isReadOnly, mustWrite: !isReadOnly)
    }

    /// Whether no other process has the store open; to be asked with the gate held.
    func takeAlone() throws(CodexError) -> Bool { try lease.take(.exclusive, waits: false) }

    /// Shares the lease with others, with the gate held; whoever was alone says in which namespace.
    ///
    /// - Throws: ``CodexError/Code/notWritable`` if the others are in another PID namespace: LMDB
    ///   would take them for dead and free the pages that they read.
    func share(wasAlone: Bool, isReadOnly: Bool) throws(CodexError) {
        let own = FileSystem.processNamespace
        if wasAlone {
            do throws(CodexError) {
                // The mark of a failure stays: only a recovery clears it.
                try lease.write(own + [0], at: 1)
            } catch {
                guard isReadOnly else { throw error }
            }
        } else {
            let stored = try lease.read(Self.byteCount).dropFirst().prefix { $0 != 0 }
            guard stored.isEmpty || own.isEmpty || Array(stored) == own else {
                throw CodexError(
                    .notWritable,
                    "The store is open in another PID namespace (a container), whose processes this "
                        + "one cannot tell from dead ones. Let them share one (--pid).")
            }
        }
        _ = try lease.take(.shared, waits: true)
    }

    /// Lets go of the lease.
    func release() { lease.release() }

    /// Throws if somebody's write to the log or a checkpoint failed.
    func requireWritable() throws(CodexError) {
        guard try !isRefused() else { throw Self.refused(nil) }
    }

    /// Whether somebody's write to the log or a checkpoint failed, and no recovery came since.
    func isRefused() throws(CodexError) -> Bool {
        if hasFailed.load(ordering: .relaxed) { return true }
        return try lease.read(1).first == 1
    }

    private static func refused(_ cause: (any Error)?) -> CodexError {
        CodexError(
            .writesRefused,
            "A write or flush failed before, so the store takes no more; reading goes on. See to "
                + "the device, close the store in all processes, and open it again.", cause: cause)
    }

    /// Lets everybody write again; by whoever opens the store alone.
    func clearRefusal() throws(CodexError) { try lease.write([0]) }

    /// Runs what must not fail halfway; if it does, nobody writes any more.
    ///
    /// - Throws: ``CodexError/Code/outcomeUnknown``.
    func orRefuse<R>(_ body: () throws(CodexError) -> R) throws(CodexError) -> R {
        do throws(CodexError) {
            return try body()
        } catch {
            hasFailed.store(true, ordering: .relaxed)
            try? lease.write([1])
            throw CodexError(
                .outcomeUnknown,
                "Writing or flushing failed halfway: the write may be there after the next opening, "
                    + "or not. The store takes no more writes until all processes have closed it.",
                cause: error.cause ?? error)
        }
    }
}
