internal import CodexCore

/// What a part of an event satisfies of a pattern.
private struct Outcome {
    /// The branches whose tests of this part are passed, or which have none.
    var branches: BitSet
    /// The paths that have a value in this part.
    var paths: BitSet
}

extension EventFields {
    /// Whether an event satisfies all tests of one branch.
    ///
    /// - Parameters:
    ///   - envelope: The event.
    ///   - steps: Grows with the work: by one for each object's field or member that is looked at,
    ///     and for each value that is compared with a list of tests.
    /// - Returns: Whether one branch is satisfied.
    /// - Complexity: Each value is visited once and compared with each test of its path at most
    ///   once. Objects take O(*n* log *m* + *e m b*) more: *n* is the number of their fields, *m*
    ///   that of the pattern's fields, *e* that of the objects with one of these fields, and *b* a
    ///   64th of the pattern's branches.
    func match(_ envelope: AttributeMap, steps: inout Int) -> Bool {
        !outcome(of: envelope, &steps).branches.isEmpty
    }

    private func outcome(of value: AttributeValue?, _ steps: inout Int) -> Outcome {
        switch value {
        case .map(let map)?: outcome(of: map, &steps)
        case .list(let elements)?: outcome(of: elements, &steps)
        default: outcomeOfAbsence
        }
    }

    /// What is satisfied if the event has none of the members.
    private var outcomeOfAbsence: Outcome { Outcome(branches: ifAbsent, paths: scope.noPaths) }

    private func outcome(of map: AttributeMap, _ steps: inout Int) -> Outcome {
        guard hasMember(in: map, &steps) else { return outcomeOfAbsence }
        var outcome = Outcome(branches: scope.branches, paths: scope.noPaths)
        for member in members {
            steps += 1
            let value = map[member.name]
            let found =
                switch member.content {
                case .values(let values): values.outcome(of: value, &steps)
                case .fields(let fields): fields.outcome(of: value, &steps)
                }
            outcome.branches.formIntersection(found.branches)
            outcome.paths.formUnion(found.paths)
            // With tests of absence, the paths of further members count too.
            if outcome.branches.isEmpty, !scope.permitsAbsence { break }
        }
        return outcome
    }

    /// Whether an object has one of the members.
    ///
    /// Most objects of a long list may have none. Then nothing else is done for them.
    private func hasMember(in map: AttributeMap, _ steps: inout Int) -> Bool {
        // The shorter one is walked, so that the steps are no more than the fields of the object.
        guard map.count < names.count else {
            return names.contains { name in
                steps += 1
                return map[name] != nil
            }
        }
        return map.contains { element in
            steps += 1
            return isName(element.name)
        }
    }

    private func isName(_ name: String) -> Bool {
        var (low, high) = (0, names.count)
        while low < high {
            let middle = low + (high - low) / 2
            let order = ByteOrder.compare(names[middle], name)
            if order == 0 { return true }
            if order < 0 { low = middle + 1 } else { high = middle }
        }
        return false
    }

    // MARK: Lists

    /// What a list of objects satisfies: all fields of a branch must be of the same element.
    private func outcome(of elements: [AttributeValue], _ steps: inout Int) -> Outcome {
        if scope.permitsAbsence { return outcomeWithAbsence(of: elements, &steps) }
        var found = outcomeOfAbsence
        for element in elements where element.isContainer {
            found.branches.formUnion(outcome(of: element, &steps).branches)
            if found.branches.isSuperset(of: scope.branches) { break }
        }
        return found
    }

    /// What a list satisfies if values may be absent.
    ///
    /// Event Ruler takes the paths of a branch in order. The first one that has a value in the list
    /// chooses the element of all others. A path before it is absent if no element has it; a path
    /// after it is absent if the chosen element does not have it.
    private func outcomeWithAbsence(
        of elements: [AttributeValue], _ steps: inout Int
    ) -> Outcome {
        var found: [Outcome] = []
        var paths = scope.noPaths
        for element in elements where element.isContainer {
            let part = outcome(of: element, &steps)
            // No path chooses an element that has no value.
            guard !part.paths.isEmpty else { continue }
            paths.formUnion(part.paths)
            found.append(part)
        }
        if found.isEmpty { return outcomeOfAbsence }
        let (choices, others) = self.choices(paths)
        var branches = others
        for element in found {
            steps += choices.count
            var chosen = scope.noBranches
            for choice in choices where element.paths.contains(choice.path) {
                chosen.formUnion(choice.branches)
            }
            chosen.formIntersection(element.branches)
            branches.formUnion(chosen)
        }
        return Outcome(branches: branches, paths: paths)
    }

    /// The branches by the path that chooses their element.
    ///
    /// - Returns: The branches of each path that chooses, and those that no path chooses for: they
    ///   permit that all their values are absent.
    private func choices(
        _ present: BitSet
    ) -> (choices: [(path: Int, branches: BitSet)], others: BitSet) {
        var open = scope.branches
        var choices: [(path: Int, branches: BitSet)] = []
        for values in paths {
            guard present.contains(values.path) else {
                open.formIntersection(values.ifAbsent)
                continue
            }
            var users = open
            users.subtract(values.others)
            open.formIntersection(values.others)
            if !users.isEmpty { choices.append((values.path, users)) }
        }
        return (choices, open)
    }
}

extension EventValues {
    fileprivate func outcome(of value: AttributeValue?, _ steps: inout Int) -> Outcome {
        var outcome = Outcome(branches: others, paths: scope.noPaths)
        if let value { add(value, to: &outcome, &steps) }
        if !outcome.paths.contains(path) { outcome.branches = ifAbsent }
        return outcome
    }

    /// Adds what a value satisfies.
    ///
    /// A list satisfies what any of its elements does, and a set what any of its members does,
    /// since JSON has it as a list. An object is no value.
    private func add(
        _ value: AttributeValue, to outcome: inout Outcome, _ steps: inout Int
    ) {
        switch value {
        case .map: break
        case .list(let elements):
            for element in elements { add(element, to: &outcome, &steps) }
        case .stringSet(let set):
            for text in set.members { test(.string(text), &outcome, &steps) }
        case .numberSet(let set):
            for number in set.members { test(.number(number), &outcome, &steps) }
        case .binarySet(let set):
            for bytes in set.members { test(.string(Base64.encode(bytes)), &outcome, &steps) }
        case .binary(let bytes): test(.string(Base64.encode(bytes)), &outcome, &steps)
        case .string, .number, .bool, .null: test(value, &outcome, &steps)
        }
    }

    private func test(
        _ value: AttributeValue, _ outcome: inout Outcome, _ steps: inout Int
    ) {
        steps += 1
        outcome.paths.insert(path)
        for condition in conditions
        where !outcome.branches.isSuperset(of: condition.branches)
            && condition.permitted.permit(value)
        {
            outcome.branches.formUnion(condition.branches)
        }
    }
}

extension AttributeValue {
    /// Whether an element of a list may have fields.
    fileprivate var isContainer: Bool {
        switch self {
        case .map, .list: true
        default: false
        }
    }
}
