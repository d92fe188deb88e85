internal import CodexCore

extension JSONNode {
    /// The JSON on one line.
    var oneLineText: String {
        var writer = JSONWriter()
        write(to: &writer, indentation: nil)
        return writer.text
    }

    /// The JSON on several lines, each level indented by two spaces.
    var indentedText: String {
        var writer = JSONWriter()
        write(to: &writer, indentation: 0)
        return writer.text
    }

    /// Appends the JSON.
    ///
    /// - Parameters:
    ///   - writer: Where it is appended.
    ///   - level: The level of the node; `nil` is one line.
    private func write(to writer: inout JSONWriter, indentation level: Int?) {
        switch self {
        case .null: writer.raw("null")
        case .bool(let flag): writer.raw(flag ? "true" : "false")
        case .number(let digits): writer.raw(digits)
        case .string(let text): writer.string(text)
        case .array(let nodes):
            Self.write(nodes, "[", "]", to: &writer, level) { node, writer in
                node.write(to: &writer, indentation: level.map { $0 + 1 })
            }
        case .object(let members):
            Self.write(members, "{", "}", to: &writer, level) { member, writer in
                writer.string(member.name)
                writer.raw(level == nil ? ":" : ": ")
                member.value.write(to: &writer, indentation: level.map { $0 + 1 })
            }
        }
    }

    private static func write<Element>(
        _ elements: [Element], _ open: String, _ close: String, to writer: inout JSONWriter,
        _ level: Int?, _ write: (Element, inout JSONWriter) -> Void
    ) {
        func breakLine(_ level: Int?, _ writer: inout JSONWriter) {
            if let level { writer.raw("\n" + String(repeating: "  ", count: level)) }
        }
        writer.raw(open)
        for (place, element) in elements.enumerated() {
            if place > 0 { writer.raw(",") }
            breakLine(level.map { $0 + 1 }, &writer)
            write(element, &writer)
        }
        if !elements.isEmpty { breakLine(level, &writer) }
        writer.raw(close)
    }
}
