#if Remote
    internal import CodexCore

    /// When and how often a client repeats a request.
    ///
    /// The pauses grow exponentially, and each has a random length up to that ("full jitter"). All
    /// requests of a client share a budget of repetitions: if a service fails for all of them, few
    /// of them are repeated.
    public struct RetryPolicy: Sendable, Hashable {
        /// The most attempts of one request, the first one included.
        public var attemptCountMax = 5
        /// The longest pause after the first attempt.
        public var firstPause: Duration = .milliseconds(50)
        /// The longest pause.
        public var pauseMax: Duration = .seconds(5)
        /// The time of one attempt.
        public var attemptTimeout: Duration = .seconds(5)
        /// The time of a request with all its attempts and pauses, at most five minutes.
        ///
        /// The limit keeps the repetitions of a list of actions within the ten minutes in which a
        /// service knows its idempotency token.
        public var deadline: Duration = .seconds(30)
        /// The size of the budget; a repetition takes 5 of it, and after a missing answer 10.
        ///
        /// A request that succeeds at once gives 1 back, and a repeated one what it took last.
        public var budget = 500

        /// Creates the usual policy.
        public init() {}

        private static let deadlineMax: Duration = .seconds(300)

        /// Checks the values.
        ///
        /// - Throws: ``CodexError/Code/invalidArgument``.
        func validate() throws(CodexError) {
            guard attemptCountMax >= 1, budget >= 0, firstPause >= .zero, pauseMax >= .zero,
                attemptTimeout > .zero, deadline > .zero, deadline <= Self.deadlineMax
            else {
                throw CodexError(
                    .invalidArgument,
                    "A retry policy has at least one attempt, no negative pause or budget, and "
                        + "times above zero; its deadline is at most five minutes.")
            }
        }

        /// The pause after a failed attempt.
        ///
        /// - Parameters:
        ///   - attempt: The number of the attempt, from 1.
        ///   - random: A random number from 0 to 1.
        /// - Returns: The pause.
        func pause(after attempt: Int, random: Double) -> Duration {
            let longest = min(pauseMax, firstPause * (1 << min(max(attempt, 1) - 1, 20)))
            return longest * max(0, min(1, random))
        }
    }
#endif
