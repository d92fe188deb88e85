#if Remote
    internal import CodexCore

    /// For how long failures of a service count as transient ones.
    struct Patience: Sendable {
        /// The time from the first failure on.
        let limit: Duration
        private var start: Duration?

        private static let transient: Set<CodexError.Code> = [
            .limitReached, .outcomeUnknown, .throttled, .timedOut, .unavailable, .writeConflict,
        ]

        init(_ limit: Duration) { self.limit = limit }

        /// Whether an error is of a service that may work later.
        static func isTransient(_ error: any Error) -> Bool {
            (error as? CodexError).map { transient.contains($0.code) } ?? false
        }

        /// Whether an error is of what a program does with changes.
        static func isOfBody(_ error: any Error) -> Bool {
            !(error is LeaseLost) && !(error is CancellationError) && !isTransient(error)
                && (error as? CodexError)?.code != .cancelled
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
            guard Self.isTransient(error), now - since < limit else { throw error }
        }
    }
#endif
