#if Encryption
    import CodexCore
    import CodexTesting
    import Foundation
    import Testing

    @testable import CodexStore

    @Suite("Which values are not encrypted, or not decided")
    struct PlainFieldTests {
        private let place: SealedStore

        init() throws { place = try SealedStore() }

        private func field(
            _ entity: String, _ name: String, items: Int = 0, raw: Int = 0
        ) -> PlainField {
            PlainField(
                table: CodexFlow.table, entity: entity, name: name, itemCount: items,
                rawItemCount: raw)
        }

        @Test("Plain values are counted by field, and those of raw items apart")
        func counted() async throws {
            try await place.open(schema: CodexFlow.schema, keys: nil) { store in
                for id in ["a", "b"] { try await store.put(try makeTask(id, body: "text")) }
                try await store.put(try makeTask("c", body: nil))
                let note: Item = [
                    "PK": "NOTEBOOK#n", "SK": "NOTE#1", "notebook": "n", "id": "1", "text": "raw",
                ]
                try await store.put(note, in: CodexFlow.table)
                #expect(try store.plainFields() == [])
            }
            try await place.open { store in
                try await store.put(try makeTask("d", body: "sealed"))
                #expect(
                    try store.plainFields() == [
                        field("note", "text", raw: 1), field("task", "body", items: 2),
                    ])
                try await store.reseal()
                #expect(try store.plainFields() == [field("note", "text", raw: 1)])
                try await store.migrate(Note.self)
                #expect(try store.plainFields() == [])
            }
        }

        // MARK: Undecided values

        /// Stores an encrypted value, one that was moved, and data that begins so, as format 3 did.
        private func plant() async throws {
            try await place.open(schema: Blob.schema, keys: place.keys) { store in
                let item = Blob.item("whole", ["secret": .binary([1, 2, 3])])
                try await FormatThree.put([item], sealing: true, store)
                let stored = try store.item(in: CodexFlow.table, key: Blob.key("whole"))
                let sealed = try #require(stored?["secret"])
                try await FormatThree.put(
                    [
                        Blob.item("moved", ["secret": sealed]),
                        Blob.item("open", ["open": .binary(Blob.mark + [2, 3, 4])]),
                    ], store)
                try await FormatThree.markUnread(store)
                try expectUndecided(store, .deciding, count: 3, damagedCount: 1)
            }
        }

        private func expectUndecided(
            _ store: Store, _ state: StoreStatistics.Undecided.State?, count: Int = 0,
            damagedCount: Int = 0
        ) throws {
            let table = CodexFlow.table
            let tables = state.map { [StoreStatistics.Undecided(table: table, state: $0)] } ?? []
            #expect(try store.stats().undecided == tables)
            let counts = VerificationReport.Undecided(
                table: table, count: count, damagedCount: damagedCount)
            #expect(try store.verify().undecided == (count == 0 ? [] : [counts]))
        }

        @Test("Statistics and a verification tell of undecided values until none is left")
        func undecided() async throws {
            try await plant()
            try await place.open(schema: Blob.schema, keys: nil) { store in
                try await store.waitUntilReady()
                try expectUndecided(store, .waiting, count: 2)
            }
            try await place.open(schema: Blob.schema, keys: place.keys) { store in
                try await store.waitUntilReady()
                try expectUndecided(store, .waiting, count: 1, damagedCount: 1)
                try await store.delete(Blob.lookup("moved"))
                try expectUndecided(store, .waiting)
            }
            try await place.open(schema: Blob.schema, keys: place.keys) { store in
                try await store.waitUntilReady()
                try expectUndecided(store, nil)
            }
        }
    }
#endif
