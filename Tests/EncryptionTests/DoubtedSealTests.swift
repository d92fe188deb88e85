#if Encryption
    import CodexTesting
    import Foundation
    import Testing

    @testable import CodexCore
    @testable import CodexStore

    /// Values that are sealed, or plain, in a place where the store must not trust that.
    @Suite("Seals that are doubted")
    struct DoubtedSealTests {
        private let place: SealedStore
        private let noteKey = PrimaryKey("NOTEBOOK#n", "NOTE#1")
        private let lookup = Lookup<Note>(partition: "NOTEBOOK#n", sort: "NOTE#1")

        init() throws { place = try SealedStore() }

        private func storedText(_ store: Store) throws -> AttributeMap.Element {
            let item = try store.item(in: CodexFlow.table, key: noteKey)
            return try #require(item?.element(named: "text"))
        }

        // MARK: Values that were compressed before they were sealed

        /// A note as release 0.2.0 stored it, with its text compressed and bound to no store.
        private func plantCompressed(_ text: String, _ store: Store) async throws {
            try await store.put(Note(id: "1", text: "other"))
            var plain: [UInt8] = []
            ValueCodec.append(.string(text), topLevel: true, to: &plain)
            Compression.compressTail(of: &plain, from: 0)
            let number = try #require(store.core.catalog.manifest.entities["note"])
            let fields = try #require(store.core.catalog.sealedFields(number))
            let sealer = try #require(store.core.options.sealer)
            var item = try #require(try store.item(in: CodexFlow.table, key: noteKey))
            let sealed = try sealer.seal(
                plain,
                SealedPlace(
                    store: nil, table: CodexFlow.table, attribute: "text",
                    key: try fields.key(of: item)), isPortable: true)
            item.set(sealed.element(named: "text"))
            try await PlantedItem.put(item, store)
        }

        @Test(
            "A compressed value that is larger than an item opens, stays and is resealed",
            arguments: [500_000, 5_000_000])
        func large(byteCount: Int) async throws {
            let text = String(repeating: "x", count: byteCount)
            try await place.open { store in
                try await plantCompressed(text, store)
                #expect(try store.get(lookup)?.text == text)
                #expect(try store.verify().isSound)
                try await store.update(lookup) { $0.secret = ["more"] }
                #expect(try store.get(lookup) == Note(id: "1", text: text, secret: ["more"]))
                try place.keys.rotate()
                let report = try await store.reseal()
                #expect(report.migratedCount == 1 && report.failureCount == 0)
                #expect(try await store.reseal().migratedCount == 0)
                let sealed = try #require(SealedValue(try storedText(store).value))
                #expect(try sealed.isBound && sealed.keyID == place.keys.currentKeyID)
                #expect(try store.get(lookup)?.text == text)
                // A new value has no such room.
                await #expect(throws: CodexError(.itemTooLarge, "")) {
                    try await store.put(Note(id: "2", text: text))
                }
            }
        }

        @Test("A value that was not compressed stays so after a rotation, though there is no room")
        func uncompressed() async throws {
            let text = String(repeating: "x", count: 400_000)
            try await place.open { store in
                try await store.put(Note(id: "1", text: text))
                try place.keys.rotate()
                let before = try storedText(store).value
                await #expect(throws: CodexError(.itemTooLarge, "")) {
                    try await store.update(lookup) {
                        $0.secret = [String(repeating: "y", count: 10_000)]
                    }
                }
                #expect(try storedText(store).value == before)
                try await store.update(lookup) { $0.secret = ["y"] }
                let sealed = try #require(SealedValue(try storedText(store).value))
                #expect(try sealed.keyID == place.keys.currentKeyID)
                // Nonce, compression's tag, text, authentication.
                let boxByteCount = [12, 1, 400_000, 16].reduce(0, +)
                #expect(sealed.box.count == boxByteCount)
            }
        }

        @Test("An item in memory reads whatever its values' size", arguments: [500_000, 5_000_000])
        func loose(byteCount: Int) throws {
            let text = String(repeating: "x", count: byteCount)
            var item = try makeTask("a", body: nil).item()
            item["body"] = .string(text)
            #expect(try CodexFlow.Task(item: item).body == text)
        }

        // MARK: Values that a program moves

        @Test("A sealed value in another item, or of another store, is refused as its bytes are")
        func moved() async throws {
            let item = try await place.open { store -> Item in
                try await store.put(Note(id: "1", text: "secret"))
                return try #require(try store.item(in: CodexFlow.table, key: noteKey))
            }
            var copy = item
            copy["SK"] = "NOTE#2"
            copy["id"] = "2"
            let moved = copy
            #expect(moved.element(named: "text")?.seal == .sealed)
            try await place.open { store in
                await #expect(throws: CodexError(.valueTampered, "")) {
                    try await store.put(moved, in: CodexFlow.table)
                }
                // In its place it is what it was.
                try await store.delete(lookup)
                try await store.put(item, in: CodexFlow.table)
                #expect(try store.get(lookup)?.text == "secret")
            }
            let other = try SealedStore()
            try await other.open(keys: place.keys) { store in
                await #expect(throws: CodexError(.valueTampered, "")) {
                    try await store.put(item, in: CodexFlow.table)
                }
                // Where nothing is encrypted, it is data.
                var raw = item
                raw["SK"] = "TASK#1"
                raw["PK"] = "PROJECT#p"
                try await store.put(raw, in: CodexFlow.table)
                let stored = try store.item(
                    in: CodexFlow.table, key: PrimaryKey("PROJECT#p", "TASK#1"))
                #expect(stored?.element(named: "text")?.seal == .plain)
            }
        }

        @Test("With keys, a copy whose key is not among them is refused")
        func unknownKey() async throws {
            let others = try SealedStore()
            let item = try await others.open { store -> Item in
                try await store.put(Note(id: "1", text: "secret"))
                return try #require(try store.item(in: CodexFlow.table, key: noteKey))
            }
            let copy = Item(item.map { ($0.name, $0.value) }).recognizingSealedValues()
            try await place.open { store throws in
                for written in [item, copy] {
                    await #expect(throws: CodexError(.keyUnavailable, "")) {
                        try await store.put(written, in: CodexFlow.table)
                    }
                }
                #expect(try store.get(lookup) == nil)
            }
        }

        /// The note once its text has another name.
        private struct RenamedNote: Codable, Entity {
            static let definition = EntityDefinition(
                "note", table: CodexFlow.table, schemaVersion: 2, keys: Note.definition.keys,
                sealed: ["content"])
            var notebook: String
            var id: String
            var content: String?
            var more: String?

            static func upgrade(_ item: inout Item, from version: Int) throws(CodexError) {
                item["content"] = item["text"]
                item["text"] = nil
            }
        }

        @Test("Without keys, a write does not give a sealed value another name")
        func renamed() async throws {
            let schema = CodexFlow.schema.adding(RenamedNote.self)
            let lookup = Lookup<RenamedNote>(partition: "NOTEBOOK#n", sort: "NOTE#1")
            try await place.open { try await $0.put(Note(id: "1", text: "secret")) }
            try await place.open(schema: schema, keys: nil) { store in
                await #expect(throws: CodexError(.keyUnavailable, "")) {
                    try await store.update(lookup) { $0.more = "more" }
                }
            }
            try await place.open(schema: schema, keys: place.keys) { store in
                try await store.update(lookup) { $0.more = "more" }
                #expect(try store.get(lookup)?.content == "secret")
            }
        }

        // MARK: Plain values

        @Test("Where plain values are refused, a write of another field trusts none")
        func strict() async throws {
            try await place.open(schema: CodexFlow.schema, keys: nil) { store in
                try await store.put(try makeTask("a", body: "planted"))
            }
            try await place.open(keys: place.keys, strict: true) { store in
                await #expect(throws: CodexError(.valueNotSealed, "")) {
                    try await store.update(
                        in: CodexFlow.table, key: taskKey,
                        Update().setting(Attribute<String>("title"), to: "T"))
                }
                try await store.update(
                    in: CodexFlow.table, key: taskKey,
                    Update().setting(Attribute<String>("body"), to: "new"))
                #expect(try store.get(.task("a", in: "p"))?.body == "new")
            }
        }

        private func putRawNotes() async throws {
            try await place.open(schema: CodexFlow.schema, keys: nil) { store in
                for id in ["1", "2"] {
                    let item: Item = [
                        "PK": "NOTEBOOK#n", "SK": .string("NOTE#" + id), "notebook": "n",
                        "id": .string(id), "text": "plain",
                    ]
                    try await store.put(item, in: CodexFlow.table)
                }
            }
        }

        @Test("Raw items under an encrypted entity's keys are told of, and refuse a purge")
        func raw() async throws {
            try await putRawNotes()
            try await place.open { store in
                let found = try store.verify().differences.map(\.kind)
                #expect(found == [.plainValue, .plainValue])
                await #expect(throws: CodexError(.valueNotSealed, "")) {
                    try await store.purgePlaintext()
                }
                // An update makes one the entity's.
                try await store.update(
                    in: CodexFlow.table, key: noteKey,
                    Update().setting(Attribute<Int>("more"), to: 7))
                #expect(try storedText(store).seal == .sealed)
                #expect(try store.get(lookup)?.text == "plain")
                try await store.migrate(Note.self)
                #expect(try store.verify().isSound)
                try await store.purgePlaintext()
            }
        }

        // MARK: Digests

        @Test("A digest without a key that is added beside a key is replaced, too")
        func plainDigest() async throws {
            try await place.open { store in
                let note = try Note(id: "1", text: "T").item()
                try await store.perform(
                    [.put(table: CodexFlow.table, note)], idempotencyToken: "token")
                #expect(try !store.core.withReadContext { try TokenKeys.hasPlainDigests(in: $0) })
                try await store.write { try TokenKeys($0.context).notePlainDigest() }
                #expect(try store.core.withReadContext { try TokenKeys.hasPlainDigests(in: $0) })
                try await store.write { try TokenKeys($0.context).replacePlainDigests() }
                #expect(try !store.core.withReadContext { try TokenKeys.hasPlainDigests(in: $0) })
            }
        }

        // MARK: Leaders

        @Test("A leader does not take encrypted fields away")
        func leader() throws {
            let own = Manifest(schema: SealedStore.schema)
            for schema in [
                CodexFlow.schema, CodexFlow.schema.adding(Note.self),
                Schema(tables: CodexFlow.schema.tables, entities: []),
            ] {
                var leader = own
                leader.schema = schema
                var follower = own
                #expect(throws: CodexError(.corrupted, "")) { try follower.adopt(leader, at: 1) }
            }
            var follower = own
            try follower.adopt(own, at: 1)
        }
    }
#endif
