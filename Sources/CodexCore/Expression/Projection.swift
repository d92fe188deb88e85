/// The parts of an item that a read returns.
///
/// Nested paths and list elements keep their shape.
public struct Projection: Sendable {
    /// The paths to keep.
    public let paths: [DocumentPath]
    /// The paths as a tree, which is built once for all items.
    private let tree: PathTree
    /// The names that are kept, if each path is a top-level name; `nil` if a path has further
    /// steps.
    package let topLevelNames: Set<String>?

    /// Creates a projection of at least one path.
    ///
    /// - Throws: ``CodexError/Code/invalidExpression`` if there is no path, or if two of them
    ///   overlap.
    public init(_ paths: [DocumentPath]) throws(CodexError) {
        guard !paths.isEmpty else {
            throw CodexError(.invalidExpression, "A projection names at least one path.")
        }
        tree = PathTree(try DocumentPath.sortedDisjoint(paths)[...], depth: 0)
        self.paths = paths
        topLevelNames =
            paths.allSatisfy { $0.steps.isEmpty } ? Set(paths.map(\.root)) : nil
    }

    /// The parts of `item` that the projection keeps.
    ///
    /// - Complexity: O(*m* log *n*) at each depth, where *m* is the smaller and *n* the larger of
    ///   the numbers of paths and of attributes.
    public func apply(to item: Item) -> Item { tree.kept(of: item) }
}

extension Projection: Hashable {
    /// Compares the paths in the order in which they were given.
    public static func == (lhs: Self, rhs: Self) -> Bool { lhs.paths == rhs.paths }

    /// Hashes the paths.
    public func hash(into hasher: inout Hasher) { hasher.combine(paths) }
}

/// Paths as a tree: the steps below one place of an item.
private struct PathTree: Sendable {
    private struct Branch: Sendable {
        let step: DocumentPath.Step
        let rest: PathTree
    }

    /// The steps below the place, ascending; empty if the whole place is kept.
    private var branches: [Branch] = []

    /// Creates the tree of the remaining steps of paths.
    ///
    /// - Parameters:
    ///   - paths: Disjoint, ordered paths with the same steps before `depth`.
    ///   - depth: The position of the next step; 0 is the root's name.
    init(_ paths: ArraySlice<DocumentPath>, depth: Int) {
        var rest = paths
        while let step = rest.first?.step(at: depth) {
            let group = rest.prefix { $0.step(at: depth) == step }
            branches.append(Branch(step: step, rest: PathTree(group, depth: depth + 1)))
            rest = rest[group.endIndex...]
        }
    }

    /// The parts of a map that the paths name.
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
        if branches.isEmpty { return value }
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

    /// The tree below the attribute `name`; `nil` if no path contains it.
    private func tree(named name: String) -> PathTree? {
        var (low, high) = (0, branches.count)
        while low < high {
            let middle = (low + high) / 2
            let order = DocumentPath.Step.order(branches[middle].step, .name(name))
            if order == 0 { return branches[middle].rest }
            if order < 0 { low = middle + 1 } else { high = middle }
        }
        return nil
    }
}
