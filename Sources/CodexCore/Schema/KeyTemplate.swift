/// A template that builds a key from attributes: `PROJECT#{projectId}`, `PROFILE`,
/// `PRD#{prdId}#V#{n}`.
///
/// Text outside of braces is literal; braces contain an attribute's name. Numbers are padded to ten
/// digits, because `V#10` sorts before `V#2`. Values that contain `#` or control characters are
/// refused, so no value can forge a part of the key.
public struct KeyTemplate: Sendable, Hashable, Codable {
    enum Piece: Sendable, Hashable {
        case text(String)
        case attribute(String)
    }

    /// The template's text.
    public let source: String
    let pieces: [Piece]

    /// The attributes that the template names.
    var attributes: [String] {
        pieces.compactMap { piece in
            if case .attribute(let name) = piece { name } else { nil }
        }
    }

    /// The number of digits to which numbers are padded.
    package static let numberWidth = 10

    /// Parses a template.
    ///
    /// - Throws: ``CodexError/Code/invalidSchema`` if braces are unbalanced, a name is empty, or
    ///   two attributes are adjacent without `#` between them.
    public init(_ source: String) throws(CodexError) {
        self.source = source
        var pieces: [Piece] = []
        var rest = source[...]
        while let open = rest.firstIndex(of: "{") {
            let text = String(rest[..<open])
            guard let close = rest[open...].firstIndex(of: "}") else {
                throw Self.malformed(source)
            }
            let name = String(rest[rest.index(after: open)..<close])
            if case .attribute? = pieces.last, !text.hasPrefix("#") { throw Self.malformed(source) }
            guard !name.isEmpty, !name.contains("{") else { throw Self.malformed(source) }
            if !text.isEmpty { pieces.append(.text(text)) }
            pieces.append(.attribute(name))
            rest = rest[rest.index(after: close)...]
        }
        guard !rest.contains("}"), !source.isEmpty else { throw Self.malformed(source) }
        if case .attribute? = pieces.last, !rest.isEmpty, !rest.hasPrefix("#") {
            throw Self.malformed(source)
        }
        if !rest.isEmpty { pieces.append(.text(String(rest))) }
        self.pieces = pieces
    }

    private static func malformed(_ source: String) -> CodexError {
        CodexError(
            .invalidSchema,
            "The key template \"\(source)\" is malformed: write {attribute} parts that are "
                + "separated by #.")
    }

    /// The key from `item`'s attributes, or `nil` if one of them is missing.
    ///
    /// - Throws: ``CodexError/Code/invalidIdentifier`` for a value that is not allowed in a key.
    public func render(_ item: Item) throws(CodexError) -> String? {
        var text = ""
        for piece in pieces {
            switch piece {
            case .text(let literal): text += literal
            case .attribute(let name):
                switch item[name] {
                case .string(let value)?:
                    try Self.requirePart(value, name: name)
                    text += value
                case .number(let number)?:
                    guard let value = number.int64 else { throw Self.badPart(name) }
                    text += try Self.padded(value)
                case nil: return nil
                default: throw Self.badPart(name)
                }
            }
        }
        return text
    }

    /// Whether the template could have built `key`.
    package func matches(_ key: String) -> Bool {
        var key = key
        return key.withUTF8 { matches(unsafe Span(_unsafeElements: $0)) }
    }

    private func matches(_ key: Span<UInt8>) -> Bool {
        var position = 0
        for piece in pieces {
            switch piece {
            case .text(var literal):
                let isThere = literal.withUTF8 { literal in
                    let literal = unsafe Span(_unsafeElements: literal)
                    guard literal.count <= key.count - position else { return false }
                    for offset in literal.indices
                    where literal[offset] != key[position + offset] { return false }
                    position += literal.count
                    return true
                }
                guard isThere else { return false }
            case .attribute:
                let start = position
                while position < key.count, key[position] != UInt8(ascii: "#") { position += 1 }
                guard position > start else { return false }
            }
        }
        return position == key.count
    }

    /// A non-negative integer padded to ten digits.
    ///
    /// - Throws: ``CodexError/Code/invalidIdentifier`` for a negative number, or one with more
    ///   digits.
    public static func padded(_ value: some BinaryInteger) throws(CodexError) -> String {
        let digits = String(value)
        guard value >= 0, digits.utf8.count <= numberWidth else {
            throw CodexError(
                .invalidIdentifier, "A number in a key has 0 to \(numberWidth) digits and no sign.")
        }
        return String(repeating: "0", count: numberWidth - digits.utf8.count) + digits
    }

    /// Checks that text is allowed in a key.
    package static func requirePart(_ value: String, name: String) throws(CodexError) {
        guard !value.isEmpty else { throw badPart(name) }
        for byte in value.utf8 where byte == UInt8(ascii: "#") || byte < 0x20 || byte == 0x7F {
            throw badPart(name)
        }
    }

    private static func badPart(_ name: String) -> CodexError {
        CodexError(
            .invalidIdentifier,
            "The value of \(name) cannot stand in a key: it must be text without # and control "
                + "characters, or a whole number.")
    }

    /// Reads the template's source.
    public init(from decoder: any Decoder) throws {
        try self.init(try decoder.singleValueContainer().decode(String.self))
    }

    /// Writes the template's source.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(source)
    }
}

extension KeyTemplate: ExpressibleByStringLiteral {
    /// Parses a template that is written in code.
    ///
    /// - Precondition: The literal is a valid template.
    public init(stringLiteral source: String) {
        do {
            try self.init(source)
        } catch {
            preconditionFailure(error.message)
        }
    }
}
