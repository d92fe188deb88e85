#if Encryption
    import Codex
    import CodexTesting
    import Foundation
    import Testing

    /// Encryption as its document shows it.
    @Suite("Encryption as a client")
    struct EncryptionClientTests {
        @Test("The document's code runs")
        func document() async throws {
            let folder = try TemporaryStore.makeDirectory()
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let path = folder + "/workspace.codex"
            var task = CodexFlow.Task(id: "789", projectID: "456", title: "Note G")
            task.body = "secret"

            try makeKeys(in: folder)
            let keys = try FileKeyProvider(at: folder + "/keys.json")
            var options = StoreOptions()
            options.encryptionKeys = keys
            let schema = CodexFlow.schema
                .sealing(["body", "metadata"], of: CodexFlow.Task.self)
                .sealing(["changes"], of: CodexFlow.Activity.self)
            let store = try Store(at: path, schema: schema, options: options)
            try await store.insert(task)
            print(try store.get(.task("789", in: "456"))?.body ?? "none")
            #expect(try store.get(.task("789", in: "456")) == task)

            let workspace = CodexFlow.Workspace(store)
            try await workspace.createUser(email: "a@example.com", name: "A", id: "ada")
            try await workspace.createProject(key: "AE", name: "E", id: "456", owner: "ada")
            try await workspace.changeTask("789", in: "456", by: "ada") { $0.body = "new secret" }

            let old = try keys.currentKeyID
            try keys.rotate()
            let report = try await store.reseal()
            if report.failureCount == 0 { try keys.remove(keyID: old) }
            #expect(try keys.keyIDs.count == 1)
            #expect(try store.get(.task("789", in: "456"))?.body == "new secret")
            let entry = try store.all(.activity(of: "789", in: "456")).last
            #expect(entry?.changes.first { $0.field == "body" }?.to == "new secret")
            store.close()
        }

        private func makeKeys(in folder: String) throws {
            let keys = try FileKeyProvider(at: folder + "/keys.json", mayCreate: true)
            #expect(try keys.keyIDs.count == 1)
        }
    }
#endif
