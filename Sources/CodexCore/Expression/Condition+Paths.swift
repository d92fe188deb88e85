extension Condition {
    /// Every path that the condition reads.
    package var paths: [DocumentPath] {
        var paths: [DocumentPath] = []
        appendPaths(to: &paths)
        return paths
    }

    /// The top-level attributes whose values decide: all but those that need only be there.
    package var decidingAttributes: Set<ExactName> {
        var paths: [DocumentPath] = []
        appendPaths(to: &paths, withPresence: false)
        return Set(names: paths.map(\.root))
    }

    /// Appends the paths that the condition reads.
    ///
    /// - Parameters:
    ///   - paths: Where they are appended.
    ///   - withPresence: Whether to append attributes of which the condition only asks whether the
    ///     item has them.
    private func appendPaths(to paths: inout [DocumentPath], withPresence: Bool = true) {
        switch self {
        case .compare(let left, _, let right):
            for operand in [left, right] { operand.appendPath(to: &paths) }
        case .between(let operand, let low, let high):
            for operand in [operand, low, high] { operand.appendPath(to: &paths) }
        case .isIn(let operand, let candidates):
            operand.appendPath(to: &paths)
            for candidate in candidates { candidate.appendPath(to: &paths) }
        case .attributeExists(let path), .attributeNotExists(let path):
            if withPresence || !path.steps.isEmpty { paths.append(path) }
        case .attributeType(let path, _): paths.append(path)
        case .beginsWith(let left, let right), .contains(let left, let right):
            for operand in [left, right] { operand.appendPath(to: &paths) }
        case .and(let left, let right), .or(let left, let right):
            left.appendPaths(to: &paths, withPresence: withPresence)
            right.appendPaths(to: &paths, withPresence: withPresence)
        case .not(let condition):
            condition.appendPaths(to: &paths, withPresence: withPresence)
        }
    }
}

extension Condition.Operand {
    fileprivate func appendPath(to paths: inout [DocumentPath]) {
        switch self {
        case .path(let path), .size(let path): paths.append(path)
        case .value: return
        }
    }
}
