extension Number {
    /// Parses a decimal number: an optional sign, digits with at most one point, an optional
    /// exponent (`e` or `E`, optional sign, digits).
    ///
    /// - Throws: ``CodexError/Code/invalidNumber`` for anything else, and for numbers past 38
    ///   significant digits or out of range. Leading and trailing zeros are not significant.
    /// - Complexity: O(*n*) for *n* bytes of text.
    public init(parsing text: some StringProtocol) throws(CodexError) {
        let parsed = text.utf8.withContiguousStorageIfAvailable {
            buffer -> Result<Number, CodexError> in
            Result { () throws(CodexError) in
                unsafe try Number(parsingUTF8: Span(_unsafeElements: buffer))
            }
        }
        if let parsed {
            self = try parsed.get()
        } else {
            let bytes = Array(text.utf8)
            self = try Number(parsingUTF8: bytes.span)
        }
    }

    /// Parses a decimal number from its UTF-8 bytes, as ``init(parsing:)`` does from text.
    ///
    /// - Throws: As ``init(parsing:)``.
    /// - Complexity: O(*n*) for *n* bytes; it allocates no memory.
    package init(parsingUTF8 bytes: Span<UInt8>) throws(CodexError) {
        var parser = NumberParser()
        self = try parser.parse(bytes)
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
    private var position = 0
    /// The significant digits so far, without the last ``lowCount`` of them.
    private var magnitude: UInt128 = 0
    /// The last digits, which ``magnitude`` does not have yet; less than 10^19.
    private var low: UInt64 = 0
    private var lowCount = 0
    /// The number of significant digits so far.
    private var digitCount = 0
    private var exponent = 0
    /// Zeros since the last other digit: significant only if one follows.
    private var pendingZeros = 0

    /// The most digits that always fit 64 bits.
    private static let lowCountMax = 19

    mutating func parse(_ text: Span<UInt8>) throws(CodexError) -> Number {
        let negative = takeSign(text)
        var count = try takeDigits(text)
        if take(UInt8(ascii: "."), text) {
            let fractionCount = try takeDigits(text)
            exponent -= fractionCount
            count += fractionCount
        }
        guard count > 0 else { throw malformed }
        if take(UInt8(ascii: "e"), text) || take(UInt8(ascii: "E"), text) {
            exponent += try takeExponent(text)
        }
        guard position == text.count else { throw malformed }
        // Integers of up to 18 digits fit 64 bits, with their sign too.
        if exponent == 0, digitCount + pendingZeros < Self.lowCountMax {
            for _ in 0..<pendingZeros { low *= 10 }
            return Number(negative ? -Int64(low) : Int64(low))
        }
        gather()
        return try Number(
            negative: negative, magnitude: magnitude, exponent: exponent + pendingZeros)
    }

    private var malformed: CodexError {
        CodexError(
            .invalidNumber,
            "The text is not a decimal number. Write digits, an optional sign, point and exponent.",
            .numberText)
    }

    private mutating func take(_ byte: UInt8, _ text: Span<UInt8>) -> Bool {
        guard position < text.count, text[position] == byte else { return false }
        position += 1
        return true
    }

    /// Takes a sign, if there is one; `true` is a minus.
    private mutating func takeSign(_ text: Span<UInt8>) -> Bool {
        if take(UInt8(ascii: "-"), text) { return true }
        _ = take(UInt8(ascii: "+"), text)
        return false
    }

    /// The digit at the position, which moves behind it; `nil` for another byte.
    private mutating func takeDigit(_ text: Span<UInt8>) -> UInt8? {
        guard position < text.count else { return nil }
        let digit = text[position] &- UInt8(ascii: "0")
        guard digit < 10 else { return nil }
        position += 1
        return digit
    }

    /// Takes digits, and returns how many there are.
    private mutating func takeDigits(_ text: Span<UInt8>) throws(CodexError) -> Int {
        let start = position
        while let digit = takeDigit(text) {
            if digit != 0 {
                try append(digit)
            } else if digitCount > 0 {
                pendingZeros += 1
            }
        }
        return position - start
    }

    private mutating func append(_ digit: UInt8) throws(CodexError) {
        let count = pendingZeros + 1
        digitCount += count
        guard digitCount <= DynamoDBLimits.numberDigitCountMax else {
            throw CodexError(
                .invalidNumber, "A number has at most 38 significant digits; this one has more.",
                .numberPrecision)
        }
        if lowCount + count > Self.lowCountMax { gather() }
        // More zeros than have room follow a low part of 0.
        for _ in 0..<count { low *= 10 }
        low += UInt64(digit)
        lowCount += count
        pendingZeros = 0
    }

    /// Adds the last digits to the magnitude.
    private mutating func gather() {
        if magnitude != 0 { magnitude *= Number.powersOfTen[lowCount] }
        magnitude += UInt128(low)
        (low, lowCount) = (0, 0)
    }

    private mutating func takeExponent(_ text: Span<UInt8>) throws(CodexError) -> Int {
        let negative = takeSign(text)
        let start = position
        var value = 0
        while let digit = takeDigit(text) {
            // No text has so many digits that such an exponent would be in range.
            value = min(value * 10 + Int(digit), 1 << 40)
        }
        guard position > start else { throw malformed }
        return negative ? -value : value
    }
}
