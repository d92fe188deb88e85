#if Remote
    internal import CodexCore
    internal import FoundationEssentials

    /// Credentials that are kept, and replaced before they expire.
    ///
    /// One request for new ones is at work at a time, for all callers. In the last minutes of the
    /// old ones, callers still get those, and do not wait.
    actor CachedCredentials {
        private let provider: any CredentialsProvider
        private let clock: any RemoteClock
        private var known: AWSCredentials?
        private var refresh: Task<AWSCredentials, any Error>?
        /// The time before which no new ones are asked for while the old ones are valid.
        private var nextRefresh = Duration.zero

        /// The seconds before the expiration from which on new credentials are asked for.
        static let earlySeconds: TimeInterval = 10 * 60
        /// The seconds before the expiration in which the old ones are not used any more.
        static let lastSeconds: TimeInterval = 60
        /// The pause after new ones could not be had while the old ones are valid.
        static let pause: Duration = .seconds(30)

        init(_ provider: any CredentialsProvider, _ clock: any RemoteClock) {
            (self.provider, self.clock) = (provider, clock)
        }

        /// The present credentials.
        ///
        /// - Throws: ``CodexError/Code/credentialsUnavailable``, and the errors of the provider.
        func current() async throws -> AWSCredentials {
            guard let known else { return try await asking().value }
            guard let expiration = known.expiration else { return known }
            let left = expiration.timeIntervalSince(clock.now)
            if left > Self.earlySeconds { return known }
            guard left > Self.lastSeconds else {
                do {
                    return try await asking().value
                } catch {
                    if left > 0 { return known }
                    throw error
                }
            }
            if clock.elapsed >= nextRefresh { _ = asking() }
            return known
        }

        /// Forgets credentials that the service does not take any more.
        func forget(_ credentials: AWSCredentials) {
            if known == credentials { known = nil }
        }

        /// The request for new ones that is at work, or one that begins now.
        private func asking() -> Task<AWSCredentials, any Error> {
            if let refresh { return refresh }
            let task = Task { try await load() }
            refresh = task
            return task
        }

        private func load() async throws -> AWSCredentials {
            defer { refresh = nil }
            nextRefresh = clock.elapsed + Self.pause
            guard let new = try await provider.credentials() else {
                throw CodexError.noCredentials(
                    "There are no credentials. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
                        + "write a profile into ~/.aws/credentials, or set "
                        + "RemoteOptions.credentials.")
            }
            if let expiration = new.expiration, expiration <= clock.now {
                throw CodexError.noCredentials(
                    "The source of the credentials gave expired ones. Compare the clocks of the "
                        + "machines, or renew the credentials.")
            }
            known = new
            return new
        }
    }
#endif
