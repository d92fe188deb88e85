import CodexCore
import TestSupport
import Testing

@testable import CodexIndex

/// The places of texts in encoded primary keys.
@Suite("Texts in keys")
struct PlainKeyTextTests {
    private static let texts = [
        "a", "PROJECT#p1", "é", "e\u{301}", "a\0", "\0", "a\u{1}b", "\u{1}", "\u{2}", "\u{10FFFF}",
    ]

    private static func value(
        _ type: KeyAttribute.KeyType, _ random: inout SplitMix
    ) -> AttributeValue {
        switch type {
        case .string: .string(random.pick(texts))
        case .binary: .binary(Array(random.pick(texts).utf8))
        case .number: .number(Number(random.below(300) - 150))
        }
    }

    /// The text of an attribute, found in the key; `nil` if it is not found.
    private static func text(_ name: String, _ key: [UInt8], _ plan: TablePlan) -> [UInt8]? {
        plan.plainText(of: name, in: key.span).map { Array(key[$0]) }
    }

    @Test("A text is found where decoding finds it, or not at all")
    func random() throws {
        let seed = UInt64.random(in: .min ... .max)
        print("texts in keys: seed \(seed)")
        var random = SplitMix(seed: seed)
        var foundCount = 0
        let types: [KeyAttribute.KeyType] = [.string, .binary, .number]
        for _ in 0..<3000 {
            let type = random.pick(types)
            let sort = random.chance(80) ? random.pick(types) : nil
            let plan = TablePlan(
                TableDefinition(
                    "t", partitionKey: KeyAttribute("p", type),
                    sortKey: sort.map { KeyAttribute("s", $0) }))
            let primaryKey = PrimaryKey(
                Self.value(type, &random), sort.map { Self.value($0, &random) })
            var key: [UInt8] = []
            try plan.encode(primaryKey, into: &key)
            for element in try plan.keyAttributes(key.span) {
                guard let found = Self.text(element.name, key, plan) else { continue }
                foundCount += 1
                let text = try #require(element.value.string, "seed \(seed)")
                #expect(found == Array(text.utf8), "seed \(seed)")
            }
            #expect(Self.text("other", key, plan) == nil)
        }
        #expect(foundCount > 500)
    }

    @Test("The texts of usual keys are found")
    func usual() throws {
        let plan = TablePlan(TableDefinition("t", partitionKey: "p", sortKey: "s"))
        var key: [UInt8] = []
        try plan.encode(PrimaryKey("PROJECT#p1", "TASK#t\0"), into: &key)
        #expect(Self.text("p", key, plan) == Array("PROJECT#p1".utf8))
        #expect(Self.text("s", key, plan) == Array("TASK#t\0".utf8))
        #expect(Self.text("p", Array(key.prefix(5)), plan) == nil)
    }
}
