#if Encryption
    import CodexCore
    import CodexStore
    import CodexTesting
    import Foundation
    import Synchronization
    import Testing

    @Suite("Keys of encryption")
    struct KeyTests {
        let place: SealedStore

        init() throws { place = try SealedStore() }

        private func write(_ text: String, permissions: Int = 0o600) throws -> String {
            let path = place.folder + "/k\(UUID().uuidString).json"
            try Data(text.utf8).write(to: URL(fileURLWithPath: path))
            try FileManager.default.setAttributes(
                [.posixPermissions: permissions], ofItemAtPath: path)
            return path
        }

        @Test("A file of keys is its owner's alone, and what it says")
        func files() throws {
            let text = try String(contentsOfFile: place.keys.path, encoding: .utf8)
            let mode = try FileManager.default.attributesOfItem(atPath: place.keys.path)
            #expect(mode[.posixPermissions] as? Int == 0o600)
            _ = try FileKeyProvider(at: try write(text))
            for permissions in [0o640, 0o604, 0o660] {
                let path = try write(text, permissions: permissions)
                let error = #expect(throws: CodexError(.keyUnavailable, "")) {
                    try FileKeyProvider(at: path)
                }
                #expect(error?.message.contains("chmod 600") == true)
            }
            let id = try place.keys.currentKeyID
            for damaged in [
                "", "[]", "{}",
                text.replacingOccurrences(of: "\"format\" : 1", with: "\"format\" : 2"),
                text.replacingOccurrences(
                    of: "\"current\" : \"\(id)\"", with: "\"current\" : \"x\""),
                text.replacingOccurrences(of: "\"key\" : \"", with: "\"key\" : \"AAAA"),
                String(text.dropLast(9)),
            ] {
                #expect(damaged != text)
                let path = try write(damaged)
                #expect(throws: CodexError(.keyUnavailable, "")) { try FileKeyProvider(at: path) }
            }
            // Those that are there stay.
            let again = try FileKeyProvider(at: place.keys.path, mayCreate: true)
            #expect(try again.keyIDs == [id])
            #expect(throws: CodexError.self) {
                try FileKeyProvider(at: place.folder + "/none.json")
            }
            #expect(throws: CodexError(.invalidArgument, "")) { try place.keys.remove(keyID: id) }
            #expect(throws: CodexError(.invalidArgument, "")) { try place.keys.remove(keyID: "x") }
            // The store sees the same file, and no key of it in any text.
            let secret = try #require(
                text.components(separatedBy: "\"key\" : \"").last?.prefix(40))
            #expect(!"\(try place.keys.makeDataKey())".contains(secret))
        }

        @Test("Of many who make a file all get the same keys")
        func creations() async throws {
            let path = place.folder + "/new.json"
            let ids = try await withThrowingTaskGroup(of: [String].self) { group in
                for _ in 0..<16 {
                    group.addTask { try FileKeyProvider(at: path, mayCreate: true).keyIDs }
                }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(ids.count == 1)
        }

        @Test("Whoever has the file open notices a rotation, and none is lost")
        func rotations() async throws {
            let others = try (0..<4).map { _ in try FileKeyProvider(at: place.keys.path) }
            await withTaskGroup(of: Void.self) { group in
                for other in others {
                    group.addTask {
                        for _ in 0..<5 {
                            do { try other.rotate() } catch { Issue.record(error) }
                        }
                    }
                }
            }
            #expect(try place.keys.keyIDs.count == 21)
            #expect(try place.keys.currentKeyID == others[0].currentKeyID)
            let data = try others[1].makeDataKey()
            #expect(try place.keys.unwrap(data.wrapped, keyID: data.keyID) == data.plain)
            #expect(try place.keys.unwrap(data.wrapped, keyID: "none") == nil)
            var wrong = data.wrapped
            wrong[20] ^= 1
            #expect(throws: CodexError(.valueTampered, "")) {
                try place.keys.unwrap(wrong, keyID: data.keyID)
            }
            let first = try #require(try place.keys.keyIDs.first)
            #expect(throws: CodexError(.valueTampered, "")) {
                try place.keys.unwrap(data.wrapped, keyID: first)
            }
        }

        @Test("A store that is open uses the key of a rotation elsewhere")
        func elsewhere() async throws {
            try await place.open { store in
                try await store.put(try makeTask("a", body: "one"))
                let new = try FileKeyProvider(at: place.keys.path).rotate()
                try await store.put(try makeTask("b", body: "two"))
                let item = try store.item(
                    in: CodexFlow.table, key: PrimaryKey("PROJECT#p", "TASK#b"))
                guard case .binary(let bytes)? = item?["body"] else {
                    Issue.record("it is not sealed")
                    return
                }
                #expect(Data(bytes).range(of: Data(new.utf8)) != nil)
                #expect(try store.get(.task("a", in: "p"))?.body == "one")
            }
        }

        /// A provider that does what the test says.
        private final class Fake: EncryptionKeyProvider {
            struct Outage: Error {}
            let base: FileKeyProvider
            let isDown = Mutex(false)
            let asked = Mutex(0)
            let change: @Sendable (DataKey) -> DataKey

            init(_ base: FileKeyProvider, _ change: @escaping @Sendable (DataKey) -> DataKey) {
                self.base = base
                self.change = change
            }

            private func ask() throws {
                asked.withLock { $0 += 1 }
                if isDown.withLock({ $0 }) { throw Outage() }
            }

            var currentKeyID: String { get throws { try base.currentKeyID } }

            func makeDataKey() throws -> DataKey {
                try ask()
                return change(try base.makeDataKey())
            }

            func unwrap(_ wrapped: [UInt8], keyID: String) throws -> [UInt8]? {
                try ask()
                return try base.unwrap(wrapped, keyID: keyID)
            }
        }

        @Test("A provider that fails fails the read or write, with its error as the cause")
        func outages() async throws {
            try await place.open { try await $0.put(try makeTask("a", body: "one")) }
            let fake = Fake(place.keys) { $0 }
            fake.isDown.withLock { $0 = true }
            try await place.open(keys: fake) { store in
                for body in [
                    { _ = try store.get(.task("a", in: "p")) },
                    { try await store.put(try makeTask("b", body: "two")) },
                ] as [() async throws -> Void] {
                    do {
                        try await body()
                        Issue.record("it went on without a key")
                    } catch let error as CodexError {
                        #expect(error.code == .keyUnavailable)
                        #expect(error.cause is Fake.Outage)
                    }
                }
                // What needs no key goes on.
                try await store.put(try makeTask("c", body: nil))
                fake.isDown.withLock { $0 = false }
                #expect(try store.get(.task("a", in: "p"))?.body == "one")
                try await store.put(try makeTask("b", body: "two"))
                #expect(try store.get(.task("b", in: "p"))?.body == "two")
                // Keys are asked for once.
                let count = fake.asked.withLock { $0 }
                for _ in 0..<50 {
                    try await store.put(try makeTask("b", body: UUID().uuidString))
                    _ = try store.get(.task("a", in: "p"))
                }
                #expect(fake.asked.withLock { $0 } == count)
            }
        }

        @Test("Keys of the wrong size are refused", arguments: [0, 16, 31, 33])
        func sizes(count: Int) async throws {
            let fake = Fake(place.keys) {
                DataKey(
                    keyID: $0.keyID, plain: Array(repeating: 1, count: count), wrapped: $0.wrapped)
            }
            try await place.open(keys: fake) { store in
                await #expect(throws: CodexError(.keyUnavailable, "")) {
                    try await store.put(try makeTask("a", body: "one"))
                }
            }
        }

        @Test("Many threads seal and open at once")
        func threads() async throws {
            try await place.open { store in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for worker in 0..<8 {
                        group.addTask {
                            for number in 0..<20 {
                                let id = "w\(worker)n\(number)"
                                try await store.put(try makeTask(id, body: id))
                                if number == 10, worker == 0 { try place.keys.rotate() }
                                let read = try store.get(.task(try .init(id), in: "p"))
                                #expect(read?.body == id)
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                #expect(try store.all(.tasks(in: "p")).allSatisfy { $0.body == $0.id.rawValue })
            }
        }
    }
#endif
