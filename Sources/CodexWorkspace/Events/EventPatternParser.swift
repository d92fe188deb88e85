internal import CodexCore

/// A reader of event patterns, by the grammar of Event Ruler.
///
/// `$or` is an operator if a list of two or more objects follows it, none of which has a reserved
/// name. If a pattern cannot be read in that way, each `$or` in it is the name of a field.
struct EventPatternParser {
    /// Whether `$or` is the operator.
    private let readsOr: Bool
    /// The product of the lengths of all lists of `$or`.
    private var combinationCount = 1
    private var pattern = EventBranches()

    private init(readsOr: Bool) { self.readsOr = readsOr }

    /// Reads a pattern.
    ///
    /// - Throws: ``CodexError/Code/invalidPattern`` with the error and its place.
    static func parse(_ node: JSONNode) throws(CodexError) -> EventBranches {
        var parser = EventPatternParser(readsOr: true)
        do throws(CodexError) {
            try parser.object(node, at: [], isInOr: false)
            return parser.pattern
        } catch {
            guard !parser.hasTooManyCombinations else { throw error }
            var other = EventPatternParser(readsOr: false)
            guard (try? other.object(node, at: [], isInOr: false)) != nil else { throw error }
            return other.pattern
        }
    }

    /// The error of a pattern, with its place.
    static func invalid(_ names: [String], _ problem: String) -> CodexError {
        let place = names.isEmpty ? "the pattern" : names.joined(separator: ".")
        return CodexError(.invalidPattern, "Malformed event pattern at \(place): \(problem).")
    }

    private mutating func object(
        _ node: JSONNode, at names: [String], isInOr: Bool
    ) throws(CodexError) {
        guard case .object(let members) = node else {
            throw Self.invalid(names, "an object of fields is expected")
        }
        guard !members.isEmpty else {
            throw Self.invalid(names, "an empty object matches nothing")
        }
        for (name, value) in members {
            if readsOr, name == "$or" {
                try alternatives(value, at: names)
            } else {
                try field(value, at: names + [name], isInOr: isInOr)
            }
        }
    }

    private mutating func field(
        _ node: JSONNode, at names: [String], isInOr: Bool
    ) throws(CodexError) {
        if isInOr, let name = names.last, Self.reservedNames.contains(name) {
            throw Self.invalid(names, "\(name) is reserved, and cannot be a field within $or")
        }
        switch node {
        case .object: try object(node, at: names, isInOr: isInOr)
        case .array(let nodes):
            pattern.add(try PermittedValues(nodes, at: names), at: EventPath(names: names))
        default: throw Self.invalid(names, "values stand in a list")
        }
    }

    // MARK: $or

    /// Continues each branch with each of the alternatives.
    private mutating func alternatives(
        _ node: JSONNode, at names: [String]
    ) throws(CodexError) {
        guard case .array(let nodes) = node, nodes.count >= 2 else {
            throw Self.invalid(names + ["$or"], "two patterns or more are expected")
        }
        try count(nodes.count, at: names)
        let start = pattern.branches
        var branches: [EventBranches.Branch] = []
        for node in nodes {
            pattern.branches = start
            try object(node, at: names, isInOr: true)
            branches += pattern.branches
        }
        pattern.branches = branches
    }

    private var hasTooManyCombinations: Bool {
        combinationCount > CodexFlow.Limits.eventPatternCombinationCountMax
    }

    private mutating func count(_ alternativeCount: Int, at names: [String]) throws(CodexError) {
        // Both factors are small: the limit, and the number of values in a pattern.
        combinationCount *= alternativeCount
        guard !hasTooManyCombinations else {
            throw Self.invalid(
                names + ["$or"],
                "more than \(CodexFlow.Limits.eventPatternCombinationCountMax) combinations")
        }
    }

    /// The names that a field cannot have within `$or`: operators, and words kept for more.
    private static let reservedNames: Set<String> = [
        "exactly", "equals-ignore-case", "prefix", "suffix", "anything-but", "exists", "wildcard",
        "numeric", "cidr", "=", "<", "<=", ">", ">=", "regex", "not-wildcard",
        "not-equals-ignore-case", "date-after", "date-on-or-after", "date-before",
        "date-on-or-before", "in-date-range", "ip-address-in-range", "ip-address-not-in-range",
    ]
}
