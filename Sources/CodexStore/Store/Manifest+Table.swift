internal import CodexCore

extension Manifest {
    /// The state of an index or counter that is not ready; a ready one has no state.
    enum BuildState: String, Codable {
        /// A bulk load runs: writes do not maintain it.
        case loading
        /// Writes maintain it; the items that were there before are being added.
        case building
        /// A unique index with equal keys: it is complete and maintained, but must not be read.
        case conflicting
    }

    /// Whether values of formats before 4 must be decided.
    ///
    /// Those formats recognized encrypted values by their first bytes.
    enum Undecided: String, Codable {
        /// The items must be examined.
        case unread
        /// The items were examined, and some are left: their keys are missing, or they are damaged.
        case waiting
    }

    /// A tree that must be emptied, by its name after the table's.
    struct Retired: Codable, Hashable {
        let part: String
        /// Whether the tree owns the chunks of its large values, which otherwise belong to the
        /// items.
        let ownsChunks: Bool
    }

    /// A table's numbers, and the states of its indexes and counters.
    struct Table: Codable {
        /// The number by which the log refers to the table; it is never reused.
        let number: Int
        /// The number in the names of the table's trees, which is reused once they are empty.
        ///
        /// `nil` is the table's number.
        var slot: Int?
        var indexes: [String: Int]
        var counters: [String: Int]?
        /// The states, by tree name after the table's: `i3`, `c1`.
        var states: [String: BuildState]?
        /// The unique indexes that were added to a table with items, and were never ready, by tree
        /// name after the table's.
        ///
        /// If the build of such an index finds equal keys, the index is not in force.
        var unproven: [String]?
        /// The layouts of indexes, by tree name after the table's.
        ///
        /// An index without one is from before format 5, and has copies. Indexes of keys only have
        /// none: they always refer.
        var layouts: [String: IndexLayout]?
        /// The trees that will replace those of indexes, by the names of the indexes.
        var relayouts: [String: Relayout]?
        /// Trees of removed indexes and counters that are not empty yet.
        var retired: [Retired]?
        /// The state of values that begin as encrypted ones; `nil` if all are decided.
        var undecided: Undecided?
        /// Whether items may have the second of expiry of a time to live that was removed.
        ///
        /// Meanwhile, no item of the table expires.
        var formerExpiry: Bool?
        /// The number of times to live that were removed while items might still have the seconds
        /// of an earlier one; `nil` is none.
        var formerExpiryCount: Int?

        /// The name of the tree of a table's items, with the given number.
        static func treeName(_ slot: Int) -> String { "t\(slot)" }

        /// The name of the tree of the table's items, with which the names of its parts begin.
        var treeName: String { Self.treeName(slot ?? number) }

        /// The names of the indexes' and counters' trees after the table's.
        var parts: Set<String> {
            Set(indexes.values.map(PartKind.index.part))
                .union((relayouts ?? [:]).values.map { PartKind.index.part($0.number) })
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
        if state == nil { setProven(part) }
    }

    /// Whether an index was added to a table with items, and was never ready.
    func isUnproven(_ part: String) -> Bool { unproven?.contains(part) ?? false }

    /// Records that a unique index was never ready, so that equal keys keep it from being in force.
    mutating func setUnproven(_ part: String) { unproven = (unproven ?? []) + [part] }

    /// Records that an index is in force, also if its next build finds equal keys.
    mutating func setProven(_ part: String) {
        let names = unproven?.filter { $0 != part } ?? []
        unproven = names.isEmpty ? nil : names
    }

    /// Ends the building of all parts: the table is new, so they are ready.
    mutating func endBuilding() { (states, unproven) = (nil, nil) }

    /// The names of the indexes that are not ready, in order.
    var unbuiltIndexes: [String] {
        indexes.filter { state(PartKind.index.part($0.value)) != nil }.keys.sorted()
    }

    /// Assigns numbers to the indexes and counters of a definition that have none, and layouts to
    /// these indexes.
    ///
    /// - Parameters:
    ///   - definition: The table's definition.
    ///   - isNew: Whether the table is empty; otherwise the numbered parts must be built.
    mutating func assignNumbers(_ definition: TableDefinition, isNew: Bool) {
        for index in definition.maintainedIndexes where indexes[index.name] == nil {
            let number = freeNumber(.index)
            let part = PartKind.index.part(number)
            indexes[index.name] = number
            if index.projection != .keysOnly { setLayout(index.initialLayout, part) }
            guard !isNew else { continue }
            setState(.building, part)
            if index.isUnique { setUnproven(part) }
        }
        counters = counters ?? [:]
        for counter in definition.counters where counters?[counter.name] == nil {
            let number = freeNumber(.counter)
            counters?[counter.name] = number
            if !isNew { setState(.building, PartKind.counter.part(number)) }
        }
    }

    /// A number that no part has; a number becomes free only once its old tree is empty.
    func freeNumber(_ kind: PartKind) -> Int {
        let used = parts.union((retired ?? []).map(\.part))
        var number = 1
        while used.contains(kind.part(number)) { number += 1 }
        return number
    }

    /// Records that the tree of a removed part must be emptied.
    mutating func retire(_ part: String, ownsChunks: Bool) {
        setState(nil, part)
        setLayout(nil, part)
        retired = (retired ?? []) + [Manifest.Retired(part: part, ownsChunks: ownsChunks)]
    }

    /// Records that a time to live was removed, and that items may have its seconds.
    ///
    /// A correction that runs for an earlier one may have passed some of them. It starts over if
    /// the count has changed.
    mutating func markFormerExpiry() {
        if formerExpiry == true { formerExpiryCount = (formerExpiryCount ?? 0) &+ 1 }
        formerExpiry = true
    }

    /// Records that no item has a second of a former time to live.
    mutating func forgetFormerExpiry() { (formerExpiry, formerExpiryCount) = (nil, nil) }

    /// Records that a removed tree is empty.
    mutating func forget(_ tree: Manifest.Retired) { retired?.removeAll { $0 == tree } }

    /// Stops the maintenance of the indexes and counters that are ready.
    mutating func beginLoading() {
        for part in parts where state(part) == nil { setState(.loading, part) }
    }

    /// Sets the parts that a load did not maintain to be built.
    mutating func endLoading() {
        for (part, state) in states ?? [:] where state == .loading { setState(.building, part) }
    }
}

/// The kinds of a table's parts apart from its items.
enum PartKind: String, Sendable {
    case index
    case counter

    /// The name of the part's tree with the given number, after the table's.
    func part(_ number: Int) -> String { (self == .index ? "i" : "c") + "\(number)" }
}
