import Codex

/// A parameter of a tool: its JSON Schema, and the check of its values.
struct ToolParameter: Sendable {
    /// The values of a parameter.
    enum Kind: Sendable {
        case text, integer, flag, texts
        /// Any JSON value.
        case json
        /// One of some texts.
        case choice([String])
        /// A list of some texts.
        case choices([String])
    }

    let name: String
    let kind: Kind
    /// What the name does not tell a model; empty if there is nothing.
    let summary: String
    let isRequired: Bool

    /// Creates an optional parameter.
    init(_ name: String, _ kind: Kind, _ summary: String = "", isRequired: Bool = false) {
        self.name = name
        self.kind = kind
        self.summary = summary
        self.isRequired = isRequired
    }

    /// The same parameter, which each call must have.
    var required: Self { Self(name, kind, summary, isRequired: true) }

    /// The JSON Schema of the values.
    var schema: AttributeMap {
        var schema: AttributeMap =
            switch kind {
            case .text: ["type": "string"]
            case .integer: ["type": "integer"]
            case .flag: ["type": "boolean"]
            case .texts: ["type": "array", "items": ["type": "string"]]
            case .json: [:]
            case .choice(let texts): ["type": "string", "enum": texts.attributeValue]
            case .choices(let texts):
                [
                    "type": "array",
                    "items": .map(["type": "string", "enum": texts.attributeValue]),
                ]
            }
        if !summary.isEmpty { schema["description"] = .string(summary) }
        return schema
    }

    /// Whether the schema accepts a value.
    func accepts(_ value: AttributeValue) -> Bool {
        switch (kind, value) {
        case (.json, _), (.text, .string), (.flag, .bool): true
        case (.integer, .number(let number)): number.int64 != nil
        case (.texts, .list(let values)): values.allSatisfy { $0.string != nil }
        case (.choice(let texts), .string(let text)): texts.contains(text)
        case (.choices(let texts), .list(let values)):
            values.allSatisfy { value in value.string.map { texts.contains($0) } ?? false }
        default: false
        }
    }
}

/// The arguments of a call of a tool, which its parameters accept.
struct ToolArguments: Sendable {
    private let values: AttributeMap

    /// Checks arguments; `null` is an argument that was not given.
    ///
    /// - Throws: ``CodexError/Code/invalidArgument``, with names of parameters and no values.
    init(_ given: AttributeMap, for parameters: [ToolParameter]) throws(CodexError) {
        values = AttributeMap(given.filter { $0.value != .null }.map { ($0.name, $0.value) })
        let names = Set(parameters.map(\.name))
        guard names.isSuperset(of: values.names) else {
            let known = names.sorted().joined(separator: ", ")
            throw CodexError(
                .invalidArgument, "The tool has no such parameter. It has: \(known).")
        }
        for parameter in parameters {
            guard let value = values[parameter.name] else {
                guard !parameter.isRequired else { throw Self.missing(parameter.name) }
                continue
            }
            guard parameter.accepts(value) else {
                throw CodexError(
                    .invalidArgument, "The value of \(parameter.name) does not fit its schema.")
            }
        }
    }

    private static func missing(_ name: String) -> CodexError {
        CodexError(.invalidArgument, "The argument \(name) is missing.")
    }

    func text(_ name: String) -> String? { values[name]?.string }

    func integer(_ name: String) -> Int? { values[name].flatMap(Int.init(attributeValue:)) }

    func flag(_ name: String) -> Bool? { values[name].flatMap(Bool.init(attributeValue:)) }

    func texts(_ name: String) -> [String] {
        values[name].flatMap([String].init(attributeValue:)) ?? []
    }

    func json(_ name: String) -> AttributeValue? { values[name] }

    func requiredText(_ name: String) throws(CodexError) -> String {
        guard let text = text(name) else { throw Self.missing(name) }
        return text
    }

    func requiredInteger(_ name: String) throws(CodexError) -> Int {
        guard let integer = integer(name) else { throw Self.missing(name) }
        return integer
    }

    func identifier<Model>(_ name: String) throws(CodexError) -> Identifier<Model>? {
        guard let text = text(name) else { return nil }
        return try Identifier<Model>(text)
    }

    func requiredIdentifier<Model>(_ name: String) throws(CodexError) -> Identifier<Model> {
        try Identifier<Model>(try requiredText(name))
    }

    /// The case of an enumeration; its parameter accepts no other text.
    func choice<Choice: RawRepresentable<String>>(_ name: String) -> Choice? {
        text(name).flatMap(Choice.init(rawValue:))
    }

    func choices<Choice: RawRepresentable<String> & Hashable>(_ name: String) -> Set<Choice> {
        Set(texts(name).compactMap(Choice.init(rawValue:)))
    }
}
