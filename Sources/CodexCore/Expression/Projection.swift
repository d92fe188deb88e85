/// The parts of an item that a read returns.
///
/// Nested paths and list elements keep their shape.
public struct Projection: Sendable, Hashable {
    /// The paths to keep.
    public let paths: [DocumentPath]

    /// Creates a projection of at least one path.
    ///
    /// - Throws: ``CodexError/Code/invalidExpression`` if there is no path, or if two of them
    ///   overlap.
    public init(_ paths: [DocumentPath]) throws(CodexError) {
        guard !paths.isEmpty else {
            throw CodexError(.invalidExpression, "A projection names at least one path.")
        }
        try Self.requireDisjoint(paths)
        self.paths = paths
    }

    /// Refuses two paths of which one contains the other.
    static func requireDisjoint(_ paths: [DocumentPath]) throws(CodexError) {
        if paths.count < 2 { return }
        // Only paths of one root can.
        var byRoot: [String: [DocumentPath]] = [:]
        for path in paths {
            for other in byRoot[path.root] ?? [] where path.conflicts(with: other) {
                throw CodexError(
                    .invalidExpression, "Two paths of one expression overlap: \(path), \(other).")
            }
            byRoot[path.root, default: []].append(path)
        }
    }

    /// The parts of `item` that the projection keeps.
    public func apply(to item: Item) -> Item {
        guard case .map(let map)? = Self.keep(.map(item), paths.map { $0.allSteps[...] }) else {
            return Item()
        }
        return map
    }

    private static func keep(
        _ value: AttributeValue, _ paths: [ArraySlice<DocumentPath.Step>]
    ) -> AttributeValue? {
        if paths.contains(where: \.isEmpty) { return value }
        let groups = Dictionary(grouping: paths) { $0.first }
        switch value {
        case .map(let map):
            var kept = AttributeMap()
            for (step, paths) in groups {
                guard case .name(let name)? = step, let child = map[name] else { continue }
                kept[name] = keep(child, paths.map { $0.dropFirst() })
            }
            return kept.isEmpty ? nil : .map(kept)
        case .list(let list):
            let kept = list.enumerated().compactMap { index, child in
                groups[.index(index)].flatMap { keep(child, $0.map { $0.dropFirst() }) }
            }
            return kept.isEmpty ? nil : .list(kept)
        default: return nil
        }
    }
}
