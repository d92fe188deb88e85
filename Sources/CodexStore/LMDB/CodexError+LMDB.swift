internal import CodexCLMDB
internal import CodexCore

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// A failed call of LMDB: the cause of a ``CodexError``.
struct LMDBFailure: Error, CustomStringConvertible {
    let call: String
    let code: Int32

    var description: String {
        let text = unsafe mdb_strerror(code).map { unsafe String(cString: $0) } ?? "unknown"
        return "\(call): \(text) [\(code)]"
    }
}

/// A failed system call: the cause of a ``CodexError``.
struct SystemFailure: Error, CustomStringConvertible {
    let call: String
    let code: Int32

    var description: String {
        let text = unsafe strerror(code).map { unsafe String(cString: $0) } ?? "unknown"
        return "\(call): \(text) [\(code)]"
    }
}

extension CodexError {
    /// The error for a failed LMDB call.
    static func lmdb(_ call: String, _ code: Int32) -> CodexError {
        let failure = LMDBFailure(call: call, code: code)
        switch code {
        case MDB_MAP_FULL, MDB_TXN_FULL, MDB_CURSOR_FULL, MDB_PAGE_FULL:
            return CodexError(
                .transactionTooLarge,
                "The transaction changes more than LMDB can hold at once. Split it.", cause: failure
            )
        case MDB_READERS_FULL:
            return CodexError(
                .tooManyReaders,
                "Every reader slot is in use. Hold fewer snapshots at once.", cause: failure)
        case MDB_PANIC:
            return CodexError(
                .inputOutput,
                "An earlier write to the data file failed; no more are accepted. Close the store, "
                    + "see to the device, and open it again.", cause: failure)
        case MDB_CORRUPTED, MDB_PAGE_NOTFOUND, MDB_INVALID:
            return CodexError(
                .corrupted,
                "The data file is damaged. Restore from a backup.", cause: failure)
        case MDB_VERSION_MISMATCH:
            return CodexError(
                .unsupportedFormat,
                "The data file was written by another version of LMDB.", cause: failure)
        case MDB_BAD_VALSIZE:
            return CodexError(
                .keyTooLong, "A key is empty or longer than LMDB stores.", cause: failure)
        default: return system(call, code, cause: failure)
        }
    }

    /// Whether a call of LMDB ended with `EINVAL`.
    var isInvalidArgument: Bool { (cause as? LMDBFailure)?.code == EINVAL }

    /// The error for a failed system call, by its `errno`.
    static func system(
        _ call: String, _ code: Int32, cause: (any Error)? = nil
    ) -> CodexError {
        let failure = cause ?? SystemFailure(call: call, code: code)
        switch code {
        case ENOSPC, EDQUOT:
            return CodexError(
                .diskFull, "No space is left on the device. Free some, then try again.",
                cause: failure)
        case EACCES, EPERM, EROFS:
            return CodexError(
                .notWritable,
                "The process lacks the permission, or the file system is read-only.",
                cause: failure)
        case ENOENT, ENOTDIR:
            return CodexError(.notFound, "The file or directory does not exist.", cause: failure)
        case ENOMEM:
            return CodexError(.outOfMemory, "Memory or address space ran out.", cause: failure)
        default:
            return CodexError(.inputOutput, "A call to the system failed.", cause: failure)
        }
    }
}
