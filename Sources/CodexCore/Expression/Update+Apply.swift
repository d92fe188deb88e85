extension Update {
    /// The item after the update of `item`.
    ///
    /// Call ``validate()`` first. REMOVE and DELETE of a path whose parent exists change nothing if
    /// there is no value. An update that only removes creates no item: a store does not apply it to
    /// a missing one.
    ///
    /// - Throws: ``CodexError/Code/invalidExpression`` if an operand is missing or of the wrong
    ///   type. ``CodexError/Code/invalidPath`` if the parent of a path does not exist.
    ///   ``CodexError/Code/invalidNumber`` if a result is out of range.
    ///   ``CodexError/Code/itemTooLarge`` if the values that it sets are together larger than an
    ///   item may be.
    /// - Complexity: O(*n* + *m* log *m*) for an item and operands of *n* values, and *m* clauses,
    ///   independent of how operands refer to each other.
    public func apply(to item: Item) throws(CodexError) -> Item {
        var room = UpdateRoom()
        var edits: [UpdateEdit] = []
        edits.reserveCapacity(clauses.count)
        for clause in clauses {
            if let edit = try Self.edit(clause, item, &room) { edits.append(edit) }
        }
        return try UpdateEdit.apply(edits, to: item)
    }

    /// The edit that a clause makes; `nil` if it changes nothing.
    private static func edit(
        _ clause: Clause, _ item: Item, _ room: inout UpdateRoom
    ) throws(CodexError) -> UpdateEdit? {
        switch clause {
        case .set(let path, let value):
            return UpdateEdit(path: path, value: try value.resolve(item, &room))
        case .remove(let path): return UpdateEdit(path: path, value: nil)
        case .add(let path, let value):
            return UpdateEdit(path: path, value: try sum(item[path: path], value, &room))
        case .delete(let path, let value):
            switch try difference(item[path: path], value) {
            case .unchanged:
                guard item.hasParent(of: path) else { throw UpdateEdit.noParent }
                return nil
            case .emptied: return UpdateEdit(path: path, value: nil)
            case .value(let rest): return UpdateEdit(path: path, value: rest)
            }
        }
    }

    private static func sum(
        _ old: AttributeValue?, _ value: AttributeValue, _ room: inout UpdateRoom
    ) throws(CodexError) -> AttributeValue {
        // The sum contains the added value, so its size is checked before the union.
        try room.take(value)
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
            .invalidExpression, "\(name)'s operand and the stored attribute have different types.",
            .operandMismatch)
    }
}

extension AttributeMap {
    /// Whether the parent of a path is there, and of the type that the path's last step needs.
    fileprivate func hasParent(of path: DocumentPath) -> Bool {
        guard let last = path.steps.last else { return true }
        switch (last, self[path: path.parent]) {
        case (.name, .some(.map)), (.index, .some(.list)): return true
        default: return false
        }
    }
}

/// The bytes that an update may still put into an item.
///
/// The paths of an update do not overlap, so the resulting item contains every value that it sets.
/// The sum of their sizes shows early that the item would be too large. It also bounds the memory
/// that is copied and joined in between.
private struct UpdateRoom {
    private var byteCount = DynamoDBLimits.itemByteCountMax

    /// Takes the bytes of a value, as DynamoDB counts them.
    ///
    /// - Throws: ``CodexError/Code/itemTooLarge``.
    mutating func take(_ value: AttributeValue) throws(CodexError) {
        byteCount -= value.byteCount
        guard byteCount >= 0 else { throw Self.tooLarge }
    }

    /// Takes the bytes of elements of a list.
    mutating func take(elements: [AttributeValue]) throws(CodexError) {
        // Each element takes one extra byte, so a list that is too long is refused without
        // iterating it.
        guard elements.count <= byteCount else { throw Self.tooLarge }
        for element in elements {
            byteCount -= 1
            try take(element)
        }
    }

    private static var tooLarge: CodexError {
        CodexError(
            .itemTooLarge,
            "The update would make an item of more than \(DynamoDBLimits.itemByteCountMax) bytes. "
                + "Set or append less.")
    }
}

// MARK: Operands

extension Update.Value {
    fileprivate func resolve(
        _ item: Item, _ room: inout UpdateRoom
    ) throws(CodexError) -> AttributeValue {
        switch self {
        case .operand(let operand): return try operand.resolve(item, &room)
        case .sum(let left, let right):
            return .number(try left.number(item).adding(try right.number(item)))
        case .difference(let left, let right):
            return .number(try left.number(item).subtracting(try right.number(item)))
        }
    }
}

extension Update.Operand {
    /// The operand's value; its bytes are taken from `room`.
    fileprivate func resolve(
        _ item: Item, _ room: inout UpdateRoom
    ) throws(CodexError) -> AttributeValue {
        if case .listAppend = self {
            // Nothing is copied before the size is known to fit.
            var lists: [[AttributeValue]] = []
            try collect(into: &lists, item, &room)
            return .list(Array(lists.joined()))
        }
        if case .ifNotExists(let path, let fallback) = self, item[path: path] == nil {
            return try fallback.resolve(item, &room)
        }
        let value = try value(item)
        try room.take(value)
        return value
    }

    /// Collects a list, or the lists that nested `list_append` operands join, in their order.
    ///
    /// The bytes of their elements are taken from `room`.
    private func collect(
        into lists: inout [[AttributeValue]], _ item: Item, _ room: inout UpdateRoom
    ) throws(CodexError) {
        switch self {
        case .listAppend(let left, let right):
            try left.collect(into: &lists, item, &room)
            try right.collect(into: &lists, item, &room)
        case .ifNotExists(let path, let fallback) where item[path: path] == nil:
            try fallback.collect(into: &lists, item, &room)
        case .ifNotExists, .path, .value:
            guard case .list(let elements) = try value(item) else {
                throw wrongType("list_append joins lists")
            }
            try room.take(elements: elements)
            lists.append(elements)
        }
    }

    fileprivate func number(_ item: Item) throws(CodexError) -> Number {
        switch self {
        case .listAppend: throw wrongType("sums take numbers")
        case .ifNotExists(let path, let fallback) where item[path: path] == nil:
            return try fallback.number(item)
        case .ifNotExists, .path, .value:
            guard let number = try value(item).number else {
                throw wrongType("sums take numbers")
            }
            return number
        }
    }

    /// The value of a literal, or the value at a path, which must exist.
    private func value(_ item: Item) throws(CodexError) -> AttributeValue {
        switch self {
        case .value(let value): return value
        case .path(let path), .ifNotExists(let path, _):
            guard let value = item[path: path] else {
                throw CodexError(
                    .invalidExpression,
                    "The update reads \(path.abbreviated), which the item does not have. "
                        + "Use ifNotExists.",
                    .missingOperand)
            }
            return value
        case .listAppend: throw wrongType("list_append gives a list")
        }
    }

    private func wrongType(_ rule: String) -> CodexError {
        CodexError(
            .invalidExpression, "An operand of the update has the wrong type: \(rule).",
            .operandMismatch)
    }
}
