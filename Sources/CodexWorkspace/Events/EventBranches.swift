internal import CodexCore

/// The names that lead from an event to a field.
struct EventPath: Sendable, Hashable {
    let names: [String]

    /// Compares names by bytes.
    static func == (lhs: Self, rhs: Self) -> Bool {
        lhs.names.count == rhs.names.count
            && zip(lhs.names, rhs.names).allSatisfy { ByteOrder.equal($0, $1) }
    }

    /// Hashes the names; canonically equivalent names may share a hash.
    func hash(into hasher: inout Hasher) { hasher.combine(names) }

    /// The order in which Event Ruler takes fields: that of Java's strings.
    static func precedes(_ lhs: Self, _ rhs: Self) -> Bool {
        lhs.names.joined(separator: ".").utf16.lexicographicallyPrecedes(
            rhs.names.joined(separator: ".").utf16)
    }
}

/// A pattern as the branches that its `$or` make; an event must match one of them.
///
/// A branch has a list of permitted values for each of its paths, and all must match. If `$or`
/// repeats a path, the later list replaces the earlier one, as in Event Ruler.
struct EventBranches {
    /// A branch: its paths, and the list of each, as indices of ``paths`` and ``lists``.
    typealias Branch = [Int: Int]

    /// The distinct paths of all branches.
    private(set) var paths: [EventPath] = []
    /// The lists of permitted values, in the order of the pattern.
    private(set) var lists: [PermittedValues] = []
    /// The branches: one without a path, until some are added.
    var branches: [Branch] = [[:]]

    private var indices: [EventPath: Int] = [:]

    /// Adds a list of permitted values for a path to all present branches.
    mutating func add(_ permitted: PermittedValues, at path: EventPath) {
        let index = indices[path] ?? paths.count
        if index == paths.count {
            indices[path] = index
            paths.append(path)
        }
        lists.append(permitted)
        for branch in branches.indices { branches[branch][index] = lists.count - 1 }
    }
}
