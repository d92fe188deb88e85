#if Encryption
    import CodexCore
    import CodexTesting
    import Foundation
    import TestSupport
    import Testing

    @testable import CodexStore

    /// Everything that a store with encrypted fields writes, or gives away in bytes, is searched.
    @Suite("A search for secrets", .timeLimit(.minutes(30)))
    struct SecretSearchTests {
        private let place: SealedStore
        private let secret = PlantedSecret()
        /// What is not encrypted, so that the search finds it.
        private let title = PlantedSecret()

        init() throws { place = try SealedStore() }

        private func task(_ id: String, repeated count: Int = 1) throws -> CodexFlow.Task {
            let text = String(repeating: secret.text + " ", count: count)
            var task = try makeTask(id, body: text)
            task.title = title.text
            task.metadata = ["text": .string(secret.text), "bytes": .binary(Array(text.utf8))]
            return task
        }

        /// Writes by every way that takes plain values.
        private func write(_ store: Store) async throws {
            try await store.insert(try task("typed"))
            for (id, count) in [("compressed", 100), ("chunks", 2000)] {
                try await store.put(try task(id, repeated: count))
            }
            try await store.put(try task("raw").item(), in: CodexFlow.table)
            try await store.update(.task("typed", in: "p")) { $0.body = secret.text + secret.text }
            let action = WriteAction.put(table: CodexFlow.table, try task("once").item())
            #expect(try await store.perform([action], idempotencyToken: "once"))
            try await store.put(try task("deleted"))
            try await store.delete(.task("deleted", in: "p"))
            try await store.put(Note(id: "1", text: secret.text, secret: [secret.text]))
        }

        private struct Refusal: Error, CustomStringConvertible { let description: String }

        /// Lets a consumer park all changes, with the secret in its errors.
        private func park(_ store: Store) async throws {
            try await store.addConsumer("failing", after: .trimHorizon)
            try await store.put(Note(id: "last", text: "end"))
            let policy = ConsumerFailurePolicy(attemptCount: 1, keepsDeadLetters: true)
            let (ends, end) = AsyncStream<Void>.makeStream()
            let text = secret.text
            let consuming = _Concurrency.Task {
                defer { end.finish() }
                try await store.consume("failing", onFailure: policy) { _, changes in
                    for change in changes {
                        let sort = try change.key.sort
                        guard sort == "NOTE#last" else { throw Refusal(description: text) }
                    }
                    end.yield()
                }
            }
            for await _ in ends { break }
            consuming.cancel()
            _ = await consuming.result
            #expect(try store.deadLetters(of: "failing").count > 5)
        }

        private func export(_ store: Store, to path: String) throws {
            var text = ""
            try store.read { snapshot in
                try snapshot.forEachItem(in: CodexFlow.table) { view in
                    let item = try view.item()
                    text += DynamoDBJSON.text(item) + "\n" + DynamoDBJSON.plainText(item) + "\n"
                    return true
                }
            }
            try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        }

        /// What a follower gets after a commit.
        private func stream(_ store: Store, after start: UInt64) async throws -> [UInt8] {
            let last = try store.stats().sequence
            var (bytes, decoder) = ([UInt8](), RecordDecoder())
            for try await chunk in store.replicationStream(after: start) {
                bytes += chunk
                decoder.append(chunk)
                while let record = try decoder.next() {
                    if record.header.sequence == last { return bytes }
                }
            }
            return bytes
        }

        /// Lets a follower of the store at the beginning take what it gets.
        private func follow(_ store: Store) async throws -> [UInt8] {
            let path = place.folder + "/follower"
            try await Store.restore(place.folder + "/start", at: path, asFollower: true)
            let follower = try Store(at: path)
            defer { follower.close() }
            let start = try #require(try follower.followerState()).sequence
            let bytes = try await stream(store, after: start)
            let pieces = AsyncStream<[UInt8]> { continuation in
                continuation.yield(bytes)
                continuation.finish()
            }
            try await follower.follow(pieces)
            return bytes
        }

        @Test("Data, log, archive, backup, restored store, follower, stream, export: none has it")
        func everywhere() async throws {
            let folder = place.folder
            let received = try await place.open { store in
                try await store.put(try task("before"))
                try await store.backup(to: folder + "/start")
                try await write(store)
                try await park(store)
                try await store.backup(to: folder + "/backup")
                try await store.archiveLog(to: folder + "/archive")
                try export(store, to: folder + "/export.jsonl")
                // Open, with a log and a data file that have all.
                #expect(try secret.findings(in: place.path) == [])
                return try await follow(store)
            }
            try await Store.restore(
                folder + "/start", archive: folder + "/archive", at: folder + "/restored")
            let names = [
                "store", "start", "backup", "archive", "restored", "follower", "export.jsonl",
            ]
            for name in names {
                #expect(try secret.findings(in: folder + "/" + name) == [], "\(name)")
                #expect(try !title.findings(in: folder + "/" + name).isEmpty, "\(name)")
            }
            #expect(secret.forms(in: received) == [] && !title.forms(in: received).isEmpty)
        }

        @Test("The search finds each form, in what is compressed too")
        func forms() throws {
            func isFound(_ text: String) -> Bool { !secret.forms(in: Array(text.utf8)).isEmpty }
            #expect(isFound("a" + secret.text + "b") && !isFound("secret"))
            for prefix in ["", "1", "12", "123"] {
                let encoded = Data((prefix + secret.text + "tail").utf8).base64EncodedString()
                #expect(isFound("{\"B\":\"\(encoded)\"}"), "\(prefix)")
            }
            let digits = secret.text.utf8.map { String($0, radix: 16) }.joined()
            #expect(isFound(digits) && isFound(digits.uppercased()))
            for encoding in [String.Encoding.utf16LittleEndian, .utf16BigEndian] {
                let bytes = try #require(secret.text.data(using: encoding))
                #expect(!secret.forms(in: [0, 1] + Array(bytes)).isEmpty)
            }
            #expect(secret.forms(in: []) == [])
            #expect(throws: (any Error).self) { try secret.findings(in: place.folder + "/none") }
        }
    }
#endif
