#if Encryption
    import CodexCore
    import CodexStore
    import CodexTesting
    import Testing

    /// Derived attributes of items whose encrypted values are encrypted again.
    @Suite("Derived attributes of resealed items")
    struct ResealedAttributeTests {
        struct First: Codable, Entity {
            static let definition = EntityDefinition(
                "badge", table: CodexFlow.table, keys: ["PK": "BADGE#{id}", "SK": "BADGE"],
                sealed: ["text"])
            var id: String
            var place: String
            var text: String
        }

        struct Second: Codable, Entity {
            static let definition = EntityDefinition(
                "badge", table: CodexFlow.table, schemaVersion: 2, keys: First.definition.keys,
                derived: ["site": .template("SITE#{place}")], sealed: ["text"])
            var id: String
            var place: String
            var text: String
        }

        @Test("An item of an earlier version is sealed again, though no key may have its value")
        func earlierItem() async throws {
            let place = try SealedStore()
            let (key, lookup) = (PrimaryKey("BADGE#1", "BADGE"), Lookup<Second>(["id": "1"]))
            try await place.open(
                schema: CodexFlow.schema.adding(First.self), keys: place.keys
            ) { try await $0.put(First(id: "1", place: "a#b", text: "secret")) }
            try place.keys.rotate()
            try await place.open(
                schema: CodexFlow.schema.adding(Second.self), keys: place.keys
            ) { store in
                try await store.put(Second(id: "2", place: "a", text: "secret"))
                let before = try #require(try store.item(in: CodexFlow.table, key: key))
                let report = try await store.reseal()
                #expect(report.migratedCount == 1 && report.failures.isEmpty)
                let after = try #require(try store.item(in: CodexFlow.table, key: key))
                #expect(after["site"] == nil && after["text"] != before["text"])
                let stored = try #require(try store.stored(lookup))
                #expect(stored.schemaVersion == 1 && stored.value.text == "secret")
                #expect(try store.verify().isSound)
            }
        }
    }
#endif
