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
        private let known = Mutex<[CredentialScope: SymmetricKey]>([:])

        /// Most keys that are known: those of two services on the two days around midnight.
        private static let countMax = 4

        init(_ secretKey: String) { self.secretKey = secretKey }

        /// The key for the scope of a request's header.
        func key(for authorization: AuthorizationHeader) -> SymmetricKey {
            let scope = authorization.scope
            if let key = known.withLock({ $0[scope] }) { return key }
            let key = derived(for: scope)
            known.withLock { known in
                if known.count >= Self.countMax { known.removeAll() }
                known[scope] = key
            }
            return key
        }

        private func derived(for scope: CredentialScope) -> SymmetricKey {
            SymmetricKey(
                data: scope.signingKey(secretKey) { key, message in
                    Array(
                        HMAC<SHA256>.authenticationCode(
                            for: message, using: SymmetricKey(data: key)))
                })
        }
    }
#endif
