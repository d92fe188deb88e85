/// One step of an operation on the list of a key.
package enum MicroOperation: Hashable, Sendable {
    /// Appends a value, which no other operation appends to the key.
    case append(key: Int, value: Int)
    /// Reads the list; `nil` is a list that is not known yet.
    case read(key: Int, list: [Int]?)

    /// The key.
    package var key: Int {
        switch self {
        case .append(let key, _), .read(let key, _): key
        }
    }

    /// Whether it appends.
    package var isAppend: Bool {
        if case .append = self { true } else { false }
    }
}
