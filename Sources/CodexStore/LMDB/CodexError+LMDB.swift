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
        case MDB_MAP_FULL, MDB_MAP_RESIZED:
            return storeFull(failure)
        case MDB_DBS_FULL:
            return CodexError(
                .limitReached,
                "The store has more tables, indexes and counters than one process may open "
                    + "(\(StoreLimits.treeCountMax)). Remove some.", cause: failure)
        case MDB_TXN_FULL, MDB_CURSOR_FULL, MDB_PAGE_FULL:
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
        case MDB_CORRUPTED, MDB_PAGE_NOTFOUND:
            return CodexError(
                .corrupted,
                "The data file is damaged. Restore from a backup.", cause: failure)
        // liblmdb returns these for a file without its mark at the expected place, and 0.9 also for
        // files of 1.0.
        case MDB_INVALID, MDB_VERSION_MISMATCH:
            return CodexError(
                .unsupportedFormat,
                "liblmdb \(LMDBVersion.loaded) does not know the store's data.mdb or lock.mdb as "
                    + "its own: another version made it, or has it open. Close the store in all "
                    + "processes, and open it with one version. See Docs/Format.md, "
                    + "\"Versions of LMDB\".", cause: failure)
        case MDB_BAD_VALSIZE:
            return CodexError(
                .keyTooLong, "A key is empty or longer than LMDB stores.", cause: failure)
        default: return system(call, code, cause: failure)
        }
    }

    /// The error for a device without room.
    static func diskFull(_ cause: (any Error)? = nil) -> CodexError {
        CodexError(
            .diskFull, "No space is left on the device. Free some, then try again.", cause: cause)
    }

    /// The error for a data file that has reached the end of the reserved map.
    static func storeFull(_ cause: (any Error)? = nil) -> CodexError {
        CodexError(
            .storeFull,
            "The store has reached the address space that this process reserved for it. Close it and "
                + "open it again, which reserves more, unless StoreOptions.mapByteCount says how much.",
            cause: cause)
    }

    /// Whether LMDB refuses writes since an earlier one failed.
    var isRefusedByLMDB: Bool { (cause as? LMDBFailure)?.code == MDB_PANIC }

    /// The same error with the store's path in its message.
    ///
    /// Errors about an item or an argument do not need it.
    func located(at path: String) -> CodexError {
        guard Self.codesOfStores.contains(code), !message.contains(path) else { return self }
        return adding("The store is \(path).")
    }

    private static let codesOfStores: Set<Code> = [
        .diskFull, .storeFull, .writesRefused, .outcomeUnknown, .limitReached, .tooManyReaders,
        .outOfMemory, .inputOutput, .corrupted, .needsRecovery, .notWritable, .unsupportedFormat,
        .commitFailed, .forked,
    ]

    /// Whether a smaller transaction might succeed.
    var isOfSize: Bool {
        [.diskFull, .storeFull, .transactionTooLarge, .outOfMemory].contains(code)
    }

    /// Whether a call of LMDB ended with `EINVAL`.
    var isInvalidArgument: Bool { (cause as? LMDBFailure)?.code == EINVAL }

    /// The error for a failed system call, by its `errno`.
    ///
    /// - Parameters:
    ///   - call: The name of the call.
    ///   - code: Its `errno`.
    ///   - path: The path of the file or directory, which the message names.
    ///   - cause: The underlying error; `nil` is the call itself.
    /// - Returns: The error.
    static func system(
        _ call: String, _ code: Int32, path: String? = nil, cause: (any Error)? = nil
    ) -> CodexError {
        let error = refusal(code, cause ?? SystemFailure(call: call, code: code))
        return path.map { error.adding("The path is \($0).") } ?? error
    }

    private static func refusal(_ code: Int32, _ failure: any Error) -> CodexError {
        switch code {
        case ENOSPC, EDQUOT: return diskFull(failure)
        case EACCES, EPERM, EROFS:
            return CodexError(
                .notWritable,
                "The process lacks the permission, or the file system is read-only.",
                cause: failure)
        case ENOENT, ENOTDIR:
            return CodexError(.notFound, "The file or directory does not exist.", cause: failure)
        case ELOOP:
            return CodexError(
                .notWritable,
                "A symbolic link is in the place of a file or directory. It is not followed. Put "
                    + "the file or directory itself there.", cause: failure)
        case EMFILE, ENFILE:
            return CodexError(
                .limitReached,
                "The process or the system has no more file descriptors. Close some, or raise the "
                    + "limit (ulimit -n).", cause: failure)
        case ENOMEM:
            return CodexError(.outOfMemory, "Memory or address space ran out.", cause: failure)
        default:
            return CodexError(.inputOutput, "A call to the system failed.", cause: failure)
        }
    }
}
