#if Encryption
    import CodexCore
    import CodexStore
    import CodexTesting
    import Foundation
    import Testing

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
            for format in ["format3"] {
                let directory = try copy(format)
                let bodies = try expected(directory)
                #expect(bodies.count == 6)
                let path = directory + "/" + part
                if part == "restored" {
                    try await Store.restore(
                        directory + "/backup", archive: directory + "/archive", at: path)
                }
                let store = try Store(at: path, options: try options(directory))
                defer { store.close() }
                try await store.whenReady()
                try expectBodies(store, bodies)
                try FileKeyProvider(at: directory + "/keys.json").rotate()
                try await store.reseal()
                try expectBodies(store, bodies)
            }
        }
    }
#endif
