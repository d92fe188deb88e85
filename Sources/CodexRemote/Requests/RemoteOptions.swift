#if Remote
    public import CodexCore

    /// How a ``RemoteClient`` finds its service, and how it sends requests.
    ///
    /// Each value has a default, so that a program on AWS needs no options.
    public struct RemoteOptions: Sendable {
        /// The region; `nil` is that of `AWS_REGION`, `AWS_DEFAULT_REGION` or the profile.
        public var region: String?
        /// The address of the service, such as `http://localhost:8000`.
        ///
        /// `nil` is that of `AWS_ENDPOINT_URL_DYNAMODB`, `AWS_ENDPOINT_URL` or the profile, and
        /// otherwise DynamoDB's in the region. Streams are read there too; on AWS, they are at the
        /// host of DynamoDB Streams. Without this option, `AWS_ENDPOINT_URL_DYNAMODB_STREAMS` can
        /// name another address for them.
        public var endpoint: String?
        /// The nodes of ScyllaDB's Alternator, in place of ``endpoint``; `nil` is one endpoint.
        ///
        /// ``init(alternator:)`` also declares what Alternator can do.
        public var nodes: NodeBalancing?
        /// The profile in the shared files; `nil` is that of `AWS_PROFILE`, or `default`.
        public var profile: String?
        /// The source of the credentials.
        ///
        /// `nil` is a chain: the environment, the shared files, the container, the instance. It has
        /// no sign-in (SSO), no roles of profiles and no tokens of web identities. It refuses a
        /// machine that is set up for one of them, and takes no other identity.
        public var credentials: (any CredentialsProvider)?
        /// What sends the requests; `nil` is an ``AsyncHTTPTransport``, which the client closes.
        public var transport: (any HTTPTransport)?
        /// When and how often requests are repeated.
        public var retries = RetryPolicy()
        /// The most requests at work at once; others wait.
        public var requestCountMax = 64
        /// The most requests that wait; more are refused with `limitReached`.
        public var waitingCountMax = 10_000
        /// The most bytes of an answer, before and after decompression.
        public var responseByteCountMax = 64 << 20
        /// The most memory that all answers together take while they are received, and again while
        /// they are read; others wait.
        ///
        /// An answer that is received counts with its bytes, and one that is read with 32 times as
        /// many, for its tree. One that takes more than all of it is alone. A transport of the
        /// program's own receives answers without this limit.
        public var responseMemoryMax = 256 << 20
        /// Whether the service may compress its answers.
        ///
        /// It saves bytes on slow networks, and costs time of the processor on both sides.
        public var acceptsGzip = false
        /// Whether a put, a deletion, or an update by constants that has no condition is repeated
        /// after an attempt without an answer.
        ///
        /// The first attempt may have been applied. Another program's write after it is then lost.
        /// So the default is not to repeat it, and to throw `outcomeUnknown`.
        public var repeatsOverwrites = false
        /// What happens after a lost answer to a write that its condition guards.
        public var guardedWrites = GuardedWrites.once
        /// What the service can do.
        ///
        /// If it has transactions, an update that adds to what is there, such as ADD of a number or
        /// `list_append`, is sent as a list of one action. Its idempotency token makes repetitions
        /// safe. It takes twice the write units. Without transactions, it is sent once, and throws
        /// `outcomeUnknown` if there is no answer.
        ///
        /// ``RemoteTable/connect(to:_:requiring:)`` asks the service for what is declared here.
        public var capabilities = TableCapabilities.dynamoDB
        /// Gets a report of each request that ended; it must return fast.
        public var observer: (@Sendable (RequestReport) -> Void)?

        /// Creates the defaults.
        public init() {}

        /// Creates the options for ScyllaDB's Alternator on several nodes.
        ///
        /// - Parameter nodes: How the client finds the nodes, and spreads its requests.
        public init(alternator nodes: NodeBalancing) {
            self.nodes = nodes
            capabilities = .alternator
        }
    }

    /// What happens after a lost answer to a put, deletion or update whose condition is false once
    /// the write was applied.
    ///
    /// Such a condition alone does not make a repetition safe. If another program undoes the first
    /// write before the repetition, the condition is true again, and the write happens twice.
    public enum GuardedWrites: Sendable, Hashable, CaseIterable {
        /// The write is sent again only if it was certainly not applied. Otherwise the call throws
        /// `outcomeUnknown`. It costs nothing.
        case once
        /// The write is sent again, and happens a second time if another program undid the first.
        case repeated
        /// The write goes as a list of one action, whose idempotency token makes repetitions safe.
        /// It takes twice the write units.
        ///
        /// A write that returns an item, and one to a service without transactions or tokens, is
        /// sent as for ``once``.
        case transactional
    }

    /// What one request took, for metrics.
    public struct RequestReport: Sendable {
        /// The operation, such as `GetItem`.
        public let operation: String
        /// The time from the call to its end, with waiting, attempts and pauses.
        public package(set) var duration = Duration.zero
        /// The number of attempts.
        public package(set) var attemptCount = 0
        /// The failures of the attempts, in their order.
        public package(set) var failures: [RemoteFailure.Kind] = []
        /// The bytes of the request's body.
        public let requestByteCount: Int
        /// The bytes of the last answer's body, as it was sent.
        public package(set) var responseByteCount = 0
        /// The name of the code of the error that was thrown; `nil` after a success.
        public package(set) var code: String?

        init(operation: String, requestByteCount: Int) {
            (self.operation, self.requestByteCount) = (operation, requestByteCount)
        }
    }
#endif
