internal import CodexCore
internal import Synchronization

extension Store {
    /// Runs `body` in a write transaction and returns once it is committed.
    ///
    /// ``StoreOptions/durability`` determines when the commit is durable.
    ///
    /// The body runs on the store's writer thread, after the writes that waited before it. The body
    /// is synchronous. It may run again if another write of its group broke the transaction, so it
    /// must have no effects outside the transaction. If it throws, its changes are undone.
    ///
    /// The cancellation of the task removes a write that still waits; a running write goes on.
    ///
    /// - Returns: The result of the body.
    /// - Throws: ``CodexError/Code/readOnly``, ``CodexError/Code/following``,
    ///   ``CodexError/Code/closed``, ``CodexError/Code/queueFull``, ``CodexError/Code/cancelled``,
    ///   ``CodexError/Code/diskFull``, ``CodexError/Code/transactionTooLarge``, and any error of
    ///   the body. ``CodexError/Code/outcomeUnknown`` if stable storage failed for the write's
    ///   record: the write may be there after the next opening. If it failed before, and for later
    ///   writes, ``CodexError/Code/writesRefused``: nothing of the write is stored.
    public func write<Value: Sendable>(
        _ body: @escaping @Sendable (inout WriteTransaction) throws -> Value
    ) async throws -> Value {
        let writer = try requireWriter()
        let slot = JobSlot()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let job = ClosureJob(body) { continuation.resume(with: $0) }
                slot.job.withLock { $0 = job }
                writer.submit(job)
                // Cancelled before the handler could see the job.
                if _Concurrency.Task.isCancelled { writer.cancel(job) }
            }
        } onCancel: {
            if let job = slot.job.withLock({ $0 }) { writer.cancel(job) }
        }
    }

    /// Runs `body` in a write transaction and blocks until it is committed.
    ///
    /// It is the variant of the `async` ``write(_:)-(_)`` for synchronous code.
    ///
    /// The body may run on the calling thread if no other write waits.
    ///
    /// - Throws: As the `async` variant, and ``CodexError/Code/nestedWrite`` inside of another
    ///   body.
    public func write<Value: Sendable>(
        _ body: @escaping @Sendable (inout WriteTransaction) throws -> Value
    ) throws -> Value {
        let writer = try requireWriter()
        return try writer.wait { ClosureJob(body, answer: $0) }
    }

    /// Changes the manifest, in the writer's turn.
    func changeManifest(
        _ body: @escaping @Sendable (inout Manifest, Transaction) throws(CodexError) -> Bool
    ) async throws {
        _ = try requireWriter()
        try await changeOwnManifest(body)
    }

    /// Changes the manifest, in the writer's turn, if a check allows it.
    ///
    /// - Parameters:
    ///   - check: The check; `nil` is none.
    ///   - body: Changes the manifest, and returns whether to store it.
    /// - Throws: The errors of `check` and `body`, and those of a commit.
    func changeManifest(
        if check: SchemaCheck?,
        _ body: @escaping @Sendable (inout Manifest, Transaction) throws(CodexError) -> Bool
    ) async throws {
        guard let check else { return try await changeManifest(body) }
        let writer = try requireWriter()
        // The job's errors have one type, and those of the check have any.
        let refusal = Locked<(any Error)?>(nil)
        do {
            try await writer.answer { answer in
                ManifestJob(
                    body,
                    if: { context throws(CodexError) in
                        do {
                            try check(SchemaTransaction(context))
                        } catch {
                            refusal.withLock { $0 = error }
                            throw CodexError.wrapping(error)
                        }
                    },
                    answer: answer)
            }
        } catch {
            throw refusal.withLock { $0 } ?? error
        }
    }

    /// Changes the manifest, also of a follower.
    func changeOwnManifest(
        _ body: @escaping @Sendable (inout Manifest, Transaction) throws(CodexError) -> Bool
    ) async throws {
        let writer = try requireOwnWriter()
        try await writer.answer { ManifestJob(body, answer: $0) }
    }

    func requireBuilder() throws(CodexError) -> Builder {
        _ = try requireWriter()
        return try requireOwnBuilder()
    }

    /// The builder, also of a follower.
    func requireOwnBuilder() throws(CodexError) -> Builder {
        guard let builder else { throw Self.readOnly }
        return builder
    }

    private static var readOnly: CodexError {
        CodexError(
            .readOnly, "The store was opened read-only. Open it for writing to change it.")
    }

    /// The queue of writes, also of a follower.
    func requireOwnWriter() throws(CodexError) -> WriterQueue {
        guard let writer else { throw Self.readOnly }
        return writer
    }

    /// The queue of the user's writes, which a follower refuses.
    func requireWriter() throws(CodexError) -> WriterQueue {
        let writer = try requireOwnWriter()
        // Another process may have promoted the follower since.
        if core.catalog.manifest.isFollower {
            let catalog = try core.whileOpen { () throws(CodexError) in try core.refreshCatalog() }
            if catalog.manifest.isFollower { throw LeaderStreams.following }
        }
        return writer
    }
}

/// Holds the job of an `async` write for the cancellation handler.
private final class JobSlot: Sendable {
    let job = Locked<WriteJob?>(nil)
}
