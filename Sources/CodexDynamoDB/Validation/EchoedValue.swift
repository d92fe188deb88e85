internal import CodexCore

/// A value of a request, as AWS's messages show it.
///
/// Texts and numbers are shown as they are, lists and structures as Java prints them. The members
/// of a structure are in the order of ``RequestTable``, and a missing one is `null`. Attribute
/// values are never shown. A long value is cut.
struct EchoedValue {
    /// A table's name that is too long by one character is shown as a whole.
    static let byteCountMax = 300
    /// The most bytes of a text that is shown without its escapes.
    private static let textByteCountMax = 4 << 10

    private let shapes = RequestShapes.all
    private var text = ""
    private var byteCountLeft = EchoedValue.byteCountMax
    private var isCut = false

    private init() {}

    /// The value of a shape that begins at the cursor.
    static func text(_ index: Int, _ cursor: JSONCursor) -> String {
        var echo = EchoedValue()
        if echo.shapes[index].isJSON {
            echo.addJSON(index, cursor)
        } else {
            echo.add(index, cursor)
        }
        return echo.text
    }

    /// A text, by the range of its bytes as it was written; of a long one, the beginning.
    static func text(of range: Range<Int>, in cursor: JSONCursor) -> String {
        var quote = cursor.moved(to: range.lowerBound - 1)
        if let text = quote.string(byteCountMax: textByteCountMax) { return text }
        return writtenText(of: range, in: cursor)
    }

    /// A text as it was written, with its escapes; of a long one, the beginning.
    private static func writtenText(of range: Range<Int>, in cursor: JSONCursor) -> String {
        let end = min(range.upperBound, range.lowerBound + textByteCountMax)
        return cursor.text(range.lowerBound..<end)
    }

    private mutating func add(_ part: String) {
        guard !isCut else { return }
        isCut = part.utf8.count > byteCountLeft
        text += part.abbreviated(byteCount: byteCountLeft)
        byteCountLeft = max(0, byteCountLeft - part.utf8.count)
    }

    // MARK: Java

    private mutating func add(_ index: Int, _ cursor: JSONCursor) {
        guard !isCut else { return }
        let shape = shapes[index]
        switch shape.kind {
        case .string, .name:
            var cursor = cursor
            add(Self.text(of: cursor.takeWrittenText(), in: cursor))
        case .integer, .long:
            var cursor = cursor
            add(cursor.takeInteger().map(String.init) ?? "")
        case .boolean: add(cursor.type == .yes ? "true" : "false")
        case .value: add("AttributeValue(…)")
        case .unchecked: add("…")
        case .list: addList(shape, cursor)
        case .map: addMap(shape, cursor)
        case .structure: addStructure(index, cursor)
        }
    }

    private mutating func addList(_ shape: RequestShape, _ cursor: JSONCursor) {
        var cursor = cursor
        _ = cursor.take(UInt8(ascii: "["))
        var separator = "["
        while !isCut, cursor.nextElement() {
            add(separator)
            if cursor.isAtNull { add("null") } else { add(shape.element, cursor) }
            cursor.skip()
            separator = ", "
        }
        add(separator == "[" ? "[]" : "]")
    }

    private mutating func addMap(_ shape: RequestShape, _ cursor: JSONCursor) {
        var cursor = cursor
        _ = cursor.take(UInt8(ascii: "{"))
        var separator = "{"
        while !isCut, let name = cursor.nextWrittenName() {
            add(separator + Self.text(of: name, in: cursor) + "=")
            if cursor.isAtNull { add("null") } else { add(shape.element, cursor) }
            cursor.skip()
            separator = ", "
        }
        add(separator == "{" ? "{}" : "}")
    }

    private mutating func addStructure(_ index: Int, _ cursor: JSONCursor) {
        let shape = shapes[index]
        var separator = shapes.name(index) + "("
        for (offset, position) in shapes.positions(of: shape, at: cursor).enumerated() {
            let name = shapes.name(ofMember: offset, shape)
            add(separator + ParameterPath.lowercased(name) + "=")
            if let position {
                add(shapes.shape(ofMember: offset, shape), cursor.moved(to: position))
            } else {
                add("null")
            }
            separator = ", "
        }
        add(")")
    }

    // MARK: JSON

    private mutating func addJSON(_ index: Int, _ cursor: JSONCursor) {
        guard !isCut else { return }
        let shape = shapes[index]
        switch (shape.kind, cursor.type) {
        case (.value, _), (.unchecked, _): add("{…}")
        case (_, .object): addJSONObject(shape, cursor)
        case (_, .array): addJSONArray(shape, cursor)
        case (_, .string):
            var cursor = cursor
            add("\"\(Self.writtenText(of: cursor.takeWrittenText(), in: cursor))\"")
        case (.integer, _), (.long, _):
            var cursor = cursor
            add(cursor.takeInteger().map(String.init) ?? "")
        default: add(cursor.type == .yes ? "true" : cursor.type == .no ? "false" : "null")
        }
    }

    private mutating func addJSONObject(_ shape: RequestShape, _ cursor: JSONCursor) {
        var cursor = cursor
        _ = cursor.take(UInt8(ascii: "{"))
        var separator = "{"
        while !isCut, let name = cursor.nextWrittenName() {
            let element: Int? =
                shape.kind == .map
                ? shape.element
                : shapes.offset(of: name, in: cursor, shape)
                    .map { shapes.shape(ofMember: $0, shape) }
            if let element, !cursor.isAtNull {
                add("\(separator)\"\(Self.writtenText(of: name, in: cursor))\":")
                addJSON(element, cursor)
                separator = ","
            }
            cursor.skip()
        }
        add(separator == "{" ? "{}" : "}")
    }

    private mutating func addJSONArray(_ shape: RequestShape, _ cursor: JSONCursor) {
        var cursor = cursor
        _ = cursor.take(UInt8(ascii: "["))
        var separator = "["
        while !isCut, cursor.nextElement() {
            add(separator)
            addJSON(shape.element, cursor)
            cursor.skip()
            separator = ","
        }
        add(separator == "[" ? "[]" : "]")
    }
}
