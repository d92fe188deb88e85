#if Encryption
    /// A source of the keys that encrypt fields: a key management service, or ``FileKeyProvider``.
    ///
    /// Values are encrypted under *data keys*, which the provider makes and wraps under keys of its
    /// own that never leave it (envelope encryption, as with AWS KMS' `GenerateDataKey` and
    /// `Decrypt`). The wrapped data key is stored with each value; the store keeps unwrapped ones
    /// in memory, so that the provider is asked seldom.
    ///
    /// The store calls it from many threads at once, and waits for the answer: reads and writes
    /// wait with it. Whatever it throws fails the read or write with
    /// ``CodexError/Code/keyUnavailable`` and the error as its cause; a `CodexError` of that code,
    /// or of ``CodexError/Code/valueTampered``, is passed on.
    public protocol EncryptionKeyProvider: Sendable {
        /// The identifier of the key that wraps new data keys, 1 to 255 bytes; asked for at each
        /// write of an encrypted field.
        var currentKeyID: String { get throws }

        /// Makes a data key: 32 random bytes, plain and wrapped under the current key.
        func makeDataKey() throws -> DataKey

        /// Unwraps a data key.
        ///
        /// - Parameters:
        ///   - wrapped: What ``makeDataKey()`` gave.
        ///   - keyID: The key that wrapped it.
        /// - Returns: The 32 bytes; `nil` if the provider does not have the key.
        /// - Throws: ``CodexError/Code/valueTampered`` if it has the key, and that key did not wrap
        ///   these bytes; otherwise what keeps the provider from answering.
        func unwrap(_ wrapped: [UInt8], keyID: String) throws -> [UInt8]?

        /// A number that changes when a key is gone: the store forgets the data keys that it
        /// unwrapped, and asks for them again.
        ///
        /// It is asked for at each use of a data key, also of one that the store has unwrapped.
        /// Whatever it throws ends that use, and the store forgets all data keys. By default it is
        /// 0, and unwrapped keys stay in memory until the store is closed.
        var keyGeneration: UInt64 { get throws }
    }

    extension EncryptionKeyProvider {
        /// 0: keys are never gone while the store is open.
        public var keyGeneration: UInt64 { get throws { 0 } }
    }

    /// A key for data, plain and wrapped.
    public struct DataKey: Sendable {
        /// The key that wrapped it.
        public let keyID: String
        /// The 32 bytes of the key: keep them secret.
        public internal(set) var plain: [UInt8]
        /// The key as it is stored, at most 65,535 bytes.
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
