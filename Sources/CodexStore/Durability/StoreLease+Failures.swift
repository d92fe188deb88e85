internal import CodexCore
internal import Synchronization

/// How a failed write or flush is handled: all processes refuse writes until they have closed the
/// store.
extension StoreLease {
    /// Throws if a write to the log or a checkpoint failed in any process, or if the files were
    /// replaced.
    func requireWritable() throws(CodexError) {
        guard try !isRefused() else { throw Self.refused() }
        try requireFiles()
    }

    /// Whether a write to the log or a checkpoint failed in any process, without a recovery since.
    func isRefused() throws(CodexError) -> Bool {
        if hasFailed.load(ordering: .relaxed) { return true }
        return try lease.firstByte() == 1
    }

    /// The error of a write that the store refuses.
    ///
    /// `cause` is the failed call, if this process has just made it.
    static func refused(_ cause: (any Error)? = nil) -> CodexError {
        CodexError(
            .writesRefused,
            "A write or flush failed before, so the store takes no more; reading goes on. See to "
                + "the device, close the store in all processes, and open it again.", cause: cause)
    }

    /// The error of a write that is not in the log, since `error` came before its record.
    ///
    /// A failed flush of other data leaves no doubt about such a write: it is refused.
    static func refusal(before error: CodexError) -> CodexError {
        error.code == .outcomeUnknown ? refused(error.cause ?? error) : error
    }

    /// Allows writes again; for a process that opens the store alone.
    func clearRefusal() throws(CodexError) { try lease.write([0]) }

    /// Runs a write or flush that must not fail halfway.
    ///
    /// If it fails, the store refuses writes.
    ///
    /// - Throws: ``CodexError/Code/outcomeUnknown``.
    func refusingWritesOnFailure<R>(_ body: () throws(CodexError) -> R) throws(CodexError) -> R {
        do throws(CodexError) {
            return try body()
        } catch {
            markFailure()
            throw CodexError(
                .outcomeUnknown,
                "Writing or flushing failed halfway: the write may be there after the next "
                    + "opening, or not. The store takes no more writes until all processes have "
                    + "closed it.",
                cause: error.cause ?? error)
        }
    }

    /// Makes all processes refuse writes; without the mark in the file, at least this one does.
    private func markFailure() {
        let mark = { [self] () throws(CodexError) -> Void in
            hasFailed.store(true, ordering: .relaxed)
            try lease.write([1])
        }
        if let calls { try? calls.perform(.markFailure, mark) } else { try? mark() }
    }
}
