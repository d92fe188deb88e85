internal import CodexCore

extension Manifest {
    /// What an index or counter is not ready for; ready ones have no state.
    enum BuildState: String, Codable {
        /// A bulk load runs: writes do not maintain it.
        case loading
        /// Writes maintain it; what was there before is being added.
        case building
        /// A unique index that found equal keys: complete, maintained, but not to be looked into.
        case conflicting
    }

    /// Whether the values of items that formats before 4 wrote are to be decided: those formats
    /// told encrypted values by how they begin.
    enum Undecided: String, Codable {
        /// The items are to be looked at.
        case unread
        /// They were, and some are left: there were no keys for them, or they are damaged.
        case waiting
    }

    /// A tree that is to be emptied, by its name after the table's.
    struct Retired: Codable, Hashable {
        let part: String
        /// Whether its large values are its own, and not its items'.
        let ownsChunks: Bool
    }

    /// A table's numbers, and the states of its indexes and counters.
    struct Table: Codable {
        /// What items in the log refer to; never used again.
        let number: Int
        /// The number in the names of its trees, which is used again once they are empty; `nil` is
        /// the table's.
        var slot: Int?
        var indexes: [String: Int]
        var counters: [String: Int]?
        /// By tree name after the table's: `i3`, `c1`.
        var states: [String: BuildState]?
        /// Trees of removed indexes and counters that are not empty yet.
        var retired: [Retired]?
        /// What is to be done about values that begin as encrypted ones; `nil` if all are decided.
        var undecided: Undecided?

        /// The name of the tree of a table's items, by the number in it.
        static func treeName(_ slot: Int) -> String { "t\(slot)" }

        /// The name of the tree of its items; those of its parts go on from it.
        var treeName: String { Self.treeName(slot ?? number) }

        /// The names of the indexes' and counters' trees after the table's.
        var parts: Set<String> {
            Set(indexes.values.map(PartKind.index.part))
                .union((counters ?? [:]).values.map(PartKind.counter.part))
        }
    }
}

// MARK: Building and removing

extension Manifest.Table {
    /// The state of an index or counter, by its tree's name after the table's.
    func state(_ part: String) -> Manifest.BuildState? { states?[part] }

    mutating func setState(_ state: Manifest.BuildState?, _ part: String) {
        var states = states ?? [:]
        states[part] = state
        self.states = states
    }

    /// The names of the indexes that are not ready, in order.
    var unbuiltIndexes: [String] {
        indexes.filter { state(PartKind.index.part($0.value)) != nil }.keys.sorted()
    }

    /// Numbers the indexes and counters of a definition that have no number.
    ///
    /// - Parameters:
    ///   - definition: The table's definition.
    ///   - isNew: Whether the table is empty; else what is numbered is to be built.
    mutating func assignNumbers(_ definition: TableDefinition, isNew: Bool) {
        for index in definition.maintainedIndexes where indexes[index.name] == nil {
            let number = freeNumber(.index, Array(indexes.values))
            indexes[index.name] = number
            if !isNew { setState(.building, PartKind.index.part(number)) }
        }
        var counters = counters ?? [:]
        for counter in definition.counters where counters[counter.name] == nil {
            let number = freeNumber(.counter, Array(counters.values))
            counters[counter.name] = number
            if !isNew { setState(.building, PartKind.counter.part(number)) }
        }
        self.counters = counters
    }

    /// A number that no part has; one is free again only once its old tree is empty.
    private func freeNumber(_ kind: PartKind, _ used: [Int]) -> Int {
        var number = 1
        while used.contains(number)
            || retired?.contains(where: { $0.part == kind.part(number) }) == true
        {
            number += 1
        }
        return number
    }

    /// Lets the tree of a part that is removed be emptied.
    mutating func retire(_ part: String, ownsChunks: Bool) {
        setState(nil, part)
        retired = (retired ?? []) + [Manifest.Retired(part: part, ownsChunks: ownsChunks)]
    }

    /// Records that a removed tree is empty.
    mutating func forget(_ tree: Manifest.Retired) { retired?.removeAll { $0 == tree } }

    /// Stops the maintenance of the indexes and counters that are ready.
    mutating func beginLoading() {
        for part in parts where state(part) == nil { setState(.loading, part) }
    }

    /// Lets what a load left behind be built.
    mutating func endLoading() {
        for (part, state) in states ?? [:] where state == .loading { setState(.building, part) }
    }
}

/// What a table has apart from its items.
enum PartKind: String, Sendable {
    case index
    case counter

    /// The name of its tree of that number, after the table's.
    func part(_ number: Int) -> String { (self == .index ? "i" : "c") + "\(number)" }
}
