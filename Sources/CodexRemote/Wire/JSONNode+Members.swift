internal import CodexCore

extension JSONNode {
    /// The value of an object's member, or `nil`.
    subscript(name: String) -> JSONNode? {
        guard case .object(let members) = self else { return nil }
        return members.first { ByteOrder.equal($0.name, name) }?.value
    }

    /// The text of a string, or `nil`.
    var text: String? {
        if case .string(let text) = self { text } else { nil }
    }

    /// The integer of a number, or `nil`.
    var integer: Int? {
        if case .number(let text) = self { Int(text) } else { nil }
    }

    /// The elements of an array, or none.
    var elements: [JSONNode] {
        if case .array(let nodes) = self { nodes } else { [] }
    }
}
