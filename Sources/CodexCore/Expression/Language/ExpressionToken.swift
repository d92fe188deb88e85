/// A token of an expression's text, as a range of its UTF-8 bytes.
struct ExpressionToken: Equatable {
    enum Kind: Equatable {
        /// A name, a keyword or a function's name. It begins with a letter.
        case word
        /// `#name`.
        case nameReference
        /// `:value`.
        case valueReference
        /// Digits, as an index.
        case number
        // `=`, `<>`, `<`, `<=`, `>` and `>=`.
        case equal, notEqual, less, lessOrEqual, greater, greaterOrEqual
        // `+`, `-`, `,` and `.`.
        case plus, minus, comma, dot
        // `(`, `)`, `[` and `]`.
        case opening, closing, openingBracket, closingBracket
        /// The end, after the last token.
        case end
        /// Text that is valid in no expression.
        case invalid
    }

    /// The words that are part of a grammar, in capitals.
    enum Keyword: String, CaseIterable {
        case between = "BETWEEN"
        case isIn = "IN"
        case and = "AND"
        case or = "OR"
        case not = "NOT"
        case set = "SET"
        case remove = "REMOVE"
        case add = "ADD"
        case delete = "DELETE"

        /// Whether the grammar of updates has the keyword, and not that of conditions.
        var isOfUpdates: Bool {
            switch self {
            case .set, .remove, .add, .delete: true
            case .between, .isIn, .and, .or, .not: false
            }
        }
    }

    let kind: Kind
    /// The keyword that a word is; `nil` for other words and tokens.
    let keyword: Keyword?
    /// The offset of the first byte.
    let start: Int
    /// The offset behind the last byte.
    let end: Int

    /// Splits an expression into tokens; the last one is `end`.
    ///
    /// - Complexity: O(*n*).
    static func tokens(of text: String) -> [ExpressionToken] {
        var copy = text
        return copy.withUTF8 { unsafe tokens(of: Span(_unsafeElements: $0)) }
    }

    private static func tokens(of bytes: Span<UInt8>) -> [ExpressionToken] {
        var tokens: [ExpressionToken] = []
        // Most tokens have two bytes or more, with the blank behind them.
        tokens.reserveCapacity(bytes.count / 2 + 1)
        var position = 0
        while position < bytes.count {
            let start = position
            guard let kind = takeToken(bytes, &position) else { continue }
            let keyword = kind == .word ? Keyword(bytes, start..<position) : nil
            tokens.append(
                ExpressionToken(kind: kind, keyword: keyword, start: start, end: position))
        }
        let end = bytes.count
        tokens.append(ExpressionToken(kind: .end, keyword: nil, start: end, end: end))
        return tokens
    }

    /// Takes a token, or a blank, and returns the token's kind; `nil` for a blank.
    private static func takeToken(_ bytes: Span<UInt8>, _ position: inout Int) -> Kind? {
        let start = position
        let first = bytes[start]
        position += 1
        switch first {
        case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\n"), UInt8(ascii: "\r"):
            return nil
        case UInt8(ascii: "#"), UInt8(ascii: ":"):
            skip(bytes, &position, while: isInWord)
            guard position > start + 1 else { return .invalid }
            return first == UInt8(ascii: "#") ? .nameReference : .valueReference
        case UInt8(ascii: "<"):
            if take(UInt8(ascii: ">"), bytes, &position) { return .notEqual }
            return take(UInt8(ascii: "="), bytes, &position) ? .lessOrEqual : .less
        case UInt8(ascii: ">"):
            return take(UInt8(ascii: "="), bytes, &position) ? .greaterOrEqual : .greater
        case UInt8(ascii: "="): return .equal
        case UInt8(ascii: "+"): return .plus
        case UInt8(ascii: "-"): return .minus
        case UInt8(ascii: ","): return .comma
        case UInt8(ascii: "."): return .dot
        case UInt8(ascii: "("): return .opening
        case UInt8(ascii: ")"): return .closing
        case UInt8(ascii: "["): return .openingBracket
        case UInt8(ascii: "]"): return .closingBracket
        default: break
        }
        if isLetter(first) {
            skip(bytes, &position, while: isInWord)
            return .word
        }
        if isDigit(first) {
            skip(bytes, &position, while: isDigit)
            return .number
        }
        // A scalar outside of ASCII is one token with its continuation bytes.
        skip(bytes, &position) { $0 & 0xC0 == 0x80 }
        return .invalid
    }

    /// Takes a byte, if it is the next one.
    private static func take(
        _ byte: UInt8, _ bytes: Span<UInt8>, _ position: inout Int
    ) -> Bool {
        guard position < bytes.count, bytes[position] == byte else { return false }
        position += 1
        return true
    }

    @inline(__always)
    private static func skip(
        _ bytes: Span<UInt8>, _ position: inout Int, while isSkipped: (UInt8) -> Bool
    ) {
        while position < bytes.count, isSkipped(bytes[position]) { position += 1 }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (byte | 0x20) &- UInt8(ascii: "a") < 26
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

    /// Whether a byte may stand in a word, a name reference or a value reference.
    static func isInWord(_ byte: UInt8) -> Bool {
        isLetter(byte) || isDigit(byte) || byte == UInt8(ascii: "_")
    }
}

extension ExpressionToken.Keyword {
    /// The keyword that a word is, in any case of letters; `nil` if it is none.
    fileprivate init?(_ bytes: Span<UInt8>, _ word: Range<Int>) {
        guard word.count <= MemoryLayout<UInt64>.size else { return nil }
        var code: UInt64 = 0
        // Words are ASCII, so clearing one bit turns small letters into capitals.
        for position in word { code = code << 8 | UInt64(bytes[position] & 0xDF) }
        guard let known = Self.codes.first(where: { $0.code == code }) else { return nil }
        self = known.keyword
    }

    /// The keywords, with their bytes as one number.
    private static let codes = allCases.map { keyword in
        (code: keyword.rawValue.utf8.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }, keyword: keyword)
    }
}
