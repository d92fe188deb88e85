#if Remote
    internal import CodexCore
    internal import FoundationEssentials

    /// Reads the answers of DynamoDB: "Error handling with DynamoDB" in its developer guide.
    struct AnswerReader: Sendable {
        let byteCountMax: Int

        private static let throttling: Set<String> = [
            "BandwidthLimitExceeded", "PriorRequestNotComplete",
            "ProvisionedThroughputExceededException", "RequestLimitExceeded", "RequestThrottled",
            "RequestThrottledException", "SlowDown", "ThrottledException", "Throttling",
            "ThrottlingException", "TooManyRequestsException",
        ]
        private static let conflicts: Set<String> = [
            "ReplicatedWriteConflictException", "TransactionConflictException",
            "TransactionInProgressException",
        ]
        private static let failures: Set<String> = [
            "InternalFailure", "InternalServerError", "ServiceUnavailable",
            "ServiceUnavailableException",
        ]
        private static let dates: Set<String> = [
            "InvalidSignatureException", "RequestExpired", "RequestInTheFuture",
            "RequestTimeTooSkewed", "SignatureDoesNotMatch",
        ]
        private static let stale: Set<String> = [
            "ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId",
            "UnrecognizedClientException",
        ]
        /// Codes of actions that did not fail by themselves.
        private static let transientReasons: Set<String> = [
            "None", "ProvisionedThroughputExceeded", "ThrottlingError", "TransactionConflict",
        ]

        /// The JSON of an answer.
        ///
        /// - Parameters:
        ///   - response: The answer.
        ///   - correctsClock: Gets the date of an answer that refuses a signature; returns whether
        ///     the date is the reason.
        /// - Returns: The JSON.
        /// - Throws: ``RemoteFailure`` for any other answer than that of success.
        func result(
            of response: TransportResponse, correctsClock: (String?) -> Bool
        ) throws(RemoteFailure) -> JSONNode {
            let id = response.header("x-amzn-requestid").flatMap { Self.isName($0) ? $0 : nil }
            let node = body(of: response)
            if response.status == 200 {
                guard let node else {
                    throw RemoteFailure(.damagedAnswer, status: 200, requestID: id)
                }
                return node
            }
            // A refusal without its type must not pass for one of the credentials.
            if node == nil, response.status < 500, response.header("x-amz-crc32") != nil {
                throw RemoteFailure(.damagedAnswer, status: response.status, requestID: id)
            }
            let type = Self.type(node, response)
            // A refusal of DynamoDB names its error.
            if type == nil, (400..<500).contains(response.status), response.status != 429 {
                throw RemoteFailure(.foreignAnswer, status: response.status, requestID: id)
            }
            let reasons = Self.reasons(node)
            throw RemoteFailure(
                kind(type, response, reasons, correctsClock), type: type,
                serviceMessage: node?["message"]?.text ?? node?["Message"]?.text,
                status: response.status, requestID: id, reasons: reasons,
                item: node?["Item"].flatMap { try? DynamoDBJSON.item($0) })
        }

        /// The most bytes that a byte of JSON takes as a part of a tree: an array of one number has
        /// four bytes, and a buffer of its own.
        private static let treeByteCount = 32
        /// The most bytes that a compressed byte becomes: "Maximum Compression Factor" of zlib.
        private static let unpackedByteCount = 1032

        /// The most memory that the tree of an answer takes.
        func treeByteCountMax(of response: TransportResponse) -> Int {
            let byteCount = response.body.count
            let isCompressed = Self.isCompressed(response)
            return Self.treeByteCount
                * (isCompressed ? min(byteCountMax, byteCount * Self.unpackedByteCount) : byteCount)
        }

        private static func isCompressed(_ response: TransportResponse) -> Bool {
            response.header("content-encoding")?.lowercased() == "gzip"
        }

        /// The JSON of a body; `nil` if its checksum, compression or JSON is wrong.
        private func body(of response: TransportResponse) -> JSONNode? {
            let isCompressed = Self.isCompressed(response)
            var bytes = response.body
            if isCompressed {
                guard let whole = try? Compression.gunzip(bytes, limit: byteCountMax) else {
                    return nil
                }
                bytes = whole
            }
            if let checksum = response.header("x-amz-crc32").flatMap({ UInt32($0) }) {
                // Services disagree whether the checksum is of the compressed bytes.
                guard
                    Compression.checksum(response.body) == checksum
                        || isCompressed && Compression.checksum(bytes) == checksum
                else { return nil }
            }
            return try? JSONNode.parse(bytes)
        }

        /// The name of an error without its namespace.
        private static func type(_ node: JSONNode?, _ response: TransportResponse) -> String? {
            let text = node?["__type"]?.text ?? response.header("x-amzn-errortype")
            guard let name = text?.split(separator: "#").last?.prefix(while: { $0 != ":" }) else {
                return nil
            }
            // Only a name of an error may get into descriptions.
            let isError = name.allSatisfy { $0.isASCII && $0.isLetter }
            return isError && isName(name) ? String(name) : nil
        }

        /// Whether text is short, and has letters, digits and hyphens alone: such text may get into
        /// descriptions.
        private static func isName(_ text: some StringProtocol) -> Bool {
            (1...100).contains(text.utf8.count)
                && text.utf8.allSatisfy { byte in
                    switch byte {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"),
                        UInt8(ascii: "A")...UInt8(ascii: "Z"),
                        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
                        true
                    default: false
                    }
                }
        }

        private static func reasons(_ node: JSONNode?) -> [RemoteFailure.Reason] {
            guard case .array(let nodes)? = node?["CancellationReasons"] else { return [] }
            return nodes.map { node in
                RemoteFailure.Reason(
                    code: node["Code"]?.text ?? "None",
                    item: node["Item"].flatMap { try? DynamoDBJSON.item($0) })
            }
        }

        private func kind(
            _ type: String?, _ response: TransportResponse, _ reasons: [RemoteFailure.Reason],
            _ correctsClock: (String?) -> Bool
        ) -> RemoteFailure.Kind {
            let type = type ?? ""
            if Self.throttling.contains(type) || response.status == 429 { return .throttled }
            if Self.conflicts.contains(type) { return .conflict }
            if type == "TransactionCanceledException" {
                let isTransient = reasons.allSatisfy { Self.transientReasons.contains($0.code) }
                guard isTransient, !reasons.isEmpty else { return .refused }
                let isConflict = reasons.contains { $0.code == "TransactionConflict" }
                return isConflict ? .conflict : .throttled
            }
            if Self.stale.contains(type) { return .staleCredentials }
            if Self.dates.contains(type), correctsClock(response.header("date")) {
                return .skewedClock
            }
            if response.status >= 500 || Self.failures.contains(type) { return .unavailable }
            // An answer that no service of DynamoDB gives, such as that of a proxy.
            return response.status < 400 ? .damagedAnswer : .refused
        }
    }
#endif
