import CodexCore
import CodexTesting
import Testing

@testable import CodexStore

/// Definitions whose names of attributes are two spellings of a letter.
@Suite("Spelled names")
struct SpelledNameTests {
    /// One character, and a letter with a mark, which Swift's `String` takes for equal.
    private static let composed = "\u{E9}"
    private static let decomposed = "e\u{301}"

    /// A table with an index and a counter whose multi-valued attribute has a name.
    private static func table(multiValued: String, keys: [String]) -> TableDefinition {
        TableDefinition(
            "t", partitionKey: KeyAttribute("p"),
            indexes: [
                IndexDefinition(
                    "i", partitionKey: keys.map { KeyAttribute($0) },
                    projection: .include([composed]), multiValued: multiValued)
            ],
            counters: [
                CounterDefinition(
                    "c", group: [KeyAttribute(keys[0])], multiValued: multiValued)
            ])
    }

    @Test("A manifest of an earlier release gets the spelling of the key attribute")
    func manifest() throws {
        for (name, key) in [
            (Self.composed, Self.decomposed), (Self.decomposed, Self.composed),
        ] {
            let table = Self.table(multiValued: name, keys: [key])
            #expect(throws: CodexError(.invalidSchema, "")) {
                try Schema(tables: [table]).validate()
            }
            let stored = try Manifest(schema: Schema(tables: [table])).json()
            let read = try Manifest(json: stored).schema.tables[0]
            #expect(read == Self.table(multiValued: key, keys: [key]))
            #expect(read.indexes[0].multiValued.map { Array($0.utf8) } == Array(key.utf8))
            #expect(read.counters[0].multiValued.map { Array($0.utf8) } == Array(key.utf8))
        }
    }

    @Test("A name that one of the key attributes has by its bytes stays")
    func exact() throws {
        for name in [Self.composed, Self.decomposed] {
            let keys = [Self.composed, Self.decomposed]
            let table = Self.table(multiValued: name, keys: keys)
            let index = try #require(
                Schema(tables: [table]).spelledByKeys.tables.first?.indexes.first)
            #expect(index.multiValued.map { Array($0.utf8) } == Array(name.utf8))
        }
    }

    @Test("Entries with the element of one spelling and the attribute of the other are sound")
    func verified() async throws {
        let table = Self.table(multiValued: Self.decomposed, keys: [Self.decomposed])
        let store = try TemporaryStore(schema: Schema(tables: [table]))
        var item: Item = ["p": "a"]
        item[Self.decomposed] = .list(["x", "y"])
        item[Self.composed] = "z"
        try await store.store.put(item, in: "t")
        let report = try store.store.verify()
        #expect(report.isSound, "\(report.differences.prefix(3))")
        #expect(report.entryCount == 2)
    }
}
