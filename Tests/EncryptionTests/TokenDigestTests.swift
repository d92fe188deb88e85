#if Encryption
    import CodexDynamoDB
    import CodexTesting
    import Foundation
    import Synchronization
    import Testing

    @testable import CodexCore
    @testable import CodexStore

    @Suite("Digests of idempotency tokens in stores with encrypted fields")
    struct TokenDigestTests {
        let place: SealedStore
        private var backup: String { place.folder + "/backup" }
        private var archive: String { place.folder + "/archive" }

        init() throws { place = try SealedStore() }

        /// A list that puts a note; its text is to be encrypted.
        private static func list(_ text: String) throws -> [WriteAction] {
            [.put(table: CodexFlow.table, try Note(id: "1", text: text).item())]
        }

        private func options() -> StoreOptions {
            var options = StoreOptions()
            options.encryptionKeys = place.keys
            return options
        }

        // MARK: What the files tell

        private static let pin = "274913"
        private static let attack = TokenAttack(token: "the-token") { number in
            try TokenDigestTests.list(number)
        }

        /// Performs a list with a PIN in it; everything that a thief may get, by name.
        private func files(
            of schema: Schema, _ keys: FileKeyProvider?
        ) async throws -> [String: [Data]] {
            try await place.open(schema: schema, keys: keys) { store in
                try await store.perform(
                    try Self.list(Self.pin), idempotencyToken: Self.attack.token)
                try await store.backup(to: backup)
                try await store.archiveLog(to: archive)
            }
            return [
                "data file": try Self.files(in: place.path) { $0 == "data.mdb" },
                "log": try Self.files(in: place.path) { $0.hasPrefix("log/") },
                "backup": try Self.files(in: backup) { $0 == "data.mdb" },
                "archive": try Self.files(in: archive) { $0.hasSuffix(".gz") }.map { file in
                    Data(try Compression.gunzip([UInt8](file), limit: 1 << 30))
                },
            ]
        }

        private static func files(
            in folder: String, where isWanted: (String) -> Bool
        ) throws -> [Data] {
            try FileManager.default.subpathsOfDirectory(atPath: folder).filter(isWanted).map {
                try Data(contentsOf: URL(fileURLWithPath: folder + "/" + $0))
            }
        }

        @Test("A PIN is not found by hashing all PINs", .timeLimit(.minutes(30)))
        func attacked() async throws {
            let files = try await files(of: SealedStore.schema, place.keys)
            for (name, files) in files { #expect(Self.attack.findsToken(in: files), "\(name)") }
            #expect(try Self.attack.number(in: files.values.flatMap { $0 }) == nil)
        }

        @Test("Where nothing is encrypted, hashing all PINs finds it", .timeLimit(.minutes(30)))
        func attackedWithoutKey() async throws {
            for (name, files) in try await files(of: CodexFlow.schema, nil) {
                #expect(try Self.attack.number(in: files) == Self.pin, "\(name)")
            }
        }

        @Test("No file has the key of the digests as it is")
        func sealedKey() async throws {
            let files = try await files(of: SealedStore.schema, place.keys).values.flatMap { $0 }
            let key = try await place.open { try Self.plainKey($0) }
            #expect(key.count == 32)
            for file in try files + place.contents() {
                #expect(file.range(of: Data(key)) == nil)
            }
        }

        /// The key of a store's digests, unsealed.
        private static func plainKey(_ store: Store) throws -> [UInt8] {
            let (key, manifest) = try store.core.withReadContext { context in
                (try #require(try DigestKey.stored(in: context)), context.catalog.manifest)
            }
            let sealer = try #require(store.core.options.sealer)
            return try #require(try sealer.open(key.sealed, DigestKey.place(manifest)))
        }

        /// The stored digests, by token.
        private static func digests(_ store: Store) throws -> [TokenDigest] {
            try store.core.withReadContext { context in
                try context.transaction.withCursor(context.catalog.tokens) { cursor in
                    var found: [TokenDigest] = []
                    var entry = unsafe try cursor.seek([0])
                    while let current = unsafe entry, unsafe current.key.first == 0 {
                        let value = unsafe Array(current.value)
                        found.append(try TokenDigest(stored: value.dropFirst(8)))
                        unsafe entry = try cursor.next()
                    }
                    return found
                }
            }
        }

        private static func isPlain(_ digest: TokenDigest) -> Bool {
            if case .plain = digest { return true }
            return false
        }

        private static func isReplaced(_ digest: TokenDigest) -> Bool {
            if case .replaced = digest { return true }
            return false
        }

        // MARK: Retries

        /// A list that was done is not done again, and its token serves no other.
        private func expectDone(_ text: String, _ token: String, in store: Store) async throws {
            #expect(try await !store.perform(try Self.list(text), idempotencyToken: token))
            await expect(.idempotencyMismatch, text + "!", token, in: store)
        }

        private func expect(
            _ code: CodexError.Code, _ text: String, _ token: String, in store: Store
        ) async {
            await #expect(throws: CodexError(code, "")) {
                try await store.perform(try Self.list(text), idempotencyToken: token)
            }
        }

        @Test("A list with a token is done once, also after a restart")
        func retries() async throws {
            try await place.open { store in
                #expect(try await store.perform(try Self.list("one"), idempotencyToken: "t"))
                try await expectDone("one", "t", in: store)
            }
            try await place.open { try await expectDone("one", "t", in: $0) }
        }

        @Test("Restored stores and promoted followers recognize a retry")
        func copies() async throws {
            try await place.open { leader in
                try await leader.put(try makeTask("a", body: "earlier"))
                try await leader.backup(to: backup)
                #expect(try await leader.perform(try Self.list("one"), idempotencyToken: "t"))
                try await leader.archiveLog(to: archive)
                let key = try Self.plainKey(leader)
                for store in [try await restored(), try await follower(of: leader)] {
                    defer { store.close() }
                    #expect(try Self.plainKey(store) == key)
                    try await expectDone("one", "t", in: store)
                    #expect(try await store.perform(try Self.list("two"), idempotencyToken: "u"))
                }
            }
        }

        private func restored() async throws -> Store {
            let path = place.folder + "/restored"
            try await Store.restore(backup, archive: archive, at: path)
            return try Store(at: path, options: options())
        }

        /// A follower that has all of its leader, and took its place.
        private func follower(of leader: Store) async throws -> Store {
            let path = place.folder + "/follower"
            try await Store.restore(backup, at: path, asFollower: true)
            let follower = try Store(at: path, options: options())
            let state = try #require(try follower.followerState())
            let records = try await records(of: leader, after: state.sequence)
            try await follower.follow(
                AsyncStream<[UInt8]> { continuation in
                    continuation.yield(records)
                    continuation.finish()
                })
            try await follower.promote()
            return follower
        }

        private func records(of store: Store, after sequence: UInt64) async throws -> [UInt8] {
            var bytes: [UInt8] = []
            for try await chunk in store.replicationStream(after: sequence) {
                bytes += chunk
                // One of less than a mebibyte has the last commit.
                if chunk.count < 1 << 20 { break }
            }
            return bytes
        }

        // MARK: Keys

        @Test("When keys are rotated, the key of the digests is sealed again and stays the same")
        func rotation() async throws {
            let old = try place.keys.currentKeyID
            try await place.open { store in
                #expect(try await store.perform(try Self.list("one"), idempotencyToken: "t"))
                let key = try Self.plainKey(store)
                try place.keys.rotate()
                try await expectDone("one", "t", in: store)
                try await store.reseal()
                try place.keys.remove(keyID: old)
                #expect(try Self.plainKey(store) == key)
                try await expectDone("one", "t", in: store)
                let count = try store.stats().sequence
                try await store.reseal()
                #expect(try store.stats().sequence == count)
            }
            try await place.open { try await expectDone("one", "t", in: $0) }
        }

        @Test("Without the key of the digests tokens are refused, and once it is replaced, retries")
        func lostKey() async throws {
            let old = try place.keys.currentKeyID
            try await place.open { store in
                #expect(try await store.perform(try Self.list("one"), idempotencyToken: "t"))
                try place.keys.rotate()
                try place.keys.remove(keyID: old)
                await expect(.keyUnavailable, "one", "t", in: store)
                await expect(.keyUnavailable, "two", "u", in: store)
                #expect(try await store.reseal().failureCount == 1)
                await expect(.idempotencyMismatch, "one", "t", in: store)
                #expect(try await store.perform(try Self.list("two"), idempotencyToken: "u"))
                try await expectDone("two", "u", in: store)
            }
        }

        @Test("Without keys a token is refused, and nothing of its list is done")
        func withoutKeys() async throws {
            try await place.open { store in
                try await store.perform(try Self.list("one"), idempotencyToken: "t")
            }
            try await place.open(keys: nil) { store in
                await expect(.keyUnavailable, "one", "t", in: store)
                let list: [WriteAction] = [
                    .put(table: CodexFlow.table, ["PK": "a", "SK": "b", "c": "d"])
                ]
                await #expect(throws: CodexError(.keyUnavailable, "")) {
                    try await store.perform(list, idempotencyToken: "u")
                }
                // Also where a body goes on after the error.
                try await store.write { transaction in
                    do {
                        try transaction.perform(list, idempotencyToken: "u")
                        Issue.record("it was done")
                    } catch CodexError.Code.keyUnavailable {}
                }
                let key = PrimaryKey("a", "b")
                #expect(try store.item(in: CodexFlow.table, key: key) == nil)
                try await store.perform(list)
                #expect(try store.item(in: CodexFlow.table, key: key) != nil)
            }
        }

        @Test("DynamoDB's clients are told that the server lacks the keys")
        func service() async throws {
            try await place.open { store in
                try await store.perform(try Self.list("one"), idempotencyToken: "t")
            }
            let body = """
                {"ClientRequestToken": "u", "TransactItems": [{"Put": {"TableName":
                "\(CodexFlow.table)", "Item": {"PK": {"S": "a"}, "SK": {"S": "b"}}}}]}
                """
            for (keys, status) in [(nil, 400), (place.keys, 200)] as [(FileKeyProvider?, Int)] {
                try await place.open(keys: keys) { store in
                    let response = await DynamoDBService(store).response(
                        target: "DynamoDB_20120810.TransactWriteItems", body: Array(body.utf8))
                    let text = String(decoding: response.body, as: UTF8.self)
                    #expect(response.status == status, "\(text)")
                    #expect(text.contains("AccessDeniedException") == (status == 400))
                }
            }
        }

        // MARK: Digests from before

        @Test("Digests from before the encryption are recognized, and replaced once there are keys")
        func switchedOn() async throws {
            try await place.open(schema: CodexFlow.schema, keys: nil) { store in
                for token in ["t", "u"] {
                    try await store.perform(try Self.list(token), idempotencyToken: token)
                }
                #expect(try Self.digests(store).count(where: Self.isPlain) == 2)
            }
            // A program without keys asks for the encryption.
            try await place.open(keys: nil) { store in
                try await expectDone("t", "t", in: store)
                #expect(try Self.digests(store).allSatisfy(Self.isPlain))
                await expect(.keyUnavailable, "v", "v", in: store)
            }
            try await place.open { store in
                #expect(try Self.digests(store).count(where: Self.isReplaced) == 2)
                try await expectDone("t", "t", in: store)
                try await expectDone("u", "u", in: store)
                #expect(try await store.perform(try Self.list("v"), idempotencyToken: "v"))
            }
        }

        @Test("Any number of digests is replaced, some in each transaction", arguments: [-1, 0, 1])
        func many(difference: Int) async throws {
            let count = 2 * TokenKeys.examinedTokenCountMax + difference
            try await place.open(schema: CodexFlow.schema, keys: nil) { store in
                try await store.write { transaction in
                    for number in 0..<count {
                        try transaction.context.setSystem(
                            .tokens, [0] + Array("token \(number)".utf8),
                            BigEndian.bytes(UInt64(number))
                                + TokenDigest(of: Array("\(number)".utf8)).stored)
                    }
                }
            }
            try await place.open { store in
                let digests = try Self.digests(store)
                #expect(digests.count == count && digests.allSatisfy(Self.isReplaced))
                #expect(Set(digests).count == count)
                let sequence = try store.stats().sequence
                try await store.reseal()
                #expect(try store.stats().sequence == sequence)
            }
        }

        @Test("A provider that fails keeps no store closed: the next token replaces the digests")
        func outage() async throws {
            try await place.open(schema: CodexFlow.schema, keys: nil) { store in
                try await store.perform(try Self.list("t"), idempotencyToken: "t")
            }
            let keys = SwitchedKeys(place.keys)
            keys.isDown.withLock { $0 = true }
            try await place.open(keys: keys) { store in
                #expect(try Self.digests(store).allSatisfy(Self.isPlain))
                try await expectDone("t", "t", in: store)
                await expect(.keyUnavailable, "u", "u", in: store)
                keys.isDown.withLock { $0 = false }
                #expect(try await store.perform(try Self.list("u"), idempotencyToken: "u"))
                #expect(try !Self.digests(store).contains(where: Self.isPlain))
                try await expectDone("t", "t", in: store)
            }
        }

        @Test("A key of digests that is damaged is reported, and replaced by reseal()")
        func damaged() async throws {
            try await place.open { store in
                try await store.perform(try Self.list("one"), idempotencyToken: "t")
                try await store.write { transaction in
                    var key = try #require(try DigestKey.stored(in: transaction.context))
                    key.sealed.box[20] ^= 1
                    try transaction.context.setSystem(.meta, DigestKey.key, key.bytes)
                }
                await expect(.valueTampered, "one", "t", in: store)
                try await store.reseal()
                await expect(.idempotencyMismatch, "one", "t", in: store)
                #expect(try await store.perform(try Self.list("two"), idempotencyToken: "u"))
            }
        }

        @Test("A key of digests that cannot be read is replaced by reseal()")
        func unreadableKey() async throws {
            try await place.open { store in
                try await store.perform(try Self.list("one"), idempotencyToken: "t")
                try await store.write { try $0.context.setSystem(.meta, DigestKey.key, [7]) }
                await expect(.corrupted, "two", "u", in: store)
                try await store.reseal()
                #expect(try await store.perform(try Self.list("two"), idempotencyToken: "u"))
                await expect(.idempotencyMismatch, "one", "t", in: store)
            }
        }

        @Test("Entries that cannot be read are passed over when digests get a key")
        func unreadable() async throws {
            try await place.open(schema: CodexFlow.schema, keys: nil) { store in
                try await store.perform(try Self.list("t"), idempotencyToken: "t")
                try await store.write { try $0.context.setSystem(.tokens, [0, 1], [1, 2, 3]) }
            }
            try await place.open { store in
                try await expectDone("t", "t", in: store)
                #expect(try await store.perform(try Self.list("u"), idempotencyToken: "u"))
                let kinds = try store.verify().differences.map(\.kind)
                #expect(kinds.contains(.unreadableSystemEntry))
            }
        }

        // MARK: Stored forms

        @Test("Stored digests and keys read as they were written, and nothing else reads")
        func storedForms() throws {
            let codes = { (message: [UInt8]) throws(CodexError) in
                SHA256.digest(message)
            }
            let digests = [
                TokenDigest(of: [1, 2]), try TokenDigest(of: [1, 2], codes),
                try TokenDigest(replacing: TokenDigest(of: [1, 2]), codes),
            ]
            #expect(Set(digests.map(\.stored)).count == 3)
            for digest in digests {
                #expect(try TokenDigest(stored: digest.stored[...]) == digest)
                #expect(try digest.matches([1, 2], codes))
                #expect(try !digest.matches([1, 2, 0], codes))
            }
            for count in Array(0...50) where ![16, 33].contains(count) {
                let bytes = [UInt8](repeating: 1, count: count)
                #expect(throws: CodexError(.corrupted, "")) { try TokenDigest(stored: bytes[...]) }
            }
            let sealed = SealedValue(
                keyID: "k", wrappedKey: [1, 2], isBound: true,
                box: [UInt8](repeating: 3, count: 60))
            for through in [nil, [], [0, 5]] as [[UInt8]?] {
                let key = DigestKey(sealed: sealed, replacedThrough: through)
                #expect(try DigestKey(key.bytes) == key)
                for count in 0..<key.bytes.count {
                    #expect(throws: CodexError(.corrupted, "")) {
                        try DigestKey(Array(key.bytes.prefix(count)))
                    }
                }
                #expect(throws: CodexError(.corrupted, "")) { try DigestKey(key.bytes + [0]) }
            }
        }
    }

    /// A provider that can be down.
    final class SwitchedKeys: EncryptionKeyProvider {
        struct Outage: Error {}
        let isDown = Mutex(false)
        private let base: FileKeyProvider

        init(_ base: FileKeyProvider) { self.base = base }

        private func requireUp() throws {
            if isDown.withLock({ $0 }) { throw Outage() }
        }

        var currentKeyID: String {
            get throws {
                try requireUp()
                return try base.currentKeyID
            }
        }

        var keyGeneration: UInt64 {
            get throws {
                try requireUp()
                return try base.keyGeneration
            }
        }

        func makeDataKey() throws -> DataKey {
            try requireUp()
            return try base.makeDataKey()
        }

        func unwrap(_ wrapped: [UInt8], keyID: String) throws -> [UInt8]? {
            try requireUp()
            return try base.unwrap(wrapped, keyID: keyID)
        }
    }
#endif
