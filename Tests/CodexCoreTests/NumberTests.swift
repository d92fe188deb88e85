import CodexCore
import TestSupport
import Testing

@Suite("Number")
struct NumberTests {
    @Test(
        "Equal numbers are one value and one text whatever their spelling",
        arguments: [
            ("1000", "1000"), ("1e3", "1000"), ("+1000.0", "1000"), ("0001000", "1000"),
            ("-0", "0"), ("0.000", "0"), ("0e500", "0"), ("1E-2", "0.01"), (".5", "0.5"),
            ("5.", "5"), ("100.500", "100.5"), ("-12.34e-3", "-0.01234"),
            ("1e20", "100000000000000000000"),
            ("9223372036854775807", "9223372036854775807"),
            ("-9223372036854775808", "-9223372036854775808"),
            ("9223372036854775808", "9223372036854775808"),
            ("10000000000000000000", "10000000000000000000"),
            ("12345678901234567890123456789012345678", "12345678901234567890123456789012345678"),
        ])
    func spelling(text: String, canonical: String) throws {
        let number = try Number(parsing: text)
        #expect(number.description == canonical)
        #expect(try Number(parsing: canonical) == number)
        #expect(try Number(parsing: canonical).hashValue == number.hashValue)
    }

    /// The canonical spelling, put together from strings.
    private static func spelled(digits: String, exponent: Int) -> String {
        if exponent >= 0 { return digits + String(repeating: "0", count: exponent) }
        let point = digits.count + exponent
        if point > 0 { return "\(digits.prefix(point)).\(digits.dropFirst(point))" }
        return "0." + String(repeating: "0", count: -point) + digits
    }

    @Test("Numbers of every exponent and count of digits are spelled without an exponent")
    func everySpelling() throws {
        let digits = "98765432109876543210987654321098765432"
        for count in 0...37 {
            let coefficient = "\(digits.prefix(count))3"
            for exponent in (-130 - count)...(125 - count) {
                let spelled = Self.spelled(digits: coefficient, exponent: exponent)
                let number = try Number(parsing: "\(coefficient)e\(exponent)")
                #expect(number.description == spelled)
                #expect(number.negated.description == "-\(spelled)")
                #expect(
                    DynamoDBJSON.plainText(["n": .number(number)]) == "{\"n\":\(spelled)}")
            }
        }
    }

    /// A number with its spelling, which is made of strings.
    struct Sample {
        var number: Number
        var text: String
        /// The digits without the zeros at both ends; none for zero.
        var digitCount: Int

        /// The number of a magnitude and a power of ten; `nil` if DynamoDB does not have it.
        init?(_ magnitude: UInt128, _ power: Int, isNegative: Bool) throws {
            var (digits, exponent) = (magnitude == 0 ? "" : "\(magnitude)", power)
            while digits.hasSuffix("0") {
                digits.removeLast()
                exponent += 1
            }
            let leading = exponent + digits.count - 1
            guard digits.isEmpty || digits.count <= 38 && (-130...125).contains(leading) else {
                return nil
            }
            let spelled = NumberTests.spelled(digits: digits, exponent: exponent)
            number = try Number(negative: isNegative, magnitude: magnitude, exponent: power)
            text = digits.isEmpty ? "0" : "\(isNegative ? "-" : "")\(spelled)"
            digitCount = digits.count
        }

        /// The size as DynamoDB counts it.
        var byteCount: Int {
            digitCount == 0 ? 1 : (digitCount + 1) / 2 + 1 + (text.hasPrefix("-") ? 1 : 0)
        }
    }

    /// Numbers of every count of digits at random, and beside powers of ten and of two.
    static func samples(seed: UInt64) throws -> [Sample] {
        var random = SplitMix(seed: seed)
        var magnitudes: [UInt128] = [0]
        let powers = Number.powersOfTen
        for power in powers + [1 << 32, 1 << 63, 1 << 64] {
            magnitudes += [power - 1, power, power + 1]
        }
        for power in powers.dropLast() {
            for _ in 0..<3 {
                let bits = UInt128(random.next()) << 64 | UInt128(random.next())
                magnitudes.append(power + bits % (9 * power))
            }
        }
        var samples: [Sample] = []
        for magnitude in magnitudes {
            let exponents = [
                -167, -130, -60, -39, -38, -37, -20, -19, -18, -10, -3, -2, -1, 0, 1, 2, 3, 17, 18,
                19, 20, 60, 87, 125, random.below(256) - 130, random.below(60) - 30,
            ]
            for exponent in exponents {
                for isNegative in [false, true] {
                    let sample = try Sample(magnitude, exponent, isNegative: isNegative)
                    if let sample { samples.append(sample) }
                }
            }
        }
        return samples
    }

    @Test("Numbers at random, and beside powers of ten and of two, are spelled by their digits")
    func sampledSpelling() throws {
        let seed = UInt64.random(in: 0 ... .max)
        let samples = try Self.samples(seed: seed)
        #expect(samples.count > 8000)
        for sample in samples {
            #expect(sample.number.description == sample.text, "seed \(seed)")
            #expect(sample.number.byteCount == sample.byteCount, "seed \(seed), \(sample.text)")
            #expect(try Number(parsing: sample.text) == sample.number, "seed \(seed)")
        }
    }

    @Test("A number counts a byte for two digits without the zeros at its end, and one more")
    func sizes() throws {
        let digits = "98765432109876543210987654321098765432"
        for count in 1...38 {
            let coefficient = "\(digits.prefix(count - 1))3"
            for exponent in [-130, -40, -1, 0, 1, 2, 3, 4, 5, 7, 8, 9, 17, 18, 19, 87] {
                guard let number = try? Number(parsing: "\(coefficient)e\(exponent)") else {
                    continue
                }
                #expect(number.byteCount == (count + 1) / 2 + 1, "\(number)")
                #expect(number.negated.byteCount == (count + 1) / 2 + 2, "\(number)")
            }
        }
        for power in 0...18 {
            let ten = Int64((0..<power).reduce(1) { product, _ in product * 10 })
            #expect(Number(ten).byteCount == 2 && Number(-ten).byteCount == 3)
            #expect(Number(ten - 1).byteCount == (power == 0 ? 1 : (power + 1) / 2 + 1))
        }
        #expect(Number(Int64.min).byteCount == 12 && Number(Int64.max).byteCount == 11)
    }

    @Test(
        "Malformed text is refused",
        arguments: [
            "", "+", "-", ".", "e5", "1e", "1e+", "0x10", "1_000", " 1", "1 ", "1.2.3", "NaN",
            "nan", "Infinity", "--1", "1e5.0", "١", "1,5",
        ])
    func malformed(text: String) {
        #expect(throws: CodexError(.invalidNumber, "")) { try Number(parsing: text) }
    }

    @Test("38 digits fit, 39 do not; zeros at the ends are not digits")
    func precision() throws {
        let digits37 = String(repeating: "9", count: 37)
        let digits38 = digits37 + "9"
        #expect(try Number(parsing: digits37).description == digits37)
        #expect(try Number(parsing: digits38).description == digits38)
        #expect(throws: CodexError(.invalidNumber, "")) { try Number(parsing: digits38 + "9") }
        #expect(try Number(parsing: digits38 + "0").description == digits38 + "0")
        #expect(try Number(parsing: "0." + digits38 + "000").description == "0." + digits38)
        #expect(throws: CodexError(.invalidNumber, "")) { try Number(parsing: digits38 + ".1") }
    }

    @Test("The range ends at 9.99E+125 and 1E-130")
    func range() throws {
        for text in ["1e124", "1e125", "9.99e125", "-9.9e125", "1e-129", "1e-130", "-1e-130"] {
            #expect(try Number(parsing: Number(parsing: text).description) == Number(parsing: text))
        }
        for text in ["1e126", "10e125", "-1e126", "1e-131", "0.1e-130", "1e999999999999"] {
            #expect(throws: CodexError(.invalidNumber, "")) { try Number(parsing: text) }
        }
    }

    @Test("Order is by value over signs, exponents and digits")
    func order() throws {
        let ascending = [
            "-9.99e125", "-9e125", "-1e38", "-2e20", "-1e20", "-12345678901234567890",
            "-9223372036854775809", "-9223372036854775808", "-100", "-10", "-1.5", "-1.4", "-1",
            "-0.5", "-1e-130", "0", "1e-130", "9e-130", "1e-129", "1e-5", "0.5", "0.51", "1", "1.4",
            "1.5", "2", "10", "99", "100", "9223372036854775807", "9223372036854775808",
            "12345678901234567890", "12345678901234567891", "1e20", "2e20",
            "12345678901234567890123456789012345678", "1e38", "8e124", "9e124", "9e125",
            "9.99e125",
        ]
        let numbers = try ascending.map { try Number(parsing: $0) }
        for (i, left) in numbers.enumerated() {
            for (j, right) in numbers.enumerated() {
                #expect((left < right) == (i < j), "\(left) < \(right)")
                #expect((left == right) == (i == j))
                #expect(Number.order(left, right).signum() == (i - j).signum())
            }
        }
    }

    @Test(
        "Sums are exact",
        arguments: [
            ("1", "2", "3"), ("0.1", "0.2", "0.3"),
            ("9223372036854775807", "1", "9223372036854775808"),
            ("-9223372036854775808", "-1", "-9223372036854775809"),
            ("1e38", "-1", "99999999999999999999999999999999999999"),
            ("5", "-5", "0"), ("1e-130", "-1e-130", "0"), ("0", "1.5", "1.5"), ("1.5", "0", "1.5"),
            ("123.456", "-0.456", "123"),
            ("1e40", "100000", "10000000000000000000000000000000000100000"),
            (
                "180000000000000000000000000000000000000",
                "-90000000000000000000000000000000000001",
                "89999999999999999999999999999999999999"
            ),
        ])
    func sums(left: String, right: String, sum: String) throws {
        let (a, b) = (try Number(parsing: left), try Number(parsing: right))
        #expect(try a.adding(b) == Number(parsing: sum))
        #expect(try b.adding(a) == Number(parsing: sum))
        #expect(try Number(parsing: sum).subtracting(b) == a)
    }

    @Test("A sum that needs more than 38 digits or leaves the range is an error, never rounded")
    func inexactSums() throws {
        for (left, right) in [
            ("1e38", "0.1"), ("99999999999999999999999999999999999999", "0.1"), ("1e125", "1e-130"),
            ("9e125", "9e125"), ("1e60", "1"),
        ] {
            #expect(throws: CodexError(.invalidNumber, "")) {
                try Number(parsing: left).adding(Number(parsing: right))
            }
        }
    }

    @Test("Long sums are exact whatever their partial sums need")
    func longSums() throws {
        let seed = UInt64.random(in: 1...1_000_000)
        var random = SplitMix(seed: seed)
        func next(_ bound: UInt64) -> UInt64 { UInt64.random(in: 0..<bound, using: &random) }
        for round in 0..<500 {
            // Pairs that cancel each other, of any size, and a few digits that stay.
            var numbers: [Number] = []
            for _ in 0..<next(20) {
                let exponent = Int(next(210)) - 92
                let digits = (0..<1 + next(38)).map { _ in String(next(10)) }.joined()
                let number = try Number(parsing: "\(digits)e\(exponent - 37)")
                numbers += [number, number.negated]
            }
            let kept = try Number(parsing: "\(next(2) == 0 ? "-" : "")\(next(1 << 30))e-7")
            numbers.insert(kept, at: Int(next(UInt64(numbers.count + 1))))
            numbers.shuffle(using: &random)
            var sum = NumberSum()
            for number in numbers {
                let isRemoval = next(2) == 0
                sum.add(isRemoval ? number.negated : number, isRemoval: isRemoval)
            }
            #expect(try sum.number() == kept, "seed \(seed), round \(round)")
        }
        for (left, right) in [
            ("1e38", "0.1"), ("9e125", "9e125"), ("1e125", "-1e-130"),
            ("340282366920938463463374607431e18", "999999999000000001"),
        ] {
            var sum = NumberSum()
            sum.add(try Number(parsing: left))
            sum.add(try Number(parsing: right))
            #expect(throws: CodexError(.invalidNumber, "")) { try sum.number() }
        }
        for text in ["-1e-130", "9e125", "-9223372036854775808", "1e37", "0"] {
            var sum = NumberSum()
            sum.add(try Number(parsing: text))
            #expect(try sum.number() == Number(parsing: text))
        }
    }

    @Test("Doubles come in by their shortest spelling; NaN and infinities do not")
    func doubles() throws {
        // A literal would not be converted, but be a literal of the number itself.
        let (tenth, large) = (0.1, 1e21)
        #expect(try Number(tenth).description == "0.1")
        #expect(try Number(large).description == "1000000000000000000000")
        #expect(try Number(parsing: "0.1").double == 0.1)
        for value in [Double.nan, .infinity, -.infinity] {
            #expect(throws: CodexError(.invalidNumber, "")) { try Number(value) }
        }
        #expect(Number(UInt64.max).description == "18446744073709551615")
        #expect(Number(Int64.min).negated.description == "9223372036854775808")
    }

    @Test(
        "Sizes are a byte per two digits, plus one, plus one for a sign",
        arguments: [
            ("0", 1), ("1", 2), ("10", 2), ("12", 2), ("123", 3), ("-12", 3), ("1.5", 2),
            ("1200", 2),
        ])
    func sizes(text: String, size: Int) throws {
        #expect(try Number(parsing: text).byteCount == size)
    }
}
