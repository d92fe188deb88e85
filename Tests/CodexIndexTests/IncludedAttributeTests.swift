import CodexCore
import CodexIndex
import Testing

@Suite("Attributes that an index includes")
struct IncludedAttributeTests {
    @Test("They are those of the item, in whatever order the schema names them")
    func order() throws {
        let count = 5000
        let names = (0..<count).map { "n\(10_000 + $0)" }
        let table = TableDefinition(
            "t", partitionKey: KeyAttribute("p"),
            indexes: [
                IndexDefinition(
                    "i", partitionKey: [KeyAttribute("g")],
                    projection: .include(names.reversed() + ["missing"]))
            ])
        let index = try #require(TablePlan(table).indexes.first)
        let included = Item(names.map { ($0, AttributeValue.null) })
        var item = included
        item["p"] = "p"
        item["g"] = "g"
        item["other"] = 1
        #expect(index.projected(item) == included)
        #expect(index.projected(["p": "p"]) == Item())
    }
}
