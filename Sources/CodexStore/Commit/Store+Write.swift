internal import CodexCore
internal import Synchronization

extension Store {
    /// Runs `body` in a write transaction and returns once it is committed, and durable as
    /// ``StoreOptions/durability`` says.
    ///
    /// The body runs on the store's writer thread, after the writes that were waiting before it. It
    /// is synchronous and may run again (when another write of its group broke the transaction), so
    /// it should have no effects but on the transaction. If it throws, its changes are undone.
    ///
    /// A cancelled task takes back a write that is still waiting; a running one goes on.
    ///
    /// - Returns: What the body returned.
    /// - Throws: ``CodexError/Code/readOnly``, ``CodexError/Code/following``,
    ///   ``CodexError/Code/closed``, ``CodexError/Code/queueFull``, ``CodexError/Code/cancelled``,
    ///   ``CodexError/Code/diskFull``, ``CodexError/Code/transactionTooLarge``, and whatever the
    ///   body throws. ``CodexError/Code/outcomeUnknown`` if stable storage failed after the body
    ///   ran: the write may be there after the next opening; from then on
    ///   ``CodexError/Code/writesRefused``.
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

    /// Runs `body` in a write transaction and blocks until it is committed: the twin of the `async`
    /// ``write(_:)-(_)`` for code that is not asynchronous.
    ///
    /// The body may run on the calling thread, if nothing else is waiting.
    ///
    /// - Throws: As the `async` one, and ``CodexError/Code/nestedWrite`` inside of another body.
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

    /// Changes the manifest, of a follower too.
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

    /// The builder, of a follower too.
    func requireOwnBuilder() throws(CodexError) -> Builder {
        guard let builder else { throw Self.readOnly }
        return builder
    }

    private static var readOnly: CodexError {
        CodexError(
            .readOnly, "The store was opened read-only. Open it for writing to change it.")
    }

    /// The queue of writes, of a follower too.
    func requireOwnWriter() throws(CodexError) -> WriterQueue {
        guard let writer else { throw Self.readOnly }
        return writer
    }

    /// The queue of the user's writes.
    func requireWriter() throws(CodexError) -> WriterQueue {
        let writer = try requireOwnWriter()
        // Another process may have promoted it since.
        if core.catalog.manifest.isFollower {
            let catalog = try core.whileOpen { () throws(CodexError) in try core.refreshCatalog() }
            if catalog.manifest.isFollower { throw LeaderStreams.following }
        }
        return writer
    }
}

/// Where the cancellation handler of an `async` write finds its job.
private final class JobSlot: Sendable {
    let job = Locked<WriteJob?>(nil)
}
