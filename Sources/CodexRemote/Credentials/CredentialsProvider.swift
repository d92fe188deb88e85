#if Remote
    internal import CodexCore

    /// A source of credentials.
    public protocol CredentialsProvider: Sendable {
        /// The present credentials; `nil` if the source is not set up on this machine.
        ///
        /// A client keeps what it gets until shortly before it expires, and asks once at a time.
        ///
        /// - Throws: If the source is set up and gives no credentials. A chain does not go on then.
        func credentials() async throws -> AWSCredentials?
    }

    /// Credentials that a program has already.
    public struct StaticCredentials: CredentialsProvider {
        private let value: AWSCredentials

        /// Gives the same credentials each time.
        public init(_ credentials: AWSCredentials) { value = credentials }

        /// Gives the same key each time.
        public init(accessKeyID: String, secretAccessKey: String, sessionToken: String? = nil) {
            value = AWSCredentials(
                accessKeyID: accessKeyID, secretAccessKey: secretAccessKey,
                sessionToken: sessionToken)
        }

        /// The credentials.
        public func credentials() async throws -> AWSCredentials? { value }
    }

    /// Sources of credentials in their order: the first one that is set up gives them.
    public struct CredentialsChain: CredentialsProvider {
        private let providers: [any CredentialsProvider]

        /// Creates a chain.
        public init(_ providers: [any CredentialsProvider]) { self.providers = providers }

        /// The credentials of the first source that is set up; `nil` if none is.
        ///
        /// - Throws: The error of the first source that is set up and gives none.
        public func credentials() async throws -> AWSCredentials? {
            for provider in providers {
                if let found = try await provider.credentials() { return found }
            }
            return nil
        }
    }

    extension CodexError {
        /// The error of a source that gives no credentials.
        static func noCredentials(_ problem: String, cause: (any Error)? = nil) -> CodexError {
            CodexError(.credentialsUnavailable, problem, cause: cause)
        }
    }
#endif
