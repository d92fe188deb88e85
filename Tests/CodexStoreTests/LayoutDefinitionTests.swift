import CodexCore
import CodexTesting
import Foundation
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
        for layout in Self.layouts {
            let warnings = Locked<[String]>([])
            let store = try Store(
                at: temporary.path, schema: Self.schema(layout), options: Self.options(warnings))
            #expect(store.schema == Self.schema(nil))
            #expect(try store.buildStatus().map(\.state) == [.ready])
            let query = TableQuery(table: "samples", index: "byGroup", partition: ["g"])
            #expect(try store.items(matching: query).items.count == 1)
            // Closing waits for the observer.
            store.close()
            expectWarning(warnings, layout == .copies)
        }
    }

    @Test("An index that is added again with another layout keeps the one that it has")
    func added() async throws {
        let warnings = Locked<[String]>([])
        let temporary = try TemporaryStore(
            schema: SampleTable.schema(), options: Self.options(warnings))
        let store = temporary.store
        for layout in [.references, nil, .copies] as [IndexLayout?] {
            let index = Self.schema(layout).tables[0].indexes[0]
            try await store.addIndex(index, to: "samples")
            let table = try #require(store.core.catalog.manifest.tables["samples"])
            #expect(table.layout(of: index) == .references && table.relayouts == nil)
        }
        store.close()
        expectWarning(warnings, true)
    }

    /// Options whose observer gathers the warnings.
    private static func options(_ warnings: Locked<[String]>) -> StoreOptions {
        var options = StoreOptions()
        options.observer = { event in
            guard case .schemaWarning(let text) = event else { return }
            warnings.withLock { $0.append(text) }
        }
        return options
    }

    /// Expects one warning, which names the call that changes the layout, or none.
    private func expectWarning(_ warnings: Locked<[String]>, _ isExpected: Bool) {
        let texts = warnings.withLock { $0 }
        #expect(texts.count == (isExpected ? 1 : 0))
        for text in texts {
            for word in [
                "byGroup", "samples", "references", "copies", "changeLayout(ofIndex:in:to:)",
            ] {
                #expect(text.contains(word), "\(text)")
            }
        }
    }

    @Test("New tables and indexes get the layout that is named, or that of the projection")
    func made() throws {
        let some = IndexProjection.include(["value"])
        for projection in [IndexProjection.keysOnly, some, .all] {
            for layout in Self.layouts where projection != .keysOnly || layout != .copies {
                let index = IndexDefinition(
                    "byGroup", partitionKey: [KeyAttribute("group")], projection: projection,
                    layout: layout)
                let expected = layout ?? projection.defaultLayout
                let layouts = projection == .keysOnly ? nil : ["i1": expected]
                var manifest = Manifest(schema: SampleTable.schema())
                for isAdded in [true, false] {
                    let schema = SampleTable.schema(indexes: [index])
                    if isAdded {
                        let isChanged = try manifest.merge(schema)
                        #expect(isChanged)
                    } else {
                        manifest = Manifest(schema: schema)
                    }
                    let table = try #require(manifest.tables["samples"])
                    #expect(table.layout(of: index) == expected)
                    #expect(table.layouts == layouts)
                }
            }
        }
    }

    @Test("A store of format 4 keeps its copies; a new index raises the format with its layout")
    func earlier() async throws {
        let fixture = try FormatFixture("format4")
        let store = try Store(at: fixture.path("store"), options: fixture.options)
        defer { store.close() }
        let manifest = store.core.catalog.manifest
        #expect(manifest.tables.values.allSatisfy { $0.layouts == nil })
        let name = try #require(manifest.schema.tables.first?.name)
        let index = IndexDefinition("layout", partitionKey: [KeyAttribute("layout")])
        try await store.addIndex(index, to: name)
        try await store.waitUntilReady()
        let later = store.core.catalog.manifest
        #expect(later.tables[name]?.layout(of: index) == .references)
        #expect(later.tables[name]?.layouts?.count == 1)
        let report = try store.verify()
        #expect(report.isSound, "\(report.differences.prefix(3))")

        let text = String(decoding: try manifest.json(), as: UTF8.self)
            .replacingOccurrences(of: "\"format\":5", with: "\"format\":4")
        var former = try Manifest(json: Array(text.utf8))
        #expect(former.format == 4)
        let table = try former.schema.table(name).with(indexes: [index], counters: [])
        let isChanged = try former.merge(Schema(tables: [table]))
        #expect(isChanged && former.format == 5)
    }

    @Test("A follower begins to give an index the layout of its leader's, if it has another")
    func adopted() throws {
        for own in Self.layouts {
            for other in Self.layouts {
                var follower = Manifest(schema: Self.schema(own))
                let leader = Manifest(schema: Self.schema(other))
                try follower.adopt(leader, at: 1)
                #expect(follower.schema == leader.schema)
                let table = try #require(follower.tables["samples"])
                #expect(table.indexes == ["byGroup": 1] && table.retired == nil)
                let layouts = [own, other].map { $0 ?? .references }
                #expect((table.relayouts == nil) == (layouts[0] == layouts[1]))
                #expect((table.states == nil) == (table.relayouts == nil))
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
