#if Remote
    internal import CodexCore
    internal import FoundationEssentials

    /// Credentials that are kept, and replaced before they expire.
    ///
    /// One request for new ones is at work at a time, for all callers. In the last minutes of the
    /// old ones, callers still get those, and do not wait.
    ///
    /// A caller that waits ends with its task, and with its own time. The request goes on for the
    /// others. A source that does not answer for long is asked again. One that fails, and one that
    /// gives credentials again that the service refused, is asked again after a pause.
    actor CachedCredentials {
        private typealias Outcome = Result<AWSCredentials, any Error>

        /// A request for new credentials that is at work.
        private struct Flight {
            let number: Int
            let start: Duration
            let task: Task<Void, Never>
        }

        private let provider: any CredentialsProvider
        private let clock: any RemoteClock
        /// What ends the waiting of callers.
        private let timer: any RemoteClock
        private var known: AWSCredentials?
        /// The number of the request that gave the known ones.
        private var knownNumber = 0
        /// The last credentials that were forgotten, and when they are asked for again if the
        /// source gives them once more.
        private var refused: (credentials: AWSCredentials, end: Duration)?
        private var flight: Flight?
        private var lastNumber = 0
        /// The callers that wait, by their numbers.
        private var waiters: [Int: AsyncStream<Outcome>.Continuation] = [:]
        private var lastWaiter = 0
        /// How many answers of the source came.
        private(set) var answerCount = 0
        /// The time before which no new ones are asked for while the old ones are valid.
        private var nextRefresh = Duration.zero

        /// The seconds before the expiration from which on new credentials are asked for.
        static let earlySeconds: TimeInterval = 10 * 60
        /// The seconds before the expiration in which callers wait for new ones.
        static let lastSeconds: TimeInterval = 60
        /// The longest time to wait for new ones while the old ones are valid.
        static let shortWait: Duration = .seconds(5)
        /// The pause after new ones could not be had while the old ones are valid, and after the
        /// source gave refused ones again.
        static let pause: Duration = .seconds(30)
        /// The time after which a source that does not answer is asked again.
        static let flightDuration: Duration = .seconds(60)

        /// Creates a cache without credentials.
        ///
        /// - Parameters:
        ///   - provider: The source.
        ///   - clock: The clock of expirations.
        ///   - timer: The clock that ends the waiting of callers.
        init(
            _ provider: any CredentialsProvider, _ clock: any RemoteClock,
            timer: any RemoteClock = SystemRemoteClock()
        ) {
            (self.provider, self.clock, self.timer) = (provider, clock, timer)
        }

        /// How many callers wait.
        var waiterCount: Int { waiters.count }

        /// The present credentials.
        ///
        /// - Parameter time: The longest time to wait for the source.
        /// - Returns: The credentials.
        /// - Throws: ``CodexError/Code/credentialsUnavailable``, and the errors of the provider;
        ///   ``CodexError/Code/timedOut`` after `time`; `CancellationError`.
        func current(within time: Duration) async throws -> AWSCredentials {
            guard let known else { return try await next(within: time) }
            guard let expiration = known.expiration else { return known }
            let left = expiration.timeIntervalSince(clock.now)
            if left > Self.earlySeconds { return known }
            guard left > 0 else { return try await next(within: time) }
            let isDue = clock.elapsed >= nextRefresh
            guard left <= Self.lastSeconds, isDue || flight != nil else {
                if isDue { ask() }
                return known
            }
            do {
                return try await next(within: min(time, Self.shortWait))
            } catch {
                if error is CancellationError { throw error }
                return known
            }
        }

        /// Forgets credentials that the service does not take.
        ///
        /// - Parameter credentials: The credentials.
        /// - Returns: Whether the source may have others. It is not asked each time if it gave the
        ///   same ones again.
        func forget(_ credentials: AWSCredentials) -> Bool {
            guard known == credentials else { return true }
            if let refused, refused.credentials == credentials, clock.elapsed < refused.end {
                return false
            }
            refused = (credentials, clock.elapsed + Self.pause)
            known = nil
            return true
        }

        // MARK: Waiting

        /// The credentials of the request that is at work, or of one that begins now.
        private func next(within time: Duration) async throws -> AWSCredentials {
            let (outcomes, waiter) = AsyncStream<Outcome>.makeStream()
            lastWaiter += 1
            let number = lastWaiter
            waiters[number] = waiter
            ask()
            let timer = timer
            let alarm = Task {
                try await timer.sleep(for: time)
                waiter.yield(.failure(Self.late))
            }
            defer {
                alarm.cancel()
                waiters[number] = nil
            }
            for await outcome in outcomes { return try outcome.get() }
            // The stream ends without an outcome if the task is cancelled.
            throw CancellationError()
        }

        private static var late: CodexError {
            CodexError(
                .timedOut,
                "The source of the credentials gave none in the time of the request. Look at the "
                    + "source, or raise RetryPolicy.deadline.")
        }

        private static func cancelledSource(_ cause: CancellationError) -> CodexError {
            CodexError.noCredentials(
                "The source of the credentials was cancelled, and gave none. Look at the source, "
                    + "and at the tasks that it starts.",
                cause: cause)
        }

        // MARK: The source

        /// Begins a request for new ones, unless one is at work.
        private func ask() {
            if let flight {
                guard clock.elapsed - flight.start >= Self.flightDuration else { return }
                flight.task.cancel()
            }
            nextRefresh = clock.elapsed + Self.pause
            lastNumber += 1
            let number = lastNumber
            // A source may block its thread, so it does not run on the actor.
            let task = Task.detached { [provider, clock] in
                let outcome: Outcome
                do {
                    outcome = .success(try await Self.load(from: provider, clock))
                } catch let error as CancellationError {
                    // It is not that of a caller, who may have a task that goes on.
                    outcome = .failure(Self.cancelledSource(error))
                } catch {
                    outcome = .failure(error)
                }
                await self.finish(number, outcome)
            }
            flight = Flight(number: number, start: clock.elapsed, task: task)
        }

        /// Asks a source.
        private static func load(
            from provider: any CredentialsProvider, _ clock: any RemoteClock
        ) async throws -> AWSCredentials {
            guard let new = try await provider.credentials() else {
                throw CodexError.noCredentials(
                    "There are no credentials. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
                        + "write a profile into ~/.aws/credentials, or set "
                        + "RemoteOptions.credentials.")
            }
            guard new.fitsHeaders else {
                throw CodexError.noCredentials(
                    "The access key or the session token has a line break, or other bytes that a "
                        + "header cannot have. Correct it in its source.")
            }
            if let expiration = new.expiration, expiration <= clock.now {
                throw CodexError.noCredentials(
                    "The source of the credentials gave expired ones. Compare the clocks of the "
                        + "machines, or renew the credentials.")
            }
            return new
        }

        /// Keeps what a request found, and answers all that wait.
        ///
        /// What one that was given up finds late is kept, too, unless a later one was faster. That
        /// it failed is no answer.
        private func finish(_ number: Int, _ outcome: Outcome) {
            answerCount += 1
            let isCurrent = flight?.number == number
            if isCurrent { flight = nil }
            if case .success(let new) = outcome {
                guard number > knownNumber else { return }
                (known, knownNumber) = (new, number)
            } else if !isCurrent {
                return
            }
            for waiter in waiters.values { waiter.yield(outcome) }
        }
    }
#endif
