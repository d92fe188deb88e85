internal import CodexCore

/// Something that reads at one moment: a ``Snapshot``, or a ``WriteTransaction``, which also sees
/// its own writes.
///
/// The operations are the same on both, and ``Store`` offers them with a snapshot each.
public protocol ReadableTransaction: ~Copyable {
    /// What the operations work with; not for use outside of the package.
    ///
    /// It is public because the requirements of a public protocol are.
    var _context: _ReadableContext { get }
}

/// What a transaction's operations work with.
///
/// Opaque.
public struct _ReadableContext {
    let base: TransactionContext
}

/// What a store held at one moment.
///
/// Lent to the closure of ``Store/read(_:)``; it cannot leave it.
public struct Snapshot: ReadableTransaction, ~Copyable {
    let reader: ReadContext

    // `consuming`, here and in the other noncopyable wrappers: see Docs/Workarounds.md.
    init(_ reader: consuming ReadContext) { self.reader = reader }

    /// What the operations work with; not for use outside of the package.
    public var _context: _ReadableContext { _ReadableContext(base: reader) }
}

@available(*, unavailable)
extension Snapshot: Sendable {}

extension Snapshot {
    /// The last change that the snapshot sees: changes after it are those that it does not have.
    public var sequenceNumber: SequenceNumber {
        get throws { SequenceNumber(commit: try reader.storedPosition().sequence) }
    }
}

extension Store {
    /// Runs `body` with a snapshot: everything that it reads is of one moment.
    ///
    /// The body runs on the calling thread and never waits for writers. Keep it short: pages that a
    /// snapshot can see are not reused while it is open, so the file grows under writes.
    ///
    /// - Throws: ``CodexError/Code/closed``, ``CodexError/Code/tooManyReaders``,
    ///   ``CodexError/Code/inUse`` while ``compact()`` runs, and what `body` throws.
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
