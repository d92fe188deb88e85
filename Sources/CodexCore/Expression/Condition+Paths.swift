extension Condition {
    /// Every path that the condition reads.
    package var paths: [DocumentPath] {
        switch self {
        case .compare(let left, _, let right): left.paths + right.paths
        case .between(let operand, let low, let high): operand.paths + low.paths + high.paths
        case .isIn(let operand, let candidates): operand.paths + candidates.flatMap(\.paths)
        case .attributeExists(let path), .attributeNotExists(let path),
            .attributeType(let path, _):
            [path]
        case .beginsWith(let left, let right), .contains(let left, let right):
            left.paths + right.paths
        case .and(let left, let right), .or(let left, let right): left.paths + right.paths
        case .not(let condition): condition.paths
        }
    }
}

extension Condition.Operand {
    fileprivate var paths: [DocumentPath] {
        switch self {
        case .path(let path), .size(let path): [path]
        case .value: []
        }
    }
}
