/// A shape of values in requests, as ``RequestTable`` describes it.
///
/// It has no reference to other memory, so a check copies shapes at no cost. It refers to the parts
/// of ``RequestShapes`` by their indexes.
struct RequestShape: Sendable {
    enum Kind: String, Sendable {
        case structure, list, map, string, integer, long, boolean, name, value, unchecked
    }

    let kind: Kind
    /// The members of a structure.
    var members = 0..<0
    /// The bits of the members whose absence is a violation like others.
    var required: UInt32 = 0
    /// The bits of the members whose absence is reported alone.
    var present: UInt32 = 0
    /// The shape of a list's elements, of a map's values, or of a table's name.
    var element = 0
    /// The shape of a map's keys.
    var key = 0
    var constraints = 0..<0
    /// Whether a violation is reported after all others, alone, and without the value.
    var isPlain = false
    /// Whether messages show the value as JSON.
    var isJSON = false

    /// The most members of a structure: ``required`` has a bit for each.
    static let memberCountMax = 32
}

/// A constraint of a shape.
struct RequestConstraint: Sendable {
    enum Kind: Sendable {
        /// The least value of a number, or the least length of a text, list or map.
        case minimum
        /// The largest value, or the largest length.
        case maximum
        /// The characters of names.
        case pattern
        /// One of some words.
        case choice
        /// A map that is not empty, with a message of its own.
        case filled
    }

    let kind: Kind
    /// The limit of a minimum or maximum.
    var number = 0
    /// The words of a choice, by their indexes.
    var words = 0..<0
}
