#if Encryption
    import CodexCore
    import CodexStore
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
            var task = CodexFlow.Task(id: "789", projectID: "456", title: "Note G")
            task.body = "secret"

            let keys = try FileKeyProvider(creatingAt: folder + "/keys.json")
            var options = StoreOptions()
            options.encryptionKeys = keys
            let schema = CodexFlow.schema
                .sealing(["body", "metadata"], of: CodexFlow.Task.self)
                .sealing(["changes"], of: CodexFlow.Activity.self)
            let store = try Store(at: folder + "/workspace.codex", schema: schema, options: options)
            try await store.insert(task)
            print(try store.get(.task("789", in: "456"))?.body ?? "none")
            #expect(try store.get(.task("789", in: "456")) == task)

            try keys.rotate()
            let report = try await store.reseal(CodexFlow.Task.self)
            if report.failureCount == 0, let old = try keys.keyIDs.first {
                try keys.remove(keyID: old)
            }
            #expect(try keys.keyIDs.count == 1)
            #expect(try store.get(.task("789", in: "456")) == task)
            store.close()
        }
    }
#endif
