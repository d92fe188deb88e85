#if Encryption
    public import CodexCore
    internal import Crypto
    internal import Foundation

    /// Keys in a file, which only its owner can read.
    ///
    /// ```swift
    /// let keys = try FileKeyProvider(at: "/etc/codexflow/keys.json", mayCreate: true)
    /// ```
    ///
    /// Keep it apart from the store and its backups: who has both can read everything, and without the
    /// file nobody can read the encrypted fields any more. Other processes notice when it was changed.
    ///
    /// The file is JSON: `{"format": 1, "current": "<id>", "keys": [{"id", "key", "createdAt"}]}`, each key
    /// 32 bytes in Base64. A value may be used by any number of threads.
    public final class FileKeyProvider: EncryptionKeyProvider {
        /// The file.
        public let path: String
        private let state: Locked<State>

        private struct State {
            var contents: Contents
            var stamp: FileSystem.Stamp
        }

        private struct Contents: Codable {
            var format = 1
            var current: String
            var keys: [Key]

            func key(_ id: String) -> SymmetricKey? {
                keys.first { $0.id == id }.map { SymmetricKey(data: $0.key) }
            }
        }

        private struct Key: Codable {
            let id: String
            let key: Data
            let createdAt: Date

            static func make(_ now: Date) -> Key {
                var random = SystemRandomNumberGenerator()
                let id = String(UInt64.random(in: .min ... .max, using: &random), radix: 16)
                return Key(
                    id: String(repeating: "0", count: 16 - id.count) + id,
                    key: Data(FileKeyProvider.randomBytes()),
                    createdAt: now)
            }
        }

        private static let byteCountMax = 1 << 20

        /// The bytes of a new key, from the system's generator, which is for such use
        /// (`SystemRandomNumberGenerator`).
        private static func randomBytes() -> [UInt8] {
            var random = SystemRandomNumberGenerator()
            return (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        }

        /// Reads the keys of a file.
        ///
        /// - Parameters:
        ///   - path: The file.
        ///   - mayCreate: Whether a file with one key is made where there is none.
        /// - Throws: ``CodexError/Code/keyUnavailable`` if it is none of keys, or others than its owner may
        ///   read it; ``CodexError/Code/notFound``, ``CodexError/Code/inputOutput`` and such if it cannot be
        ///   read or written.
        public init(at path: String, mayCreate: Bool = false) throws(CodexError) {
            self.path = path
            if mayCreate {
                // With the lock, or of two that make one the first's key would be lost.
                let lock = try FileLock(waitingFor: path + ".lock")
                defer { lock.release() }
                if try FileSystem.kind(path) == nil {
                    let key = Key.make(Date())
                    try Self.write(Contents(current: key.id, keys: [key]), path)
                }
            }
            state = Locked(try Self.read(path))
        }

        /// The identifiers of the keys, oldest first.
        public var keyIDs: [String] {
            get throws(CodexError) { try contents().keys.map(\.id) }
        }

        /// Adds a key, under which values are encrypted from now on; the others open what they encrypted.
        ///
        /// `Store.reseal()` brings what there is under the new key, and then the old one can go.
        ///
        /// - Returns: The new key's identifier.
        /// - Throws: As ``init(at:mayCreate:)``, and what writing throws.
        @discardableResult
        public func rotate() throws(CodexError) -> String {
            let key = Key.make(Date())
            try change { contents throws(CodexError) in
                contents.keys.append(key)
                contents.current = key.id
            }
            return key.id
        }

        /// Removes a key for good: what is encrypted under it cannot be read any more.
        ///
        /// - Throws: ``CodexError/Code/invalidArgument`` for the current key, or one that is not there; as
        ///   ``rotate()``.
        public func remove(keyID: String) throws(CodexError) {
            try change { contents throws(CodexError) in
                guard keyID != contents.current, contents.key(keyID) != nil else {
                    throw CodexError(
                        .invalidArgument,
                        "The key is the current one, or not in the file. Rotate first.")
                }
                contents.keys.removeAll { $0.id == keyID }
            }
        }

        // MARK: What the store asks for

        /// The newest key.
        public var currentKeyID: String { get throws { try contents().current } }

        /// Makes a data key, wrapped with AES-GCM.
        public func makeDataKey() throws -> DataKey {
            let contents = try contents()
            guard let key = contents.key(contents.current) else { throw Self.malformed(path) }
            let plain = Self.randomBytes()
            let box = try AES.GCM.seal(
                plain, using: key, authenticating: Self.authenticated(contents.current))
            return DataKey(
                keyID: contents.current, plain: plain, wrapped: Array(box.combined ?? Data()))
        }

        /// Unwraps a data key.
        ///
        /// - Throws: ``CodexError/Code/valueTampered`` if it was changed; as ``init(at:mayCreate:)``.
        public func unwrap(_ wrapped: [UInt8], keyID: String) throws -> [UInt8]? {
            guard let key = try contents().key(keyID) else { return nil }
            do {
                let box = try AES.GCM.SealedBox(combined: wrapped)
                return Array(
                    try AES.GCM.open(box, using: key, authenticating: Self.authenticated(keyID)))
            } catch {
                throw CodexError(
                    .valueTampered,
                    "A wrapped data key was changed, or is of another file of keys. Restore the item "
                        + "from a backup.")
            }
        }

        private static func authenticated(_ keyID: String) -> [UInt8] {
            Array("codex data key \(keyID)".utf8)
        }

        // MARK: The file

        /// The keys as the file has them now.
        private func contents() throws(CodexError) -> Contents {
            let stamp = try FileSystem.stamp(path)
            if let known = state.withLock({ $0.stamp == stamp ? $0.contents : nil }) {
                return known
            }
            let new = try Self.read(path)
            state.withLock { $0 = new }
            return new.contents
        }

        private func change(
            _ body: (inout Contents) throws(CodexError) -> Void
        ) throws(CodexError) {
            // One process at a time: of two that add a key, neither loses the other's.
            let lock = try FileLock(waitingFor: path + ".lock")
            defer { lock.release() }
            var contents = try Self.read(path).contents
            try body(&contents)
            try Self.write(contents, path)
            let new = try Self.read(path)
            state.withLock { $0 = new }
        }

        private static func read(_ path: String) throws(CodexError) -> State {
            let stamp = try FileSystem.stamp(path)
            guard stamp.permissions & 0o077 == 0 else {
                throw CodexError(
                    .keyUnavailable,
                    "Others than its owner may read the file of keys \(path). chmod 600 it.")
            }
            let bytes = try FileSystem.read(path, limit: byteCountMax)
            let decoder = JSONDecoder()
            decoder.dateDecodingStrategy = .iso8601
            guard let contents = try? decoder.decode(Contents.self, from: Data(bytes)),
                contents.format == 1, contents.key(contents.current) != nil,
                contents.keys.allSatisfy({
                    $0.key.count == 32 && (1...255).contains($0.id.utf8.count)
                })
            else { throw malformed(path) }
            return State(contents: contents, stamp: stamp)
        }

        private static func write(_ contents: Contents, _ path: String) throws(CodexError) {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
            encoder.dateEncodingStrategy = .iso8601
            guard let json = try? encoder.encode(contents) else { throw malformed(path) }
            try FileSystem.replaceDurably(path, with: Array(json), permissions: 0o600)
        }

        private static func malformed(_ path: String) -> CodexError {
            CodexError(
                .keyUnavailable,
                "\(path) is no file of keys of this format, or is damaged. Restore it from its backup."
            )
        }
    }
#endif
