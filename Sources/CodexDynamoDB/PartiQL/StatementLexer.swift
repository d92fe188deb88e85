/// Splits a statement into its tokens, in one pass.
///
/// Comments (`-- …` up to the end of the line, and `/* … */`) count as white space.
struct StatementLexer {
    private let scalars: [Unicode.Scalar]
    private var place = 0
    private var line = 1
    private var column = 1

    private init(_ text: String) { scalars = Array(text.unicodeScalars) }

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

    /// The character at some distance; `nil` past the end.
    private func scalar(_ distance: Int = 0) -> Unicode.Scalar? {
        let place = place + distance
        return place < scalars.count ? scalars[place] : nil
    }

    private mutating func advance(_ count: Int = 1) {
        for _ in 0..<count {
            guard let passed = scalar() else { return }
            place += 1
            if passed == "\n" || passed == "\r" && scalar() != "\n" {
                line += 1
                column = 1
            } else {
                column += 1
            }
        }
    }

    private mutating func skipBlanks() throws {
        while let next = scalar() {
            switch (next, scalar(1)) {
            case (" ", _), ("\t", _), ("\n", _), ("\r", _), ("\u{B}", _), ("\u{C}", _): advance()
            case ("-", "-"?):
                while let next = scalar(), next != "\n", next != "\r" { advance() }
            case ("/", "*"?):
                advance(2)
                while scalar() != "*" || scalar(1) != "/" {
                    guard scalar() != nil else { throw StatementMessages.unreadable }
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
        let (start, line, column) = (place, line, column)
        let (kind, text) = try content()
        return StatementToken(
            kind: kind, text: text,
            position: StatementPosition(line: line, column: column, length: place - start))
    }

    private mutating func content() throws -> (StatementToken.Kind, String) {
        guard let first = scalar() else { return (.end, "") }
        switch first {
        case "'": return (.string, try quoted(first))
        case "\"": return (.quotedIdentifier, try quoted(first))
        case "?":
            advance()
            return (.parameter, "?")
        case "0"..."9": return (.number, try number())
        case "." where Self.isDigit(scalar(1)): return (.number, try number())
        case _ where Self.isWordStart(first): return word()
        default: return (.symbol, try symbol())
        }
    }

    /// Text in quotes; two quotes in it stand for one.
    private mutating func quoted(_ quote: Unicode.Scalar) throws -> String {
        advance()
        var text = String.UnicodeScalarView()
        while let next = scalar() {
            advance()
            if next == quote {
                guard scalar() == quote else { return String(text) }
                advance()
            }
            text.append(next)
        }
        throw StatementMessages.unreadable
    }

    private mutating func word() -> (StatementToken.Kind, String) {
        var text = String.UnicodeScalarView()
        while let next = scalar(), Self.isWordStart(next) || Self.isDigit(next) {
            text.append(next)
            advance()
        }
        let word = String(text)
        let lowercase = word.lowercased()
        return StatementKeywords.all.contains(lowercase)
            ? (.keyword, lowercase) : (.identifier, word)
    }

    private static func isDigit(_ scalar: Unicode.Scalar?) -> Bool {
        guard let scalar else { return false }
        return ("0"..."9").contains(scalar)
    }

    private static func isWordStart(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "_", "$": true
        default: false
        }
    }

    private static let longSymbols: Set<String> = ["<<", ">>", "<=", ">=", "<>", "!=", "||"]
    private static let symbols: Set<String> = [
        "(", ")", "[", "]", "{", "}", "<", ">", "=", "+", "-", "*", "/", "%", ",", ".", ":", ";",
    ]

    private mutating func symbol() throws -> String {
        guard let first = scalar() else { throw StatementMessages.unreadable }
        if let second = scalar(1) {
            let pair = String(first) + String(second)
            if Self.longSymbols.contains(pair) {
                advance(2)
                return pair
            }
        }
        guard Self.symbols.contains(String(first)) else { throw StatementMessages.unreadable }
        advance()
        return String(first)
    }

    // MARK: Numbers

    /// A number: digits with at most one point, and an optional exponent.
    ///
    /// - Throws: `ValidationException` if its exponent or its scale has more than 32 bits, as on
    ///   the service.
    private mutating func number() throws -> String {
        var text = String.UnicodeScalarView()
        takeDigits(into: &text)
        var fractionCount = 0
        if scalar() == "." {
            text.append(".")
            advance()
            fractionCount = takeDigits(into: &text)
        }
        var exponent = 0
        if scalar() == "e" || scalar() == "E" {
            text.append("E")
            advance()
            let isNegative = scalar() == "-"
            if isNegative { text.append("-") }
            if isNegative || scalar() == "+" { advance() }
            let size = try magnitude(into: &text)
            exponent = isNegative ? -size : size
        }
        if let next = scalar(), Self.isWordStart(next) { throw StatementMessages.unreadable }
        guard Int32(exactly: fractionCount - exponent) != nil else {
            throw StatementMessages.unreadable
        }
        return String(text)
    }

    @discardableResult
    private mutating func takeDigits(into text: inout String.UnicodeScalarView) -> Int {
        var count = 0
        while let next = scalar(), Self.isDigit(next) {
            text.append(next)
            advance()
            count += 1
        }
        return count
    }

    /// The magnitude of an exponent.
    private mutating func magnitude(into text: inout String.UnicodeScalarView) throws -> Int {
        var digits = String.UnicodeScalarView()
        guard takeDigits(into: &digits) > 0 else { throw StatementMessages.unreadable }
        text.append(contentsOf: digits)
        // Leading zeros are allowed, so the length of the digits bounds nothing.
        let significant = String(digits.drop { $0 == "0" })
        guard !significant.isEmpty else { return 0 }
        guard let magnitude = Int32(significant) else { throw StatementMessages.unreadable }
        return Int(magnitude)
    }
}
