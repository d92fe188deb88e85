public import CodexCore
public import CodexStore
internal import Synchronization

/// Makes commits of a ``TemporaryStore`` fail on demand, to test what a program does then.
///
/// ```swift
/// let failures = CommitFailures()
/// let temporary = try TemporaryStore(failures: failures)
/// failures.failNextCommit()
/// ```
public final class CommitFailures: Sendable {
    private let next = Mutex<CodexError?>(nil)

    /// Creates a source of failures without a pending failure.
    public init() {}

    /// Makes the next commit with changes fail, once.
    ///
    /// - Parameter error: The error that its callers get.
    public func failNextCommit(
        with error: CodexError = CodexError(
            .commitFailed, "The commit failed, as the test asked.")
    ) {
        next.withLock { $0 = error }
    }
}

extension CommitFailures {
    /// Throws the pending failure, if there is one.
    func beforeCommit() throws {
        let error = next.withLock { next in
            defer { next = nil }
            return next
        }
        if let error { throw error }
    }
}

extension TemporaryStore {
    /// Creates a store whose commits `failures` can make fail.
    ///
    /// - Throws: As ``Store/init(at:schema:options:)``.
    public convenience init(
        schema: Schema = CodexFlow.schema, options: StoreOptions = StoreOptions(),
        failures: CommitFailures
    ) throws {
        try self.init(schema: schema, options: options, failures: .some(failures))
    }
}
