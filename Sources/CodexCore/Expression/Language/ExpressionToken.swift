/// A token of an expression's text.
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
        /// `=`, `<>`, `<`, `<=`, `>`, `>=`, `+`, `-`, `(`, `)`, `[`, `]`, `,`, `.`.
        case symbol
        /// The end, after the last token.
        case end
        /// Text that is valid in no expression.
        case invalid
    }

    let kind: Kind
    let text: String
    /// The offset of the token's first character, from 0.
    let offset: Int

    func isSymbol(_ symbol: String) -> Bool { kind == .symbol && text == symbol }

    /// Whether the token is `keyword`, in any case; `keyword` itself must be in capitals.
    func isKeyword(_ keyword: String) -> Bool {
        // Words are ASCII, so clearing one bit turns small letters into capitals.
        kind == .word && text.utf8.count == keyword.utf8.count
            && zip(text.utf8, keyword.utf8).allSatisfy { $0 & 0xDF == $1 }
    }

    private static let symbols = Set("=<>+-()[],.".unicodeScalars)

    /// The offset behind the token's last character.
    var endOffset: Int { kind == .end ? offset : offset + text.unicodeScalars.count }

    /// Splits an expression into tokens; the last one is `end`.
    ///
    /// - Complexity: O(*n*).
    static func tokens(of text: String) -> [ExpressionToken] {
        let characters = Array(text.unicodeScalars)
        var tokens: [ExpressionToken] = []
        var position = 0
        func piece(_ range: Range<Int>) -> String {
            var view = String.UnicodeScalarView()
            view.append(contentsOf: characters[range])
            return String(view)
        }
        while position < characters.count {
            let start = position
            let first = characters[position]
            if first == " " || first == "\t" || first == "\n" || first == "\r" {
                position += 1
                continue
            }
            var kind = Kind.invalid
            position += 1
            if first == "#" || first == ":" {
                while position < characters.count, characters[position].isInWord {
                    position += 1
                }
                if position > start + 1 { kind = first == "#" ? .nameReference : .valueReference }
            } else if first.isLetter {
                while position < characters.count, characters[position].isInWord { position += 1 }
                kind = .word
            } else if first.isDigit {
                while position < characters.count, characters[position].isDigit { position += 1 }
                kind = .number
            } else if symbols.contains(first) {
                kind = .symbol
                if position < characters.count {
                    let pair = piece(start..<position + 1)
                    if ["<>", "<=", ">="].contains(pair) { position += 1 }
                }
            }
            tokens.append(
                ExpressionToken(kind: kind, text: piece(start..<position), offset: start))
        }
        tokens.append(ExpressionToken(kind: .end, text: "<EOF>", offset: characters.count))
        return tokens
    }
}

extension Unicode.Scalar {
    fileprivate var isLetter: Bool { ("a"..."z").contains(self) || ("A"..."Z").contains(self) }
    fileprivate var isDigit: Bool { ("0"..."9").contains(self) }
    fileprivate var isInWord: Bool { isLetter || isDigit || self == "_" }
}
