/// Paths as a tree: the steps below one place of an item.
struct PathTree: Sendable {
    /// A step, and the paths that continue below it.
    struct Branch: Sendable {
        let step: DocumentPath.Step
        /// The UTF-8 bytes of the step's name; empty for an index.
        let name: [UInt8]
        /// The step's index; meaningless for a name.
        let index: Int
        let rest: PathTree

        init(_ step: DocumentPath.Step, _ rest: PathTree) {
            self.step = step
            self.rest = rest
            switch step {
            case .name(let name):
                self.name = Array(name.utf8)
                index = -1
            case .index(let index):
                name = []
                self.index = index
            }
        }

        var isIndex: Bool {
            if case .index = step { true } else { false }
        }
    }

    /// The number of the path that ends here, from its position among all paths; `nil` if none
    /// does.
    let end: Int?
    /// The steps below the place in the order of ``DocumentPath/Step/order(_:_:)``: indexes first.
    let branches: [Branch]
    /// The position of the first branch that is a name.
    let firstName: Int

    /// Creates the tree of the remaining steps of paths.
    ///
    /// - Parameters:
    ///   - paths: Distinct, ordered paths with the same steps before `depth`.
    ///   - depth: The position of the next step; 0 is the root's name.
    init(_ paths: ArraySlice<DocumentPath>, depth: Int = 0) {
        var rest = paths
        var (end, branches): (Int?, [Branch]) = (nil, [])
        // A path that ends here comes before the paths below it.
        if let first = rest.first, first.step(at: depth) == nil {
            end = rest.startIndex
            rest = rest.dropFirst()
        }
        while let step = rest.first?.step(at: depth) {
            let group = rest.prefix { $0.step(at: depth) == step }
            branches.append(Branch(step, PathTree(group, depth: depth + 1)))
            rest = rest[group.endIndex...]
        }
        self.end = end
        self.branches = branches
        firstName = branches.firstIndex { !$0.isIndex } ?? branches.count
    }

    /// The tree below the attribute `name`; `nil` if no path contains it.
    func tree(named name: String) -> PathTree? {
        var (low, high) = (firstName, branches.count)
        while low < high {
            let middle = (low + high) / 2
            let order = DocumentPath.Step.order(branches[middle].step, .name(name))
            if order == 0 { return branches[middle].rest }
            if order < 0 { low = middle + 1 } else { high = middle }
        }
        return nil
    }
}

// MARK: Stored values

extension PathTree {
    /// Whether one of the paths has a value; `values` has those that were found, by number.
    func hasValue(in values: [StoredValue?]) -> Bool {
        if let end { return values[end] != nil }
        return branches.contains { $0.rest.hasValue(in: values) }
    }
}

// MARK: Decoded values

extension PathTree {
    /// The parts of a map that the paths name, which are disjoint.
    ///
    /// The function iterates over the smaller of the two, names or attributes, and looks each up in
    /// the other.
    func kept(of map: AttributeMap) -> AttributeMap {
        var kept: [AttributeMap.Element] = []
        func keep(_ element: AttributeMap.Element, _ tree: PathTree) {
            guard let value = tree.kept(of: element.value) else { return }
            kept.append(AttributeMap.Element(name: element.name, value: value))
        }
        if branches.count <= map.count {
            for branch in branches {
                guard case .name(let name) = branch.step, let place = map.index(of: name) else {
                    continue
                }
                keep(map.elements[place], branch.rest)
            }
        } else {
            for element in map.elements {
                if let tree = tree(named: element.name) { keep(element, tree) }
            }
        }
        return AttributeMap(uncheckedSorted: kept)
    }

    private func kept(of value: AttributeValue) -> AttributeValue? {
        if end != nil { return value }
        switch value {
        case .map(let map):
            let kept = kept(of: map)
            return kept.isEmpty ? nil : .map(kept)
        case .list(let list):
            let kept = branches.compactMap { branch -> AttributeValue? in
                guard case .index(let index) = branch.step, list.indices.contains(index) else {
                    return nil
                }
                return branch.rest.kept(of: list[index])
            }
            return kept.isEmpty ? nil : .list(kept)
        default: return nil
        }
    }
}
