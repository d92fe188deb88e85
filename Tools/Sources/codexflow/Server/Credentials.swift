#if Server
    import CodexCore
    import Crypto
    import Foundation
    import HTTPTypes
    import Hummingbird

    /// Whose requests the server takes, by their signature: "Signature Version 4 signing process" in AWS's general
    /// reference.
    struct Credentials: Sendable {
        let accessKeyID: String
        private let secretKey: String
        private let now: @Sendable () -> Date

        /// How far a request's clock may be from the server's.
        private static let skewMax: TimeInterval = 15 * 60
        private static let algorithm = "AWS4-HMAC-SHA256"

        init(
            accessKeyID: String, secretKey: String,
            now: @escaping @Sendable () -> Date = { Date() }
        ) {
            self.accessKeyID = accessKeyID
            self.secretKey = secretKey
            self.now = now
        }

        /// Takes them from a program's environment; `nil` if it has none.
        init?(_ environment: [String: String]) throws {
            let id = environment["CODEXFLOW_ACCESS_KEY_ID"] ?? ""
            let secret = environment["CODEXFLOW_SECRET_ACCESS_KEY"] ?? ""
            if id.isEmpty, secret.isEmpty { return nil }
            guard !id.isEmpty, !secret.isEmpty else {
                throw CodexError(
                    .invalidArgument,
                    "CODEXFLOW_ACCESS_KEY_ID and CODEXFLOW_SECRET_ACCESS_KEY go together. Set both."
                )
            }
            self.init(accessKeyID: id, secretKey: secret)
        }

        /// Throws unless the request says that the credentials signed it: so much is known before its body.
        @discardableResult
        func requireSigner(_ request: Request) throws(ServiceError) -> Signature {
            guard let header = request.headers[.authorization] else {
                throw ServiceError(
                    "MissingAuthenticationTokenException",
                    "Request is missing Authentication Token",
                    status: 400)
            }
            guard let signature = Signature(header) else {
                throw ServiceError(
                    "IncompleteSignatureException", "The Authorization header is not complete.",
                    status: 400)
            }
            guard signature.accessKeyID == accessKeyID else {
                throw ServiceError(
                    "UnrecognizedClientException",
                    "The security token included in the request is invalid.", status: 400)
            }
            return signature
        }

        /// Throws unless the request is signed with the credentials, now, with its body.
        func verify(_ request: Request, _ body: [UInt8]) throws(ServiceError) {
            let signature = try requireSigner(request)
            let dateName = HTTPField.Name("X-Amz-Date")
            guard let dateName, let date = request.headers[dateName],
                date.hasPrefix(signature.day + "T"), let moment = Self.moment(date),
                abs(moment.timeIntervalSince(now())) <= Self.skewMax
            else {
                throw ServiceError(
                    "InvalidSignatureException",
                    "The request's date is missing, or too far from now, or not the signature's.",
                    status: 400)
            }
            guard signature.signedHeaders.contains("host"),
                signature.isValid(
                    for: Self.stringToSign(request, body, date, signature), secretKey: secretKey)
            else {
                throw ServiceError(
                    "InvalidSignatureException",
                    "The request signature we calculated does not match the signature you provided. "
                        + "Check your AWS Secret Access Key and signing method.", status: 400)
            }
        }

        private static func moment(_ text: String) -> Date? {
            // As 20261126T031500Z.
            let digits = Array(text.utf8)
            guard digits.count == 16, digits[15] == UInt8(ascii: "Z") else { return nil }
            func part(_ range: Range<Int>) -> String {
                String(decoding: digits[range], as: UTF8.self)
            }
            return Timestamp.date(
                "\(part(0..<4))-\(part(4..<6))-\(part(6..<8))T\(part(9..<11)):\(part(11..<13)):"
                    + "\(part(13..<15)).000Z")
        }

        private static func stringToSign(
            _ request: Request, _ body: [UInt8], _ date: String, _ signature: Signature
        ) -> String {
            var canonical =
                "\(request.method.rawValue)\n\(request.uri.path)\n\(request.uri.query ?? "")\n"
            for name in signature.signedHeaders {
                let value: String
                if name == "host" {
                    value = request.head.authority ?? ""
                } else {
                    value =
                        HTTPField.Name(name).map { name in
                            request.headers[values: name].map(Self.trimmed).joined(separator: ",")
                        } ?? ""
                }
                canonical += "\(name):\(value)\n"
            }
            canonical += "\n\(signature.signedHeaders.joined(separator: ";"))\n"
            canonical += hex(SHA256.hash(data: body))
            return "\(algorithm)\n\(date)\n\(signature.scope)\n"
                + hex(SHA256.hash(data: Data(canonical.utf8)))
        }

        /// Without spaces at the ends, and with single ones between words.
        private static func trimmed(_ value: String) -> String {
            value.split(separator: " ").joined(separator: " ")
        }

        private static func hex(_ digest: SHA256.Digest) -> String {
            digest.map { byte in
                let digits = String(byte, radix: 16)
                return digits.count == 1 ? "0" + digits : digits
            }.joined()
        }

        /// What an Authorization header says.
        struct Signature {
            let accessKeyID: String
            let day: String
            let scope: String
            let signedHeaders: [String]
            fileprivate let region: String
            fileprivate let service: String
            fileprivate let signature: [UInt8]

            init?(_ header: String) {
                guard header.hasPrefix(Credentials.algorithm + " ") else { return nil }
                var parts: [Substring: Substring] = [:]
                for part in header.dropFirst(Credentials.algorithm.count).split(separator: ",") {
                    let pair = part.drop { $0 == " " }.split(separator: "=", maxSplits: 1)
                    guard pair.count == 2 else { return nil }
                    parts[pair[0]] = pair[1]
                }
                guard let credential = parts["Credential"]?.split(separator: "/"),
                    credential.count == 5, credential[4] == "aws4_request",
                    let headers = parts["SignedHeaders"], let text = parts["Signature"],
                    let bytes = Self.bytes(text)
                else { return nil }
                accessKeyID = String(credential[0])
                day = String(credential[1])
                region = String(credential[2])
                service = String(credential[3])
                scope = credential.dropFirst().joined(separator: "/")
                signedHeaders = headers.split(separator: ";").map(String.init)
                signature = bytes
            }

            private static func bytes(_ text: Substring) -> [UInt8]? {
                let digits = Array(text)
                guard digits.count == 64 else { return nil }
                var bytes: [UInt8] = []
                for place in stride(from: 0, to: 64, by: 2) {
                    guard let byte = UInt8(String(digits[place...place + 1]), radix: 16) else {
                        return nil
                    }
                    bytes.append(byte)
                }
                return bytes
            }

            /// Compares in constant time.
            func isValid(for text: String, secretKey: String) -> Bool {
                func code(_ text: String, _ key: SymmetricKey) -> SymmetricKey {
                    SymmetricKey(
                        data: HMAC<SHA256>.authenticationCode(for: Data(text.utf8), using: key))
                }
                var key = SymmetricKey(data: Data("AWS4\(secretKey)".utf8))
                for part in [day, region, service, "aws4_request"] { key = code(part, key) }
                return HMAC<SHA256>.isValidAuthenticationCode(
                    signature, authenticating: Data(text.utf8), using: key)
            }
        }
    }
#endif
