internal import CodexCore

/// The fields of an object that a pattern tests, as a tree.
///
/// The branches of the pattern share one tree. Each part of it says which branches an event
/// satisfies there. So each value of an event is visited once, for all branches together.
struct EventFields: Sendable, Hashable {
    /// A field that branches test as a value, or as an object of more fields.
    ///
    /// Two members may have one name: branches of `$or` can test a field in both ways.
    struct Member: Sendable, Hashable {
        let name: String
        let content: Content
    }

    /// What a field is tested as.
    enum Content: Sendable, Hashable {
        case values(EventValues)
        case fields(EventFields)
    }

    let members: [Member]
    /// The names of the members, each once, in the order of their bytes.
    let names: [String]
    /// The paths of all values below, in the order in which Event Ruler takes them.
    let paths: [EventValues]
    /// The branches that are satisfied if the event has no object here, or one with none of the
    /// members.
    let ifAbsent: BitSet
    let scope: EventScope
}

/// The tests of the values of one path.
struct EventValues: Sendable, Hashable {
    /// A list of permitted values, and the branches that have it.
    struct Condition: Sendable, Hashable {
        let permitted: PermittedValues
        let branches: BitSet
    }

    /// The place of the path in the order of all paths.
    let path: Int
    let conditions: [Condition]
    /// The branches that do not test the path.
    let others: BitSet
    /// The branches that are satisfied if the event has no value here.
    let ifAbsent: BitSet
    let scope: EventScope
}

/// What all parts of a pattern share.
struct EventScope: Sendable, Hashable {
    /// All branches.
    let branches: BitSet
    let noBranches: BitSet
    let noPaths: BitSet
    /// Whether a list of the pattern permits that there is no value.
    let permitsAbsence: Bool

    init(_ pattern: EventBranches) {
        branches = BitSet.all(below: pattern.branches.count)
        noBranches = BitSet(below: pattern.branches.count)
        noPaths = BitSet(below: pattern.paths.count)
        permitsAbsence = pattern.lists.contains { $0.permitsAbsence }
    }
}

// MARK: Making the tree

extension EventFields {
    /// A path of the pattern, from some name on.
    private struct Entry {
        let names: ArraySlice<String>
        let values: EventValues
    }

    init(_ pattern: EventBranches) {
        let scope = EventScope(pattern)
        let order = pattern.paths.indices.sorted {
            EventPath.precedes(pattern.paths[$0], pattern.paths[$1])
        }
        let values = order.enumerated().map { place, index in
            EventValues(pattern, path: index, place: place, scope)
        }
        let entries = zip(order, values).map { index, values in
            Entry(names: pattern.paths[index].names[...], values: values)
        }
        self.init(entries, scope)
    }

    private init(_ entries: [Entry], _ scope: EventScope) {
        var (members, names): ([Member], [String]) = ([], [])
        for group in Self.groups(entries) {
            guard let first = group.first, let name = first.names.first else { continue }
            names.append(name)
            for entry in group where entry.names.count == 1 {
                members.append(Member(name: name, content: .values(entry.values)))
            }
            let deeper = group.filter { $0.names.count > 1 }.map {
                Entry(names: $0.names.dropFirst(), values: $0.values)
            }
            if !deeper.isEmpty {
                members.append(Member(name: name, content: .fields(EventFields(deeper, scope))))
            }
        }
        var ifAbsent = scope.branches
        for entry in entries { ifAbsent.formIntersection(entry.values.ifAbsent) }
        names.sort { ByteOrder.compare($0, $1) < 0 }
        self.init(
            members: members, names: names, paths: entries.map(\.values), ifAbsent: ifAbsent,
            scope: scope)
    }

    /// The entries by their first name, each group in the order of the entries.
    private static func groups(_ entries: [Entry]) -> [[Entry]] {
        var groups: [[Entry]] = []
        var indices: [EventPath: Int] = [:]
        for entry in entries {
            let name = EventPath(names: Array(entry.names.prefix(1)))
            let index = indices[name] ?? groups.count
            if index == groups.count {
                indices[name] = index
                groups.append([])
            }
            groups[index].append(entry)
        }
        return groups
    }
}

extension EventValues {
    /// Gathers the tests of a path from all branches.
    ///
    /// - Parameters:
    ///   - pattern: The pattern.
    ///   - index: The index of the path in the pattern.
    ///   - place: The place of the path in the order of all paths.
    ///   - scope: What all parts of the pattern share.
    fileprivate init(_ pattern: EventBranches, path index: Int, place: Int, _ scope: EventScope) {
        var users: [Int: BitSet] = [:]
        var others = scope.branches
        for (branch, lists) in pattern.branches.enumerated() {
            guard let list = lists[index] else { continue }
            users[list, default: scope.noBranches].insert(branch)
        }
        for branches in users.values { others.subtract(branches) }
        let conditions = users.keys.sorted().map { list in
            Condition(
                permitted: pattern.lists[list], branches: users[list] ?? scope.noBranches)
        }
        var ifAbsent = others
        for condition in conditions where condition.permitted.permitsAbsence {
            ifAbsent.formUnion(condition.branches)
        }
        self.init(
            path: place, conditions: conditions, others: others, ifAbsent: ifAbsent, scope: scope)
    }
}
