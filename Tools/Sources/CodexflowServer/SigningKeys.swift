#if Server
    import CodexSignatures
    import Crypto
    import Foundation
    import Synchronization

    /// The keys that sign requests, derived from the secret key and the scope of a credential.
    ///
    /// A key is the same for all requests of a day, a region and a service. It is derived once, and
    /// not for each request.
    final class SigningKeys: Sendable {
        private let secretKey: String
        /// The authentication codes of no bytes so far, by scope: each begins with its key.
        private let known = Mutex<[String: HMAC<SHA256>]>([:])

        /// Most keys that are known: those of two services on the two days around midnight.
        private static let countMax = 4

        init(_ secretKey: String) { self.secretKey = secretKey }

        /// Whether the signature of a header is that of a text, compared in constant time.
        func isValid(_ authorization: AuthorizationHeader, for text: [UInt8]) -> Bool {
            var code = code(for: authorization)
            code.update(data: text)
            return code.finalize() == authorization.signature
        }

        /// The authentication code of no bytes so far, with the key for the scope of a header.
        func code(for authorization: AuthorizationHeader) -> HMAC<SHA256> {
            let scope = authorization.scope
            if let code = known.withLock({ $0[scope.text] }) { return code }
            let code = HMAC<SHA256>(key: derivedKey(for: scope))
            known.withLock { known in
                if known.count >= Self.countMax { known.removeAll() }
                known[scope.text] = code
            }
            return code
        }

        private func derivedKey(for scope: CredentialScope) -> SymmetricKey {
            SymmetricKey(
                data: scope.signingKey(secretKey) { key, message in
                    Array(
                        HMAC<SHA256>.authenticationCode(
                            for: message, using: SymmetricKey(data: key)))
                })
        }
    }
#endif
