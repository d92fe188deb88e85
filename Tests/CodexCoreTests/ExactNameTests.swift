import CodexCore
import Testing

/// Names of attributes are compared by their bytes, also where schemas are compared.
@Suite("Exact names")
struct ExactNameTests {
    /// One character, and a letter with a mark, which Swift's `String` takes for equal.
    private let composed = "\u{E9}"
    private let decomposed = "e\u{301}"

    @Test("A set of names has both of two equivalent ones, and each name once")
    func sets() {
        var names = Set(names: [composed, decomposed, composed])
        #expect(names.count == 2)
        #expect(names.contains(composed) && names.contains(decomposed) && !names.contains("e"))
        let isNew = names.add(decomposed)
        #expect(!isNew)
        #expect(ExactName(composed) != ExactName(decomposed))
        #expect(ExactName(composed) == ExactName("\u{E9}"))
    }

    @Test("Names that take up many equivalent forms do not share a hash")
    func hashes() {
        // Each letter with its mark has two forms, so 2^10 names are equivalent.
        let names = (0..<1024).map { number in
            (0..<10).map { number >> $0 & 1 == 0 ? composed : decomposed }.joined()
        }
        #expect(Set(names).count == 1)
        #expect(Set(names.map { ExactName($0).hashValue }).count > 1000)
    }

    @Test("Parts of a schema with equivalent names of attributes are different")
    func parts() {
        let (one, two) = (KeyAttribute(composed), KeyAttribute(decomposed))
        #expect(one != two && one == KeyAttribute("\u{E9}"))
        #expect(KeyAttribute(composed, .number) != one)
        #expect(IndexProjection.include([composed]) != .include([decomposed]))
        #expect(IndexProjection.include([composed]) == .include(["\u{E9}"]))
        #expect(IndexProjection.include([composed]) != .keysOnly && IndexProjection.all == .all)
        func index(_ name: String, multiValued: String? = nil) -> IndexDefinition {
            IndexDefinition(
                "i", partitionKey: [KeyAttribute(name), KeyAttribute("x")],
                multiValued: multiValued)
        }
        #expect(index(composed) == index(composed) && index(composed) != index(decomposed))
        #expect(
            index("a", multiValued: composed) != index("a", multiValued: decomposed))
        func counter(_ name: String) -> CounterDefinition {
            CounterDefinition("c", group: [KeyAttribute("g")], sums: [name])
        }
        #expect(counter(composed) == counter(composed) && counter(composed) != counter(decomposed))
        func table(_ name: String) -> TableDefinition {
            TableDefinition("t", partitionKey: KeyAttribute("p"), timeToLive: name)
        }
        #expect(table(composed) == table(composed) && table(composed) != table(decomposed))
    }

    @Test("A schema that names an equivalent key is another one")
    func merging() throws {
        func schema(_ name: String) -> Schema {
            Schema(tables: [TableDefinition("t", partitionKey: KeyAttribute(name))])
        }
        #expect(try schema(composed).merging(schema(composed)) == schema(composed))
        #expect(throws: CodexError(.schemaMismatch, "")) {
            try schema(composed).merging(schema(decomposed))
        }
    }

    @Test("A key and a projection may have two attributes with equivalent names, each once")
    func validation() throws {
        func schema(_ first: String, _ second: String) -> Schema {
            let keys = [KeyAttribute(first), KeyAttribute(second, .number)]
            let index = IndexDefinition(
                "i", partitionKey: [keys[0]], sortKey: [keys[1]],
                projection: .include([first, second]))
            return Schema(
                tables: [
                    TableDefinition(
                        "t", partitionKey: keys[0], sortKey: keys[1], indexes: [index])
                ])
        }
        try schema(composed, decomposed).validate()
        #expect(throws: CodexError(.invalidSchema, "")) {
            try schema(composed, composed).validate()
        }
    }
}
