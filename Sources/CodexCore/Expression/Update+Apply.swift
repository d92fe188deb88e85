extension Update {
    /// The item that the update makes of `item`.
    ///
    /// Call ``validate()`` first.
    ///
    /// - Throws: ``CodexError/Code/invalidExpression`` if an operand is missing or of the wrong
    ///   type; ``CodexError/Code/invalidPath`` if a path's parent is not there;
    ///   ``CodexError/Code/invalidNumber`` if a result is out of range.
    public func apply(to item: Item) throws(CodexError) -> Item {
        var assignments: [(path: DocumentPath, value: AttributeValue)] = []
        var removals: [DocumentPath] = []
        for clause in clauses {
            switch clause {
            case .set(let path, let value): assignments.append((path, try value.resolve(item)))
            case .remove(let path): removals.append(path)
            case .add(let path, let value):
                assignments.append((path, try Self.sum(item[path: path], value)))
            case .delete(let path, let value):
                switch try Self.difference(item[path: path], value) {
                case .unchanged: continue
                case .emptied: removals.append(path)
                case .value(let rest): assignments.append((path, rest))
                }
            }
        }
        var result = AttributeValue.map(item)
        // Ascending indexes, so that several past a list's end append in their order.
        if assignments.count > 1 {
            assignments.sort { Self.indexesPrecede($0.path, $1.path) }
        }
        for (path, value) in assignments {
            try Self.assign(value, at: path.allSteps[...], in: &result)
        }
        // Descending, so that each index still means the element it meant before.
        for path in removals.sorted(by: { Self.indexesPrecede($1, $0) }) {
            // What the update itself appended is not what an index past the old end means.
            if case .index? = path.steps.last, item[path: path] == nil,
                case .list? = item[path: path.parent]
            {
                continue
            }
            try Self.remove(at: path.allSteps[...], in: &result)
        }
        return result.map ?? item
    }

    /// A total order of paths in which list indexes under one list ascend.
    private static func indexesPrecede(_ left: DocumentPath, _ right: DocumentPath) -> Bool {
        for (left, right) in zip(left.allSteps, right.allSteps) {
            switch (left, right) {
            case (.index(let a), .index(let b)) where a != b: return a < b
            case (.name(let a), .name(let b)) where !ByteOrder.equal(a, b):
                return ByteOrder.compare(a, b) < 0
            case (.index, .name): return true
            case (.name, .index): return false
            default: continue
            }
        }
        return left.steps.count < right.steps.count
    }

    private static func sum(
        _ old: AttributeValue?, _ value: AttributeValue
    ) throws(CodexError) -> AttributeValue {
        switch (old, value) {
        case (nil, _): return value
        case (.number(let old)?, .number(let value)): return .number(try old.adding(value))
        case (.stringSet(let old)?, .stringSet(let value)): return .stringSet(old.union(value))
        case (.numberSet(let old)?, .numberSet(let value)): return .numberSet(old.union(value))
        case (.binarySet(let old)?, .binarySet(let value)): return .binarySet(old.union(value))
        default: throw mismatch("ADD")
        }
    }

    private enum Difference {
        case unchanged
        case emptied
        case value(AttributeValue)
    }

    private static func difference(
        _ old: AttributeValue?, _ value: AttributeValue
    ) throws(CodexError) -> Difference {
        switch (old, value) {
        case (nil, _): return .unchanged
        case (.stringSet(let old)?, .stringSet(let value)):
            let rest = old.subtracting(value)
            return rest.members.isEmpty ? .emptied : .value(.stringSet(rest))
        case (.numberSet(let old)?, .numberSet(let value)):
            let rest = old.subtracting(value)
            return rest.members.isEmpty ? .emptied : .value(.numberSet(rest))
        case (.binarySet(let old)?, .binarySet(let value)):
            let rest = old.subtracting(value)
            return rest.members.isEmpty ? .emptied : .value(.binarySet(rest))
        default: throw mismatch("DELETE")
        }
    }

    private static func mismatch(_ name: String) -> CodexError {
        CodexError(
            .invalidExpression, "\(name)'s operand and the stored attribute have different types.")
    }

    private static func assign(
        _ new: AttributeValue, at path: ArraySlice<DocumentPath.Step>,
        in value: inout AttributeValue
    ) throws(CodexError) {
        guard let step = path.first else {
            value = new
            return
        }
        let rest = path.dropFirst()
        switch (step, value) {
        case (.name(let name), .map(var map)):
            if var child = map[name] {
                try assign(new, at: rest, in: &child)
                map[name] = child
            } else if rest.isEmpty {
                map[name] = new
            } else {
                throw noParent
            }
            value = .map(map)
        case (.index(let index), .list(var list)):
            if list.indices.contains(index) {
                try assign(new, at: rest, in: &list[index])
            } else if rest.isEmpty {
                list.append(new)
            } else {
                throw noParent
            }
            value = .list(list)
        default: throw noParent
        }
    }

    private static func remove(
        at path: ArraySlice<DocumentPath.Step>, in value: inout AttributeValue
    ) throws(CodexError) {
        let rest = path.dropFirst()
        switch (path.first, value) {
        case (.name(let name)?, .map(var map)):
            if rest.isEmpty {
                map[name] = nil
            } else {
                guard var child = map[name] else { throw noParent }
                try remove(at: rest, in: &child)
                map[name] = child
            }
            value = .map(map)
        case (.index(let index)?, .list(var list)):
            guard list.indices.contains(index) else {
                if rest.isEmpty { return }
                throw noParent
            }
            if rest.isEmpty {
                list.remove(at: index)
            } else {
                try remove(at: rest, in: &list[index])
            }
            value = .list(list)
        default: throw noParent
        }
    }

    private static var noParent: CodexError {
        CodexError(
            .invalidPath,
            "A path of the update leads through an attribute that is missing or of another type. "
                + "Set the parent map or list first.")
    }
}

extension Update.Value {
    fileprivate func resolve(_ item: Item) throws(CodexError) -> AttributeValue {
        switch self {
        case .operand(let operand): try operand.resolve(item)
        case .sum(let left, let right):
            .number(try left.number(item).adding(try right.number(item)))
        case .difference(let left, let right):
            .number(try left.number(item).subtracting(try right.number(item)))
        }
    }
}

extension Update.Operand {
    fileprivate func resolve(_ item: Item) throws(CodexError) -> AttributeValue {
        switch self {
        case .path(let path):
            guard let value = item[path: path] else {
                throw CodexError(
                    .invalidExpression,
                    "The update reads \(path), which the item does not have. Use ifNotExists.")
            }
            return value
        case .value(let value): return value
        case .ifNotExists(let path, let fallback):
            if let value = item[path: path] { return value }
            return try fallback.resolve(item)
        case .listAppend(let left, let right):
            guard case .list(let head) = try left.resolve(item),
                case .list(let tail) = try right.resolve(item)
            else { throw wrongType("list_append joins lists") }
            // Each element has a byte at least: no item could hold more.
            guard head.count + tail.count <= Limits.itemByteCountMax else {
                throw CodexError(
                    .itemTooLarge,
                    "A list of the update has more elements than an item has bytes. Append less.")
            }
            return .list(head + tail)
        }
    }

    fileprivate func number(_ item: Item) throws(CodexError) -> Number {
        guard let number = try resolve(item).number else { throw wrongType("sums take numbers") }
        return number
    }

    private func wrongType(_ rule: String) -> CodexError {
        CodexError(.invalidExpression, "An operand of the update has the wrong type: \(rule).")
    }
}
