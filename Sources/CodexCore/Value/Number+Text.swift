extension Number {
    /// Parses a decimal number: an optional sign, digits with at most one point, an optional
    /// exponent (`e` or `E`, optional sign, digits).
    ///
    /// - Throws: ``CodexError/Code/invalidNumber`` for anything else, and for numbers past 38
    ///   significant digits or out of range. Leading and trailing zeros are not significant.
    /// - Complexity: O(*n*) for *n* bytes of text.
    public init(parsing text: some StringProtocol) throws(CodexError) {
        var parser = NumberParser(Array(text.utf8))
        self = try parser.parse()
    }

    /// Creates the number that a double's shortest decimal spelling names.
    ///
    /// - Throws: ``CodexError/Code/invalidNumber`` for infinities, NaN and magnitudes out of range.
    public init(_ value: Double) throws(CodexError) {
        guard value.isFinite else {
            throw CodexError(.invalidNumber, "Infinity and NaN are not numbers in DynamoDB.")
        }
        try self.init(parsing: value.description)
    }
}

extension Number: CustomStringConvertible {
    /// The canonical spelling: plain decimal digits without exponent, as DynamoDB returns them.
    public var description: String {
        unsafe withUnsafeTemporaryAllocation(
            of: UInt8.self, capacity: Number.textByteCountMax
        ) { buffer -> String in
            // The capacity is not zero.
            let base = unsafe buffer.baseAddress.unsafelyUnwrapped
            let byteCount = unsafe write(to: base).byteCount
            return unsafe String(
                decoding: UnsafeBufferPointer(start: base, count: byteCount), as: UTF8.self)
        }
    }
}

/// A one-pass reader of decimal text.
private struct NumberParser {
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
            // Any exponent past a million is out of range, with any digits before it.
            value = min(value * 10 + Int(byte - UInt8(ascii: "0")), 1_000_000)
            position += 1
            count += 1
        }
        guard count > 0 else { throw malformed }
        return negative ? -value : value
    }
}
