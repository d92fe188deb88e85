import CodexCore
import TestSupport
import Testing

/// Numbers that are written as literals.
@Suite("Number literals")
struct NumberLiteralTests {
    @Test("A literal is the number that it spells")
    func spellings() throws {
        let (zeros123, zeros129) = (
            String(repeating: "0", count: 123), String(repeating: "0", count: 129)
        )
        let spelled: [(Number, String)] = [
            (0.1, "0.1"), (12.50, "12.5"), (-0.25, "-0.25"), (0.0, "0"), (-0.0, "0"), (1.0, "1"),
            (1e3, "1000"), (2.5e-3, "0.0025"), (1e21, "1000000000000000000000"), (7, "7"),
            (123_456.789_012_345, "123456.789012345"), (0.000_000_1, "0.0000001"),
            (1e-130, "0.\(zeros129)1"), (9.99e125, "999\(zeros123)"),
        ]
        for (number, text) in spelled {
            #expect(number.description == text)
            #expect(try number == Number(parsing: text))
        }
        #expect(1.0 as Number == 1 as Number)
        let value: AttributeValue = 12.5
        #expect(value == .number(12.5))
        let item: Item = ["price": 9.95, "count": 3]
        #expect(item["price"]?.number == 9.95 as Number && item["count"]?.number == 3 as Number)
    }

    @Test("Up to 15 digits a literal's double has the literal's value, from a seed")
    func digits() throws {
        let seed: UInt64 = 15
        var random = SplitMix(seed: seed)
        for _ in 0..<20_000 {
            let digitCount = 1 + random.below(15)
            let digits = (0..<digitCount).map { _ in String(random.below(10)) }.joined()
            let text = "\(random.chance(50) ? "-" : "")\(digits)e\(random.below(200) - 100)"
            // What the compiler makes of the literal.
            let double = try #require(Double(text))
            let parsed = try Number(parsing: text)
            #expect(Number(floatLiteral: double) == parsed, "seed \(seed): \(text)")
        }
    }

    @Test("A condition and an update take literals")
    func use() {
        let price = Attribute<Number>("price")
        let condition = price > 9.5
        #expect(condition.evaluate(["price": 9.75]))
        #expect(!condition.evaluate(["price": 9.5]))
        #expect(!condition.evaluate(["price": 9.25]))
    }
}
