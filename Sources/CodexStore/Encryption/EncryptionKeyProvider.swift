#if Encryption
    /// A source of the keys that encrypt fields: a key management service, or ``FileKeyProvider``.
    ///
    /// Values are encrypted under *data keys*. The provider makes them and wraps them under its own
    /// keys, which never leave it. This is envelope encryption, as with AWS KMS' `GenerateDataKey`
    /// and `Decrypt`. The wrapped data key is stored with each value. The store keeps unwrapped
    /// keys in memory, so that it seldom calls the provider.
    ///
    /// The store calls the provider from many threads at once, and its reads and writes wait for
    /// the answer. An error of the provider fails the read or write with
    /// ``CodexError/Code/keyUnavailable`` and the error as its cause. A `CodexError` of that code,
    /// or of ``CodexError/Code/valueTampered``, is passed on.
    public protocol EncryptionKeyProvider: Sendable {
        /// The identifier of the key that wraps new data keys, 1 to 255 bytes.
        ///
        /// The store reads it at each write of an encrypted field.
        var currentKeyID: String { get throws }

        /// Makes a data key: 32 random bytes, plain and wrapped under the current key.
        func makeDataKey() throws -> DataKey

        /// Unwraps a data key.
        ///
        /// - Parameters:
        ///   - wrapped: The wrapped key from ``makeDataKey()``.
        ///   - keyID: The key that wrapped it.
        /// - Returns: The 32 bytes; `nil` if the provider does not have the key.
        /// - Throws: ``CodexError/Code/valueTampered`` if the provider has the key, and that key
        ///   did not wrap these bytes; otherwise the reason why the provider cannot answer.
        func unwrap(_ wrapped: [UInt8], keyID: String) throws -> [UInt8]?

        /// A number that changes when a key is removed: the store then drops all unwrapped data
        /// keys.
        ///
        /// The store requests dropped keys from the provider again. It reads the number at each use
        /// of a data key, also of an unwrapped one. An error ends that use, and the store drops all
        /// data keys. The default is 0: unwrapped keys stay in memory until the store is closed.
        var keyGeneration: UInt64 { get throws }
    }

    extension EncryptionKeyProvider {
        /// 0: no key is removed while the store is open.
        public var keyGeneration: UInt64 { get throws { 0 } }
    }

    /// A key for data, plain and wrapped.
    public struct DataKey: Sendable {
        /// The key that wrapped it.
        public let keyID: String
        /// The 32 bytes of the key: keep them secret.
        public internal(set) var plain: [UInt8]
        /// The stored form of the key, at most 65,535 bytes.
        public let wrapped: [UInt8]

        /// Creates a data key.
        public init(keyID: String, plain: [UInt8], wrapped: [UInt8]) {
            self.keyID = keyID
            self.plain = plain
            self.wrapped = wrapped
        }

        /// Overwrites the plain key; copies of this value keep theirs.
        mutating func wipe() { plain.wipe() }
    }

    extension DataKey: CustomStringConvertible, CustomReflectable {
        /// The key's identifier only, for logs.
        public var description: String { "DataKey under \(keyID)" }
        /// The key's identifier only, for logs.
        public var customMirror: Mirror { Mirror(self, children: ["keyID": keyID]) }
    }
#endif
