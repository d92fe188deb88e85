/// The paths that a condition reads, as a tree.
struct ConditionPaths {
    /// The paths in their order, each once.
    private let paths: [DocumentPath]
    /// The paths as a tree; they are numbered by their order.
    let tree: PathTree

    init(_ condition: Condition) {
        // No item is nested more deeply, so longer paths have no value.
        let paths = condition.paths.filter { $0.steps.count <= DynamoDBLimits.nestingDepthMax }
        var distinct: [DocumentPath] = []
        for path in paths.sorted(by: { DocumentPath.order($0, $1) < 0 })
        where distinct.last != path {
            distinct.append(path)
        }
        self.paths = distinct
        tree = PathTree(distinct[...])
    }

    /// The number of paths.
    var count: Int { paths.count }

    /// The number of a path; `nil` if no value can be there.
    func number(of path: DocumentPath) -> Int? {
        var (low, high) = (0, paths.count)
        while low < high {
            let middle = (low + high) / 2
            let order = DocumentPath.order(paths[middle], path)
            if order == 0 { return middle }
            if order < 0 { low = middle + 1 } else { high = middle }
        }
        return nil
    }
}
