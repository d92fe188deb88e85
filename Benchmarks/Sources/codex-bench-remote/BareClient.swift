#if Remote
    import AsyncHTTPClient
    import CodexSignatures
    import Crypto
    import Foundation
    import NIOCore
    import NIOHTTP1

    /// A bare client: it signs the bodies that it gets, sends them, and collects the answers.
    ///
    /// It is async-http-client with a future of the whole answer, and no task or stream for it.
    /// Connections and timeouts are those of the remote client. It repeats nothing, parses no
    /// answer and compares no checksum.
    final class BareClient: Sendable {
        private let client: HTTPClient
        private let url: String
        private let host: String
        private let signer = BareSigner()

        /// The most connections, as those of the remote client.
        static let connectionCountMax = 64

        /// Creates a client of a server at an address such as `http://127.0.0.1:8000`.
        init(_ endpoint: String) {
            var configuration = HTTPClient.Configuration()
            configuration.redirectConfiguration = .disallow
            configuration.httpVersion = .http1Only
            configuration.timeout.connect = .seconds(2)
            configuration.timeout.read = .seconds(5)
            configuration.connectionPool.idleTimeout = .seconds(20)
            configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit =
                Self.connectionCountMax
            client = HTTPClient(
                eventLoopGroup: HTTPClient.defaultEventLoopGroup, configuration: configuration)
            url = endpoint + "/"
            host = String(endpoint.dropFirst("http://".count))
        }

        // A client that was closed before is not closed again.
        deinit { client.shutdown { _ in } }

        /// Closes the connections.
        func close() async { try? await client.shutdown() }

        /// Sends requests as they were noted: each after the answers that the first sender had.
        ///
        /// - Throws: ``BenchFailure`` for an answer with another status than the noted one.
        func send(_ requests: [NotedRequest]) async throws {
            var start = 0
            for place in requests.indices where requests[place].predecessors.count == place {
                // All requests before this one were answered.
                try await send(requests, start..<place)
                start = place
            }
            try await send(requests, start..<requests.count)
        }

        /// Sends some of the requests; those before them were answered.
        private func send(_ requests: [NotedRequest], _ places: Range<Int>) async throws {
            guard places.count > 1 else {
                if let place = places.first { try await send(requests[place]) }
                return
            }
            try await withThrowingTaskGroup(of: Int.self) { group in
                var answered = Set(0..<places.lowerBound)
                for place in places {
                    let request = requests[place]
                    while !answered.isSuperset(of: request.predecessors) {
                        guard let next = try await group.next() else { break }
                        answered.insert(next)
                    }
                    group.addTask {
                        try await self.send(request)
                        return place
                    }
                }
                try await group.waitForAll()
            }
        }

        /// Sends a request, and waits for the whole answer.
        ///
        /// - Throws: ``BenchFailure`` for an answer with another status than the noted one.
        func send(_ request: NotedRequest) async throws {
            var headers = HTTPHeaders()
            headers.reserveCapacity(6)
            for header in signer.headers(target: request.target, host: host, request.body) {
                headers.add(name: header.name, value: header.value)
            }
            let outgoing = try HTTPClient.Request(
                url: url, method: .POST, headers: headers,
                body: .byteBuffer(ByteBuffer(bytes: request.body)))
            let deadline = NIODeadline.now() + .seconds(10)
            let answer = try await client.execute(request: outgoing, deadline: deadline).get()
            let status = Int(answer.status.code)
            guard status == request.status ?? status else {
                throw BenchFailure(
                    "\(request.target) of the bare client: \(status) "
                        + String(buffer: answer.body ?? ByteBuffer()))
            }
        }
    }

    /// Signs requests by Signature Version 4, with a key that is made once.
    private struct BareSigner: Sendable {
        private static let names = ["content-type", "host", "x-amz-date", "x-amz-target"]

        private let scope: CredentialScope
        private let key: SymmetricKey

        init() {
            let day = String(Self.date(Date()).prefix(8))
            scope = CredentialScope(day: day, region: Key.region, service: "dynamodb")
            key = SymmetricKey(
                data: scope.signingKey(Key.secret) { key, message in
                    Array(
                        HMAC<SHA256>.authenticationCode(
                            for: message, using: SymmetricKey(data: key)))
                })
        }

        /// The headers of a request, with its signature.
        func headers(
            target: String, host: String, _ body: [UInt8]
        ) -> [(name: String, value: String)] {
            let date = Self.date(Date())
            var headers: [(name: String, value: String)] = [
                (name: "content-type", value: "application/x-amz-json-1.0"),
                (name: "host", value: host), (name: "x-amz-target", value: target),
                (name: "x-amz-date", value: date),
            ]
            let hash = CanonicalRequest.hexadecimal(SHA256.hash(data: body))
            let request = CanonicalRequest(headers, signing: Self.names, bodyHash: hash)
            let text = CanonicalRequest.stringToSign(
                hash: SHA256.hash(data: request?.bytes ?? []), date: date, scope: scope)
            let signature = CanonicalRequest.hexadecimal(
                HMAC<SHA256>.authenticationCode(for: text, using: key))
            headers.append(
                (
                    name: "authorization",
                    value: "\(AuthorizationHeader.algorithm) "
                        + "Credential=\(Key.id)/\(scope.text), "
                        + "SignedHeaders=\(Self.names.joined(separator: ";")), "
                        + "Signature=\(signature)"
                ))
            return headers
        }

        /// An instant as `20261128T031500Z`.
        private static func date(_ instant: Date) -> String {
            var time = time_t(instant.timeIntervalSince1970)
            var parts = tm()
            gmtime_r(&time, &parts)
            func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
            return "\(parts.tm_year + 1900)\(two(parts.tm_mon + 1))\(two(parts.tm_mday))"
                + "T\(two(parts.tm_hour))\(two(parts.tm_min))\(two(parts.tm_sec))Z"
        }
    }
#endif
