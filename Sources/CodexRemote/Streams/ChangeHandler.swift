#if Remote
    internal import CodexCore

    /// What a consumer does with the changes of a shard, and how it moves the checkpoint.
    enum ChangeHandler: Sendable {
        /// The body returns actions, which are performed in one transaction with the checkpoint.
        ///
        /// Repeatable actions of one change may take several transactions.
        case transactional(
            batchCount: Int, isRepeatable: Bool = false,
            @Sendable ([RemoteChange]) async throws -> [WriteAction])
        /// The body has effects of its own; the checkpoint follows them.
        case delivering(@Sendable (RemoteChange) async throws -> Void)
    }

    /// Handles the changes of one shard.
    struct HandledShard: Sendable {
        let lease: HeldLease
        let leases: LeaseTable
        let options: RemoteConsumerOptions

        /// Handles changes, and moves the checkpoint past them.
        ///
        /// - Parameters:
        ///   - changes: The changes, one or more, in their order.
        ///   - end: The last change of the page, which may be one that the consumer does not get.
        ///   - handler: What to do.
        /// - Throws: ``LeaseLost``, the errors of the body, and those of writing. The checkpoint is
        ///   after the last change that is done.
        func handle(
            _ changes: [RemoteChange], through end: StreamSequenceNumber, _ handler: ChangeHandler
        ) async throws {
            switch handler {
            case .transactional(let batchCount, let isRepeatable, let body):
                try await commit(changes, through: end, batchCount, isRepeatable, body)
            case .delivering(let body):
                try await deliver(changes, through: end, body)
            }
        }

        // MARK: Exactly once

        private func commit(
            _ changes: [RemoteChange], through end: StreamSequenceNumber, _ batchCount: Int,
            _ isRepeatable: Bool, _ body: @Sendable ([RemoteChange]) async throws -> [WriteAction]
        ) async throws {
            let capabilities = leases.table.capabilities
            let actionCountMax =
                min(
                    capabilities.transactionActionCountMax,
                    DynamoDBLimits.transactionActionCountMax) - 1
            var (rest, count) = (changes[...], batchCount)
            while !rest.isEmpty {
                let batch = Array(rest.prefix(count))
                let number =
                    batch.count == rest.count ? end : batch[batch.count - 1].sequenceNumber
                let isDivisible = isRepeatable && batch.count == 1
                let refusal = try await attempting { () -> CodexError? in
                    let actions = try await body(batch)
                    guard actions.count <= actionCountMax || isDivisible else {
                        return Self.tooLarge(actions.count, actionCountMax)
                    }
                    do {
                        try await perform(
                            actions, at: number, atMost: actionCountMax, isDivisible: isDivisible)
                        return nil
                    } catch let error as CodexError where Self.mayFit(error, batch.count) {
                        return error
                    }
                }
                guard let refusal else {
                    rest = rest.dropFirst(batch.count)
                    continue
                }
                guard batch.count > 1 else { throw refusal }
                // The body gets fewer changes, until their actions fit.
                count = batch.count / 2
            }
        }

        /// Performs the actions of changes, and moves the checkpoint with the last of them.
        ///
        /// - Parameters:
        ///   - actions: The actions.
        ///   - number: The last of the changes.
        ///   - countMax: The most actions of a transaction.
        ///   - isDivisible: Whether the actions may take several transactions.
        /// - Throws: As ``LeaseTable/commit(_:_:at:)``. If the actions are divisible, some of them
        ///   may have been performed.
        private func perform(
            _ actions: [WriteAction], at number: StreamSequenceNumber, atMost countMax: Int,
            isDivisible: Bool
        ) async throws {
            var (rest, count) = (actions[...], countMax)
            while true {
                let part = Array(rest.prefix(count))
                do {
                    guard part.count < rest.count else {
                        return try await leases.commit(part, lease, at: number)
                    }
                    try await leases.perform(part, lease)
                    rest = rest.dropFirst(part.count)
                } catch let error as CodexError
                    where isDivisible && part.count > 1 && Self.mayFit(error, part.count)
                {
                    count = part.count / 2
                }
            }
        }

        /// Whether a part of several changes, or of several actions, may be taken.
        ///
        /// A service tells by a text alone that a transaction has too many bytes, so that any
        /// request that it refuses as invalid may be one. What is wrong with one of them, that one
        /// shows by itself.
        private static func mayFit(_ error: CodexError, _ count: Int) -> Bool {
            error.code == .transactionTooLarge
                || count > 1 && error.code == .invalidArgument && error.cause is RemoteFailure
        }

        private static func tooLarge(_ actionCount: Int, _ actionCountMax: Int) -> CodexError {
            CodexError(
                .transactionTooLarge,
                "One change has \(actionCount) actions, and a transaction has room for "
                    + "\(actionCountMax) beside the checkpoint. Do less for each change. "
                    + "If the actions may be repeated, consume with isRepeatable.")
        }

        // MARK: At least once

        private func deliver(
            _ changes: [RemoteChange], through end: StreamSequenceNumber,
            _ body: @Sendable (RemoteChange) async throws -> Void
        ) async throws {
            var done: StreamSequenceNumber?
            do {
                for change in changes {
                    try await attempting {
                        // A worker whose lease has expired must not deliver beside the next one.
                        try await leases.keep(lease, for: options.leaseDuration)
                        try await body(change)
                    }
                    done = change.sequenceNumber
                }
            } catch {
                // What was delivered does not come again, if that can be stored.
                if let done, !(error is LeaseLost) {
                    try? await leases.checkpoint(lease, at: done)
                }
                throw error
            }
            try await leases.checkpoint(lease, at: end)
        }

        // MARK: Attempts

        /// Calls a body until it succeeds, at most so often as the options say.
        ///
        /// Failures of the service do not count: the shard is tried again after them.
        private func attempting<Value>(_ body: () async throws -> Value) async throws -> Value {
            var attempt = 1
            while true {
                do {
                    return try await body()
                } catch  where RetryDeadline.isOfBody(error) {
                    guard attempt < options.attemptCount else {
                        throw RetryDeadline.thrown(for: error)
                    }
                    try await leases.clock.sleep(
                        for: options.attemptDelay * (1 << min(attempt - 1, 20)))
                    attempt += 1
                }
            }
        }
    }
#endif
