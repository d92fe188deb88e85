import CodexCore
import TestSupport
import Testing

/// Texts of numbers are read digits in blocks, with the results and errors of one digit at a time.
@Suite("Parsing of numbers")
struct NumberParsingTests {
    /// The number, or the message of the error.
    private func result(_ body: () throws(CodexError) -> Number) -> Result<Number, ParsingError> {
        do throws(CodexError) {
            return .success(try body())
        } catch {
            return .failure(ParsingError(code: error.code, message: error.message))
        }
    }

    private struct ParsingError: Error, Equatable {
        let code: CodexError.Code
        let message: String
    }

    private func check(_ text: String, _ comment: String = "") {
        let expected = result { () throws(CodexError) in
            var parser = DigitParser(Array(text.utf8))
            return try parser.parse()
        }
        let fromText = result { () throws(CodexError) in try Number(parsing: text) }
        let fromPart = result { () throws(CodexError) in
            try Number(parsing: "x\(text)".dropFirst())
        }
        let bytes = Array(text.utf8)
        let fromBytes = result { () throws(CodexError) in try Number(parsingUTF8: bytes.span) }
        #expect(fromText == expected, "\(comment)\(text)")
        #expect(fromPart == expected, "\(comment)\(text)")
        #expect(fromBytes == expected, "\(comment)\(text)")
    }

    @Test("An exponent counts in full, however many zeros stand before it")
    func longZeros() throws {
        let zeros = String(repeating: "0", count: 1_000_000)
        for text in ["0.\(zeros)1e2000000", "1\(zeros)e-2000000", "1e99999999999999999999999"] {
            #expect(throws: CodexError(.invalidNumber, "")) { try Number(parsing: text) }
        }
        #expect(try Number(parsing: "0.\(zeros)1e1000001") == 1)
        #expect(try Number(parsing: "1\(zeros)e-1000000") == 1)
    }

    @Test("20,000 random texts are read as digit by digit")
    func random() {
        let seed = UInt64.random(in: 1...1_000_000)
        var random = SplitMix(seed: seed)
        for _ in 0..<20_000 {
            var text = random.pick(["", "", "", "-", "+"])
            for part in 0...random.below(2) {
                if part > 0 { text += "." }
                for _ in 0..<random.below(4) { text += Self.digits(&random) }
            }
            if random.chance(40) {
                let exponents = [0, 1, 17, 18, 19, 37, 38, 124, 125, 126, 129, 130, 999_999]
                text += random.pick(["e", "E", "e-", "E-", "e+", "e--"])
                text += "\(random.pick(exponents) + random.below(3))"
            }
            if random.chance(10) {
                var bytes = Array(text.utf8)
                bytes.insert(random.pick(Array("0.eE-+ x".utf8)), at: random.below(bytes.count + 1))
                text = String(decoding: bytes, as: UTF8.self)
            }
            check(text, "seed \(seed): ")
        }
    }

    private static func digits(_ random: inout SplitMix) -> String {
        let count = random.pick([0, 1, 2, 5, 17, 18, 19, 20, 37, 38, 39])
        if random.chance(50) { return String(repeating: "0", count: count) }
        var digits = ""
        for _ in 0..<count / 2 { digits += "\(random.below(10))" }
        return digits
    }

    @Test("Blocks of digits end where 64 bits and 38 digits end", arguments: 1...40)
    func blocks(count: Int) {
        let nines = String(repeating: "9", count: count)
        let one = "1" + String(repeating: "0", count: count - 1)
        let texts: [String] = [
            nines, one, "\(one.dropLast())1", "\(one)1", "0\(nines)", "\(one)\(nines)",
        ]
        for digits in texts {
            for sign in ["", "-", "+"] {
                for end in ["", "0", "000", ".", ".0", ".5", "e1", "e-1", "e18", "E-130", "e126"] {
                    check(sign + digits + end)
                    check(sign + "0." + digits + end)
                }
            }
        }
    }

    @Test("The first and last exponents are those of the range", arguments: 0...40)
    func range(count: Int) {
        let digits = "1" + String(repeating: "7", count: count)
        for exponent in (124 - count)...(127 - count) { check("\(digits)e\(exponent)") }
        for exponent in (-132 - count)...(-129 - count) { check("\(digits)e\(exponent)") }
        for exponent in 17...20 { check("1e\(exponent - count)") }
    }

    @Test("Edges of 64-bit integers are read")
    func integers() throws {
        let signed: [Int64] = [Int64.min, Int64.min + 1, -1, 0, 1, Int64.max - 1, Int64.max]
        for value in signed {
            check("\(value)")
            #expect(try Number(parsing: "\(value)") == Number(value))
        }
        let unsigned: [UInt64] = [UInt64(Int64.max) + 1, UInt64.max - 1, UInt64.max]
        for value in unsigned {
            check("\(value)")
            check("-\(value)")
            #expect(try Number(parsing: "\(value)") == Number(value))
        }
    }

    @Test("Texts that are no numbers are refused alike")
    func malformed() {
        for text in [
            "", "+", "-", ".", "-.", "e5", "1e", "1e+", "0x10", "1_000", " 1", "1 ", "1.2.3", "NaN",
            "--1", "+-1", "1e5.0", "1e5e5", "١", "1,5", "0", "-0", "+0", "00", "0e999999999", "1.",
            ".1", "1\0", "1e00000000000000000000001", "1e-99999999999999999999999", "é",
        ] {
            check(text)
        }
    }
}

/// Reads decimal text digit by digit: slower than the library, and simpler.
private struct DigitParser {
    private let bytes: [UInt8]
    private var position = 0
    private var magnitude: UInt128 = 0
    private var exponent = 0
    /// Zeros since the last other digit: significant only if one follows.
    private var pendingZeros = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func parse() throws(CodexError) -> Number {
        let negative = takeSign()
        var digits = try takeDigits(fraction: false)
        if peek == UInt8(ascii: ".") {
            position += 1
            digits += try takeDigits(fraction: true)
        }
        guard digits > 0 else { throw malformed }
        if peek == UInt8(ascii: "e") || peek == UInt8(ascii: "E") {
            position += 1
            exponent += try takeExponent()
        }
        guard position == bytes.count else { throw malformed }
        return try Number(
            negative: negative, magnitude: magnitude, exponent: exponent + pendingZeros)
    }

    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    private var malformed: CodexError {
        CodexError(
            .invalidNumber,
            "The text is not a decimal number. Write digits, an optional sign, point and exponent.")
    }

    private mutating func takeSign() -> Bool {
        guard let sign = peek, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") else {
            return false
        }
        position += 1
        return sign == UInt8(ascii: "-")
    }

    private mutating func takeDigits(fraction: Bool) throws(CodexError) -> Int {
        var count = 0
        while let byte = peek, byte &- UInt8(ascii: "0") < 10 {
            position += 1
            count += 1
            if fraction { exponent -= 1 }
            let digit = byte - UInt8(ascii: "0")
            if digit == 0 {
                if magnitude != 0 { pendingZeros += 1 }
                continue
            }
            try append(digit)
        }
        return count
    }

    private mutating func append(_ digit: UInt8) throws(CodexError) {
        let shift = pendingZeros + 1
        guard magnitude == 0 || Number.digitCount(magnitude) + shift <= 38 else {
            throw CodexError(
                .invalidNumber, "A number has at most 38 significant digits; this one has more.")
        }
        magnitude = (magnitude == 0 ? 0 : magnitude * Number.powersOfTen[shift]) + UInt128(digit)
        pendingZeros = 0
    }

    private mutating func takeExponent() throws(CodexError) -> Int {
        let negative = takeSign()
        var value = 0
        var count = 0
        while let byte = peek, byte &- UInt8(ascii: "0") < 10 {
            value = min(value * 10 + Int(byte - UInt8(ascii: "0")), 1 << 40)
            position += 1
            count += 1
        }
        guard count > 0 else { throw malformed }
        return negative ? -value : value
    }
}
