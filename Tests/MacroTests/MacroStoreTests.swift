#if Macros
    import CodexCore
    import CodexStore
    import CodexTesting
    import Foundation
    import Testing

    /// An entity by the macro in a store.
    @Suite("Entities by the macro in a store")
    struct MacroStoreTests {
        private static let schema = Schema(
            tables: [
                TableDefinition(
                    "main", partitionKey: KeyAttribute("PK"), sortKey: KeyAttribute("SK"),
                    indexes: [
                        IndexDefinition(
                            "broken", partitionKey: [KeyAttribute("brokenSite")],
                            sortKey: [KeyAttribute("number", .number)])
                    ])
            ],
            types: [Machine.self, Crate.self])

        private func machine(_ site: UUID, _ number: Int, _ status: Machine.Status) -> Machine {
            Machine(
                siteID: site, number: number, name: "m\(number)", status: status, level: .low,
                isRented: false, boughtAt: Date(timeIntervalSince1970: 0), labels: [])
        }

        @Test("Lookups, queries and filters by fields find what was written")
        func queries() async throws {
            let temporary = try TemporaryStore(schema: Self.schema)
            let store = temporary.store
            let (site, other) = (UUID(), UUID())
            for number in 1...6 {
                let status: Machine.Status = number % 2 == 0 ? .broken : .working
                try await store.insert(machine(site, number, status))
            }
            try await store.insert(machine(other, 2, .broken))
            let fields = Machine.fields
            #expect(
                try store.get(Lookup(fields.siteID(site), fields.number(3)))
                    == machine(site, 3, .working))
            let query = Query(Machine.broken, fields.siteID(site), sort: fields.number.from(3))
            #expect(try store.all(query).map(\.number) == [4, 6])
            let working = Query(fields.siteID(site), sort: fields.number.within(2...5))
                .filtered(by: fields.status == .working)
            #expect(try store.all(working).map(\.number) == [3, 5])
        }

        @Test("A derived key follows the value")
        func derived() async throws {
            let temporary = try TemporaryStore(schema: Self.schema)
            let store = temporary.store
            let site = UUID()
            try await store.insert(machine(site, 1, .broken))
            let query = Query(Machine.broken, Machine.fields.siteID(site))
            #expect(try store.all(query).count == 1)
            try await store.put(machine(site, 1, .working))
            #expect(try store.all(query).isEmpty)
        }
    }
#endif
