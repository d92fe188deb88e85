/// Splits a statement into its tokens, in one pass over its UTF-8 bytes.
///
/// Comments (`-- …` up to the end of the line, and `/* … */`) count as white space.
struct StatementLexer {
    private let bytes: [UInt8]
    private var place = 0
    /// The characters that were passed.
    private var count = 0
    private var line = 1
    private var column = 1

    private init(_ text: String) { bytes = Array(text.utf8) }

    /// The tokens of a statement; the last one is its end.
    ///
    /// - Throws: `ValidationException` for a character that begins no token, and for a comment, a
    ///   text or a number that is not complete.
    static func tokens(of text: String) throws -> [StatementToken] {
        var lexer = StatementLexer(text)
        var tokens: [StatementToken] = []
        while true {
            let token = try lexer.token()
            tokens.append(token)
            if token.kind == .end { return tokens }
        }
    }

    // MARK: Characters

    /// The byte at some distance; `nil` past the end.
    private func byte(_ distance: Int = 0) -> UInt8? {
        let place = place + distance
        return place < bytes.count ? bytes[place] : nil
    }

    /// Whether a byte is at some distance.
    private func isAt(_ byte: UInt8, _ distance: Int = 0) -> Bool { self.byte(distance) == byte }

    private mutating func advance(_ byteCount: Int = 1) {
        for _ in 0..<byteCount {
            guard let passed = byte() else { return }
            place += 1
            // A character is a scalar; the other bytes of its UTF-8 continue it.
            guard passed & 0xC0 != 0x80 else { continue }
            count += 1
            let isReturn = passed == UInt8(ascii: "\r") && !isAt(UInt8(ascii: "\n"))
            if passed == UInt8(ascii: "\n") || isReturn {
                line += 1
                column = 1
            } else {
                column += 1
            }
        }
    }

    private mutating func skipBlanks() throws {
        while let next = byte() {
            switch next {
            // The tab, the ends of lines and of pages, and the space.
            case 0x09...0x0D, UInt8(ascii: " "): advance()
            case UInt8(ascii: "-") where isAt(UInt8(ascii: "-"), 1):
                while let next = byte(), next != UInt8(ascii: "\n"), next != UInt8(ascii: "\r") {
                    advance()
                }
            case UInt8(ascii: "/") where isAt(UInt8(ascii: "*"), 1):
                advance(2)
                while !isAt(UInt8(ascii: "*")) || !isAt(UInt8(ascii: "/"), 1) {
                    guard byte() != nil else { throw StatementMessages.unreadable }
                    advance()
                }
                advance(2)
            default: return
            }
        }
    }

    // MARK: Tokens

    private mutating func token() throws -> StatementToken {
        try skipBlanks()
        let (start, line, column) = (count, line, column)
        let (kind, text) = try content()
        return StatementToken(
            kind: kind, text: text,
            position: StatementPosition(line: line, column: column, length: count - start))
    }

    private mutating func content() throws -> (StatementToken.Kind, String) {
        guard let first = byte() else { return (.end, "") }
        switch first {
        case UInt8(ascii: "'"): return (.string, try quoted(first))
        case UInt8(ascii: "\""): return (.quotedIdentifier, try quoted(first))
        case UInt8(ascii: "?"):
            advance()
            return (.parameter, "?")
        case UInt8(ascii: ".") where byte(1).map(Self.isDigit) ?? false:
            return (.number, try number())
        case _ where Self.isDigit(first): return (.number, try number())
        case _ where Self.isWordStart(first): return word()
        default: return (.symbol, try symbol())
        }
    }

    private func text(from start: Int) -> String {
        String(decoding: bytes[start..<place], as: UTF8.self)
    }

    /// Text in quotes; two quotes in it stand for one.
    private mutating func quoted(_ quote: UInt8) throws -> String {
        advance()
        var text: [UInt8] = []
        while let next = byte() {
            advance()
            if next == quote {
                guard isAt(quote) else { return String(decoding: text, as: UTF8.self) }
                advance()
            }
            text.append(next)
        }
        throw StatementMessages.unreadable
    }

    private mutating func word() -> (StatementToken.Kind, String) {
        let start = place
        while let next = byte(), Self.isWordStart(next) || Self.isDigit(next) { advance() }
        let word = text(from: start)
        let lowercase = word.lowercased()
        return StatementKeywords.all.contains(lowercase)
            ? (.keyword, lowercase) : (.identifier, word)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

    private static func isWordStart(_ byte: UInt8) -> Bool {
        (byte | 0x20) &- UInt8(ascii: "a") < 26 || byte == UInt8(ascii: "_")
            || byte == UInt8(ascii: "$")
    }

    private static let longSymbols: Set<String> = ["<<", ">>", "<=", ">=", "<>", "!=", "||"]
    private static let symbols = Set("()[]{}<>=+-*/%,.:;".utf8)

    private mutating func symbol() throws -> String {
        let start = place
        let pair = String(decoding: bytes[start..<min(start + 2, bytes.count)], as: UTF8.self)
        if Self.longSymbols.contains(pair) {
            advance(2)
        } else {
            guard Self.symbols.contains(bytes[start]) else { throw StatementMessages.unreadable }
            advance()
        }
        return text(from: start)
    }

    // MARK: Numbers

    /// A number: digits with at most one point, and an optional exponent.
    ///
    /// - Throws: `ValidationException` if its exponent or its scale has more than 32 bits, as on
    ///   the service.
    private mutating func number() throws -> String {
        var text = takeDigits()
        var fractionCount = 0
        if isAt(UInt8(ascii: ".")) {
            advance()
            let fraction = takeDigits()
            fractionCount = fraction.utf8.count
            text += "." + fraction
        }
        var exponent = 0
        if isAt(UInt8(ascii: "e")) || isAt(UInt8(ascii: "E")) {
            advance()
            let isNegative = isAt(UInt8(ascii: "-"))
            if isNegative || isAt(UInt8(ascii: "+")) { advance() }
            let digits = takeDigits()
            let size = try Self.magnitude(digits)
            text += (isNegative ? "E-" : "E") + digits
            exponent = isNegative ? -size : size
        }
        if let next = byte(), Self.isWordStart(next) { throw StatementMessages.unreadable }
        guard Int32(exactly: fractionCount - exponent) != nil else {
            throw StatementMessages.unreadable
        }
        return text
    }

    private mutating func takeDigits() -> String {
        let start = place
        while let next = byte(), Self.isDigit(next) { advance() }
        return text(from: start)
    }

    /// The magnitude of an exponent.
    private static func magnitude(_ digits: String) throws -> Int {
        guard !digits.isEmpty else { throw StatementMessages.unreadable }
        // Leading zeros are allowed, so the length of the digits bounds nothing.
        let significant = digits.utf8.drop { $0 == UInt8(ascii: "0") }
        guard !significant.isEmpty else { return 0 }
        guard let magnitude = Int32(Substring(significant)) else {
            throw StatementMessages.unreadable
        }
        return Int(magnitude)
    }
}
