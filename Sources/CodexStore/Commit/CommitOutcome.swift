internal import CodexCore

/// The outcome of a commit that did not fail.
enum CommitOutcome {
    /// The log and the data file have the transaction.
    case complete
    /// The log has the record, and LMDB refused the transaction with an error.
    ///
    /// Once the record is applied from the log, the store has the record's changes only.
    case logged(refusal: CodexError)
}

/// The reason why a transaction was not committed.
struct CommitError: Error {
    let cause: CodexError
    /// Whether the host's hook refused the commit, rather than the store.
    let isHooks: Bool
}
