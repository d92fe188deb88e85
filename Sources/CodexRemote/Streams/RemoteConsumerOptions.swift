#if Remote
    internal import CodexCore

    /// How a consumer of a remote stream reads, and how its workers share the shards.
    ///
    /// All workers of a consumer use the same ``leaseDuration``.
    public struct RemoteConsumerOptions: Sendable {
        /// The time after which other workers take over the shards of one that does not answer.
        ///
        /// A worker renews its leases three times as often.
        public var leaseDuration: Duration = .seconds(30)
        /// The time between two looks at the leases of all workers.
        public var surveyInterval: Duration = .seconds(5)
        /// The longest time between two looks at the shards of the stream.
        ///
        /// The end of a shard makes the worker look at once.
        public var listingInterval: Duration = .seconds(60)
        /// The pause of a shard after an answer without changes.
        ///
        /// It adds to the delay of changes. DynamoDB lets two processes read a shard at once, and
        /// one of a global table: more consumers of a stream may be throttled.
        public var pollInterval: Duration = .milliseconds(250)
        /// The most shards that are read or handled at once; the others wait.
        ///
        /// It bounds the memory: each of them has one page, of at most 1 MB on DynamoDB.
        public var pageCountMax = 64
        /// The most changes of a page, 1 to 1000.
        public var recordCountMax = 1000
        /// The total number of attempts for changes for which the body throws, 1 or more.
        public var attemptCount = 3
        /// The wait before the second attempt; it doubles before each further one.
        public var attemptDelay: Duration = .milliseconds(100)
        /// For how long a shard is tried again while the service fails or throttles.
        public var retryTimeout: Duration = .seconds(300)
        /// The shortest time for which the service keeps changes.
        ///
        /// It decides about a shard without a number that the service still knows: one that was
        /// there at the registration, and had no change since, for example. If no worker read it
        /// for this time, less 31 minutes, a gap is reported. A service may also limit the bytes
        /// that it keeps, as `codexflow serve` does (1 GiB). Then set the time in which programs
        /// write as many.
        public var retention: Duration = .seconds(86_400)
        /// What happens if the service removed changes that were not read.
        public var gaps = StreamGapPolicy.stop

        /// Creates the defaults.
        public init() {}

        /// Checks the values.
        ///
        /// - Throws: ``CodexError/Code/invalidArgument``.
        func validate() throws(CodexError) {
            let times = [
                leaseDuration, surveyInterval, listingInterval, pollInterval, retryTimeout,
                retention,
            ]
            guard times.allSatisfy({ $0 > .zero }), attemptDelay >= .zero, attemptCount >= 1,
                pageCountMax >= 1, (1...RemoteStream.recordCountMax).contains(recordCountMax)
            else {
                throw CodexError(
                    .invalidArgument,
                    "RemoteConsumerOptions have times above zero, counts from 1 on, and a "
                        + "recordCountMax of at most \(RemoteStream.recordCountMax).")
            }
        }
    }
#endif
