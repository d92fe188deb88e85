/// Writes values as text that people read, up to a limit.
///
/// Text from a value is quoted. Characters that a terminal would obey, or would not show, are
/// escaped as in a Swift literal.
struct ValueDescription {
    /// The bytes after which no more values are written.
    static let byteCountMax = 16_384
    /// The bytes of one text, before its characters are escaped, after which it is cut.
    static let textByteCountMax = 512
    /// The bytes of one binary after which it is cut.
    static let binaryByteCountMax = 32
    /// The levels of lists and maps, below which values are left out; an item has 32 at most.
    static let depthMax = 40

    private(set) var text = ""

    private var isFull: Bool { text.utf8.count >= Self.byteCountMax }

    // MARK: Values

    mutating func append(_ value: AttributeValue, depth: Int = 0) {
        switch value {
        case .string(let string): append(quoting: string)
        case .number(let number): text += number.description
        case .binary(let bytes): append(bytes)
        case .bool(let flag): text += flag ? "true" : "false"
        case .null: text += "null"
        case .list(let elements):
            append(elements, from: "[", to: "]", depth) { $0.append($1, depth: depth + 1) }
        case .map(let map): append(map, depth: depth)
        case .stringSet(let set):
            append(set.members, from: "SS[", to: "]", depth) { $0.append(quoting: $1) }
        case .numberSet(let set):
            append(set.members, from: "NS[", to: "]", depth) { $0.text += $1.description }
        case .binarySet(let set):
            append(set.members, from: "BS[", to: "]", depth) { $0.append($1) }
        }
    }

    mutating func append(_ map: AttributeMap, depth: Int = 0) {
        append(map.elements, from: "{", to: "}", depth) { $0.append($1, depth: depth + 1) }
    }

    mutating func append(_ element: AttributeMap.Element, depth: Int = 0) {
        append(quoting: element.name)
        text += ": "
        append(element.value, depth: depth)
    }

    /// Writes elements with commas between them, until the limit of bytes or levels is reached.
    private mutating func append<Element>(
        _ elements: [Element], from start: String, to end: String, _ depth: Int,
        _ write: (inout Self, Element) -> Void
    ) {
        text += start
        for (place, element) in elements.enumerated() {
            if place > 0 { text += ", " }
            guard depth < Self.depthMax, !isFull else {
                text += "…"
                break
            }
            write(&self, element)
        }
        text += end
    }

    // MARK: Bytes and text

    private mutating func append(_ bytes: [UInt8]) {
        text += "<\(bytes.count) \(bytes.count == 1 ? "byte" : "bytes")"
        if !bytes.isEmpty { text += " " }
        for byte in bytes.prefix(Self.binaryByteCountMax) {
            if byte < 0x10 { text += "0" }
            text += String(byte, radix: 16)
        }
        text += bytes.count > Self.binaryByteCountMax ? "…>" : ">"
    }

    private mutating func append(quoting string: String) {
        text += "\""
        var byteCount = 0
        var isCut = false
        for scalar in string.unicodeScalars {
            byteCount += UTF8.width(scalar)
            isCut = byteCount > Self.textByteCountMax
            if isCut { break }
            append(scalar)
        }
        text += isCut ? "…\" (\(string.utf8.count) bytes)" : "\""
    }

    private mutating func append(_ scalar: Unicode.Scalar) {
        switch scalar {
        case "\"": text += "\\\""
        case "\\": text += "\\\\"
        case "\n": text += "\\n"
        case "\r": text += "\\r"
        case "\t": text += "\\t"
        default:
            if scalar.isShown {
                text.unicodeScalars.append(scalar)
            } else {
                text += "\\u{\(String(scalar.value, radix: 16))}"
            }
        }
    }
}

extension Unicode.Scalar {
    /// Whether a terminal shows the scalar, and does nothing else.
    fileprivate var isShown: Bool {
        if isASCII { return value >= 0x20 && value != 0x7F }
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse,
            .unassigned:
            return false
        default: return true
        }
    }
}
