// What comes and goes: an index, a counter, and the time to live of passes. And what changes: the
// layouts of indexes.

extension Checker {
    /// Checks that scans and copies have the index and the counter if they were added last, that
    /// indexes have the layouts that they were given last, and that refusals of changes are right.
    mutating func checkSchema() {
        for scan in history.scans {
            let rule: Finding.Rule = scan.completed == .max ? .finalState : .snapshot
            let steps = scan.invoked...scan.completed
            checkAdditions(of: scan, steps, rule)
            if scan.isBuilt { checkLayouts(of: scan, steps, rule) }
        }
        for copy in history.copies {
            if let steps = copy.newestSteps { checkAdditions(of: copy, steps, .copies) }
            if copy.isBuilt { checkLayouts(of: copy, copy.newestSteps, .copies) }
        }
        for change in history.schemaChanges where change.outcome == .refused {
            let names = names(of: change.part, change.invoked, change.completed)
            guard !names.contains(change.name) else { continue }
            add(
                .refusal, "a change of the schema was refused without a reason",
                "\(change.part), step \(change.invoked)")
        }
    }

    private mutating func checkAdditions(
        of look: History.Look, _ steps: ClosedRange<Int>, _ rule: Finding.Rule
    ) {
        let parts: [(History.SchemaPart, isThere: Bool)] = [
            (.index, look.scan.byV != nil), (.counter, look.scan.addedTotals != nil),
        ]
        for (part, isThere) in parts {
            let names = names(of: part, steps.lowerBound, steps.upperBound)
            guard !names.contains(where: { ($0 != nil) == isThere }) else { continue }
            add(
                rule,
                isThere
                    ? "\(look.name) has a removed \(part)" : "\(look.name) lacks an added \(part)",
                "step \(look.invoked)")
        }
    }

    /// The layouts of the indexes in the beginning.
    private static let firstLayouts = ["byG": "copies", "byU": "references"]

    /// Checks that no index is still getting another layout, and that each has the right one.
    ///
    /// If it is not known when the state was the newest, an index may have each of the layouts.
    private mutating func checkLayouts(
        of look: History.Look, _ steps: ClosedRange<Int>?, _ rule: Finding.Rule
    ) {
        for (name, first) in Self.firstLayouts.sorted(by: { $0.key < $1.key }) {
            let names: Set<String?> =
                steps.map { self.names(of: .layout(name), $0.lowerBound, $0.upperBound) }
                ?? ["copies", "references"]
            let possible = Set(names.map { $0 ?? first })
            let layout = look.scan.layouts?[name] ?? "none"
            guard !possible.contains(layout) else { continue }
            add(
                rule, "an index of \(look.name) has another layout",
                "\(name): \(layout), not \(possible.sorted())")
        }
    }

    /// The names that a part of the schema may have in a state which lasted from one step to
    /// another; `nil` is nothing.
    private func names(
        of part: History.SchemaPart, _ invoked: Int, _ completed: Int
    ) -> Set<String?> {
        let changes = history.schemaChanges.filter { $0.part == part && $0.outcome != .refused }
        let made = changes.filter { $0.outcome == .made && $0.completed < invoked }
        let possible = changes.filter { change in
            change.invoked <= completed && !made.contains { $0.invoked > change.completed }
        }
        var names = Set(possible.map(\.name))
        // There is nothing in the beginning.
        if made.isEmpty { names.insert(nil) }
        return names
    }

    // MARK: The time to live

    /// What may decide when passes are over, in a state that lasted from one step to another.
    ///
    /// After a change of the time to live, the builder gives each pass its end. Until it is done,
    /// some passes have none.
    func lifetimes(_ invoked: Int, _ completed: Int, isBuilt: Bool = false) -> Set<Lifetime> {
        let names = names(of: .timeToLive, invoked, completed)
        var lifetimes = Set(names.map { name in name.flatMap(Lifetime.init(rawValue:)) ?? .never })
        if !isBuilt, !isSettled(invoked, completed) { lifetimes.insert(.never) }
        return lifetimes
    }

    /// All that may ever have decided it.
    var knownLifetimes: Set<Lifetime> {
        let names = history.schemaChanges.filter { $0.part == .timeToLive }.compactMap(\.name)
        return Set(names.compactMap(Lifetime.init(rawValue:))).union([.never])
    }

    /// Whether the builder was done, before a step, with all changes of the time to live that were
    /// sent before another one.
    private func isSettled(_ invoked: Int, _ completed: Int) -> Bool {
        let changes = history.schemaChanges.filter {
            $0.part == .timeToLive && $0.outcome != .refused && $0.invoked <= completed
        }
        let made = changes.filter { $0.outcome == .made && $0.completed < invoked }
        // The change of a process that was killed may come later, unless another one came since.
        let isKnown = changes.allSatisfy { change in
            change.outcome == .made || made.contains { $0.invoked > change.completed }
        }
        let last = changes.map(\.completed).max() ?? 0
        return isKnown && history.builds.contains { $0.invoked > last && $0.completed < invoked }
    }
}
