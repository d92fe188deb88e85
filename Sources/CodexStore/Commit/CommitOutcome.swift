internal import CodexCore

/// How the commit of a transaction ended that did not fail.
enum CommitOutcome {
    /// The log and the data file have it.
    case complete
    /// The log has the record, and LMDB refused the transaction with an error.
    ///
    /// Of the transaction only what the record has is there, once it is applied from the log.
    case logged(refusal: CodexError)
}

/// Why a transaction was not committed.
struct CommitError: Error {
    let cause: CodexError
    /// Whether the host's hook refused the commit, and not the store.
    let isHooks: Bool
}
