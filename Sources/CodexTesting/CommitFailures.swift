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

    /// Creates a source of failures, none of them due.
    public init() {}

    /// Lets the next commit that changes anything fail, once.
    ///
    /// - Parameter error: What its callers get.
    public func failNextCommit(
        with error: CodexError = CodexError(
            .commitFailed, "The commit failed, as the test asked.")
    ) {
        next.withLock { $0 = error }
    }
}

extension CommitFailures {
    /// Throws the failure that is due.
    func beforeCommit() throws {
        let error = next.withLock { next in
            defer { next = nil }
            return next
        }
        if let error { throw error }
    }
}

extension TemporaryStore {
    /// Makes a store whose commits `failures` can make fail.
    ///
    /// - Throws: As ``Store/init(at:schema:options:)``.
    public convenience init(
        schema: Schema = CodexFlow.schema, options: StoreOptions = StoreOptions(),
        failures: CommitFailures
    ) throws {
        try self.init(schema: schema, options: options, failures: .some(failures))
    }
}
