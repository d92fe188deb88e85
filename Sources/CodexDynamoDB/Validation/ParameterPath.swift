internal import CodexCore

/// The place of a value in a request, as messages show it.
struct ParameterPath {
    /// The path with lowercase first letters, such as `keySchema.1.member.keyType`.
    private(set) var text = ""
    /// The path with the names of the service model, which has no numbers of elements.
    private(set) var plain = ""

    /// The path of a member of the structure here.
    func member(_ name: String) -> ParameterPath {
        var path = self
        let separator = text.isEmpty ? "" : "."
        path.text += separator + Self.lowercased(name)
        path.plain += separator + name
        return path
    }

    /// The path of an element of the list here; the first one has number 1.
    func element(_ number: Int) -> ParameterPath {
        var path = self
        path.text += ".\(number).member"
        path.plain += ".member"
        return path
    }

    /// The path of a value of the map here.
    func entry(_ key: String) -> ParameterPath {
        var path = self
        path.text += ".\(key.abbreviated()).member"
        path.plain += ".\(key.abbreviated()).member"
        return path
    }

    /// A name with a lowercase first letter.
    static func lowercased(_ name: String) -> String {
        name.prefix(1).lowercased() + name.dropFirst()
    }
}
