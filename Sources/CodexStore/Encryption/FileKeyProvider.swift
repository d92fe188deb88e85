#if Encryption
    public import CodexCore
    internal import Crypto
    internal import Foundation

    /// Keys in a file that only its owner can read.
    ///
    /// ```swift
    /// let keys = try FileKeyProvider(at: "/etc/codexflow/keys.json")
    /// ```
    ///
    /// Make the file once, with ``init(at:mayCreate:)`` or `codexflow keys create`. A program that
    /// makes a missing file at each start gets new keys if a path is wrong, or a volume is not
    /// mounted: then all encrypted fields read as absent.
    ///
    /// Keep the file apart from the store and its backups. A reader who has both can read
    /// everything, and without the file the encrypted fields cannot be read any more.
    ///
    /// Each use of a key checks whether the file, its permissions or those of its directory have
    /// changed. If so, the file is read again, and all processes drop the keys that are not in it.
    /// The file must be a plain file and no link, and have the mode 600 or less. It must belong to
    /// the user of the process or to root, and so must its directory. No other user may have write
    /// permission for the directory, unless it has the sticky bit. Otherwise all uses throw
    /// ``CodexError/Code/keyUnavailable``.
    ///
    /// The file is JSON: `{"format": 1, "current": "<id>", "keys": [{"id", "key", "createdAt"}]}`,
    /// each key 32 bytes in Base64. Any number of threads may use a provider.
    ///
    /// Memory that held a key is overwritten once the key is not needed any more, as far as this
    /// code owns it. Copies by the JSON decoder, and copies of ``DataKey/plain``, are not
    /// overwritten.
    public final class FileKeyProvider: EncryptionKeyProvider {
        /// The path of the file.
        public let path: String
        private let file: SecretFile
        private let state: Locked<State>

        private struct State {
            /// `nil` while the file cannot be read.
            var contents: Contents?
            var stamp: SecretFile.Stamp?
            /// The number of times that it was read, or could not be read.
            var generation: UInt64 = 0
        }

        private static let byteCountMax = 1 << 20

        /// Reads the keys of a file.
        ///
        /// - Parameters:
        ///   - path: The file.
        ///   - mayCreate: Whether to make a file with one key if there is none.
        /// - Throws: ``CodexError/Code/keyUnavailable`` if it is no file of keys, is missing, may
        ///   not be read, or others than its owner may read or replace it;
        ///   ``CodexError/Code/notWritable`` if it must be made, and the process may not write to
        ///   its directory; ``CodexError/Code/lockTimeout`` if another process holds its lock for
        ///   long; ``CodexError/Code/inputOutput`` and similar codes if it cannot be read or
        ///   written.
        public init(at path: String, mayCreate: Bool = false) throws(CodexError) {
            let file = SecretFile(path)
            if mayCreate, try !file.exists() { try Self.create(file) }
            let (contents, stamp) = try Self.read(file)
            (self.path, self.file) = (path, file)
            state = Locked(State(contents: contents, stamp: stamp))
        }

        private static func create(_ file: SecretFile) throws(CodexError) {
            // The lock comes first: if two processes made a file, the first one's key would be
            // lost.
            let lock = try file.lock()
            defer { lock.release() }
            guard try !file.exists() else { return }
            let key = Key()
            try write(Contents(current: key.id, keys: [key]), file)
        }

        /// The identifiers of the keys, oldest first.
        public var keyIDs: [String] {
            get throws(CodexError) { try contents().keys.map(\.id) }
        }

        /// Adds a key, which encrypts new values; the other keys open the values that they
        /// encrypted.
        ///
        /// `Store.reseal()` encrypts present values under the new key. Then the old key can be
        /// removed.
        ///
        /// - Returns: The new key's identifier.
        /// - Throws: As ``init(at:mayCreate:)``, and the errors of writing.
        @discardableResult
        public func rotate() throws(CodexError) -> String {
            let key = Key()
            try change { contents throws(CodexError) in
                contents.keys.append(key)
                contents.current = key.id
            }
            return key.id
        }

        /// Removes a key permanently: no process can read the values under it any more.
        ///
        /// This includes processes that have used the key.
        ///
        /// - Throws: ``CodexError/Code/invalidArgument`` for the current key, or one that is not
        ///   there; as ``rotate()``.
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

        /// Reads the file again, even without a detected change, and drops the keys that are not in
        /// it.
        ///
        /// Changes of the file are detected without this call. It is for file systems whose file
        /// times are not reliable.
        ///
        /// - Throws: As ``init(at:mayCreate:)``.
        public func refresh() throws(CodexError) { _ = try reread() }

        // MARK: EncryptionKeyProvider

        /// The identifier of the current key.
        public var currentKeyID: String { get throws { try contents().current } }

        /// Changes with each change of the file.
        public var keyGeneration: UInt64 {
            get throws {
                _ = try contents()
                return state.withLock { $0.generation }
            }
        }

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
        /// - Throws: ``CodexError/Code/valueTampered`` if it was changed; as
        ///   ``init(at:mayCreate:)``.
        public func unwrap(_ wrapped: [UInt8], keyID: String) throws -> [UInt8]? {
            guard let key = try contents().key(keyID) else { return nil }
            do {
                let box = try AES.GCM.SealedBox(combined: wrapped)
                var opened = try AES.GCM.open(
                    box, using: key, authenticating: Self.authenticated(keyID))
                defer { opened.wipe() }
                return Array(opened)
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

        /// The bytes of a data key, from the system's secure generator
        /// (`SystemRandomNumberGenerator`).
        private static func randomBytes() -> [UInt8] {
            var random = SystemRandomNumberGenerator()
            return (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        }

        // MARK: The file

        /// The present keys of the file.
        private func contents() throws(CodexError) -> Contents {
            do throws(CodexError) {
                let stamp = try file.stamp()
                if let known = state.withLock({ $0.stamp == stamp ? $0.contents : nil }) {
                    return known
                }
            } catch {
                forget()
                throw error
            }
            return try reread()
        }

        private func reread() throws(CodexError) -> Contents {
            do throws(CodexError) {
                let (contents, stamp) = try Self.read(file)
                take(contents, stamp)
                return contents
            } catch {
                forget()
                throw error
            }
        }

        /// Drops all keys: if the file cannot be read, no key may be used.
        private func forget() { take(nil, nil) }

        private func take(_ contents: Contents?, _ stamp: SecretFile.Stamp?) {
            state.withLock { state in
                (state.contents, state.stamp) = (contents, stamp)
                state.generation &+= 1
            }
        }

        private func change(
            _ body: (inout Contents) throws(CodexError) -> Void
        ) throws(CodexError) {
            // The lock admits one process at a time, so that no added key is lost.
            let lock = try file.lock()
            defer { lock.release() }
            var contents = try Self.read(file).contents
            try body(&contents)
            try Self.write(contents, file)
            try refresh()
        }
    }

    // MARK: Form of the file

    extension FileKeyProvider {
        /// The keys in memory, which is overwritten when they are released (`SymmetricKey`).
        fileprivate struct Contents: Sendable {
            var current: String
            var keys: [Key]

            func key(_ id: String) -> SymmetricKey? { keys.first { $0.id == id }?.key }
        }

        fileprivate struct Key: Sendable {
            let id: String
            let key: SymmetricKey
            let createdAt: Date

            /// Makes a key.
            init() {
                var random = SystemRandomNumberGenerator()
                let number = String(UInt64.random(in: .min ... .max, using: &random), radix: 16)
                id = String(repeating: "0", count: 16 - number.count) + number
                key = SymmetricKey(size: .bits256)
                createdAt = Date()
            }

            init(_ stored: StoredKey) {
                (id, createdAt) = (stored.id, stored.createdAt)
                key = SymmetricKey(data: stored.key)
            }
        }

        /// The keys in the file's form.
        fileprivate struct StoredContents: Codable {
            var format = 1
            var current: String
            var keys: [StoredKey]

            mutating func wipe() {
                for position in keys.indices { keys[position].key.wipe() }
            }
        }

        fileprivate struct StoredKey: Codable {
            let id: String
            var key: Data
            let createdAt: Date
        }

        fileprivate static func read(
            _ file: SecretFile
        ) throws(CodexError) -> (contents: Contents, stamp: SecretFile.Stamp) {
            var (bytes, stamp) = try file.read(limit: byteCountMax)
            defer { bytes.wipe() }
            var json = Data(bytes)
            defer { json.wipe() }
            let decoder = JSONDecoder()
            decoder.dateDecodingStrategy = .iso8601
            guard var stored = try? decoder.decode(StoredContents.self, from: json) else {
                throw malformed(file.path)
            }
            defer { stored.wipe() }
            guard stored.format == 1, stored.keys.contains(where: { $0.id == stored.current }),
                stored.keys.allSatisfy({
                    $0.key.count == 32 && (1...255).contains($0.id.utf8.count)
                })
            else { throw malformed(file.path) }
            return (Contents(current: stored.current, keys: stored.keys.map { Key($0) }), stamp)
        }

        fileprivate static func write(
            _ contents: Contents, _ file: SecretFile
        ) throws(CodexError) {
            var stored = StoredContents(current: contents.current, keys: [])
            defer { stored.wipe() }
            for key in contents.keys {
                let bytes = unsafe key.key.withUnsafeBytes { unsafe Data($0) }
                stored.keys.append(
                    StoredKey(id: key.id, key: bytes, createdAt: key.createdAt))
            }
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
            encoder.dateEncodingStrategy = .iso8601
            guard var json = try? encoder.encode(stored) else { throw malformed(file.path) }
            defer { json.wipe() }
            var bytes = Array(json)
            defer { bytes.wipe() }
            try file.replace(with: bytes)
        }

        fileprivate static func malformed(_ path: String) -> CodexError {
            CodexError(
                .keyUnavailable,
                "\(path) is no file of keys of this format, or is damaged. Restore it from its backup."
            )
        }
    }

    extension Data {
        /// Overwrites the bytes with zeros; copies are not changed.
        mutating func wipe() {
            if !isEmpty { resetBytes(in: startIndex..<endIndex) }
        }
    }
#endif
