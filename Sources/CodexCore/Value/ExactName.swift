/// A name as a member of a set, or as a key of a dictionary.
///
/// Two names are equal if their UTF-8 bytes are, as in DynamoDB (``ByteOrder``). Swift's `String`
/// takes canonically equivalent spellings for equal, such as `é` as one character and as two. A set
/// of strings therefore has one of two names of attributes that an item can have beside each other.
package struct ExactName: Sendable, Hashable {
    /// The name.
    package let text: String

    /// Makes the key of a name.
    package init(_ text: String) { self.text = text }

    /// Compares the bytes.
    package static func == (lhs: Self, rhs: Self) -> Bool { ByteOrder.equal(lhs.text, rhs.text) }

    /// Hashes the bytes, so that equivalent spellings of a name do not share a hash.
    package func hash(into hasher: inout Hasher) {
        var copy = text
        copy.withUTF8 { unsafe hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}

extension ExactName: ExpressibleByStringLiteral {
    /// Makes the key of a name.
    package init(stringLiteral value: String) { self.init(value) }
}

extension Set<ExactName> {
    /// Makes a set of names, each once.
    package init(names: some Sequence<String>) { self.init(names.lazy.map(ExactName.init(_:))) }

    /// Whether a name is in the set.
    package func contains(_ name: String) -> Bool { contains(ExactName(name)) }

    /// Adds a name.
    ///
    /// - Returns: Whether it was not in the set.
    @discardableResult
    package mutating func add(_ name: String) -> Bool { insert(ExactName(name)).inserted }
}
