#if Server
    import CodexDynamoDB
    import CodexSignatures
    import NIOHTTP1

    /// Answers requests, without a network.
    ///
    /// Small requests are answered where they are given. The ``workers`` perform long work, and all
    /// work on a large request.
    package struct Endpoint: Sendable {
        package let service: any DynamoDBResponder
        /// The credentials that requests must be signed with; `nil` accepts all requests.
        package let credentials: Credentials?
        package let rules: RequestRules
        package let memory: MemoryBudget
        package let workers: WorkerPool
        /// The time limit for a request to arrive, to be answered, and for its answer to be taken.
        package let timeout: Duration
        /// The nodes of a model of Alternator; `nil` if the server is none.
        package private(set) var nodes: ServedNodes?

        /// The sizes of answers that are compressed for clients that ask for it.
        ///
        /// The compression of a longer answer takes more time than sending it. For clients that
        /// refuse answers without a coding, shorter ones are compressed, too.
        static let compressedByteCounts = 4096...(1 << 20)

        /// The most bytes of an answer that has a checksum, unless it is compressed.
        ///
        /// The checksum of a longer answer takes some eighth of the processor time of its request.
        /// Most pages of a mebibyte of items are shorter.
        ///
        /// AWS's clients do not require the checksum:
        /// - botocore (boto3, the AWS CLI) and the SDKs for Java, JavaScript 2, Go 1, Ruby, PHP and
        ///   .NET compare it only if it is there.
        /// - The SDKs for Kotlin, Rust and Swift never read it.
        /// - The SDK for Go 2 takes an answer without it, but logs a warning
        ///   (aws-sdk-go-v2#3545). Its option `DisableValidateResponseChecksum` avoids that.
        static let checkedByteCountMax = 4 << 20

        package init(
            _ service: any DynamoDBResponder, credentials: Credentials?, rules: RequestRules,
            memory: MemoryBudget, workers: WorkerPool, timeout: Duration, nodes: ServedNodes? = nil
        ) {
            (self.service, self.credentials, self.rules) = (service, credentials, rules)
            (self.memory, self.workers, self.timeout) = (memory, workers, timeout)
            self.nodes = nodes
        }

        /// The endpoint of another node, with the same service.
        func answering(as node: ServedNodes.Node) -> Endpoint {
            var endpoint = self
            endpoint.nodes = nodes?.answering(as: node)
            return endpoint
        }

        /// Answers a request.
        package func answer(_ request: ReceivedRequest, _ clock: RequestClock) async -> HTTPAnswer {
            switch begin(request, clock) {
            case .done(let answer): answer
            case .pending(let rest): await rest()
            }
        }

        /// Begins to answer a request.
        ///
        /// A small request is begun where it is given. If it is a short read, it is answered there.
        ///
        /// - Returns: The answer, or the work that is left, which must be done once.
        func begin(_ request: ReceivedRequest, _ clock: RequestClock) -> BegunAnswer {
            guard request.body.count <= RequestBudget.smallByteCount, !request.isCompressed else {
                return .pending {
                    await answer(
                        to: request,
                        with: withTaskExecutorPreference(workers) {
                            await respond(to: request, clock)
                        })
                }
            }
            switch beginResponse(to: request, clock) {
            case .done(let response) where response.byteCount <= RequestBudget.smallByteCount:
                return .done(smallAnswer(to: request, with: response))
            case .done(let response):
                return .pending { await answer(to: request, with: response) }
            case .pending(let rest):
                return .pending { await answer(to: request, with: rest()) }
            }
        }

        /// Makes the answer with a response.
        private func answer(
            to request: ReceivedRequest, with response: DynamoDBResponse
        ) async -> HTTPAnswer {
            guard response.byteCount > RequestBudget.smallByteCount else {
                return smallAnswer(to: request, with: response)
            }
            // Bytes that the client has not taken count, and never as those of a small request.
            request.memory.recount(request.body.count + response.byteCount)
            let answer = await withTaskExecutorPreference(workers) {
                HTTPAnswer(response, request)
            }
            // The request's body is released with the request.
            request.memory.recount(answer.byteCount)
            return answer
        }

        private func smallAnswer(
            to request: ReceivedRequest, with response: DynamoDBResponse
        ) -> HTTPAnswer {
            let answer = HTTPAnswer(response, request)
            request.memory.recount(answer.byteCount)
            return answer
        }

        private func respond(
            to request: ReceivedRequest, _ clock: RequestClock
        ) async -> DynamoDBResponse {
            switch beginResponse(to: request, clock) {
            case .done(let response): response
            case .pending(let rest): await rest()
            }
        }

        private func beginResponse(
            to request: ReceivedRequest, _ clock: RequestClock
        ) -> BegunResponse {
            let body: [UInt8]
            do throws(RequestRefusal) {
                try verify(request)
                body = try request.unpackedBody(clock)
            } catch {
                return .done(error.response)
            }
            let (memory, workers) = (request.memory, workers)
            return service.begin(
                target: request.head.target, body: body,
                budget: RequestBudget(
                    isOver: { clock.isOver }, reserve: { memory.grow(by: $0) },
                    release: { memory.shrink(by: $0) }, pause: { _ in await workers.pause() },
                    executor: workers))
        }

        private func verify(_ request: ReceivedRequest) throws(RequestRefusal) {
            guard let credentials else { return }
            guard let signer = request.signer else {
                // The request did not come through a connection, which checks this first.
                throw RequestRefusal.missingSigner
            }
            try credentials.verify(signer, request.headers, bodyHash: request.bodyHash ?? "")
        }
    }

    /// The answer to a request that has begun, or the work that is left.
    enum BegunAnswer: Sendable {
        case done(HTTPAnswer)
        case pending(@Sendable () async -> HTTPAnswer)
    }

    /// A request whose body has arrived.
    package struct ReceivedRequest: Sendable {
        let head: AcceptedHead
        /// The claim of a signed request; its handler has read it before the body.
        let signer: AuthorizationHeader?
        /// The headers of a signed request.
        let headers: HTTPHeaders
        package let body: [UInt8]
        /// The hash of a signed request's body.
        let bodyHash: String?
        /// The reserved memory of the request, with its body.
        package let memory: MemoryReservation

        init(
            _ head: AcceptedHead, _ signer: AuthorizationHeader?, _ headers: HTTPHeaders,
            body: RequestBody, memory: MemoryReservation
        ) {
            (self.head, self.signer) = (head, signer)
            (self.headers, self.memory) = (headers, memory)
            (self.body, bodyHash) = (body.bytes, body.hash)
        }

        /// Creates an unsigned request that did not arrive over a network.
        package init(_ head: AcceptedHead, body: [UInt8], memory: MemoryReservation) {
            (self.head, self.body, self.memory) = (head, body, memory)
            (signer, headers, bodyHash) = (nil, [:], nil)
        }

        var isCompressed: Bool {
            head.contentEncoding.map { $0 != "" && $0.lowercased() != "identity" } ?? false
        }

        /// The decompressed body.
        ///
        /// - Parameter clock: The time of the request.
        /// - Returns: The body.
        /// - Throws: The refusal of a body that is not decompressed.
        func unpackedBody(_ clock: RequestClock) throws(RequestRefusal) -> [UInt8] {
            guard isCompressed else { return body }
            guard head.contentEncoding?.lowercased() == "gzip" else { throw .unknownEncoding }
            let limit = Gzip.byteCountMax(body.count, limit: RequestRules.bodyByteCountMax)
            do throws(Gzip.Failure) {
                return try Gzip.inflated(
                    body, limit: limit, reserve: { memory.grow(by: $0) },
                    isOver: { clock.isOver })
            } catch {
                switch error {
                case .malformed: throw .notGzip
                case .tooLarge: throw .unpacksToTooMuch
                case .tooManyBlocks: throw .tooManyBlocks
                case .outOfTime: throw .outOfTime
                case .outOfMemory: throw .outOfMemory
                }
            }
        }
    }

    /// An answer in HTTP's form.
    package struct HTTPAnswer: Sendable {
        package let status: Int
        package private(set) var headers: HTTPHeaders
        /// The body, in parts.
        package let parts: [[UInt8]]
        /// The reserved memory of the request, until the answer is written.
        let memory: MemoryReservation?

        package var byteCount: Int { parts.reduce(0) { $0 + $1.count } }

        /// The answer to a request of DynamoDB's API.
        init(_ response: DynamoDBResponse, _ request: ReceivedRequest) {
            status = response.status
            memory = request.memory
            headers = Self.headers(request.head.origin)
            if Self.isCompressed(response.byteCount, for: request.head.codings),
                let compressed = Gzip.deflated(response.body)
            {
                parts = [compressed]
                headers.add(name: "content-encoding", value: "gzip")
            } else {
                parts = response.parts
                // The checksum is of the sent bytes. Clients disagree about it for compressed
                // bodies.
                if response.byteCount <= Endpoint.checkedByteCountMax {
                    headers.add(name: "x-amz-crc32", value: String(Gzip.checksum(parts)))
                }
            }
        }

        /// Whether an answer is compressed for a client.
        ///
        /// A short answer is compressed only for a client that refuses one without a coding. A
        /// client that refuses both codings gets an answer without one, since its request may have
        /// changed something.
        private static func isCompressed(_ byteCount: Int, for codings: AcceptedCodings) -> Bool {
            let byteCounts = Endpoint.compressedByteCounts
            let isLong = byteCount >= byteCounts.lowerBound || codings.refusesIdentity
            return codings.takesGzip && isLong && byteCount <= byteCounts.upperBound
        }

        /// Creates a refusal before the body is read; the answer to a HEAD has no body.
        init(_ refusal: RequestRefusal, isHead: Bool = false) {
            let response = refusal.response
            (status, parts, memory) = (response.status, isHead ? [] : response.parts, nil)
            headers = Self.headers(refusal.origin)
            headers.add(name: "x-amz-crc32", value: String(Gzip.checksum(parts)))
        }

        /// Creates an answer for a browser or a prober.
        init(status: Int, text: String, headers: HTTPHeaders) {
            (self.status, self.headers, memory) = (status, headers, nil)
            parts = [Array(text.utf8)]
        }

        private static func headers(_ origin: String?) -> HTTPHeaders {
            var headers = HTTPHeaders()
            // With the checksum, and the length and the date that are added when it is written.
            headers.reserveCapacity(8)
            headers.add(name: "content-type", value: "application/x-amz-json-1.0")
            headers.add(name: "x-amzn-requestid", value: RequestID.next())
            if let origin { headers.add(contentsOf: allowing(origin)) }
            return headers
        }

        /// The headers that let a page of another origin read the answer.
        ///
        /// Clients in a browser correct their clocks by the date.
        static func allowing(_ origin: String) -> HTTPHeaders {
            [
                "access-control-allow-origin": origin, "vary": "origin",
                "access-control-expose-headers": "date, x-amzn-requestid, x-amz-crc32",
            ]
        }

        /// The answer to a GET.
        ///
        /// - Parameter origin: The origin that the answer allows.
        /// - Returns: The answer.
        static func health(_ origin: String?) -> HTTPAnswer {
            var headers: HTTPHeaders = ["content-type": "text/plain"]
            if let origin { headers.add(contentsOf: allowing(origin)) }
            return HTTPAnswer(
                status: 200, text: "healthy: codexflow serves DynamoDB\n", headers: headers)
        }

        /// The answer to `GET /localnodes`.
        ///
        /// - Parameters:
        ///   - nodes: The nodes; `nil` is none.
        ///   - query: What is asked for.
        ///   - origin: The origin that the answer allows.
        /// - Returns: The answer.
        static func nodes(
            _ nodes: ServedNodes?, _ query: NodeQuery, _ origin: String?
        ) -> HTTPAnswer {
            var headers: HTTPHeaders = ["content-type": "application/json"]
            if let origin { headers.add(contentsOf: allowing(origin)) }
            return HTTPAnswer(status: 200, text: nodes?.list(query) ?? "[]", headers: headers)
        }
    }
#endif
