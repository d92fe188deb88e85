#if Remote
    internal import CodexCore
    internal import Foundation

    /// A client of DynamoDB's API: it signs requests, sends them, and repeats them where that is
    /// safe.
    ///
    /// One client serves any number of tables and tasks. ``RemoteTable`` has the operations of a
    /// table.
    ///
    /// ```swift
    /// let client = try RemoteClient()
    /// let tasks = RemoteTable(TableDefinition("tasks", partitionKey: "id"), client)
    /// let item = try await tasks.get(PrimaryKey("42"))
    /// await client.close()
    /// ```
    public final class RemoteClient: Sendable {
        /// What a test replaces.
        struct Parts: Sendable {
            var clock: any RemoteClock = SystemRemoteClock()
            /// A random number from 0 to 1.
            var random: @Sendable () -> Double = { Double.random(in: 0...1) }
            /// A new idempotency token.
            var token: @Sendable () -> String = { UUID().uuidString }
            var environment = ProcessInfo.processInfo.environment
            /// Reads a file; it returns `nil` if the file does not exist.
            var read: @Sendable (String) throws -> [UInt8]? = { try SharedFiles.content($0) }
        }

        /// The region that signatures name.
        public var region: String { place.region }
        /// The address of the service; with ``RemoteOptions/nodes``, that of the first seed.
        public var endpoint: String { place.endpoint.url }

        let options: RemoteOptions
        let parts: Parts
        let place: ServicePlace
        /// The nodes of the service; `nil` if it has one endpoint.
        let nodes: ServiceNodes?
        let transport: any HTTPTransport
        let credentials: CachedCredentials
        let signer: RequestSigner
        let serviceClock: ServiceClock
        let budget: RetryBudget
        let limit: RequestLimit
        /// The bytes of the answers that are received.
        let bodies: RequestLimit
        /// The bytes of the answers that are read.
        let trees: RequestLimit
        let reader: AnswerReader

        /// Creates a client; it reads the environment and the shared files, and sends nothing.
        ///
        /// - Parameter options: Where the service is, and how requests are sent.
        /// - Throws: ``CodexError/Code/invalidArgument`` for options out of range, and if there is
        ///   no region; ``CodexError/Code/credentialsUnavailable`` if a shared file cannot be read.
        public convenience init(_ options: RemoteOptions = RemoteOptions()) throws {
            try self.init(options, Parts())
        }

        init(_ options: RemoteOptions, _ parts: Parts) throws(CodexError) {
            try options.validate()
            let files = SharedFiles(
                environment: parts.environment, profile: options.profile, read: parts.read)
            place = try ServicePlace(
                region: options.region, endpoint: options.nodes?.seeds.first ?? options.endpoint,
                files)
            self.options = options
            self.parts = parts
            let transport: any HTTPTransport =
                options.transport
                ?? AsyncHTTPTransport(
                    connectionCountMax: options.requestCountMax,
                    readTimeout: options.retries.attemptTimeout)
            self.transport = transport
            nodes = try options.nodes.map { balancing throws(CodexError) in
                try ServiceNodes(balancing, transport, parts.clock)
            }
            let request = CredentialsRequest(transport: transport, clock: parts.clock)
            let chain = CredentialsChain([
                EnvironmentCredentials(parts.environment), UnsupportedCredentials(files: files),
                SharedFileCredentials(files), ContainerCredentials(request, files),
                InstanceCredentials(request, parts.environment),
            ])
            credentials = CachedCredentials(options.credentials ?? chain, parts.clock)
            signer = RequestSigner(region: place.region)
            serviceClock = ServiceClock(parts.clock)
            budget = RetryBudget(options.retries.budget)
            limit = RequestLimit(
                options.requestCountMax, waitingCountMax: options.waitingCountMax)
            bodies = RequestLimit(
                options.responseMemoryMax, waitingCountMax: .max, late: RequestLimit.lateAnswer)
            trees = RequestLimit(
                options.responseMemoryMax, waitingCountMax: .max, late: RequestLimit.lateAnswer)
            reader = AnswerReader(byteCountMax: options.responseByteCountMax)
        }

        /// Closes the connections, unless the program gave the client its transport.
        ///
        /// Later requests fail.
        public func close() async {
            if options.transport == nil { await transport.close() }
        }
    }

    extension RemoteOptions {
        /// Checks the values.
        fileprivate func validate() throws(CodexError) {
            try retries.validate()
            guard requestCountMax >= 1, waitingCountMax >= 0, responseByteCountMax >= 1,
                responseMemoryMax >= 1
            else {
                throw CodexError(
                    .invalidArgument,
                    "RemoteOptions.requestCountMax, responseByteCountMax and responseMemoryMax "
                        + "are at least 1, and waitingCountMax is not negative.")
            }
            try nodes?.validate()
            guard nodes == nil || endpoint == nil else {
                throw CodexError(
                    .invalidArgument,
                    "RemoteOptions.endpoint and RemoteOptions.nodes exclude each other. The seeds "
                        + "of the nodes are the endpoints.")
            }
        }
    }
#endif
