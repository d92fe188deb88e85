#if Server
    import CodexDynamoDB
    import Foundation
    import HTTPTypes
    import Hummingbird
    import HummingbirdCore
    import Logging
    import NIOCore

    /// DynamoDB's API over HTTP: a POST to `/` is a request, a GET says that the server is there.
    struct DynamoDBServer: Sendable {
        let service: DynamoDBService
        /// Whose requests are taken; `nil` takes all.
        let credentials: Credentials?

        /// DynamoDB's own limit of a request's body.
        private static let bodyByteCountMax = 16 << 20
        /// Answers from this size on are compressed for those who ask for it.
        private static let compressionThreshold = 4096

        private static let target = Self.name("X-Amz-Target")
        private static let requestID = Self.name("x-amzn-RequestId")
        private static let checksum = Self.name("x-amz-crc32")

        private static func name(_ name: String) -> HTTPField.Name {
            guard let field = HTTPField.Name(name) else { preconditionFailure("\(name) is a name") }
            return field
        }

        func application(
            address: BindAddress, connectionCountMax: Int, timeout: TimeAmount, logger: Logger
        ) -> some ApplicationProtocol {
            let router = Router(context: BasicRequestContext.self)
            router.get("/") { _, _ in
                Response(
                    status: .ok, headers: [.contentType: "text/plain"],
                    body: .init(
                        byteBuffer: ByteBuffer(string: "healthy: codexflow serves DynamoDB\n")))
            }
            router.post("/") { request, _ in await answer(request) }
            return Application(
                router: router,
                server: .http1(
                    configuration: .init(
                        additionalChannelHandlers: [RequestDeadline(timeout)], idleTimeout: timeout)
                ),
                configuration: .init(
                    address: address,
                    availableConnectionsDelegate: MaximumAvailableConnections(connectionCountMax)),
                onServerRunning: { channel in
                    let address = channel.localAddress
                    let host = address?.ipAddress ?? ""
                    let line =
                        "serving DynamoDB on http://\(host.contains(":") ? "[\(host)]" : host):"
                        + "\(address?.port ?? 0)\n"
                    try? FileHandle.standardOutput.write(contentsOf: Data(line.utf8))
                },
                logger: logger)
        }

        private func answer(_ request: Request) async -> Response {
            do throws(ServiceError) {
                try credentials?.requireSigner(request)
            } catch {
                // Its body is not waited for.
                return response(error.response, request, closes: true)
            }
            let sent: ByteBuffer
            do {
                sent = try await request.body.collect(upTo: Self.bodyByteCountMax)
            } catch {
                return response(
                    ServiceError(
                        "RequestEntityTooLarge", "A request has 16 MiB at most.", status: 413
                    )
                    .response, request, closes: true)
            }
            let raw = Array(sent.readableBytesView)
            do throws(ServiceError) {
                try credentials?.verify(request, raw)
                let body = try Self.decoded(raw, request.headers[.contentEncoding])
                let answer = await service.response(
                    target: request.headers[Self.target], body: body)
                return response(answer, request)
            } catch {
                return response(error.response, request)
            }
        }

        private static func decoded(_ raw: [UInt8], _ encoding: String?) throws(ServiceError)
            -> [UInt8]
        {
            switch encoding?.lowercased() {
            case nil, "", "identity": return raw
            case "gzip":
                guard let bytes = Gzip.inflated(raw, limit: bodyByteCountMax) else {
                    throw ServiceError(
                        "SerializationException", "The body is not gzip, or is too large.",
                        status: 400)
                }
                return bytes
            default:
                throw ServiceError(
                    "SerializationException", "The content encoding is not known.", status: 415)
            }
        }

        private func response(
            _ answer: DynamoDBResponse, _ request: Request, closes: Bool = false
        ) -> Response {
            var headers: HTTPFields = [.contentType: "application/x-amz-json-1.0"]
            headers[Self.requestID] = UUID().uuidString
            var body = answer.body
            if body.count >= Self.compressionThreshold,
                request.headers[.acceptEncoding]?.contains("gzip") == true,
                let compressed = Gzip.deflated(body)
            {
                body = compressed
                headers[.contentEncoding] = "gzip"
            } else {
                // Of what was sent; clients disagree about compressed bodies.
                headers[Self.checksum] = "\(Gzip.checksum(body))"
            }
            if closes { headers[.connection] = "close" }
            return Response(
                status: .init(code: answer.status), headers: headers,
                body: .init(byteBuffer: ByteBuffer(bytes: body)))
        }
    }

    /// What the server itself refuses.
    struct ServiceError: Error {
        let response: DynamoDBResponse

        /// Types and messages are the server's own: they need no escapes.
        init(_ type: String, _ message: String, status: Int) {
            let text =
                "{\"__type\":\"com.amazon.coral.service#\(type)\",\"message\":\"\(message)\"}"
            response = DynamoDBResponse(status: status, body: Array(text.utf8))
        }
    }
#endif
