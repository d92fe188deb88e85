import CodexCore
import CodexIndex
import Testing

@Suite("The index of expiry")
struct ExpiryIndexTests {
    static let now = 1_762_300_800
    let plan = TablePlan(
        TableDefinition(
            "t", partitionKey: KeyAttribute("p"),
            indexes: [IndexDefinition("i", partitionKey: [KeyAttribute("g")])], timeToLive: "e"))

    @Test("A table has one besides its own if its items expire")
    func isOneMore() {
        #expect(plan.indexes.map(\.isExpiry) == [false, true])
        let without = TablePlan(TableDefinition("t", partitionKey: KeyAttribute("p")))
        #expect(without.indexes.isEmpty)
        #expect(without.expiry(of: ["e": 10]) == nil)
    }

    @Test("The range of what is expired has those entries and no others")
    func range() throws {
        let index = try #require(plan.indexes.last)
        let range = IndexPlan.expired(at: Self.now)
        let limit = DynamoDBLimits.expiryIgnoredAfterSeconds
        let edges = [Self.now, Self.now - limit, Self.now / 2, Self.now * 2, 1, 1000]
        for edge in edges {
            for offset in [-2, -1, 0, 1, 2] {
                for fraction in ["", ".5", ".000001", ".999999"] {
                    let text = "\(max(0, edge + offset))\(fraction)"
                    let item: Item = ["p": "x", "e": .number(try Number(parsing: text))]
                    let second = try #require(plan.expiry(of: item))
                    let keys = try index.entryKeys(for: item, primaryKey: [0x78])
                    #expect(keys.count == 1)
                    for key in keys {
                        #expect(
                            range.contains(key) == Expiry.isOver(second, at: Self.now), "\(text)")
                    }
                }
            }
        }
    }

    @Test("Values that mean no expiry have no entry and refuse nothing")
    func lenient() throws {
        let index = try #require(plan.indexes.last)
        let values: [AttributeValue] = [
            .string("10"), .bool(true), .null, .list([10]), .binary([]), -1,
            .number(try Number(parsing: "1e20")),
        ]
        for value in values {
            #expect(try index.entryKeys(for: ["p": "x", "e": value], primaryKey: [0x78]).isEmpty)
        }
        #expect(try index.entryKeys(for: ["p": "x"], primaryKey: [0x78]).isEmpty)
    }
}
