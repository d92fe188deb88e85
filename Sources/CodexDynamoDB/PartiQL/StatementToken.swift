/// A place in a statement: its line, its column and its length, in characters.
///
/// Lines and columns begin at 1. Messages show all three, joined by colons.
struct StatementPosition: Sendable, Hashable, CustomStringConvertible {
    let line: Int
    let column: Int
    let length: Int

    var description: String { "\(line):\(column):\(length)" }
}

/// A token of a statement.
struct StatementToken: Sendable, Hashable {
    enum Kind: Sendable, Hashable {
        /// A name without quotes that is no keyword.
        case identifier
        /// A name in double quotes.
        case quotedIdentifier
        case keyword
        /// Text in single quotes.
        case string
        /// A number without a sign.
        case number
        /// A question mark.
        case parameter
        case symbol
        case end
    }

    let kind: Kind
    /// The text: that of a keyword is in lowercase, and that in quotes is without them.
    let text: String
    let position: StatementPosition

    func isSymbol(_ symbol: String) -> Bool { kind == .symbol && text == symbol }

    func isKeyword(_ keyword: String) -> Bool { kind == .keyword && text == keyword }

    /// Whether the token is a name.
    var isName: Bool { kind == .identifier || kind == .quotedIdentifier }

    /// Whether the statement ends here.
    var isEnd: Bool { kind == .end || isSymbol(";") }
}
