internal import CodexCore

/// Walks over JSON that ``JSONChecker`` has checked, and does not check for errors.
///
/// For other input, its values are unspecified, but it never moves past the end of the text.
struct JSONCursor {
    private let bytes: [UInt8]
    private let ends: JSONEnds
    private(set) var position: Int

    init(_ bytes: [UInt8], _ ends: JSONEnds, at position: Int) {
        self.bytes = bytes
        self.ends = ends
        self.position = position
    }

    /// The byte at the position; 0 at the end.
    var next: UInt8 { self[position] }

    /// The byte at a position that is not negative; 0 at the end.
    subscript(position: Int) -> UInt8 { position < bytes.count ? bytes[position] : 0 }

    /// A cursor at another position of the same text.
    func moved(to position: Int) -> JSONCursor { JSONCursor(bytes, ends, at: position) }

    /// The type of the value that begins here.
    var type: JSONType {
        switch next {
        case UInt8(ascii: "{"): .object
        case UInt8(ascii: "["): .array
        case UInt8(ascii: "\""): .string
        case UInt8(ascii: "t"): .yes
        case UInt8(ascii: "f"): .no
        case UInt8(ascii: "n"): .null
        default: isAtDecimal ? .decimal : .number
        }
    }

    /// Whether the number that begins here has a decimal point or an exponent.
    private var isAtDecimal: Bool {
        var end = self
        end.skipScalar()
        return (position..<end.position).contains { place in
            switch bytes[place] {
            case UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"): true
            default: false
            }
        }
    }

    /// Whether a string begins here.
    var isAtString: Bool { next == UInt8(ascii: "\"") }

    /// Whether `null` stands here.
    var isAtNull: Bool { next == UInt8(ascii: "n") }

    mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        position += 1
        return true
    }

    private mutating func skipSpace() {
        while position < bytes.count, bytes[position] <= 0x20 { position += 1 }
    }

    // MARK: Objects and arrays

    /// Within an object, moves to the next member's value; `nil` after the last one.
    ///
    /// - Returns: The member's name.
    /// - Throws: `ValidationException` if it is longer than any name of an attribute.
    mutating func nextName() throws -> String? {
        guard moveToName() else { return nil }
        guard let name = string(byteCountMax: DynamoDBLimits.attributeNameByteCountMax) else {
            throw ServiceError.validation(
                "A name in the request has more than \(DynamoDBLimits.attributeNameByteCountMax) "
                    + "bytes")
        }
        passColon()
        return name
    }

    /// Within an object, moves to the next member's value, and makes no text of its name.
    ///
    /// - Returns: The bytes of the name as it was written, between its quotes; `nil` after the last
    ///   member.
    mutating func nextWrittenName() -> Range<Int>? {
        guard moveToName() else { return nil }
        let name = takeWrittenText()
        passColon()
        return name
    }

    /// Within an object, moves to the next member's name; `false` after the last one.
    private mutating func moveToName() -> Bool {
        skipSpace()
        if take(UInt8(ascii: "}")) { return false }
        if take(UInt8(ascii: ",")) { skipSpace() }
        return isAtString
    }

    private mutating func passColon() {
        skipSpace()
        _ = take(UInt8(ascii: ":"))
        skipSpace()
    }

    /// Within an attribute value, moves to the content of the first member if the member's name is
    /// that of a type, without escapes.
    ///
    /// It makes no text of the name, because nearly all values are written in this way.
    ///
    /// - Returns: The type; `nil` if the name must be read.
    mutating func takeType() -> AttributeType? {
        skipSpace()
        guard isAtString, let (type, nameByteCount) = typeName else { return nil }
        position += nameByteCount + 2
        passColon()
        return type
    }

    /// The type whose name is the string that begins here, and the bytes of the name.
    private var typeName: (AttributeType, byteCount: Int)? {
        func byte(_ offset: Int) -> UInt8 { self[position + offset] }
        let quote = UInt8(ascii: "\"")
        if byte(2) == quote {
            switch byte(1) {
            case UInt8(ascii: "S"): return (.string, 1)
            case UInt8(ascii: "N"): return (.number, 1)
            case UInt8(ascii: "B"): return (.binary, 1)
            case UInt8(ascii: "L"): return (.list, 1)
            case UInt8(ascii: "M"): return (.map, 1)
            default: return nil
            }
        }
        if byte(3) == quote, byte(2) == UInt8(ascii: "S") {
            switch byte(1) {
            case UInt8(ascii: "S"): return (.stringSet, 2)
            case UInt8(ascii: "N"): return (.numberSet, 2)
            case UInt8(ascii: "B"): return (.binarySet, 2)
            default: return nil
            }
        }
        guard byte(5) == quote else { return nil }
        switch (byte(1), byte(2), byte(3), byte(4)) {
        case (UInt8(ascii: "N"), UInt8(ascii: "U"), UInt8(ascii: "L"), UInt8(ascii: "L")):
            return (.null, 4)
        case (UInt8(ascii: "B"), UInt8(ascii: "O"), UInt8(ascii: "O"), UInt8(ascii: "L")):
            return (.bool, 4)
        default: return nil
        }
    }

    /// Within an array, moves to the next element; `false` after the last one.
    mutating func nextElement() -> Bool {
        skipSpace()
        if take(UInt8(ascii: "]")) { return false }
        if take(UInt8(ascii: ",")) { skipSpace() }
        return position < bytes.count
    }

    /// Moves behind the object or array that begins here, if it is long; `false` if it is not.
    mutating func skipLongValue() -> Bool {
        guard bytes.count - position >= JSONEnds.byteCountMin, let end = ends.end(of: position)
        else { return false }
        position = end
        return true
    }

    /// Moves behind the value that begins here.
    mutating func skip() {
        if skipLongValue() { return }
        var depth = 0
        repeat {
            switch next {
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                position += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                position += 1
            case UInt8(ascii: "\""): skipString()
            case UInt8(ascii: ","), UInt8(ascii: ":"), 0...0x20: position += 1
            default: skipScalar()
            }
        } while depth > 0 && position < bytes.count
    }

    /// Moves behind the number that begins here, and drops its decimals, as AWS does.
    ///
    /// - Returns: The integer; `nil` for no number, and for one that is too large.
    mutating func takeInteger() -> Int? {
        let start = position
        skipScalar()
        guard position - start <= Self.numberByteCountMax else { return nil }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        return Int(text) ?? Double(text).flatMap { Int(exactly: $0.rounded(.towardZero)) }
    }

    /// The most bytes of a number that is a parameter.
    private static let numberByteCountMax = 40

    /// Moves behind the Boolean that begins here; `nil` if there is none.
    mutating func takeBool() -> Bool? {
        switch next {
        case UInt8(ascii: "t"):
            position = min(position + 4, bytes.count)
            return true
        case UInt8(ascii: "f"):
            position = min(position + 5, bytes.count)
            return false
        default: return nil
        }
    }

    private mutating func skipString() {
        position += 1
        while true {
            position = endOfPlainText(from: position)
            guard position < bytes.count else { return }
            let isEscape = bytes[position] == UInt8(ascii: "\\")
            position += isEscape ? 2 : 1
            if !isEscape { return }
        }
    }

    /// Moves behind a number or a word.
    private mutating func skipScalar() {
        while position < bytes.count {
            switch bytes[position] {
            case 0...0x20, UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]"): return
            default: position += 1
            }
        }
    }

    // MARK: Text as it was written

    /// Moves behind the string that begins here.
    ///
    /// - Returns: The bytes of the string as it was written, between its quotes.
    mutating func takeWrittenText() -> Range<Int> {
        let start = position + 1
        skipString()
        return start..<max(start, position - 1)
    }

    /// The bytes of a range as text.
    func text(_ range: Range<Int>) -> String {
        String(decoding: bytes[range.clamped(to: bytes.indices)], as: UTF8.self)
    }

    /// Whether the bytes of a range are those of a range of `others`.
    func isEqual(_ range: Range<Int>, to other: Range<Int>, of others: [UInt8]) -> Bool {
        guard range.count == other.count else { return false }
        for offset in 0..<range.count
        where self[range.lowerBound + offset] != others[other.lowerBound + offset] { return false }
        return true
    }

    // MARK: Text

    /// The text that begins here, without its escapes; `nil` if it exceeds the limit.
    ///
    /// It copies no more bytes than the limit.
    mutating func string(byteCountMax: Int) -> String? {
        let plain = plainText
        guard plain.upperBound < bytes.count else {
            position = bytes.count
            return ""
        }
        guard plain.count <= byteCountMax else { return nil }
        // Most text has no escape.
        guard isPlain(plain) else { return escaped(plain, byteCountMax) }
        position = plain.upperBound + 1
        if plain.isEmpty { return "" }
        return unsafe bytes.withUnsafeBufferPointer { buffer in
            unsafe String(decoding: UnsafeBufferPointer(rebasing: buffer[plain]), as: UTF8.self)
        }
    }

    /// The number that the text here spells; `nil` if the text exceeds the limit.
    ///
    /// - Throws: ``CodexError/Code/invalidNumber``.
    mutating func number(byteCountMax: Int) throws(CodexError) -> Number? {
        let plain = plainText
        guard plain.upperBound < bytes.count, isPlain(plain) else {
            guard let text = string(byteCountMax: byteCountMax) else { return nil }
            return try Number(parsing: text)
        }
        guard plain.count <= byteCountMax else { return nil }
        position = plain.upperBound + 1
        return try Number(parsingUTF8: bytes.span.extracting(plain))
    }

    /// The bytes of the text that begins here, up to its first escape or its end.
    private var plainText: Range<Int> {
        let start = position + 1
        return start..<endOfPlainText(from: start)
    }

    /// The position of the first quote or backslash from `start` on, or of the end of the bytes.
    private func endOfPlainText(from start: Int) -> Int {
        var end = start
        while true {
            end = PlainText.end(in: bytes.span, from: end)
            // Most bytes that are not ASCII stand beside others.
            while self[end] >= 0x80 { end += 1 }
            guard end < bytes.count, bytes[end] != UInt8(ascii: "\""),
                bytes[end] != UInt8(ascii: "\\")
            else { return end }
            end += 1
        }
    }

    /// Whether the text ends behind its plain bytes.
    private func isPlain(_ plain: Range<Int>) -> Bool {
        bytes[plain.upperBound] == UInt8(ascii: "\"")
    }

    /// Decodes text with escapes, the first of which follows `plain`.
    private mutating func escaped(_ plain: Range<Int>, _ byteCountMax: Int) -> String? {
        var content = Array(bytes[plain])
        position = plain.upperBound
        while position < bytes.count {
            guard content.count <= byteCountMax else { return nil }
            let byte = bytes[position]
            position += 1
            if byte == UInt8(ascii: "\"") { break }
            if byte == UInt8(ascii: "\\") {
                content.append(contentsOf: String(escape()).utf8)
            } else {
                content.append(byte)
            }
        }
        return content.count <= byteCountMax ? String(decoding: content, as: UTF8.self) : nil
    }

    private mutating func escape() -> Unicode.Scalar {
        let byte = next
        position += 1
        switch byte {
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return unicodeEscape()
        default: return Unicode.Scalar(byte)
        }
    }

    private mutating func unicodeEscape() -> Unicode.Scalar {
        let first = hexadecimal()
        if let scalar = Unicode.Scalar(first) { return scalar }
        // The other half of a surrogate pair follows, after its backslash and `u`.
        position += 2
        let second = hexadecimal()
        let value = 0x10000 + (first & 0x3FF) << 10 + (second & 0x3FF)
        return Unicode.Scalar(value) ?? "\u{FFFD}"
    }

    private mutating func hexadecimal() -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            value = value << 4 | (Self.hexadecimalDigit(next) ?? 0)
            position += 1
        }
        return value
    }

    /// The value of a hexadecimal digit; `nil` for another byte.
    static func hexadecimalDigit(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - UInt8(ascii: "a")) + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - UInt8(ascii: "A")) + 10
        default: nil
        }
    }
}
