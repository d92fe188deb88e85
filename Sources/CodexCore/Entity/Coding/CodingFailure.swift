/// The index of an element, as a key of a coding path.
struct IndexKey: CodingKey {
    let index: Int

    init(_ index: Int) { self.index = index }

    init?(intValue: Int) { self.init(intValue) }

    init?(stringValue: String) { nil }

    var stringValue: String { "Index \(index)" }
    var intValue: Int? { index }
}

/// The key of a value that a class encodes for its superclass.
struct SuperKey: CodingKey {
    let stringValue = "super"
    var intValue: Int? { nil }

    init() {}

    init?(stringValue: String) { nil }

    init?(intValue: Int) { nil }
}

/// The text of a path to a value: `parts[1].quantity`.
struct CodingPathText {
    /// The whole path; the keys of dictionaries in it are user data.
    private(set) var whole = ""
    /// The path for a message: `*` stands for each key of a dictionary.
    private(set) var shown = ""

    /// The path to an attribute of an item.
    init(_ name: String) { (whole, shown) = (name, name.abbreviated()) }

    init(_ path: [any CodingKey]) {
        for key in path {
            if let index = key as? IndexKey {
                add("[\(index.index)]")
            } else {
                if !whole.isEmpty { add(".") }
                whole += key.stringValue
                shown += Self.isData(key) ? "*" : key.stringValue
            }
        }
        shown = shown.abbreviated()
    }

    /// The place in a message.
    var place: String { whole.isEmpty ? "The item" : "The attribute \(shown)" }

    private mutating func add(_ text: String) {
        whole += text
        shown += text
    }

    /// Whether the key comes from data: its type takes a name that no program has.
    private static func isData<Key: CodingKey>(_ key: Key) -> Bool {
        Key(stringValue: "\u{1}codex") != nil
    }
}

/// The errors of values that a type cannot read, or that cannot be stored.
enum CodingFailure {
    /// A value of another attribute type than the field's.
    static func otherType(
        _ path: CodingPathText, _ found: AttributeType, expected: AttributeType, _ type: String
    ) -> CodexError {
        CodexError(
            .typeMismatch,
            "\(path.place) is \(found.phrase), and \(type) needs \(expected.phrase). Change "
                + "the field's type, or raise the schemaVersion and convert the attribute in "
                + "upgrade(_:from:)."
        ).at(path: path.whole)
    }

    /// A value of the field's attribute type that the field's type does not accept.
    static func otherValue(
        _ path: CodingPathText, _ found: AttributeType?, _ type: String, isCase: Bool = false
    ) -> CodexError {
        let problem =
            isCase
            ? "has a value that is none of the cases of \(type)"
            : "has a value that is no \(type)"
        return CodexError(
            .typeMismatch,
            "\(path.place) \(problem)\(found.map { "; it is \($0.phrase)" } ?? ""). Accept the "
                + "value in the type, or raise the schemaVersion and convert it in "
                + "upgrade(_:from:)."
        ).at(path: path.whole)
    }

    /// A field that the item lacks.
    ///
    /// - Parameters:
    ///   - path: The field.
    ///   - type: Its type; `nil` if it is not known.
    /// - Returns: An error with the code ``CodexError/Code/missingAttribute``.
    static func missing(_ path: CodingPathText, _ type: String?) -> CodexError {
        CodexError(
            .missingAttribute,
            "The item lacks the attribute \(path.shown)"
                + (type.map { ", a field of type \($0)" } ?? "") + ". Make the field optional, or "
                + "raise the schemaVersion and add the attribute in upgrade(_:from:)."
        ).at(path: path.whole)
    }

    /// A list that ends before the type has read all that it needs.
    static func short(_ path: CodingPathText, _ count: Int, _ type: String) -> CodexError {
        CodexError(
            .typeMismatch,
            "\(path.place) has \(count) elements, and one more is needed: \(type). Raise the "
                + "schemaVersion and add it in upgrade(_:from:)."
        ).at(path: path.whole)
    }

    /// A value for which the code of a type has thrown an error of its own.
    static func refused(
        _ path: CodingPathText, _ function: String, cause: any Error
    ) -> CodexError {
        CodexError(
            .typeMismatch,
            "\(path.place) was refused by \(function) of its type. See the error's cause.",
            cause: cause
        ).hidingCause.at(path: path.whole)
    }

    /// A value that no attribute can have.
    static func notStorable(_ path: CodingPathText, _ error: CodexError) -> CodexError {
        guard error.attributePath == nil, !path.whole.isEmpty else { return error }
        return CodexError(
            error.code, "The value of \(path.shown) cannot be stored. \(error.message)",
            cause: error.cause
        ).at(path: path.whole)
    }
}

extension AttributeType {
    /// The type in a sentence, with DynamoDB's name: `a string (S)`.
    package var phrase: String {
        let words =
            switch self {
            case .string: "a string"
            case .number: "a number"
            case .binary: "binary data"
            case .bool: "a Boolean"
            case .null: "null"
            case .list: "a list"
            case .map: "a map"
            case .stringSet: "a set of strings"
            case .numberSet: "a set of numbers"
            case .binarySet: "a set of binaries"
            }
        return "\(words) (\(rawValue))"
    }
}
