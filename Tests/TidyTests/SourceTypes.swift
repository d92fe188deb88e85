/// The types that a text of Swift declares or extends, with their members and lines.
///
/// It looks at words and brackets alone. It relies on what the compiler has checked.
struct SourceTypes {
    /// A declaration of a type, or an extension.
    struct Part: Equatable {
        /// The full name, with the outer types.
        var name: String
        var isExtension: Bool
        /// How many functions, properties, initializers, subscripts and cases it declares itself.
        var memberCount = 0
        /// How many lines it has, without those of the types inside.
        var lineCount = 0

        /// The name without the outer types.
        var lastName: Substring { name.split(separator: ".").last ?? "" }
    }

    private struct Token {
        var text: String
        var line: Int
    }

    /// What a pair of braces has.
    private struct Scope {
        /// The type whose members these are; `nil` for the body of a function, say.
        var part: Int?
        /// How many parentheses and brackets are open outside.
        var outerDepth: Int
    }

    /// A declaration whose braces are not closed.
    private struct OpenPart {
        var firstLine: Int
        /// How many lines the types inside have.
        var innerLineCount = 0
    }

    private static let typeKeywords: Set<String> = [
        "struct", "class", "enum", "actor", "protocol", "extension",
    ]
    private static let memberKeywords: Set<String> = [
        "func", "var", "let", "init", "subscript", "case",
    ]

    private(set) var parts: [Part] = []
    private let tokens: [Token]
    private var openParts: [Int: OpenPart] = [:]
    private var scopes: [Scope] = []
    /// How many parentheses and brackets are open in the innermost braces.
    private var depth = 0
    /// A type whose braces come next.
    private var pending: Int?

    init(_ text: String) {
        tokens = Self.tokens(SourceCode(text).code)
        for index in tokens.indices { read(index) }
    }

    /// The words and the other characters of code.
    private static func tokens(_ code: [UInt8]) -> [Token] {
        var tokens: [Token] = []
        var word: [UInt8] = []
        var line = 1
        for byte in code + [UInt8(ascii: "\n")] {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "`"),
                0x80...:
                word.append(byte)
                continue
            default: break
            }
            if !word.isEmpty {
                tokens.append(Token(text: String(decoding: word, as: UTF8.self), line: line))
                word = []
            }
            if byte == UInt8(ascii: "\n") { line += 1 }
            guard byte > UInt8(ascii: " ") else { continue }
            tokens.append(Token(text: String(decoding: [byte], as: UTF8.self), line: line))
        }
        return tokens
    }

    private mutating func read(_ index: Int) {
        let token = tokens[index]
        switch token.text {
        case "(", "[": depth += 1
        case ")", "]": depth -= 1
        case "{":
            scopes.append(Scope(part: depth == 0 ? pending : nil, outerDepth: depth))
            if depth == 0 { pending = nil }
            depth = 0
        case "}": close(at: token.line)
        default:
            // `.init` is a use.
            guard depth == 0, index == 0 || tokens[index - 1].text != "." else { return }
            if Self.typeKeywords.contains(token.text) {
                open(index)
            } else if Self.memberKeywords.contains(token.text), pending == nil,
                let part = scopes.last?.part
            {
                parts[part].memberCount += 1
            }
        }
    }

    /// Begins a type, unless the word is a modifier as in `class func`.
    private mutating func open(_ index: Int) {
        var end = index + 1
        guard end < tokens.count, tokens[end].text.first?.isUppercase == true else { return }
        var name = tokens[end].text
        while end + 2 < tokens.count, tokens[end + 1].text == "." {
            name += "." + tokens[end + 2].text
            end += 2
        }
        if let outer = scopes.last(where: { $0.part != nil })?.part {
            name = parts[outer].name + "." + name
        }
        pending = parts.count
        openParts[parts.count] = OpenPart(firstLine: tokens[index].line)
        parts.append(Part(name: name, isExtension: tokens[index].text == "extension"))
    }

    private mutating func close(at line: Int) {
        guard let scope = scopes.popLast() else { return }
        depth = scope.outerDepth
        guard let part = scope.part, let open = openParts.removeValue(forKey: part) else { return }
        let lineCount = line - open.firstLine + 1
        parts[part].lineCount = lineCount - open.innerLineCount
        if let outer = scopes.last(where: { $0.part != nil })?.part {
            openParts[outer]?.innerLineCount += lineCount
        }
    }
}

/// A text of Swift without comments and strings; the ends of lines are kept.
struct SourceCode {
    private(set) var code: [UInt8] = []
    private let bytes: [UInt8]
    private var position = 0

    private static let newline = UInt8(ascii: "\n")
    private static let quote = UInt8(ascii: "\"")
    private static let hash = UInt8(ascii: "#")
    private static let slash = UInt8(ascii: "/")
    private static let star = UInt8(ascii: "*")

    init(_ text: String) {
        bytes = Array(text.utf8)
        while position < bytes.count { read(keeps: true) }
    }

    private func byte(_ offset: Int) -> UInt8 {
        position + offset < bytes.count ? bytes[position + offset] : 0
    }

    private func starts(with prefix: [UInt8]) -> Bool {
        prefix.indices.allSatisfy { byte($0) == prefix[$0] }
    }

    private mutating func read(keeps: Bool) {
        switch byte(0) {
        case Self.slash where byte(1) == Self.slash:
            while position < bytes.count, byte(0) != Self.newline { position += 1 }
        case Self.slash where byte(1) == Self.star: skipComment()
        case Self.quote: skipString(hashCount: 0)
        case Self.hash:
            let hashCount = bytes[position...].prefix { $0 == Self.hash }.count
            if byte(hashCount) == Self.quote {
                skipString(hashCount: hashCount)
            } else {
                skip(keeps: keeps)
            }
        default: skip(keeps: keeps)
        }
    }

    private mutating func skip(keeps: Bool = false) {
        if keeps || byte(0) == Self.newline { code.append(byte(0)) }
        position += 1
    }

    private mutating func skipComment() {
        var depth = 0
        repeat {
            if starts(with: [Self.slash, Self.star]) {
                depth += 1
                position += 2
            } else if starts(with: [Self.star, Self.slash]) {
                depth -= 1
                position += 2
            } else {
                skip()
            }
        } while depth > 0 && position < bytes.count
    }

    private mutating func skipString(hashCount: Int) {
        let hashes = Array(repeating: Self.hash, count: hashCount)
        position += hashCount
        let quoteCount = starts(with: [Self.quote, Self.quote, Self.quote]) ? 3 : 1
        position += quoteCount
        let end = Array(repeating: Self.quote, count: quoteCount) + hashes
        let escape = [UInt8(ascii: "\\")] + hashes
        while position < bytes.count, !starts(with: end) {
            guard starts(with: escape) else {
                skip()
                continue
            }
            position += escape.count
            if byte(0) == UInt8(ascii: "(") { skipInterpolation() } else { skip() }
        }
        position += end.count
    }

    private mutating func skipInterpolation() {
        var depth = 0
        repeat {
            if byte(0) == UInt8(ascii: "(") { depth += 1 }
            if byte(0) == UInt8(ascii: ")") { depth -= 1 }
            read(keeps: false)
        } while depth > 0 && position < bytes.count
    }
}
