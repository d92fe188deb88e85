#if Encryption
    internal import CodexCore
    internal import Crypto

    /// Encrypts with AES-256-GCM (NIST SP 800-38D), each value with a random nonce, under data keys of a
    /// provider.
    ///
    /// A data key is replaced when the provider's current key is another, and after
    /// ``useCountMax`` values: far below 2³², from which on random nonces are not safe (8.3 there).
    final class AESGCMSealer: FieldSealer {
        private let provider: any EncryptionKeyProvider
        private let state = Locked(State())

        fileprivate struct State {
            var current: (keyID: String, wrapped: [UInt8], key: SymmetricKey)?
            var useCount = 0
            /// Keys by their wrapped form.
            var unwrapped: [Wrapped: SymmetricKey] = [:]
        }

        fileprivate struct Wrapped: Hashable {
            let keyID: String
            let bytes: [UInt8]
        }

        static let useCountMax = 1 << 24
        /// Most unwrapped keys in memory: each opening of a store makes one.
        fileprivate static let unwrappedCountMax = 4096
        private static let keyByteCount = 32

        init(_ provider: any EncryptionKeyProvider) { self.provider = provider }

        var currentKeyID: String {
            get throws(CodexError) {
                let id = try asking { try provider.currentKeyID }
                guard (1...255).contains(id.utf8.count) else {
                    throw Self.unusable("its current key's identifier has 1 to 255 bytes")
                }
                return id
            }
        }

        func seal(_ plain: [UInt8], _ place: SealedPlace) throws(CodexError) -> SealedValue {
            let current = try dataKey()
            var value = SealedValue(keyID: current.keyID, wrappedKey: current.wrapped)
            do {
                let box = try AES.GCM.seal(
                    plain, using: current.key, authenticating: place.authenticated(value.header))
                value.box = box.combined.map { Array($0) } ?? []
            } catch {
                throw CodexError(.keyUnavailable, "The field cannot be encrypted.", cause: error)
            }
            return value
        }

        func open(_ value: SealedValue, _ place: SealedPlace) throws(CodexError) -> [UInt8]? {
            guard let key = try unwrapped(value) else { return nil }
            do {
                let box = try AES.GCM.SealedBox(combined: value.box)
                return Array(
                    try AES.GCM.open(
                        box, using: key, authenticating: place.authenticated(value.header)))
            } catch {
                throw .valueTampered(place.attribute)
            }
        }

        /// The key to seal with.
        private func dataKey() throws(CodexError) -> (
            keyID: String, wrapped: [UInt8], key: SymmetricKey
        ) {
            let id = try currentKeyID
            let known = state.withLock { state in
                state.useCount += 1
                return state.useCount <= Self.useCountMax ? state.current : nil
            }
            if let known, known.keyID == id { return known }
            // Two threads may make one each: both are good.
            let made = try asking { try provider.makeDataKey() }
            guard made.plain.count == Self.keyByteCount, made.wrapped.count <= UInt16.max,
                (1...255).contains(made.keyID.utf8.count)
            else { throw Self.unusable("a data key has 32 bytes, wrapped 65,535 at most") }
            let key = SymmetricKey(data: made.plain)
            return state.withLock { state in
                state.current = (made.keyID, made.wrapped, key)
                state.useCount = 1
                state.remember(key, Wrapped(keyID: made.keyID, bytes: made.wrapped))
                return (made.keyID, made.wrapped, key)
            }
        }

        private func unwrapped(_ value: SealedValue) throws(CodexError) -> SymmetricKey? {
            let wrapped = Wrapped(keyID: value.keyID, bytes: value.wrappedKey)
            if let known = state.withLock({ $0.unwrapped[wrapped] }) { return known }
            let plain = try asking { try provider.unwrap(wrapped.bytes, keyID: wrapped.keyID) }
            guard let plain else { return nil }
            guard plain.count == Self.keyByteCount else {
                throw Self.unusable("a data key has 32 bytes")
            }
            let key = SymmetricKey(data: plain)
            state.withLock { $0.remember(key, wrapped) }
            return key
        }

        private func asking<R>(_ body: () throws -> R) throws(CodexError) -> R {
            do {
                return try body()
            } catch let error as CodexError {
                throw error
            } catch {
                throw CodexError(
                    .keyUnavailable, "The provider of encryption keys failed.", cause: error)
            }
        }

        private static func unusable(_ text: String) -> CodexError {
            CodexError(.keyUnavailable, "The provider of encryption keys is wrong: \(text).")
        }
    }

    extension AESGCMSealer.State {
        fileprivate mutating func remember(_ key: SymmetricKey, _ wrapped: AESGCMSealer.Wrapped) {
            if unwrapped.count >= AESGCMSealer.unwrappedCountMax { unwrapped = [:] }
            unwrapped[wrapped] = key
        }
    }
#endif
