extension Condition {
    /// Appends an encoding that is the same for two conditions exactly if they are equal.
    package func appendCanonical(to bytes: inout [UInt8]) {
        switch self {
        case .compare(let left, let comparator, let right):
            bytes.append(1)
            Wire.append(comparator.rawValue, to: &bytes)
            left.appendCanonical(to: &bytes)
            right.appendCanonical(to: &bytes)
        case .between(let operand, let low, let high):
            bytes.append(2)
            for operand in [operand, low, high] { operand.appendCanonical(to: &bytes) }
        case .isIn(let operand, let candidates):
            bytes.append(3)
            operand.appendCanonical(to: &bytes)
            Wire.append(UInt64(candidates.count), to: &bytes)
            for candidate in candidates { candidate.appendCanonical(to: &bytes) }
        case .attributeExists(let path): path.appendCanonical(4, to: &bytes)
        case .attributeNotExists(let path): path.appendCanonical(5, to: &bytes)
        case .attributeType(let path, let type):
            path.appendCanonical(6, to: &bytes)
            Wire.append(type.rawValue, to: &bytes)
        case .beginsWith(let left, let right):
            bytes.append(7)
            left.appendCanonical(to: &bytes)
            right.appendCanonical(to: &bytes)
        case .contains(let left, let right):
            bytes.append(8)
            left.appendCanonical(to: &bytes)
            right.appendCanonical(to: &bytes)
        case .and(let left, let right):
            bytes.append(9)
            left.appendCanonical(to: &bytes)
            right.appendCanonical(to: &bytes)
        case .or(let left, let right):
            bytes.append(10)
            left.appendCanonical(to: &bytes)
            right.appendCanonical(to: &bytes)
        case .not(let condition):
            bytes.append(11)
            condition.appendCanonical(to: &bytes)
        }
    }
}

extension Condition.Operand {
    fileprivate func appendCanonical(to bytes: inout [UInt8]) {
        switch self {
        case .path(let path): path.appendCanonical(1, to: &bytes)
        case .value(let value):
            bytes.append(2)
            ValueCodec.append(value, topLevel: false, to: &bytes)
        case .size(let path): path.appendCanonical(3, to: &bytes)
        }
    }
}

extension DocumentPath {
    func appendCanonical(_ tag: UInt8, to bytes: inout [UInt8]) {
        bytes.append(tag)
        Wire.append(UInt64(allSteps.count), to: &bytes)
        for step in allSteps {
            switch step {
            case .name(let name):
                bytes.append(1)
                Wire.append(name, to: &bytes)
            case .index(let index):
                bytes.append(2)
                Wire.append(UInt64(index), to: &bytes)
            }
        }
    }
}

extension Condition {
    /// The number of operators and functions; an `IN` counts once for each operand.
    package var operatorCount: Int {
        switch self {
        case .and(let left, let right), .or(let left, let right):
            left.operatorCount + right.operatorCount + 1
        case .not(let condition): condition.operatorCount + 1
        case .isIn(_, let candidates): candidates.count
        default: 1
        }
    }
}
