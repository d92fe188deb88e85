import CodexCore
import CodexTesting
import TestSupport
import Testing

@testable import CodexStore

/// Programs and leaders whose definitions name other layouts than a store's.
@Suite("Definitions that differ in the layout alone")
struct LayoutDefinitionTests {
    private static let layouts: [IndexLayout?] = [nil, .references, .copies]

    private static func schema(_ layout: IndexLayout?) -> Schema {
        SampleTable.schema(indexes: [
            IndexDefinition("byGroup", partitionKey: [KeyAttribute("group")], layout: layout)
        ])
    }

    @Test("A program that names another layout opens the store, and changes nothing")
    func opened() async throws {
        let temporary = try TemporaryStore(schema: Self.schema(nil))
        try await temporary.store.put(["partition": "a", "group": "g"], in: "samples")
        temporary.store.close()
        for layout in IndexLayout.allCases {
            let store = try Store(at: temporary.path, schema: Self.schema(layout))
            #expect(store.schema == Self.schema(nil))
            #expect(try store.buildStatus().map(\.state) == [.ready])
            let query = TableQuery(table: "samples", index: "byGroup", partition: ["g"])
            #expect(try store.items(matching: query).items.count == 1)
            store.close()
        }
    }

    @Test("A follower keeps an index for which its leader names another layout")
    func adopted() throws {
        for own in Self.layouts {
            for other in Self.layouts {
                var follower = Manifest(schema: Self.schema(own))
                let leader = Manifest(schema: Self.schema(other))
                try follower.adopt(leader, at: 1)
                #expect(follower.schema == leader.schema)
                let table = try #require(follower.tables["samples"])
                #expect(table.indexes == ["byGroup": 1])
                #expect(table.retired == nil && table.states == nil)
            }
        }
    }

    @Test("Another layout makes no read by an index wait for a migration")
    func evolved() {
        func schema(version: Int, _ layout: IndexLayout?) -> Schema {
            // No release declares the attribute.
            let byTag = IndexDefinition("byTag", partitionKey: [KeyAttribute("tag")])
            let table = RollingOrder.table(version: 2)
            let indexes = (table.indexes + [byTag]).map { $0.with(layout: layout) }
            let schema = Schema(tables: [table.with(indexes: indexes)])
            return version == 1
                ? schema.adding(RollingOrder.V1.self) : schema.adding(RollingOrder.V2.self)
        }
        var evolution = SchemaEvolution()
        let raised = schema(version: 2, nil)
        evolution.note(raised, replacing: schema(version: 1, nil), for: raised)
        let before = evolution
        #expect(before.migrations?["order"] != nil)
        for layout in IndexLayout.allCases {
            let other = schema(version: 2, layout)
            evolution.note(other, replacing: raised, for: other)
            #expect(evolution == before)
        }
    }
}
