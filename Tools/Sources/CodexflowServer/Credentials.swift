#if Server
    import CodexCore
    import CodexSignatures
    import Crypto
    import Foundation
    import NIOHTTP1

    /// The credentials that requests must be signed with, by Signature Version 4.
    package struct Credentials: Sendable {
        package let accessKeyID: String
        private let keys: SigningKeys
        private let region: String
        private let now: @Sendable () -> Date

        /// The largest difference between the clocks of a request and the server.
        private static let skewMax: TimeInterval = 15 * 60

        package init(
            accessKeyID: String, secretKey: String, region: String,
            now: @escaping @Sendable () -> Date = { Date() }
        ) {
            self.accessKeyID = accessKeyID
            keys = SigningKeys(secretKey)
            self.region = region
            self.now = now
        }

        /// Reads the credentials from a program's environment; `nil` if it has none.
        ///
        /// - Throws: ``CodexError/Code/invalidArgument`` if one of the two variables is set alone,
        ///   or if no signature can name the access key.
        package init?(_ environment: [String: String], region: String) throws {
            let id = environment["CODEXFLOW_ACCESS_KEY_ID"] ?? ""
            let secret = environment["CODEXFLOW_SECRET_ACCESS_KEY"] ?? ""
            if id.isEmpty, secret.isEmpty { return nil }
            guard !id.isEmpty, !secret.isEmpty else {
                throw CodexError(
                    .invalidArgument,
                    "CODEXFLOW_ACCESS_KEY_ID and CODEXFLOW_SECRET_ACCESS_KEY go together. Set both."
                )
            }
            guard AuthorizationHeader.isAccessKeyID(id) else {
                throw CodexError(
                    .invalidArgument,
                    "No signature can name CODEXFLOW_ACCESS_KEY_ID. Choose 1 to "
                        + "\(AuthorizationHeader.accessKeyIDByteCountMax) visible ASCII characters "
                        + "other than the slash and the comma.")
            }
            self.init(accessKeyID: id, secretKey: secret, region: region)
        }

        /// Throws unless the request claims the credentials; this check needs no body.
        package func signer(
            _ header: String?
        ) throws(RequestRefusal) -> AuthorizationHeader {
            guard let header else { throw RequestRefusal.missingSigner }
            guard let authorization = AuthorizationHeader(header) else {
                throw RequestRefusal(
                    "IncompleteSignatureException",
                    "The Authorization header is not complete: it has a Credential for dynamodb, "
                        + "sorted SignedHeaders with host, x-amz-target and x-amz-date, and a "
                        + "Signature.")
            }
            guard authorization.accessKeyID == accessKeyID else {
                throw RequestRefusal(
                    "UnrecognizedClientException",
                    "The security token included in the request is invalid.")
            }
            guard authorization.scope.region == region else {
                throw RequestRefusal(
                    "InvalidSignatureException",
                    "Credential should be scoped to a valid region: that of the server's --region.")
            }
            return authorization
        }

        /// Checks that the request and its body are signed with the credentials, at the present
        /// time.
        ///
        /// - Parameters:
        ///   - authorization: The header that ``signer(_:)`` returned.
        ///   - headers: The request's headers.
        ///   - bodyHash: The SHA-256 of the body, in hexadecimal digits.
        /// - Throws: `InvalidSignatureException` if the check fails.
        package func verify(
            _ authorization: AuthorizationHeader, _ headers: HTTPHeaders, bodyHash: String
        ) throws(RequestRefusal) {
            guard let date = headers.first(name: authorization.dateHeader),
                date.hasPrefix(authorization.scope.day + "T"), let instant = Self.instant(date),
                abs(instant.timeIntervalSince(now())) <= Self.skewMax
            else {
                throw RequestRefusal(
                    "InvalidSignatureException",
                    "The request's date is missing, or too far from now, or not the signature's.")
            }
            guard
                let request = CanonicalRequest(
                    headers, signing: authorization.signedHeaders, bodyHash: bodyHash),
                keys.isValid(
                    authorization,
                    for: CanonicalRequest.stringToSign(
                        hash: SHA256.hash(data: request.bytes), date: date,
                        scope: authorization.scope))
            else {
                throw RequestRefusal(
                    "InvalidSignatureException",
                    "The request signature we calculated does not match the signature you "
                        + "provided. Check your AWS Secret Access Key and signing method.")
            }
        }

        /// Reads a date such as 20261128T031500Z.
        private static func instant(_ text: String) -> Date? {
            guard text.utf8.count == 16 else { return nil }
            var extended: [UInt8] = []
            extended.reserveCapacity(20)
            for (place, byte) in text.utf8.enumerated() {
                // The first digits of month and day, and of minute and second.
                if place == 4 || place == 6 { extended.append(UInt8(ascii: "-")) }
                if place == 11 || place == 13 { extended.append(UInt8(ascii: ":")) }
                extended.append(byte)
            }
            return Timestamp.date(String(decoding: extended, as: UTF8.self))
        }
    }
#endif
