#if Server
    import NIOHTTP1

    /// What a browser asks for before it lets a page of an allowed origin send a request.
    ///
    /// The answer repeats the method and the headers, as DynamoDB's does: their origin is allowed
    /// to send any. Text that is not a list of names is not repeated.
    struct Preflight: Sendable {
        private let origin: String
        private let method: String
        private let headers: String
        private let isForPrivateNetwork: Bool

        /// The headers of AWS's clients in a browser.
        private static let usualHeaders =
            "amz-sdk-invocation-id, amz-sdk-request, authorization, content-encoding, "
            + "content-type, x-amz-content-sha256, x-amz-date, x-amz-security-token, "
            + "x-amz-target, x-amz-user-agent"
        /// The most bytes of a text that is repeated.
        static let byteCountMax = 2048

        /// Reads the request.
        ///
        /// - Parameters:
        ///   - fields: The headers.
        ///   - origin: The origin that the answer allows.
        init(_ fields: HeadFields, origin: String) {
            self.origin = origin
            method = Self.names(fields[.requestedMethod]) ?? "POST"
            headers = Self.names(fields[.requestedHeaders]) ?? Self.usualHeaders
            isForPrivateNetwork = fields[.requestedPrivateNetwork] == "true"
        }

        /// The text, if it is names between commas (`token` in RFC 9110, 5.6.2).
        private static func names(_ text: String?) -> String? {
            guard let text, (1...byteCountMax).contains(text.utf8.count),
                text.utf8.allSatisfy(isListByte)
            else { return nil }
            return text
        }

        private static func isListByte(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: ","), UInt8(ascii: " "), UInt8(ascii: "-"), UInt8(ascii: "_"): true
            default:
                byte &- UInt8(ascii: "0") < 10 || (byte | 0x20) &- UInt8(ascii: "a") < 26
            }
        }

        /// The answer.
        var answer: HTTPAnswer {
            var headers = HTTPAnswer.allowing(origin)
            headers.add(name: "access-control-allow-methods", value: method)
            headers.add(name: "access-control-allow-headers", value: self.headers)
            headers.add(name: "access-control-max-age", value: "600")
            if isForPrivateNetwork {
                headers.add(name: "access-control-allow-private-network", value: "true")
            }
            return HTTPAnswer(status: 200, text: "", headers: headers)
        }
    }
#endif
