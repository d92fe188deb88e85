#if Remote
    internal import CodexSignatures

    /// Sends HTTP requests: what a client needs of an HTTP library.
    ///
    /// ``AsyncHTTPTransport`` is the usual one. A program that has an HTTP client of its own, or a
    /// test without a network, conforms another type.
    public protocol HTTPTransport: Sendable {
        /// Sends a request once, and returns the whole answer.
        ///
        /// It follows no redirects, repeats nothing and decompresses nothing. It ends when the task
        /// is cancelled, and at the latest after the request's timeout.
        ///
        /// - Throws: ``TransportFailure``, and `CancellationError` if the task is cancelled. Any
        ///   other error counts as ``TransportFailure/Kind/interrupted``.
        func send(_ request: TransportRequest) async throws -> TransportResponse

        /// Closes all connections; later requests fail.
        func close() async
    }

    /// An HTTP request of a client.
    public struct TransportRequest: Sendable {
        /// The method, such as `POST`.
        public var method: String
        /// The address with scheme, host, port and path.
        public var url: String
        /// The headers, with the host.
        public var headers: [(name: String, value: String)]
        /// The body.
        public var body: [UInt8]
        /// The time after which the request must have ended, with its whole answer.
        public var timeout: Duration
        /// The most bytes that the body of the answer may have.
        public var responseByteCountMax: Int
        /// What the body takes of the memory of all answers; `nil` is not counted.
        var room: ResponseRoom?

        /// Creates a request.
        public init(
            method: String, url: String, headers: [(name: String, value: String)] = [],
            body: [UInt8] = [], timeout: Duration, responseByteCountMax: Int
        ) {
            self.method = method
            self.url = url
            self.headers = headers
            self.body = body
            self.timeout = timeout
            self.responseByteCountMax = responseByteCountMax
        }
    }

    extension TransportRequest: CustomStringConvertible, CustomReflectable {
        /// The method and the address, without headers and body: they may have keys and tokens.
        public var description: String { "\(method) \(url)" }

        /// A mirror with the method and the address alone.
        public var customMirror: Mirror { Mirror(self, children: ["method": method, "url": url]) }
    }

    /// The answer to an HTTP request.
    public struct TransportResponse: Sendable {
        /// The status, such as 200.
        public var status: Int
        /// The headers.
        public var headers: [(name: String, value: String)]
        /// The body as it was sent, which may be compressed.
        public var body: [UInt8]

        /// Creates an answer.
        public init(
            status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = []
        ) {
            self.status = status
            self.headers = headers
            self.body = body
        }

        /// The value of the first header with a name in any case, or `nil`.
        public func header(_ name: String) -> String? {
            let name = name.lowercased()
            return headers.first { $0.name.isHeaderName(name) }?.value
        }
    }

    extension TransportResponse: CustomStringConvertible, CustomReflectable {
        /// The status, without headers and body: they may have keys and users' data.
        public var description: String { "status \(status)" }

        /// A mirror with the status alone.
        public var customMirror: Mirror { Mirror(self, children: ["status": status]) }
    }

    /// The reason why there is no whole answer to an HTTP request.
    public struct TransportFailure: Error, Sendable {
        /// What is known of the request.
        public enum Kind: Sendable, Hashable {
            /// There was no connection, so nothing was sent.
            case notSent
            /// The time was over; the service may have got the request.
            case timedOut
            /// The connection broke; the service may have got the request.
            case interrupted
            /// The answer is larger than the request allows.
            case responseTooLarge
        }

        /// What is known of the request.
        public let kind: Kind
        /// The error of the HTTP library, if there is one.
        public let cause: (any Error)?

        /// Creates a failure.
        public init(_ kind: Kind, cause: (any Error)? = nil) {
            (self.kind, self.cause) = (kind, cause)
        }
    }
#endif
