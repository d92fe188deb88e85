/// The parts of an item that a read returns.
///
/// Nested paths and list elements keep their shape.
public struct Projection: Sendable {
    /// The paths to keep.
    public let paths: [DocumentPath]
    /// The paths as a tree, which is built once for all items; they are numbered by their order.
    let tree: PathTree
    /// The names that are kept, if each path is a top-level name; `nil` if a path has further
    /// steps.
    package let topLevelNames: Set<ExactName>?

    /// Creates a projection of at least one path.
    ///
    /// - Throws: ``CodexError/Code/invalidExpression`` if there is no path, or if two of them
    ///   overlap.
    public init(_ paths: [DocumentPath]) throws(CodexError) {
        guard !paths.isEmpty else {
            throw CodexError(.invalidExpression, "A projection names at least one path.")
        }
        tree = PathTree(try DocumentPath.sortedDisjoint(paths)[...])
        self.paths = paths
        topLevelNames =
            paths.allSatisfy { $0.steps.isEmpty } ? Set(names: paths.map(\.root)) : nil
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
