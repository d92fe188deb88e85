#if Remote
    internal import AsyncHTTPClient
    internal import CodexCore
    internal import NIOCore
    internal import NIOHTTP1
    internal import NIOPosix

    /// Sends requests with async-http-client, over connections that are kept for later requests.
    public final class AsyncHTTPTransport: HTTPTransport {
        private let client: HTTPClient

        /// Creates a transport.
        ///
        /// - Parameters:
        ///   - connectionCountMax: The most connections to one host.
        ///   - connectTimeout: The longest time to make a connection.
        ///   - readTimeout: The longest time without a byte of an answer.
        ///   - idleTimeout: The time after which an unused connection is closed. It should be
        ///     shorter than the service's: a request on a connection that is being closed has no
        ///     answer.
        public init(
            connectionCountMax: Int = 64, connectTimeout: Duration = .seconds(2),
            readTimeout: Duration = .seconds(10), idleTimeout: Duration = .seconds(20)
        ) {
            var configuration = HTTPClient.Configuration()
            configuration.redirectConfiguration = .disallow
            configuration.httpVersion = .http1Only
            configuration.timeout.connect = Self.amount(connectTimeout)
            configuration.timeout.read = Self.amount(readTimeout)
            configuration.connectionPool.idleTimeout = Self.amount(idleTimeout)
            configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit =
                max(1, connectionCountMax)
            // The client repeats requests itself, within its limits.
            configuration.connectionPool.retryConnectionEstablishment = false
            client = HTTPClient(
                eventLoopGroup: HTTPClient.defaultEventLoopGroup, configuration: configuration)
        }

        // A transport that was closed before is not closed again.
        deinit { client.shutdown { _ in } }

        /// Sends a request over a kept connection, or over a new one.
        public func send(_ request: TransportRequest) async throws -> TransportResponse {
            let deadline = NIODeadline.now() + Self.amount(request.timeout)
            let collector = AnswerCollector(
                byteCountMax: request.responseByteCountMax, room: request.room, deadline: deadline)
            do {
                try Task.checkCancellation()
                var headers = HTTPHeaders()
                headers.reserveCapacity(request.headers.count + 1)
                for header in request.headers {
                    headers.add(name: header.name, value: header.value)
                }
                let outgoing = try HTTPClient.Request(
                    url: request.url, method: HTTPMethod(rawValue: request.method),
                    headers: headers,
                    body: request.body.isEmpty ? nil : .byteBuffer(ByteBuffer(bytes: request.body)))
                let exchange = client.execute(
                    request: outgoing, delegate: collector, deadline: deadline)
                return try await withTaskCancellationHandler {
                    try await exchange.futureResult.get()
                } onCancel: {
                    collector.cancel()
                    exchange.cancel()
                }
            } catch {
                throw Self.failure(error)
            }
        }

        /// Closes all connections; later requests fail.
        public func close() async { try? await client.shutdown() }

        /// A duration for NIO, limited to a day.
        private static func amount(_ duration: Duration) -> TimeAmount {
            .microseconds(Int64(max(0, min(86_400, duration.seconds)) * 1e6))
        }

        private static let unsent: [HTTPClientError] = [
            .alreadyShutdown, .connectTimeout, .emptyHost, .emptyScheme,
            .getConnectionFromPoolTimeout, .invalidURL, .tlsHandshakeTimeout,
        ]
        private static let late: [HTTPClientError] = [
            .deadlineExceeded, .readTimeout, .writeTimeout,
        ]

        private static func failure(_ error: any Error) -> any Error {
            if error is TransportFailure || error is CancellationError { return error }
            if error is NIOConnectionError { return TransportFailure(.notSent, cause: error) }
            guard let known = error as? HTTPClientError else {
                return TransportFailure(.interrupted, cause: error)
            }
            // A client that is closed cancels the requests of all tasks.
            if known == .cancelled, Task.isCancelled { return CancellationError() }
            let kind: TransportFailure.Kind =
                unsent.contains(known) ? .notSent : late.contains(known) ? .timedOut : .interrupted
            return TransportFailure(kind, cause: error)
        }
    }
#endif
