/// Event Ruler's search, as its README describes it, without any cleverness.
///
/// An event is flattened to its values, each with its path and with the elements of lists that it
/// is in. A pattern is expanded to branches. Then values are tried for each path of a branch, in
/// the order of the paths, as long as no two are in different elements of one list.
struct EventPatternOracle {
    /// A value of an event.
    struct Leaf {
        let path: String
        let value: Value
        /// The index in each list, by the number of the list.
        let elements: [Int: Int]
    }

    /// An event or a part of it.
    indirect enum Value: Equatable {
        case text(String)
        case number(Int)
        case null
        case list([Value])
        case object([String: Value])
    }

    /// A test of a value, or of its absence.
    indirect enum Test {
        case equal(Value)
        case prefix(String)
        case above(Int)
        case present
        case absent
        case anythingBut([Test])
    }

    /// The fields of a pattern.
    struct Fields {
        var lists: [(name: String, tests: [Test])] = []
        var objects: [Object] = []
        var alternatives: [Fields] = []
    }

    /// A field of a pattern that has fields itself. (The compiler finds a circular reference in a
    /// tuple.)
    struct Object {
        let name: String
        let fields: Fields
    }

    typealias Branch = [String: [Test]]

    // MARK: Branches

    /// The branches of a pattern that continues `branches`.
    static func branches(
        _ fields: Fields, under prefix: String = "", _ branches: [Branch] = [[:]]
    ) -> [Branch] {
        var branches = branches
        for (name, tests) in fields.lists {
            for index in branches.indices { branches[index][prefix + name] = tests }
        }
        for object in fields.objects {
            branches = Self.branches(object.fields, under: prefix + object.name + ".", branches)
        }
        guard !fields.alternatives.isEmpty else { return branches }
        return fields.alternatives.flatMap { Self.branches($0, under: prefix, branches) }
    }

    // MARK: Events

    private var leaves: [Leaf] = []
    private var listCount = 0

    init(_ event: Value) { flatten(event, "", [:]) }

    private mutating func flatten(_ value: Value, _ path: String, _ elements: [Int: Int]) {
        switch value {
        case .object(let members):
            for (name, member) in members {
                flatten(member, path.isEmpty ? name : path + "." + name, elements)
            }
        case .list(let values):
            let list = listCount
            listCount += 1
            for (index, element) in values.enumerated() {
                var within = elements
                if element.isContainer { within[list] = index }
                flatten(element, path, within)
            }
        default: leaves.append(Leaf(path: path, value: value, elements: elements))
        }
    }

    // MARK: The search

    /// Whether the event matches a pattern.
    func matches(_ fields: Fields) -> Bool {
        Self.branches(fields).contains { branch in
            let paths = branch.keys.sorted { Array($0.utf16).lexicographicallyPrecedes($1.utf16) }
            return matches(branch, paths[...], [:])
        }
    }

    private func matches(
        _ branch: Branch, _ paths: ArraySlice<String>, _ chosen: [Int: Int]
    ) -> Bool {
        guard let path = paths.first, let tests = branch[path] else { return true }
        let found = leaves.filter { leaf in
            leaf.path == path
                && leaf.elements.allSatisfy { chosen[$0.key] == nil || chosen[$0.key] == $0.value }
        }
        if found.isEmpty, tests.contains(where: { $0.isAbsent }),
            matches(branch, paths.dropFirst(), chosen)
        {
            return true
        }
        return found.contains { leaf in
            tests.contains { $0.passes(leaf.value) }
                && matches(
                    branch, paths.dropFirst(), chosen.merging(leaf.elements) { first, _ in first })
        }
    }
}

extension EventPatternOracle.Value {
    fileprivate var isContainer: Bool {
        switch self {
        case .list, .object: true
        default: false
        }
    }

    /// The value as JSON.
    var json: String {
        switch self {
        case .text(let text): "\"\(text)\""
        case .number(let number): "\(number)"
        case .null: "null"
        case .list(let values): "[" + values.map(\.json).joined(separator: ",") + "]"
        case .object(let members):
            "{" + members.map { "\"\($0.key)\":" + $0.value.json }.joined(separator: ",") + "}"
        }
    }
}

extension EventPatternOracle.Test {
    fileprivate var isAbsent: Bool {
        if case .absent = self { true } else { false }
    }

    fileprivate func passes(_ value: EventPatternOracle.Value) -> Bool {
        switch (self, value) {
        case (.equal(let other), _): other == value
        case (.prefix(let start), .text(let text)): text.hasPrefix(start)
        case (.above(let bound), .number(let number)): number > bound
        case (.present, _): true
        case (.anythingBut(let tests), _): !tests.contains { $0.passes(value) }
        default: false
        }
    }

    /// The test as JSON of a pattern.
    var json: String {
        switch self {
        case .equal(let value): value.json
        case .prefix(let start): #"{"prefix":"\#(start)"}"#
        case .above(let bound): #"{"numeric":[">",\#(bound)]}"#
        case .present: #"{"exists":true}"#
        case .absent: #"{"exists":false}"#
        case .anythingBut(let tests):
            #"{"anything-but":["# + tests.map(\.json).joined(separator: ",") + "]}"
        }
    }
}

extension EventPatternOracle.Fields {
    var isEmpty: Bool { lists.isEmpty && objects.isEmpty && alternatives.isEmpty }

    /// The fields as JSON of a pattern, in the order in which the branches are made.
    var json: String {
        var members = lists.map { list in
            "\"\(list.name)\":[" + list.tests.map(\.json).joined(separator: ",") + "]"
        }
        members += objects.map { "\"\($0.name)\":" + $0.fields.json }
        if !alternatives.isEmpty {
            members.append("\"$or\":[" + alternatives.map(\.json).joined(separator: ",") + "]")
        }
        return "{" + members.joined(separator: ",") + "}"
    }
}
