#if Remote
    internal import CodexCore
    internal import CodexSignatures
    internal import Crypto
    internal import FoundationEssentials
    internal import Synchronization

    /// Signs requests by Signature Version 4.
    final class RequestSigner: Sendable {
        private struct Key: Sendable {
            let secret: String
            let scope: CredentialScope
            let bytes: [UInt8]
        }

        private let region: String
        private let service: String
        /// The key of the last request: it is the same for a day.
        private let last = Mutex<Key?>(nil)

        init(region: String, service: String = "dynamodb") {
            (self.region, self.service) = (region, service)
        }

        /// The headers of a request with its signature.
        ///
        /// - Parameters:
        ///   - headers: The headers to sign, the host included, by names in lower case.
        ///   - body: The body.
        ///   - credentials: The key.
        ///   - instant: The time of the signature.
        ///   - method: The method of HTTP.
        ///   - query: The part of the address after the question mark, as it is signed.
        /// - Returns: The headers, with the date, the token and the signature.
        func signed(
            _ headers: [(name: String, value: String)], body: [UInt8],
            with credentials: AWSCredentials, at instant: Date, method: String = "POST",
            query: String = ""
        ) -> [(name: String, value: String)] {
            let date = Self.date(instant)
            let scope = CredentialScope(
                day: String(date.prefix(8)), region: region, service: service)
            var headers = headers
            headers.append((name: "x-amz-date", value: date))
            if let token = credentials.sessionToken {
                headers.append((name: "x-amz-security-token", value: token))
            }
            let names = Set(headers.map(\.name)).sorted()
            let request = CanonicalRequest(
                headers, signing: names, bodyHash: Self.hash(body), method: method, query: query)
            // Each signed header is there.
            let text = CanonicalRequest.stringToSign(
                hash: Crypto.SHA256.hash(data: request?.bytes ?? []), date: date, scope: scope)
            let signature = CanonicalRequest.hexadecimal(
                Self.code(key(credentials.secretAccessKey, scope), text))
            headers.append(
                (
                    name: "authorization",
                    value: "\(AuthorizationHeader.algorithm) "
                        + "Credential=\(credentials.accessKeyID)/\(scope.text), "
                        + "SignedHeaders=\(names.joined(separator: ";")), Signature=\(signature)"
                ))
            return headers
        }

        /// An instant as `20261128T031500Z`.
        static func date(_ instant: Date) -> String {
            String(
                decoding: Timestamp.text(instant).utf8.prefix(19).filter {
                    $0 != UInt8(ascii: "-") && $0 != UInt8(ascii: ":")
                }, as: UTF8.self) + "Z"
        }

        private func key(_ secret: String, _ scope: CredentialScope) -> [UInt8] {
            let known = last.withLock { $0 }
            if let known, known.secret == secret, known.scope == scope { return known.bytes }
            let bytes = scope.signingKey(secret, code: Self.code)
            last.withLock { $0 = Key(secret: secret, scope: scope, bytes: bytes) }
            return bytes
        }

        private static func hash(_ bytes: [UInt8]) -> String {
            CanonicalRequest.hexadecimal(Crypto.SHA256.hash(data: bytes))
        }

        private static func code(_ key: [UInt8], _ message: [UInt8]) -> [UInt8] {
            Array(
                HMAC<Crypto.SHA256>.authenticationCode(
                    for: message, using: SymmetricKey(data: key)))
        }
    }
#endif
