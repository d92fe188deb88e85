import CodexCore
import Testing

@Suite("The rule of expiry")
struct ExpiryRuleTests {
    static let now = 1_762_300_800

    @Test(
        "The second of an attribute: numbers, rounded up, from 0 up to 2^53",
        arguments: [
            ("0", 0), ("-0", 0), ("1", 1), ("1762300800", 1_762_300_800), ("1e3", 1000),
            ("10.0", 10), ("10.000000000000000000000000000000000001", 11), ("10.5", 11),
            ("1e-130", 1), ("0.99999999999999999999999999999999999999", 1), ("-1", nil),
            ("-0.5", nil), ("9007199254740991", 9_007_199_254_740_991),
            ("9007199254740990.5", 9_007_199_254_740_991), ("9007199254740991.5", nil),
            ("9007199254740992", nil), ("9223372036854775807.5", nil), ("1e125", nil),
            ("99999999999999999999999999999999999999", nil),
        ] as [(String, Int?)])
    func second(text: String, expected: Int?) throws {
        #expect(Expiry.second(of: .number(try Number(parsing: text))) == expected)
    }

    @Test("Values of other types mean no expiry")
    func otherTypes() throws {
        let values: [AttributeValue?] = [
            nil, .string("1762300800"), .bool(true), .null, .binary([1]), .list([1_762_300_800]),
            .numberSet([1_762_300_800]),
        ]
        for value in values { #expect(Expiry.second(of: value) == nil) }
    }

    @Test("Expired is from the second itself on, for five years")
    func window() {
        let limit = DynamoDBLimits.expiryIgnoredAfterSeconds
        #expect(limit == 157_680_000)
        for (offset, isOver) in [
            (1, false), (0, true), (-1, true), (1 - limit, true), (-limit, true),
            (-limit - 1, false),
        ] {
            #expect(Expiry.isOver(Self.now + offset, at: Self.now) == isOver, "\(offset)")
        }
    }
}
