#if Encryption
    internal import CodexCore
    internal import Crypto
    internal import Foundation

    /// Encrypts with AES-256-GCM (NIST SP 800-38D), each value with a random nonce, under a
    /// provider's data keys.
    ///
    /// A data key is replaced when the provider's current key changes, and after ``useCountMax``
    /// values. That is far below 2³² values, from which on random nonces are not safe (section 8.3
    /// there). Keys in memory are overwritten when they are released (`SymmetricKey`).
    final class AESGCMSealer: FieldSealer {
        private let provider: any EncryptionKeyProvider
        private let state = Locked(State())

        fileprivate struct State {
            /// The provider's ``EncryptionKeyProvider/keyGeneration`` for these keys.
            var generation: UInt64?
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
        /// The maximum number of unwrapped keys in memory: each opening of a store makes one.
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

        func seal(
            _ plain: [UInt8], _ place: SealedPlace, isPortable: Bool
        ) throws(CodexError) -> SealedValue {
            let current = try dataKey()
            var value = SealedValue(
                keyID: current.keyID, wrappedKey: current.wrapped,
                isBound: !isPortable && place.store != nil)
            do {
                let box = try AES.GCM.seal(
                    plain, using: current.key, authenticating: place.authenticated(value))
                value.box = box.combined.map { Array($0) } ?? []
            } catch {
                throw CodexError(.keyUnavailable, "The field cannot be encrypted.", cause: error)
            }
            return value
        }

        func open(_ value: SealedValue, _ place: SealedPlace) throws(CodexError) -> [UInt8]? {
            try opened(value, place).map { Array($0) }
        }

        func authenticationCode(
            of message: [UInt8], under key: SealedValue, _ place: SealedPlace
        ) throws(CodexError) -> [UInt8]? {
            guard var plain = try opened(key, place) else { return nil }
            defer { plain.wipe() }
            return Array(
                HMAC<Crypto.SHA256>.authenticationCode(
                    for: message, using: SymmetricKey(data: plain)))
        }

        private func opened(
            _ value: SealedValue, _ place: SealedPlace
        ) throws(CodexError) -> Data? {
            guard let key = try unwrapped(value) else { return nil }
            do {
                let box = try AES.GCM.SealedBox(combined: value.box)
                return try AES.GCM.open(
                    box, using: key, authenticating: place.authenticated(value))
            } catch {
                throw .valueTampered(place.attribute)
            }
        }

        // MARK: Keys

        /// The key for sealing.
        private func dataKey() throws(CodexError) -> (
            keyID: String, wrapped: [UInt8], key: SymmetricKey
        ) {
            let generation = try knownGeneration()
            let id = try currentKeyID
            let known = state.withLock { state in
                state.useCount += 1
                return state.useCount <= Self.useCountMax ? state.current : nil
            }
            if let known, known.keyID == id { return known }
            // Two threads may each make one: both are valid.
            var made = try asking { try provider.makeDataKey() }
            defer { made.wipe() }
            guard made.plain.count == Self.keyByteCount, made.wrapped.count <= UInt16.max,
                (1...255).contains(made.keyID.utf8.count)
            else { throw Self.unusable("a data key has 32 bytes, wrapped 65,535 at most") }
            let wrapped = Wrapped(keyID: made.keyID, bytes: made.wrapped)
            let key = SymmetricKey(data: made.plain)
            state.withLock { state in
                guard state.remember(key, wrapped, generation) else { return }
                state.current = (wrapped.keyID, wrapped.bytes, key)
                state.useCount = 1
            }
            return (wrapped.keyID, wrapped.bytes, key)
        }

        private func unwrapped(_ value: SealedValue) throws(CodexError) -> SymmetricKey? {
            let generation = try knownGeneration()
            let wrapped = Wrapped(keyID: value.keyID, bytes: value.wrappedKey)
            if let known = state.withLock({ $0.unwrapped[wrapped] }) { return known }
            // It is not a constant first: a second owner of the bytes would keep them.
            guard
                var plain = try asking({
                    try provider.unwrap(wrapped.bytes, keyID: wrapped.keyID)
                })
            else { return nil }
            defer { plain.wipe() }
            guard plain.count == Self.keyByteCount else {
                throw Self.unusable("a data key has 32 bytes")
            }
            let key = SymmetricKey(data: plain)
            _ = state.withLock { $0.remember(key, wrapped, generation) }
            return key
        }

        /// The present generation of the provider's keys; keys of another generation are removed.
        private func knownGeneration() throws(CodexError) -> UInt64 {
            do throws(CodexError) {
                let generation = try asking { try provider.keyGeneration }
                state.withLock { state in
                    if state.generation != generation { state = State(generation: generation) }
                }
                return generation
            } catch {
                state.withLock { $0 = State() }
                throw error
            }
        }

        private func asking<R>(_ body: () throws -> R) throws(CodexError) -> R {
            do {
                return try body()
            } catch let error as CodexError where Self.passedCodes.contains(error.code) {
                throw error
            } catch {
                throw CodexError(
                    .keyUnavailable, "The provider of encryption keys failed.", cause: error)
            }
        }

        private static let passedCodes: Set<CodexError.Code> = [.keyUnavailable, .valueTampered]

        private static func unusable(_ text: String) -> CodexError {
            CodexError(.keyUnavailable, "The provider of encryption keys is wrong: \(text).")
        }
    }

    extension AESGCMSealer.State {
        /// Keeps an unwrapped key, unless the provider's generation changed since it was requested.
        ///
        /// - Returns: Whether it was kept.
        fileprivate mutating func remember(
            _ key: SymmetricKey, _ wrapped: AESGCMSealer.Wrapped, _ generation: UInt64
        ) -> Bool {
            guard self.generation == generation else { return false }
            if unwrapped.count >= AESGCMSealer.unwrappedCountMax { unwrapped = [:] }
            unwrapped[wrapped] = key
            return true
        }
    }
#endif
