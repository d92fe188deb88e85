#if Encryption
    import CodexCore
    import CodexTesting
    import Foundation
    import Testing

    @testable import CodexStore

    /// Encrypted fields that earlier releases wrote: see `Tests/FixtureMaker`.
    @Suite("Encrypted fields of formats that are out")
    final class SealedFixtureTests {
        private let folder: String

        init() throws { folder = try TemporaryStore.makeDirectory() }

        deinit { try? FileManager.default.removeItem(atPath: folder) }

        /// Copies the fixtures of a format.
        private func copy(_ format: String) throws -> String {
            let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
                .deletingLastPathComponent().appendingPathComponent("CodexStoreTests/Fixtures")
            let directory = folder + "/" + format
            try FileManager.default.copyItem(
                atPath: fixtures.appendingPathComponent(format).path, toPath: directory)
            // A repository does not keep who may read.
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o600], ofItemAtPath: directory + "/keys.json")
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o700], ofItemAtPath: directory)
            return directory
        }

        private func options(_ directory: String) throws -> StoreOptions {
            let clock = ManualClock(Date(timeIntervalSince1970: 1_762_300_860))
            var options = StoreOptions()
            options.now = { clock.now }
            options.sweepInterval = nil
            options.requiresSealedFields = true
            options.encryptionKeys = try FileKeyProvider(at: directory + "/keys.json")
            return options
        }

        /// The texts of encrypted fields, by task.
        private func expected(_ directory: String) throws -> [CodexFlow.Task.ID: String] {
            let text = try String(contentsOfFile: directory + "/contents.jsonl", encoding: .utf8)
            var bodies: [CodexFlow.Task.ID: String] = [:]
            for line in text.split(separator: "\n") {
                let item = try DynamoDBJSON.item(parsing: Array(line.utf8))
                guard item["kind"]?.string == "sealed" else { continue }
                let id = try CodexFlow.Task.ID(try #require(item["task"]?.string))
                bodies[id] = try #require(item["body"]?.string)
            }
            return bodies
        }

        private func expectBodies(_ store: Store, _ bodies: [CodexFlow.Task.ID: String]) throws {
            for (id, body) in bodies {
                #expect(try store.get(.task(id, in: "fixtures"))?.body == body, "\(id)")
                let key = PrimaryKey("PROJECT#fixtures", .string("TASK#\(id)"))
                let stored = try #require(try store.item(in: CodexFlow.table, key: key))
                #expect(stored["body"]?.string == nil, "\(id)")
            }
            let report = try store.verify()
            #expect(report.isSound, "\(report.differences.prefix(3))")
        }

        @Test(
            "They are opened with their keys, and sealed under a new one",
            arguments: ["store", "unclosed", "restored"])
        func opened(part: String) async throws {
            for format in ["format3", "format4", "format5"] {
                let directory = try copy(format)
                let bodies = try expected(directory)
                #expect(bodies.count == 6)
                let path = try await path(of: part, directory)
                let store = try Store(
                    at: path, schema: CodexFlow.schema, options: try options(directory))
                defer { store.close() }
                try await store.waitUntilReady()
                try expectBodies(store, bodies)
                try FileKeyProvider(at: directory + "/keys.json").rotate()
                try await store.reseal()
                try expectBodies(store, bodies)
            }
        }

        /// Where a part of the fixture is, or is restored to.
        private func path(of part: String, _ directory: String) async throws -> String {
            let path = directory + "/" + part
            if part == "restored" {
                try await Store.restore(
                    directory + "/backup", archive: directory + "/archive", at: path)
            }
            return path
        }

        @Test("They are bound to no store; once reseal() has bound them, others can be refused")
        func bound() async throws {
            let directory = try copy("format3")
            let bodies = try expected(directory)
            try await open(directory, .storeOnly) { store in
                for id in bodies.keys {
                    #expect(throws: CodexError(.valueTampered, "")) {
                        try store.get(.task(id, in: "fixtures"))
                    }
                }
            }
            try await open(directory, .store) { store in
                try expectBodies(store, bodies)
                #expect(try await store.reseal().migratedCount == bodies.count)
            }
            try await open(directory, .storeOnly) { try expectBodies($0, bodies) }
        }

        private func open(
            _ directory: String, _ binding: SealedFieldBinding,
            _ body: (Store) async throws -> Void
        ) async throws {
            var options = try options(directory)
            options.sealedFieldBinding = binding
            let store = try Store(
                at: directory + "/store", schema: CodexFlow.schema, options: options)
            defer { store.close() }
            try await store.waitUntilReady()
            try await body(store)
        }

        @Test(
            "Their tokens are recognized, and their digests get a key",
            arguments: ["format3", "format4", "format5"], ["store", "unclosed", "restored"])
        func tokens(format: String, part: String) async throws {
            let directory = try copy(format)
            let path = try await path(of: part, directory)
            let store = try Store(at: path, options: try options(directory))
            defer { store.close() }
            let key = try store.core.withReadContext { try DigestKey.stored(in: $0) }
            #expect(key != nil && key?.replacedThrough == nil)
            let requests = try requests(directory)
            #expect(requests.count == 6)
            for (token, action) in requests {
                #expect(try await !store.perform([action], idempotencyToken: token))
                await #expect(throws: CodexError(.idempotencyMismatch, "")) {
                    try await store.perform([action, action], idempotencyToken: token)
                }
            }
        }

        /// The lists of one action that were done with tokens.
        private func requests(_ directory: String) throws -> [(token: String, WriteAction)] {
            let text = try String(contentsOfFile: directory + "/contents.jsonl", encoding: .utf8)
            let lines = try text.split(separator: "\n").map {
                try DynamoDBJSON.item(parsing: Array($0.utf8))
            }
            return try lines.filter { $0["kind"]?.string == "token" }.map {
                line -> (token: String, WriteAction) in
                let table = try #require(line["table"]?.string)
                let item = try #require(line["item"]?.map)
                return (try #require(line["token"]?.string), .put(table: table, item))
            }
        }
    }
#endif
