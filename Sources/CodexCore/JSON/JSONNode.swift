/// A JSON document as a tree that keeps details of DynamoDB JSON that Foundation's parsers lose.
///
/// It keeps the exact bytes of member names, the digits of numbers as written, and the places of
/// errors.
package enum JSONNode: Sendable {
    case null
    case bool(Bool)
    case number(String)
    case string(String)
    case array([JSONNode])
    case object([(name: String, value: JSONNode)])
}

extension JSONNode {
    /// Parses one JSON document (RFC 8259).
    ///
    /// The document must be UTF-8, without duplicate member names, and at most `depthMax` levels
    /// deep.
    ///
    /// - Throws: ``CodexError/Code/invalidJSON`` with the byte offset of the error.
    package static func parse(
        _ bytes: [UInt8], depthMax: Int = 2 * DynamoDBLimits.nestingDepthMax + 8
    ) throws(CodexError) -> JSONNode {
        var parser = JSONParser(bytes: bytes, depthMax: depthMax)
        return try parser.document()
    }
}

private struct JSONParser {
    let bytes: [UInt8]
    let depthMax: Int
    var position = 0

    init(bytes: [UInt8], depthMax: Int) {
        self.bytes = bytes
        self.depthMax = depthMax
    }

    mutating func document() throws(CodexError) -> JSONNode {
        let node = try value(depth: 0)
        skipSpace()
        guard position == bytes.count else { throw error("text after the document's end") }
        return node
    }

    private func error(_ problem: String) -> CodexError {
        CodexError(.invalidJSON, "Malformed JSON at byte \(position): \(problem).")
    }

    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = peek, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
            position += 1
        }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard peek == byte else { return false }
        position += 1
        return true
    }

    private mutating func value(depth: Int) throws(CodexError) -> JSONNode {
        guard depth <= depthMax else { throw error("nesting is too deep") }
        skipSpace()
        switch peek {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case nil: throw error("the text ends early")
        default: return .number(try number())
        }
    }

    private mutating func word(_ text: String, _ node: JSONNode) throws(CodexError) -> JSONNode {
        guard bytes[position...].starts(with: text.utf8) else { throw error("unknown word") }
        position += text.utf8.count
        return node
    }

    private mutating func object(depth: Int) throws(CodexError) -> JSONNode {
        position += 1
        var members: [(name: String, value: JSONNode)] = []
        skipSpace()
        if take(UInt8(ascii: "}")) { return .object(members) }
        repeat {
            skipSpace()
            guard peek == UInt8(ascii: "\"") else { throw error("a member name is expected") }
            let name = try string()
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw error("a colon is expected") }
            members.append((name, try value(depth: depth + 1)))
            skipSpace()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "}")) else { throw error("a comma or } is expected") }
        guard !Self.hasDuplicates(members) else {
            throw error("an object has two members of one name")
        }
        return .object(members)
    }

    /// Whether two members have the same name.
    ///
    /// Ascending names, which item writers produce, need no sorting.
    private static func hasDuplicates(_ members: [(name: String, value: JSONNode)]) -> Bool {
        let ascend = members.indices.dropFirst().allSatisfy {
            ByteOrder.compare(members[$0 - 1].name, members[$0].name) < 0
        }
        if ascend { return false }
        let names = members.map(\.name).sorted { ByteOrder.compare($0, $1) < 0 }
        return names.indices.dropFirst().contains {
            ByteOrder.equal(names[$0 - 1], names[$0])
        }
    }

    private mutating func array(depth: Int) throws(CodexError) -> JSONNode {
        position += 1
        var values: [JSONNode] = []
        skipSpace()
        if take(UInt8(ascii: "]")) { return .array(values) }
        repeat {
            values.append(try value(depth: depth + 1))
            skipSpace()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "]")) else { throw error("a comma or ] is expected") }
        return .array(values)
    }

    private mutating func number() throws(CodexError) -> String {
        let start = position
        _ = take(UInt8(ascii: "-"))
        let integerStart = position
        skipDigits()
        guard position > integerStart else { throw error("a value is expected") }
        if bytes[integerStart] == UInt8(ascii: "0"), position > integerStart + 1 {
            throw error("a number starts with a superfluous zero")
        }
        if take(UInt8(ascii: ".")) { try requireDigits() }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            if !take(UInt8(ascii: "-")) { _ = take(UInt8(ascii: "+")) }
            try requireDigits()
        }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private mutating func skipDigits() {
        while let byte = peek, byte &- UInt8(ascii: "0") < 10 { position += 1 }
    }

    private mutating func requireDigits() throws(CodexError) {
        let start = position
        skipDigits()
        guard position > start else { throw error("digits are expected") }
    }

    private mutating func string() throws(CodexError) -> String {
        position += 1
        let start = position
        // Most strings have no escape: find the end and validate once.
        while let byte = peek, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20
        {
            position += 1
        }
        var content = Array(bytes[start..<position])
        while let byte = peek, byte != UInt8(ascii: "\"") {
            guard byte >= 0x20 else { throw error("a control character in a string") }
            position += 1
            if byte == UInt8(ascii: "\\") {
                content.append(contentsOf: String(try escape()).utf8)
            } else {
                content.append(byte)
            }
        }
        guard take(UInt8(ascii: "\"")) else { throw error("a string ends early") }
        guard let text = String(validating: content, as: UTF8.self) else {
            throw error("a string is not UTF-8")
        }
        return text
    }

    private mutating func escape() throws(CodexError) -> Unicode.Scalar {
        guard let byte = peek else { throw error("a string ends early") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""): return "\""
        case UInt8(ascii: "\\"): return "\\"
        case UInt8(ascii: "/"): return "/"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try unicodeEscape()
        default: throw error("an unknown escape")
        }
    }

    private mutating func unicodeEscape() throws(CodexError) -> Unicode.Scalar {
        let first = try hexadecimal()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard first < 0xDC00, take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else {
            throw error("half a surrogate pair")
        }
        let second = try hexadecimal()
        guard (0xDC00..<0xE000).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw error("half a surrogate pair") }
        return scalar
    }

    private mutating func hexadecimal() throws(CodexError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = peek, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw error("four hexadecimal digits are expected")
            }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }
}
