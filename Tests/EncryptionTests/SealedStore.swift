#if Encryption
    import CodexCore
    import CodexStore
    import CodexTesting
    import Foundation

    /// A note whose text is encrypted, with `Codable`.
    struct Note: Codable, Entity, Equatable {
        static let definition = EntityDefinition(
            "note", table: CodexFlow.table,
            keys: ["PK": "NOTEBOOK#{notebook}", "SK": "NOTE#{id}"], sealed: ["text", "secret"])
        var notebook = "n"
        var id: String
        var text: String
        var secret: [String]?
    }

    /// A store with encrypted fields, in a folder of its own with the file of its keys.
    final class SealedStore: Sendable {
        static let schema = CodexFlow.schema.adding(Note.self)
            .sealing(["body", "metadata"], of: CodexFlow.Task.self)
            .sealing(["changes"], of: CodexFlow.Activity.self)

        let folder: String
        var path: String { folder + "/store" }
        let keys: FileKeyProvider

        init() throws {
            folder = try TemporaryStore.makeDirectory()
            keys = try FileKeyProvider(at: folder + "/keys.json", mayCreate: true)
        }

        deinit { try? FileManager.default.removeItem(atPath: folder) }

        /// Runs `body` with the store open.
        @discardableResult
        func open<R>(
            schema: Schema? = SealedStore.schema, keys: (any EncryptionKeyProvider)?,
            strict: Bool = false, _ body: (Store) async throws -> R
        ) async throws -> R {
            var options = StoreOptions()
            options.encryptionKeys = keys
            options.requiresSealedFields = strict
            let store = try Store(at: path, schema: schema, options: options)
            defer { store.close() }
            return try await body(store)
        }

        @discardableResult
        func open<R>(_ body: (Store) async throws -> R) async throws -> R {
            try await open(keys: keys, body)
        }

        /// Everything that is in the store's files.
        func contents() throws -> [Data] {
            let files = try FileManager.default.subpathsOfDirectory(atPath: path)
            return try files.compactMap { name in
                var isDirectory: ObjCBool = false
                let file = path + "/" + name
                guard FileManager.default.fileExists(atPath: file, isDirectory: &isDirectory),
                    !isDirectory.boolValue
                else { return nil }
                return try Data(contentsOf: URL(fileURLWithPath: file))
            }
        }
    }

    extension AttributeMap {
        /// The item with bytes that a store takes for an encrypted field's; no program can say so.
        func forging(_ bytes: [UInt8], as name: String) -> AttributeMap {
            var forged = self
            forged.set(.init(name: name, value: .binary(bytes), seal: .sealed))
            return forged
        }
    }

    func makeTask(_ id: String, body: String?) throws -> CodexFlow.Task {
        var task = CodexFlow.Task(
            id: try .init(id), projectID: "p", title: "Title \(id)", assigneeID: "ada",
            status: .todo)
        task.body = body
        return task
    }

    let taskKey = PrimaryKey("PROJECT#p", "TASK#a")
#endif
