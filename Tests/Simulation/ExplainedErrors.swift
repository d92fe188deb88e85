internal import Foundation

/// Which errors the failures explain that were injected.
///
/// A failed call explains errors of the command that made it. Beyond the command, the documents
/// allow this (`Docs/Durability.md`, `Docs/Architecture.md`):
/// - After a write or a flush that failed halfway, all processes refuse writes, until one opens the
///   store alone.
/// - LMDB takes no more from a process in which it could not write, and a store is closed that
///   failed at the end of a compaction. Both end when that process closes the store. Until then,
///   other processes do not open a store that failed so: its data file is another one.
/// - A store without room gives up the beginning of its stream.
struct ExplainedErrors: Sendable {
    /// Whether a call on the store's files failed for want of room, so that the store may have
    /// given up its history.
    private(set) var mayBeTrimmed = false
    /// Whether any call failed for want of room, so that a copy may have given up its history.
    private(set) var mayTrimCopies = false
    /// Whether a write or a flush failed since a process opened the store alone without a failure.
    private var mayRefuseWrites = false
    /// The processes in which a call failed since they opened the store.
    private var failedProcesses: Set<Int> = []
    /// The processes that replaced the data file since they opened the store, and could not open
    /// the new one.
    private var detachedProcesses: Set<Int> = []

    /// What the command fails with that made the call.
    private static let ownCodes: Set<String> = [
        "outcomeUnknown", "writesRefused", "diskFull", "inputOutput", "limitReached",
        "commitFailed", "outOfMemory", "storeFull", "notWritable", "closed",
    ]
    /// What later commands of the same process fail with.
    private static let lastingCodes: Set<String> = ["inputOutput", "closed"]
    /// Codes after which a process goes on.
    private static let harmlessCodes: Set<String> = ["diskFull", "limitReached"]
    /// Codes of readers of the log whose history was given up.
    private static let trimmedCodes: Set<String> = [
        "changesTrimmed", "recordsMissing", "notCovered",
    ]
    /// Calls after whose failure writes are refused.
    private static let refusingCalls: Set<CallKind> = [.write, .flush, .flushNames, .rename]

    // MARK: What happens

    /// Records that a call of a process failed, or wrote less than it was given.
    ///
    /// - Parameters:
    ///   - call: The kind of the call.
    ///   - error: The error; 0 for a short write.
    ///   - process: The process.
    ///   - isOfStore: Whether the file is one of the store's, and not of a backup, an archive or a
    ///     copy: a store knows nothing of failures there.
    mutating func callFailed(
        _ call: CallKind, with error: Int32, in process: Int, isOfStore: Bool = true
    ) {
        if error == ENOSPC {
            mayTrimCopies = true
            if isOfStore { mayBeTrimmed = true }
        }
        guard isOfStore else { return }
        if Self.refusingCalls.contains(call) { mayRefuseWrites = true }
        failedProcesses.insert(process)
    }

    /// Records that a process opened the store alone, and met no failure.
    mutating func recovered() { mayRefuseWrites = false }

    /// Records that a process has closed the store, or could not open it, or has ended.
    mutating func closed(by process: Int) {
        failedProcesses.remove(process)
        detachedProcesses.remove(process)
    }

    /// Records that the compaction of a process failed: with `closed`, the data file was replaced.
    mutating func compactionFailed(with code: String, in process: Int) {
        if code == "closed" { detachedProcesses.insert(process) }
    }

    // MARK: What it explains

    /// Whether an error has a reason.
    ///
    /// - Parameters:
    ///   - code: The code of the error.
    ///   - command: The command that failed.
    ///   - process: Its process.
    ///   - isFaulted: Whether a call of the command failed on demand.
    /// - Returns: Whether the error is no finding.
    func explains(
        _ code: String, of command: Request.Name, in process: Int, isFaulted: Bool
    ) -> Bool {
        switch code {
        case "conditionFailed", "uniqueViolation", "transactionCancelled", "notFound",
            "versionMismatch":
            command == .write
        case "consumerMoved": command == .consume
        case "unknownIndex": [.removeIndex, .removeCounter, .removeTimeToLive].contains(command)
        case "schemaMismatch": command == .addTimeToLive
        case _ where Self.trimmedCodes.contains(code): mayBeTrimmed
        case _ where isFaulted && Self.ownCodes.contains(code): true
        case "writesRefused": mayRefuseWrites
        case "filesReplaced": command == .open && !detachedProcesses.isEmpty
        default: Self.lastingCodes.contains(code) && failedProcesses.contains(process)
        }
    }

    /// Whether all processes must close the store after an error.
    static func endsUse(_ code: String) -> Bool {
        ownCodes.contains(code) && !harmlessCodes.contains(code)
    }
}
