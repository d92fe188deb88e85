internal import CodexCore

/// Checks that bytes are one JSON document (RFC 8259) in UTF-8.
///
/// It takes one pass, and keeps the ends of long values only. The code that reads an object's
/// members finds equal names in the object.
struct JSONChecker {
    private let text: Text
    private var position = 0
    private var longValues: [Range<Int>] = []

    /// The depth of the most deeply nested item, with the parameters around it.
    private static let depthMax = 2 * DynamoDBLimits.nestingDepthMax + 8

    private init(_ text: Text) { self.text = text }

    /// Checks a document.
    ///
    /// - Returns: The range of the document's value, and the ends of long values.
    /// - Throws: ``CodexError/Code/invalidJSON`` with the byte offset of the error.
    static func check(_ bytes: [UInt8]) throws(CodexError) -> (range: Range<Int>, ends: JSONEnds) {
        try unsafe bytes.withUnsafeBufferPointer { buffer throws(CodexError) in
            var checker = JSONChecker(unsafe Text(buffer))
            return try checker.document()
        }
    }

    private mutating func document() throws(CodexError) -> (range: Range<Int>, ends: JSONEnds) {
        skipSpace()
        let start = position
        try value(depth: 0)
        let end = position
        skipSpace()
        guard isAtEnd else { throw error("text after the document's end") }
        return (start..<end, JSONEnds(longValues))
    }

    private func error(_ problem: String) -> CodexError {
        CodexError(.invalidJSON, "Malformed JSON at byte \(position): \(problem).")
    }

    private var isAtEnd: Bool { position >= text.count }

    /// The byte at the position; 0 at the end.
    private var next: UInt8 { text[position] }

    private mutating func skipSpace() {
        while true {
            switch next {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default: return
            }
        }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        position += 1
        return true
    }

    private mutating func value(depth: Int) throws(CodexError) {
        guard depth <= Self.depthMax else { throw error("nesting is too deep") }
        switch next {
        case UInt8(ascii: "{"): try object(depth: depth)
        case UInt8(ascii: "["): try array(depth: depth)
        case UInt8(ascii: "\""): try string()
        case UInt8(ascii: "t"): try word("rue")
        case UInt8(ascii: "f"): try word("alse")
        case UInt8(ascii: "n"): try word("ull")
        default:
            guard !isAtEnd else { throw error("the text ends early") }
            try number()
        }
    }

    /// Passes a word whose first byte stands here; `rest` has the other ones.
    private mutating func word(_ rest: StaticString) throws(CodexError) {
        for offset in 0..<rest.utf8CodeUnitCount {
            let isEqual = unsafe text[position + 1 + offset] == rest.utf8Start[offset]
            guard isEqual else { throw error("unknown word") }
        }
        position += 1 + rest.utf8CodeUnitCount
    }

    /// Keeps the end of an object or array that ends here, if it is long.
    private mutating func end(of start: Int) {
        guard position - start >= JSONEnds.byteCountMin else { return }
        longValues.append(start..<position)
    }

    private mutating func object(depth: Int) throws(CodexError) {
        let start = position
        position += 1
        skipSpace()
        if take(UInt8(ascii: "}")) { return }
        repeat {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw error("a member name is expected") }
            try string()
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw error("a colon is expected") }
            skipSpace()
            try value(depth: depth + 1)
            skipSpace()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "}")) else { throw error("a comma or } is expected") }
        end(of: start)
    }

    private mutating func array(depth: Int) throws(CodexError) {
        let start = position
        position += 1
        skipSpace()
        if take(UInt8(ascii: "]")) { return }
        repeat {
            skipSpace()
            try value(depth: depth + 1)
            skipSpace()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "]")) else { throw error("a comma or ] is expected") }
        end(of: start)
    }

    // MARK: Numbers

    private mutating func number() throws(CodexError) {
        _ = take(UInt8(ascii: "-"))
        let start = position
        skipDigits()
        guard position > start else { throw error("a value is expected") }
        if text[start] == UInt8(ascii: "0"), position > start + 1 {
            throw error("a number starts with a superfluous zero")
        }
        if take(UInt8(ascii: ".")) { try requireDigits() }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            if !take(UInt8(ascii: "-")) { _ = take(UInt8(ascii: "+")) }
            try requireDigits()
        }
    }

    private mutating func skipDigits() {
        while next &- UInt8(ascii: "0") < 10 { position += 1 }
    }

    private mutating func requireDigits() throws(CodexError) {
        let start = position
        skipDigits()
        guard position > start else { throw error("digits are expected") }
    }

    // MARK: Text

    private mutating func string() throws(CodexError) {
        position += 1
        while true {
            position = text.endOfPlainText(from: position)
            switch next {
            case UInt8(ascii: "\""):
                position += 1
                return
            case UInt8(ascii: "\\"): try escape()
            case 0..<0x20:
                throw error(isAtEnd ? "a string ends early" : "a control character in a string")
            case 0x20..<0x80: position += 1
            default: try scalar(next)
            }
        }
    }

    /// Passes a scalar of several bytes, by table 3-7 of the Unicode Standard.
    private mutating func scalar(_ first: UInt8) throws(CodexError) {
        let rest: (count: Int, low: UInt8, high: UInt8)? =
            switch first {
            case 0xC2...0xDF: (1, 0x80, 0xBF)
            case 0xE0: (2, 0xA0, 0xBF)
            case 0xED: (2, 0x80, 0x9F)
            case 0xE1...0xEF: (2, 0x80, 0xBF)
            case 0xF0: (3, 0x90, 0xBF)
            case 0xF1...0xF3: (3, 0x80, 0xBF)
            case 0xF4: (3, 0x80, 0x8F)
            default: nil
            }
        guard let rest, (rest.low...rest.high).contains(text[position + 1]),
            rest.count < 2 || text[position + 2] >> 6 == 0b10,
            rest.count < 3 || text[position + 3] >> 6 == 0b10
        else { throw error("a string is not UTF-8") }
        position += rest.count + 1
    }

    private mutating func escape() throws(CodexError) {
        position += 1
        guard !isAtEnd else { throw error("a string ends early") }
        let byte = next
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"),
            UInt8(ascii: "f"), UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            return
        case UInt8(ascii: "u"): try unicodeEscape()
        default: throw error("an unknown escape")
        }
    }

    private mutating func unicodeEscape() throws(CodexError) {
        let first = try hexadecimal()
        guard (0xD800..<0xE000).contains(first) else { return }
        guard first < 0xDC00, take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")),
            (0xDC00..<0xE000).contains(try hexadecimal())
        else { throw error("half a surrogate pair") }
    }

    private mutating func hexadecimal() throws(CodexError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = JSONCursor.hexadecimalDigit(next) else {
                throw error("four hexadecimal digits are expected")
            }
            value = value << 4 | digit
            position += 1
        }
        return value
    }
}

extension JSONChecker {
    /// The bytes of the document.
    ///
    /// It is the unsafe part of the checker. Only ``JSONChecker/check(_:)`` creates one, while it
    /// borrows the buffer, and no copy leaves it. No read is past the count.
    @safe
    fileprivate struct Text {
        private let bytes: UnsafeBufferPointer<UInt8>
        let count: Int

        init(_ bytes: UnsafeBufferPointer<UInt8>) {
            unsafe self.bytes = bytes
            count = bytes.count
        }

        /// The byte at a position, which is not negative; 0 past the end.
        subscript(position: Int) -> UInt8 { position < count ? unsafe bytes[position] : 0 }

        /// The first position from `start` on whose byte may be no plain text in a string.
        func endOfPlainText(from start: Int) -> Int {
            unsafe PlainText.end(in: Span(_unsafeElements: bytes), from: start)
        }
    }
}
