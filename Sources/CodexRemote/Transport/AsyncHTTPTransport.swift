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
            var outgoing = HTTPClientRequest(url: request.url)
            outgoing.method = HTTPMethod(rawValue: request.method)
            for header in request.headers {
                outgoing.headers.add(name: header.name, value: header.value)
            }
            if !request.body.isEmpty { outgoing.body = .bytes(ByteBuffer(bytes: request.body)) }
            let deadline = NIODeadline.now() + Self.amount(request.timeout)
            do {
                let response = try await client.execute(outgoing, deadline: deadline)
                let byteCountMax = try Self.byteCountMax(
                    of: response, upTo: request.responseByteCountMax)
                let left = deadline - NIODeadline.now()
                try await request.room?.reserve(
                    byteCountMax, within: .nanoseconds(left.nanoseconds))
                return TransportResponse(
                    status: Int(response.status.code),
                    headers: response.headers.map { (name: $0.name, value: $0.value) },
                    body: try await Self.body(
                        of: response, upTo: byteCountMax, until: deadline))
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

        /// The most bytes of a body: those that its head names, or else those of the limit.
        private static func byteCountMax(
            of response: HTTPClientResponse, upTo limit: Int
        ) throws -> Int {
            let length = response.headers.first(name: "content-length").flatMap { Int($0) }
            guard let length, length >= 0 else { return limit }
            guard length <= limit else { throw TransportFailure(.responseTooLarge) }
            return length
        }

        /// The body; the deadline of `execute` is over with the head.
        ///
        /// A part may not come at all, so a timer of an event loop ends the reading.
        private static func body(
            of response: HTTPClientResponse, upTo byteCountMax: Int, until deadline: NIODeadline
        ) async throws -> [UInt8] {
            let reading = Task { try await Self.bytes(of: response, upTo: byteCountMax) }
            let loop = HTTPClient.defaultEventLoopGroup.any()
            let alarm = loop.scheduleTask(deadline: deadline) { reading.cancel() }
            defer { alarm.cancel() }
            return try await withTaskCancellationHandler {
                do {
                    return try await reading.value
                } catch is CancellationError where !Task.isCancelled {
                    throw TransportFailure(.timedOut)
                }
            } onCancel: {
                reading.cancel()
            }
        }

        private static func bytes(
            of response: HTTPClientResponse, upTo byteCountMax: Int
        ) async throws -> [UInt8] {
            var bytes: [UInt8] = []
            for try await part in response.body {
                guard part.readableBytes <= byteCountMax - bytes.count else {
                    throw TransportFailure(.responseTooLarge)
                }
                bytes.append(contentsOf: part.readableBytesView)
            }
            return bytes
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
