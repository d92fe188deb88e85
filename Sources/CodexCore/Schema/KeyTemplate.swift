/// A template that builds a key from attributes: `PROJECT#{projectId}`, `PROFILE`,
/// `PRD#{prdId}#V#{n}`.
///
/// Text outside of braces is literal; braces contain an attribute's name. Numbers are written so
/// that keys sort by value, see ``text(of:)``: `V#10` would sort before `V#2`. Values that contain
/// `#` or control characters are refused, so no value can forge a part of the key.
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

    /// Whether the template is an attribute alone: `{id}` for `id`.
    func copies(_ name: String) -> Bool {
        guard pieces.count == 1, case .attribute(let read) = pieces[0] else { return false }
        return read == name
    }

    /// Parses a template.
    ///
    /// - Throws: ``CodexError/Code/invalidSchema`` if braces are unbalanced, a name is empty, or
    ///   two attributes are adjacent without `#` between them.
    public init(_ source: String) throws(CodexError) {
        self.source = source
        var pieces: [Piece] = []
        // By bytes: a mark after a brace or a `#` is one character with it.
        let (opening, closing) = (UInt8(ascii: "{"), UInt8(ascii: "}"))
        var rest = source.utf8[...]
        while let open = rest.firstIndex(of: opening) {
            let text = rest[..<open]
            guard let close = rest[open...].firstIndex(of: closing) else {
                throw Self.malformed(source)
            }
            let name = rest[rest.index(after: open)..<close]
            if case .attribute? = pieces.last, text.first != UInt8(ascii: "#") {
                throw Self.malformed(source)
            }
            guard !name.isEmpty, !name.contains(opening) else { throw Self.malformed(source) }
            if !text.isEmpty { pieces.append(.text(String(Substring(text)))) }
            pieces.append(.attribute(String(Substring(name))))
            rest = rest[rest.index(after: close)...]
        }
        guard !rest.contains(closing), !source.isEmpty else { throw Self.malformed(source) }
        if case .attribute? = pieces.last, let first = rest.first, first != UInt8(ascii: "#") {
            throw Self.malformed(source)
        }
        if !rest.isEmpty { pieces.append(.text(String(Substring(rest)))) }
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
    /// - Throws: ``CodexError/Code/invalidIdentifier`` for a value that is not allowed in a key;
    ///   ``CodexError/Code/itemTooLarge`` for a text that no item has room for.
    public func render(_ item: Item) throws(CodexError) -> String? {
        var text = ""
        for piece in pieces {
            switch piece {
            case .text(let literal): text += literal
            case .attribute(let name):
                guard let value = item[name] else { return nil }
                text += try Self.part(value, name: name)
            }
            // A template may name a large attribute many times.
            guard text.utf8.count <= DynamoDBLimits.itemByteCountMax else { throw tooLarge }
        }
        return text
    }

    /// The text of an attribute's value in a key.
    ///
    /// - Throws: ``CodexError/Code/invalidIdentifier`` for a value that is not allowed in a key.
    package static func part(
        _ value: AttributeValue, name: String
    ) throws(CodexError) -> String {
        switch value {
        case .string(let text):
            try requirePart(text, name: name)
            return text
        case .number(let number): return text(of: number)
        default: throw badPart(name)
        }
    }

    private var tooLarge: CodexError {
        CodexError(
            .itemTooLarge,
            "The key template \"\(source.abbreviated())\" makes a text of more than "
                + "\(DynamoDBLimits.itemByteCountMax) bytes. Store less in the attributes that it "
                + "names.")
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
            "The value of \(name) cannot stand in a key: it must be a number, or text that is not "
                + "empty and has no # and no control characters.")
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
