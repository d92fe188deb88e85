extension WriteAction {
    /// Appends an encoding that is the same for two actions exactly if they are equal.
    package func appendCanonical(to bytes: inout [UInt8]) {
        switch self {
        case .put(let table, let item, let condition):
            bytes.append(1)
            Wire.append(table, to: &bytes)
            ValueCodec.append(.map(item), topLevel: false, to: &bytes)
            condition.appendCanonical(to: &bytes)
        case .update(let table, let key, let update, let condition):
            bytes.append(2)
            Wire.append(table, to: &bytes)
            key.appendCanonical(to: &bytes)
            update.appendCanonical(to: &bytes)
            condition.appendCanonical(to: &bytes)
        case .delete(let table, let key, let condition):
            bytes.append(3)
            Wire.append(table, to: &bytes)
            key.appendCanonical(to: &bytes)
            condition.appendCanonical(to: &bytes)
        case .check(let table, let key, let condition):
            bytes.append(4)
            Wire.append(table, to: &bytes)
            key.appendCanonical(to: &bytes)
            condition.appendCanonical(to: &bytes)
        }
    }
}

extension PrimaryKey {
    fileprivate func appendCanonical(to bytes: inout [UInt8]) {
        ValueCodec.append(
            .list([partition] + (sort.map { [$0] } ?? [])), topLevel: false, to: &bytes)
    }
}

extension Condition? {
    fileprivate func appendCanonical(to bytes: inout [UInt8]) {
        bytes.append(self == nil ? 0 : 1)
        self?.appendCanonical(to: &bytes)
    }
}

extension Update {
    fileprivate func appendCanonical(to bytes: inout [UInt8]) {
        Wire.append(UInt64(clauses.count), to: &bytes)
        for clause in clauses {
            switch clause {
            case .set(let path, let value):
                path.appendCanonical(1, to: &bytes)
                value.appendCanonical(to: &bytes)
            case .remove(let path): path.appendCanonical(2, to: &bytes)
            case .add(let path, let value):
                path.appendCanonical(3, to: &bytes)
                ValueCodec.append(value, topLevel: false, to: &bytes)
            case .delete(let path, let value):
                path.appendCanonical(4, to: &bytes)
                ValueCodec.append(value, topLevel: false, to: &bytes)
            }
        }
    }
}

extension Update.Value {
    fileprivate func appendCanonical(to bytes: inout [UInt8]) {
        switch self {
        case .operand(let operand):
            bytes.append(1)
            operand.appendCanonical(to: &bytes)
        case .sum(let left, let right):
            bytes.append(2)
            left.appendCanonical(to: &bytes)
            right.appendCanonical(to: &bytes)
        case .difference(let left, let right):
            bytes.append(3)
            left.appendCanonical(to: &bytes)
            right.appendCanonical(to: &bytes)
        }
    }
}

extension Update.Operand {
    fileprivate func appendCanonical(to bytes: inout [UInt8]) {
        switch self {
        case .path(let path): path.appendCanonical(1, to: &bytes)
        case .value(let value):
            bytes.append(2)
            ValueCodec.append(value, topLevel: false, to: &bytes)
        case .ifNotExists(let path, let operand):
            path.appendCanonical(3, to: &bytes)
            operand.appendCanonical(to: &bytes)
        case .listAppend(let left, let right):
            bytes.append(4)
            left.appendCanonical(to: &bytes)
            right.appendCanonical(to: &bytes)
        }
    }
}
