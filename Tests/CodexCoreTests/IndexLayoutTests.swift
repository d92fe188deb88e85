import CodexCore
import Foundation
import Testing

/// The layout of an index in its definition: how it is stored, compared and refused.
@Suite("Layouts in definitions")
struct IndexLayoutTests {
    private static let layouts: [IndexLayout?] = [nil, .references, .copies]

    private static func index(
        _ layout: IndexLayout?, _ projection: IndexProjection = .all
    ) -> IndexDefinition {
        IndexDefinition(
            "i", partitionKey: [KeyAttribute("g")], projection: projection, layout: layout)
    }

    private static func schema(_ indexes: IndexDefinition...) -> Schema {
        Schema(tables: [TableDefinition("t", partitionKey: KeyAttribute("p"), indexes: indexes)])
    }

    private func decoded(_ json: String) throws -> IndexDefinition {
        try JSONDecoder().decode(IndexDefinition.self, from: Data(json.utf8))
    }

    @Test("An index refers to its items by default, unless it includes attributes")
    func defaults() {
        #expect(IndexProjection.keysOnly.defaultLayout == .references)
        #expect(IndexProjection.include(["a"]).defaultLayout == .copies)
        #expect(IndexProjection.all.defaultLayout == .references)
    }

    @Test("A definition that names no layout is stored as before, and each layout by its name")
    func stored() throws {
        let former = """
            {"name": "i", "partitionKey": [{"name": "g", "type": "S"}], "sortKey": [],
            "projection": {"all": {}}, "isUnique": false}
            """
        #expect(try decoded(former) == Self.index(nil))
        for layout in Self.layouts {
            let index = Self.index(layout)
            let json = String(decoding: try JSONEncoder().encode(index), as: UTF8.self)
            #expect(try decoded(json) == index)
            let member = layout.map { "\"layout\":\"\($0.rawValue)\"" }
            #expect(json.contains(member ?? "layout") == (layout != nil), "\(json)")
        }
        let unknown = former.replacing("false}", with: "false, \"layout\": \"rows\"}")
        #expect(throws: DecodingError.self) { try decoded(unknown) }
    }

    @Test("Only an index of keys has nothing to copy")
    func validated() throws {
        for layout in Self.layouts {
            for projection: IndexProjection in [.keysOnly, .include(["a"]), .all] {
                let schema = Self.schema(Self.index(layout, projection))
                guard projection == .keysOnly, layout == .copies else {
                    try schema.validate()
                    continue
                }
                let error = try #require(throws: CodexError.self) { try schema.validate() }
                #expect(error.code == .invalidSchema)
                #expect(error.message.contains("index i ") && error.message.contains("KEYS_ONLY"))
            }
        }
    }

    @Test("Definitions are of the same index if only their layouts differ")
    func compared() {
        let (g, h) = (KeyAttribute("g"), KeyAttribute("h"))
        let others = [
            IndexDefinition("j", partitionKey: [g]), IndexDefinition("i", partitionKey: [h]),
            IndexDefinition("i", partitionKey: [g], sortKey: [h]),
            IndexDefinition("i", partitionKey: [g], projection: .keysOnly),
            IndexDefinition("i", partitionKey: [g], isUnique: true),
            IndexDefinition("i", partitionKey: [g], entities: ["e"]),
            IndexDefinition("i", partitionKey: [g], multiValued: "g"),
        ]
        for layout in Self.layouts {
            let index = Self.index(layout)
            for other in Self.layouts {
                #expect(index.isSame(as: Self.index(other)))
                #expect(index.with(layout: other) == Self.index(other))
            }
            for other in others { #expect(!index.isSame(as: other) && !other.isSame(as: index)) }
        }
    }

    @Test("An index of a store keeps its layout, and a new one gets that of the program")
    func merged() throws {
        for layout in Self.layouts {
            let stored = Self.schema(Self.index(layout))
            for requested in Self.layouts {
                #expect(try stored.merging(Self.schema(Self.index(requested))) == stored)
            }
            #expect(throws: CodexError(.schemaMismatch, "")) {
                try stored.merging(Self.schema(Self.index(layout, .include(["a"]))))
            }
            #expect(try Self.schema().merging(stored) == stored)
        }
    }
}
