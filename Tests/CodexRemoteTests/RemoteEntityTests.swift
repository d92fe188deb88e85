#if Remote
    import CodexCore
    import CodexDynamoDB
    import CodexStore
    import CodexTesting
    import Foundation
    import Synchronization
    import Testing

    @testable import CodexRemote

    /// A note in its present version: version 1 had the text in `body`.
    private struct Note: Codable, Entity, Equatable {
        static let definition = EntityDefinition(
            "note", table: "notes", schemaVersion: 2,
            keys: ["pk": "BOOK#{book}", "sk": "NOTE#{id}"],
            fields: [
                .required("book", .string), .required("id", .string), .required("text", .string),
            ])
        var book: String
        var id: String
        var text: String

        static func upgrade(_ item: inout Item, from version: Int) throws(CodexError) {
            if version == 1 {
                item["text"] = item["body"]
                item["body"] = nil
            }
        }
    }

    /// An entity with an encrypted field, by its own definition.
    private struct Secret: Codable, Entity, Equatable {
        static let definition = EntityDefinition(
            "secret", table: "notes", keys: ["pk": "BOOK#{book}", "sk": "SECRET#{id}"],
            fields: [
                .required("book", .string), .required("id", .string), .required("text", .string),
            ], sealed: ["text"])
        var book: String
        var id: String
        var text: String
    }

    /// Typed reads and writes of a table of the protocol's service.
    @Suite("Entities of a remote table")
    struct RemoteEntityTests {
        /// Gives requests to a service in this process.
        private final class ServiceTransport: HTTPTransport {
            private let service: DynamoDBService
            private let other = Mutex<(@Sendable () async throws -> Void)?>(nil)

            init(_ service: DynamoDBService) { self.service = service }

            /// Lets another program write before the next put.
            func overtake(_ other: @escaping @Sendable () async throws -> Void) {
                self.other.withLock { $0 = other }
            }

            func send(_ request: TransportRequest) async throws -> TransportResponse {
                let target = request.headers.first { $0.name == "x-amz-target" }?.value
                if target?.hasSuffix("PutItem") == true {
                    let first = other.withLock { other in
                        defer { other = nil }
                        return other
                    }
                    try await first?()
                }
                let response = await service.response(target: target, body: request.body)
                return TransportResponse(status: response.status, body: response.body)
            }

            func close() async {}
        }

        private static let schema = Schema(
            tables: [
                TableDefinition(
                    "notes", partitionKey: KeyAttribute("pk"), sortKey: KeyAttribute("sk"))
            ], entities: [Note.definition])
        private static let key = PrimaryKey("BOOK#b", "NOTE#1")
        private static let old: Item = [
            "pk": "BOOK#b", "sk": "NOTE#1", "book": "b", "id": "1", "body": "old",
        ]

        private let temporary: TemporaryStore
        private let transport: ServiceTransport
        private let table: RemoteTable
        private let notes: RemoteEntities

        init() throws {
            temporary = try TemporaryStore(schema: Schema(tables: Self.schema.tables))
            transport = ServiceTransport(DynamoDBService(temporary.store))
            table = RemoteTable(
                try Self.schema.table("notes"), try RemoteClient(.through(transport)))
            notes = try RemoteEntities(table, schema: Self.schema)
        }

        private func lookup(_ id: String) -> Lookup<Note> {
            Lookup(partition: "BOOK#b", sort: .string("NOTE#\(id)"))
        }

        @Test("An entity is read as it was written, and its item tells entity and version")
        func roundTrip() async throws {
            let note = Note(book: "b", id: "1", text: "first")
            try await notes.insert(note)
            #expect(try await notes.get(lookup("1")) == note)
            let item = try await table.get(Self.key)
            #expect(item?[TableCapabilities.reservedAttribute] == "note#2")
            let taken = await Scene.error { try await notes.insert(note) }
            #expect(taken?.code == .conditionFailed)
            try await notes.put(Note(book: "b", id: "1", text: "second"))
            #expect(try await notes.get(lookup("1"))?.text == "second")
            #expect(try await notes.delete(lookup("1")))
            #expect(try await !notes.delete(lookup("1")))
        }

        @Test("A page has the entities of its range, and no others")
        func pages() async throws {
            for id in ["1", "2", "3"] {
                try await notes.insert(Note(book: "b", id: id, text: id))
            }
            _ = try await table.put(
                ["pk": "BOOK#b", "sk": "NOTE#4", TableCapabilities.reservedAttribute: "other#1"])
            _ = try await table.put(["pk": "BOOK#b", "sk": "PAGE#1"])
            let query = CodexCore.Query<Note>(partition: "BOOK#b")
            let page = try await notes.query(query)
            #expect(page.items.map(\.id) == ["1", "2", "3"] && page.examinedCount == 5)
            let first = try await notes.query(query, limits: PageLimits(returned: 2))
            let rest = try await notes.query(query, after: first.next)
            #expect((first.items + rest.items).map(\.id) == ["1", "2", "3"])
        }

        @Test("An item of an earlier version is upgraded by its tag, and stored in the present one")
        func upgrade() async throws {
            var item = Self.old
            item[TableCapabilities.reservedAttribute] = "note#1"
            item["other"] = "kept"
            _ = try await table.put(item)
            #expect(try await notes.get(lookup("1"))?.text == "old")
            try await notes.update(lookup("1")) { $0.text += "er" }
            let stored = try await table.get(Self.key)
            #expect(stored?["text"] == "older" && stored?["body"] == nil)
            #expect(stored?["other"] == "kept")
            #expect(stored?[TableCapabilities.reservedAttribute] == "note#2")
        }

        @Test("An item without a tag is refused, unless the program declares its version")
        func untagged() async throws {
            _ = try await table.put(Self.old)
            let error = await Scene.error { _ = try await notes.get(lookup("1")) }
            #expect(error?.code == .schemaMismatch)
            let declared = try RemoteEntities(
                table, schema: Self.schema, untaggedVersions: ["note": 1])
            #expect(try await declared.get(lookup("1"))?.text == "old")
        }

        @Test("Tags of later versions, of other entities, and damaged ones are refused")
        func tags() async throws {
            let expected: [(AttributeValue, CodexError.Code)] = [
                ("note#3", .programTooOld), ("page#1", .otherEntity), ("note", .schemaMismatch),
                ("note#0", .schemaMismatch), ("note#x", .schemaMismatch), (2, .schemaMismatch),
            ]
            for (tag, code) in expected {
                var item = Self.old
                item[TableCapabilities.reservedAttribute] = tag
                _ = try await table.put(item)
                let error = await Scene.error { _ = try await notes.get(lookup("1")) }
                #expect(error?.code == code, "\(tag)")
            }
        }

        @Test("A schema with encrypted fields is refused with their names, and such a type, too")
        func encryptedFields() async throws {
            let sealing = Self.schema.sealing(["text", "more"], of: Note.self)
            let error = await Scene.error { _ = try RemoteEntities(table, schema: sealing) }
            #expect(error?.code == .unsupportedOperation)
            let named = error?.message.contains("Entity note has encrypted fields (more, text)")
            #expect(named == true)
            // The schema of the entities lacks this type.
            let secret = await Scene.error {
                try await notes.put(Secret(book: "b", id: "1", text: "hidden"))
            }
            #expect(secret?.code == .unsupportedOperation)
            #expect(try await table.items(scanning: RemoteScan()).items.isEmpty)
        }

        @Test("An update that is overtaken is made again")
        func overtaken() async throws {
            try await notes.insert(Note(book: "b", id: "1", text: "a"))
            let store = temporary.store
            transport.overtake {
                let change = Update([.set("text", .operand(.value("b")))])
                try await store.update(in: "notes", key: Self.key, change)
            }
            let changed = try await notes.update(lookup("1")) { $0.text += "!" }
            #expect(changed?.text == "b!")
        }

        @Test("A change of the key is refused, and an absent entity stays absent")
        func otherKey() async throws {
            #expect(try await notes.update(lookup("1")) { $0.text = "new" } == nil)
            try await notes.insert(Note(book: "b", id: "1", text: "a"))
            let error = await Scene.error {
                _ = try await notes.update(lookup("1")) { $0.id = "2" }
            }
            #expect(error?.code == .invalidKey)
            #expect(try await notes.get(lookup("2")) == nil)
        }
    }
#endif
