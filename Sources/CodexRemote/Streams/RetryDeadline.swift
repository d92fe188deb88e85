#if Remote
    internal import CodexCore

    /// For how long failures of a service count as transient ones.
    struct RetryDeadline: Sendable {
        /// The time from the first failure on.
        let timeout: Duration
        private var start: Duration?

        private static let transient: Set<CodexError.Code> = [
            .limitReached, .outcomeUnknown, .throttled, .timedOut, .unavailable, .writeConflict,
        ]

        init(_ timeout: Duration) { self.timeout = timeout }

        /// Whether an error is of a service that may work later.
        static func isTransient(_ error: any Error) -> Bool {
            (error as? CodexError).map { transient.contains($0.code) } ?? false
        }

        /// Whether an error is of what a program does with changes.
        ///
        /// A cancellation is one, too, if it is of a task of the program, and not of the worker.
        static func isOfBody(_ error: any Error) -> Bool {
            !(error is LeaseLost) && !isTransient(error) && !Task.isCancelled
        }

        /// The error of what a program does with changes, as a consumer throws it.
        ///
        /// A consumer throws `CancellationError` if its own task was cancelled, and only then.
        static func thrown(for error: any Error) -> any Error {
            guard error is CancellationError, !Task.isCancelled else { return error }
            return CodexError(
                .cancelled,
                "What the consumer calls for its changes was cancelled, and the task of the "
                    + "consumer was not. Look at the tasks that it starts.",
                cause: error)
        }

        /// Notes a success.
        mutating func succeed() { start = nil }

        /// Notes a failure.
        ///
        /// - Parameters:
        ///   - error: The failure.
        ///   - now: The time.
        /// - Throws: The failure, if it is no transient one, or if it lasts too long.
        mutating func tolerate(_ error: any Error, at now: Duration) throws {
            let since = start ?? now
            start = since
            guard Self.isTransient(error), now - since < timeout else { throw error }
        }
    }
#endif
