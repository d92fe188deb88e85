import CodexCore
import Foundation
import Testing

/// Times to live, which are numbers of seconds.
@Suite("Seconds since 1970")
struct EpochSecondsTests {
    @Test(
        "A date is rounded up, and limited to the range",
        arguments: [
            (10, 10), (10.2, 11), (-10.2, -10), (0, 0), (-0.5, 0), (.nan, 0),
            (.infinity, (1 << 53) - 1), (-.infinity, 1 - (1 << 53)), (1e300, (1 << 53) - 1),
            (9_007_199_254_740_990, 9_007_199_254_740_990),
        ] as [(Double, Int)])
    func dates(seconds: Double, rounded: Int) {
        let value = EpochSeconds(Date(timeIntervalSince1970: seconds))
        #expect(value.seconds == rounded)
        #expect(value.attributeValue == .number(Number(rounded)))
        #expect(value.date == Date(timeIntervalSince1970: Double(rounded)))
    }

    @Test(
        "Numbers are read exactly, a fraction is rounded up",
        arguments: [
            ("10", 10), ("10.5", 11), ("10.0000000000000000000001", 11), ("-10.5", -10),
            ("-10", -10), ("1E-120", 1), ("-1E-120", 0),
            ("9007199254740991", 9_007_199_254_740_991),
            ("9007199254740992", nil), ("9007199254740990.5", 9_007_199_254_740_991),
            ("9007199254740991.5", nil), ("-9007199254740991", -9_007_199_254_740_991),
            ("-9007199254740992", nil), ("-9223372036854775808", nil), ("1E+100", nil),
            ("1E+18", nil),
        ] as [(String, Int?)])
    func numbers(text: String, seconds: Int?) throws {
        let number = try Number(parsing: text)
        #expect(EpochSeconds(attributeValue: .number(number))?.seconds == seconds)
        // It is the rule of expiry.
        if let seconds, !number.isNegative {
            #expect(Expiry.second(of: .number(number)) == seconds)
        }
    }

    private struct Invitation: Codable, Entity, Equatable {
        static let definition = EntityDefinition("i", table: "t", keys: ["PK": "I#{code}"])
        var code: String
        var expires: EpochSeconds?
    }

    @Test("A Codable entity stores a number, and reads one with a fraction")
    func coding() throws {
        let invitation = Invitation(
            code: "a", expires: EpochSeconds(Date(timeIntervalSince1970: 99.5)))
        var item = try invitation.item()
        #expect(item["expires"] == 100)
        #expect(try Invitation(item: item) == invitation)
        item["expires"] = .number(try Number(parsing: "99.5"))
        #expect(try Invitation(item: item) == invitation)
        item["expires"] = nil
        #expect(try Invitation(item: item).expires == nil)
        for value: AttributeValue in ["100", true, .number(try Number(parsing: "1E+100"))] {
            item["expires"] = value
            #expect(throws: CodexError(.typeMismatch, "")) { try Invitation(item: item) }
        }
        let json = try JSONEncoder().encode(invitation)
        #expect(try JSONDecoder().decode(Invitation.self, from: json) == invitation)
        let fraction = Data(#"{"code": "a", "expires": 99.5}"#.utf8)
        #expect(try JSONDecoder().decode(Invitation.self, from: fraction) == invitation)
        #expect(EpochSeconds(seconds: 1) < EpochSeconds(seconds: 2))
        #expect(EpochSeconds(seconds: .max).seconds == (1 << 53) - 1)
        #expect(EpochSeconds(seconds: .min).seconds == 1 - (1 << 53))
    }

    @Test("The time to live of a typed write is a number, or there is none")
    func required() throws {
        func require(_ item: Item, _ attribute: String?) throws(CodexError) {
            try EntityDefinition.requireTimeToLive(
                item, attribute, of: Invitation.definition.name)
        }
        for item: Item in [[:], ["expires": 1], ["expires": .null], ["other": "x"]] {
            try require(item, "expires")
        }
        for value: AttributeValue in ["100", true, .binary([1]), .list([1]), .map([:])] {
            try require(["expires": value], nil)
            do throws(CodexError) {
                try require(["expires": value], "expires")
                Issue.record("accepted \(value.type)")
            } catch {
                #expect(error.code == .typeMismatch && error.entity == "i")
                #expect(error.attributePath == "expires")
                #expect(error.message.contains("seconds") && error.message.contains("EpochSeconds"))
            }
        }
    }
}
