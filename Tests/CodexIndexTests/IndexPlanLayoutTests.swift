import CodexCore
import CodexIndex
import Testing

/// The layouts of plans, and the attributes that entries hold in each.
@Suite("Layouts of plans")
struct IndexPlanLayoutTests {
    private static let item: Item = ["p": "p", "g": "g", "a": 1, "b": 2]

    private static func table(_ layout: IndexLayout? = nil) -> TableDefinition {
        let group = [KeyAttribute("g")]
        return TableDefinition(
            "t", partitionKey: KeyAttribute("p"),
            indexes: [
                IndexDefinition("keys", partitionKey: group, projection: .keysOnly),
                IndexDefinition(
                    "some", partitionKey: group, projection: .include(["a"]), layout: layout),
                IndexDefinition("all", partitionKey: group, layout: layout),
            ], timeToLive: "e")
    }

    @Test("A plan has the layout that the definition names, or the default of the projection")
    func defaults() {
        let plan = TablePlan(Self.table())
        #expect(plan.indexes.map(\.layout) == [.references, .copies, .references, .references])
        for layout in IndexLayout.allCases {
            let plan = TablePlan(Self.table(layout))
            #expect(plan.indexes.map(\.layout) == [.references, layout, layout, .references])
        }
    }

    @Test("The layout of a store's index goes before that of its definition")
    func given() {
        for layout in IndexLayout.allCases {
            let plan = TablePlan(Self.table(.references)) { index in
                index.name == "all" ? layout : .copies
            }
            #expect(plan.indexes.map(\.layout) == [.copies, .copies, layout, .copies])
            #expect(plan.indexes.map(\.definition.layout) == [nil, .references, .references, nil])
            for index in Self.table().indexes {
                let other = plan.plan(of: index, in: layout)
                #expect(other.layout == layout && other.definition == index)
            }
        }
    }

    @Test("An entry that refers to its item has no attributes")
    func projected() {
        let expected: [Item?] = [Item(), ["a": 1], nil, Item()]
        let plans = TablePlan(Self.table(.copies)).indexes
        #expect(plans.map { $0.projected(Self.item) } == expected)
        for index in TablePlan(Self.table(.references)).indexes {
            #expect(index.projected(Self.item) == Item(), "\(index.definition.name)")
        }
    }
}
