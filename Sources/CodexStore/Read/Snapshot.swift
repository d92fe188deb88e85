internal import CodexCore

/// A transaction that reads one state: a ``Snapshot``, or a ``WriteTransaction``.
///
/// A ``WriteTransaction`` also sees its own writes.
///
/// Both have the same operations. ``Store`` also has them, each with a separate snapshot.
public protocol ReadableTransaction: ~Copyable {
    /// The context of the operations; it is not for use outside of the package.
    ///
    /// It is public because the requirements of a public protocol must be.
    var _context: _ReadableContext { get }
}

/// The context of a transaction's operations.
///
/// It is opaque.
public struct _ReadableContext {
    let base: TransactionContext
    /// Whether a read that finds nothing looks for other spellings of its key (`AbsenceCheck`).
    var checksSpelling = true
}

/// The state of a store at one instant.
///
/// The closure of ``Store/read(_:)`` gets it; a snapshot cannot leave the closure.
public struct Snapshot: ReadableTransaction, ~Copyable {
    let reader: ReadContext

    // Docs/Workarounds.md has the reason for `consuming`, here and in the other noncopyable
    // wrappers.
    init(_ reader: consuming ReadContext) { self.reader = reader }

    /// The context of the operations; it is not for use outside of the package.
    public var _context: _ReadableContext { _ReadableContext(base: reader) }
}

@available(*, unavailable)
extension Snapshot: Sendable {}

extension Snapshot {
    /// The last change that the snapshot sees; it does not have the changes after it.
    public var sequenceNumber: SequenceNumber {
        get throws { SequenceNumber(commit: try reader.storedPosition().sequence) }
    }
}

extension Store {
    /// Runs `body` with a snapshot, so that all its reads see the same state.
    ///
    /// The body runs on the calling thread and never waits for writers. Keep it short: pages that a
    /// snapshot can see are not reused while it is open, so the file grows under writes.
    ///
    /// - Throws: ``CodexError/Code/closed``, ``CodexError/Code/tooManyReaders``,
    ///   ``CodexError/Code/inUse`` while ``compact()`` runs, and the errors of `body`.
    @inlinable
    public func read<R>(_ body: (borrowing Snapshot) throws -> R) throws -> R {
        let snapshot = try takeSnapshot()
        defer { returnSnapshot(snapshot) }
        return try body(snapshot)
    }

    @usableFromInline
    func takeSnapshot() throws -> Snapshot { Snapshot(try core.acquireReadContext(waits: false)) }

    @usableFromInline
    func returnSnapshot(_ snapshot: borrowing Snapshot) { core.releaseReadContext(snapshot.reader) }
}
