import CodexCore
import TestSupport
import Testing

/// The text of numbers in keys.
@Suite("Numbers in keys")
struct KeyTemplateNumberTests {
    private static let seed: UInt64 = 24_002

    /// Random numbers of all magnitudes, signs and counts of digits.
    private static func randomNumbers(_ count: Int) throws -> [Number] {
        var dice = SplitMix(seed: seed)
        return try (0..<count).map { _ in
            let digitCount = 1 + dice.below(38)
            var digits = String(1 + dice.below(9))
            for _ in 1..<digitCount { digits += String(dice.below(10)) }
            // Half of them are near the limit of ten digits and near zero.
            let leading = dice.chance(50) ? dice.below(256) - 130 : dice.below(22) - 6
            let sign = dice.chance(50) ? "-" : ""
            return try Number(parsing: "\(sign)\(digits)e\(leading - digitCount + 1)")
        }
    }

    /// Numbers where texts could go wrong: powers of ten and what is beside them.
    private static func limitNumbers() throws -> [Number] {
        var numbers: [Number] = [0]
        for power in -130...125 {
            for digits in ["1", "9", "10000000001", "99999999999"] {
                let exponent = power - digits.utf8.count + 1
                guard let number = try? Number(parsing: "\(digits)e\(exponent)") else { continue }
                numbers += [number, number.negated]
            }
        }
        let most = String(repeating: "9", count: 38)
        for exponent in [-167, -38, -28, -27, -1, 0, 1, 87, 88] {
            guard let number = try? Number(parsing: "\(most)e\(exponent)") else { continue }
            numbers += [number, number.negated]
        }
        for thousandths in -3000...3000 {
            numbers.append(try Number(parsing: "\(thousandths)e-3"))
        }
        // Milliseconds since 1970, as of a log.
        for step: Int64 in 0..<100 { numbers.append(Number(1_762_335_000_000 + step * 997)) }
        return numbers
    }

    @Test(
        "Texts sort as the numbers do, at the end of a key and before another part",
        arguments: ["", "#x", "#", "#~", "#0000000001", "\u{0}"])
    func order(suffix: String) throws {
        let numbers = try Self.randomNumbers(4000) + (try Self.limitNumbers())
        let sorted = Set(numbers).sorted()
        #expect(sorted.count > 8000)
        var last: (number: Number, key: String)?
        for number in sorted {
            let key = "LOG#" + KeyTemplate.text(of: number) + suffix
            if let last {
                #expect(
                    ByteOrder.compare(last.key, key) < 0,
                    "\(last.number) and \(number), seed \(Self.seed)")
            }
            last = (number, key)
        }
    }

    @Test("The number is read back from its text, and no other text is read")
    func roundTrip() throws {
        for number in try Self.randomNumbers(4000) + (try Self.limitNumbers()) {
            let text = KeyTemplate.text(of: number)
            #expect(KeyTemplate.number(from: text) == number, "\(number), seed \(Self.seed)")
            #expect((5...180).contains(text.utf8.count), "\(number)")
            try KeyTemplate.requirePart(text, name: "n")
            // Another spelling of the same number is not in keys.
            for other in ["0" + text, text + "0", text + "~", " " + text] {
                if let read = KeyTemplate.number(from: other) {
                    #expect(KeyTemplate.text(of: read) == other, "\(other)")
                }
            }
        }
        for text in [
            "", "-", "~", "-~", "7", "000000007", "00000000007", "0000000007.", "0000000007.50",
            "+000000007", "0000000007e0", ":", ":01", ":011", ":0110", ":01110", ":0101", ":1271",
            ":0115x", "-0000000000", "-9999999999~", "-9999999992", "-9999999992~~", "-+988~",
            "abc", "é", "0000000007#x",
        ] {
            #expect(KeyTemplate.number(from: text) == nil, "\(text)")
        }
    }

    @Test(
        "Each form of the text",
        arguments: [
            ("0", "0000000000"), ("7", "0000000007"), ("7.25", "0000000007.25"),
            ("0.5", "0000000000.5"), ("0.05", "0000000000.05"), ("-7", "-9999999992~"),
            ("-7.25", "-9999999992.74~"), ("-0.5", "-9999999999.4~"),
            ("12e9", ":01112"), ("-12e9", "-+98887~"), ("1e125", ":1261"),
            ("12345678901.5", ":011123456789015"), ("-12345678901.5", "-+988876543210984~"),
            ("9223372036854775807", ":0199223372036854775807"),
            ("-9223372036854775808", "-+9800776627963145224191~"),
        ])
    func forms(number: String, text: String) throws {
        #expect(KeyTemplate.text(of: try Number(parsing: number)) == text)
    }

    @Test("The form changes between ten and eleven digits before the point")
    func digitLimits() throws {
        for (count, isPadded) in [(9, true), (10, true), (11, false)] {
            let nines = String(repeating: "9", count: count)
            for fraction in ["", ".5"] {
                let text = KeyTemplate.text(of: try Number(parsing: nines + fraction))
                #expect(text.hasPrefix(":") == !isPadded, "\(count)")
                let negative = KeyTemplate.text(of: try Number(parsing: "-" + nines + fraction))
                #expect(negative.hasPrefix("-+") == !isPadded, "\(count)")
            }
            let value = try #require(Int(nines))
            #expect(((try? KeyTemplate.padded(value)) != nil) == isPadded)
        }
        for count in [37, 38] {
            let number = try Number(parsing: String(repeating: "3", count: count))
            #expect(KeyTemplate.text(of: number) == ":0\(count)\(number)")
        }
        // The smallest magnitude has 130 digits after the point.
        let least = KeyTemplate.text(of: try Number(parsing: "1e-130"))
        #expect(least.utf8.count == 141)
        for value in [-1, Int.min, 10_000_000_000] {
            #expect(throws: CodexError(.invalidIdentifier, "")) { try KeyTemplate.padded(value) }
        }
        #expect(throws: CodexError(.invalidIdentifier, "")) { try KeyTemplate.padded(UInt64.max) }
        #expect(try KeyTemplate.padded(UInt8(7)) == "0000000007")
    }

    @Test("Templates take any number, and keys from before stay as they are")
    func templates() throws {
        let template: KeyTemplate = "LOG#{at}#{n}"
        #expect(
            try template.render(["at": 1_762_335_000_123, "n": -1])
                == "LOG#:0131762335000123#-9999999998~")
        #expect(try template.render(["at": 0, "n": 9_999_999_999]) == "LOG#0000000000#9999999999")
        for number in [0, 1, 42, 9_999_999_998, 9_999_999_999] {
            let padded = String(repeating: "0", count: 10 - String(number).utf8.count) + "\(number)"
            #expect(try KeyTemplate("{n}").render(["n": .number(Number(number))]) == padded)
            #expect(try KeyTemplate.padded(number) == padded)
        }
        for number in try Self.randomNumbers(100) {
            let key = try #require(try template.render(["at": .number(number), "n": 1]))
            #expect(template.matches(key))
        }
    }
}
