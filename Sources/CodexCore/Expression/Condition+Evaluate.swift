extension Condition {
    /// Whether the condition holds for `item`; a missing item is the empty one.
    ///
    /// Call ``validate()`` first: evaluation assumes a valid condition.
    public func evaluate(_ item: Item) -> Bool {
        switch self {
        case .compare(let left, let comparator, let right):
            comparator.holds(left.resolve(item), right.resolve(item))
        case .between(let operand, let low, let high):
            Comparator.greaterOrEqual.holds(operand.resolve(item), low.resolve(item))
                && Comparator.lessOrEqual.holds(operand.resolve(item), high.resolve(item))
        case .isIn(let operand, let candidates):
            candidates.contains { Comparator.equal.holds(operand.resolve(item), $0.resolve(item)) }
        case .attributeExists(let path): item[path: path] != nil
        case .attributeNotExists(let path): item[path: path] == nil
        case .attributeType(let path, let type): item[path: path]?.type == type
        case .beginsWith(let operand, let prefix):
            Self.begins(operand.resolve(item), prefix.resolve(item))
        case .contains(let operand, let member):
            Self.contains(operand.resolve(item), member.resolve(item))
        case .and(let left, let right): left.evaluate(item) && right.evaluate(item)
        case .or(let left, let right): left.evaluate(item) || right.evaluate(item)
        case .not(let condition): !condition.evaluate(item)
        }
    }

    private static func begins(_ value: AttributeValue?, _ prefix: AttributeValue?) -> Bool {
        switch (value, prefix) {
        case (.string(let text)?, .string(let prefix)?): text.utf8.starts(with: prefix.utf8)
        case (.binary(let data)?, .binary(let prefix)?): data.starts(with: prefix)
        default: false
        }
    }

    private static func contains(_ value: AttributeValue?, _ member: AttributeValue?) -> Bool {
        switch (value, member) {
        case (.string(let text)?, .string(let part)?):
            isPart(Array(part.utf8), of: Array(text.utf8))
        case (.binary(let data)?, .binary(let part)?): isPart(part, of: data)
        case (.stringSet(let set)?, .string(let member)?): set.contains(member)
        case (.numberSet(let set)?, .number(let member)?): set.contains(member)
        case (.binarySet(let set)?, .binary(let member)?): set.contains(member)
        case (.list(let values)?, let member?): values.contains(member)
        default: false
        }
    }

    /// Whether bytes are in others, one after the other (Knuth, Morris, Pratt: no text makes it slow).
    private static func isPart(_ part: [UInt8], of whole: [UInt8]) -> Bool {
        guard part.count <= whole.count else { return false }
        guard !part.isEmpty else { return true }
        var borders = [0]
        var length = 0
        for byte in part.dropFirst() {
            while length > 0, part[length] != byte { length = borders[length - 1] }
            if part[length] == byte { length += 1 }
            borders.append(length)
        }
        length = 0
        for byte in whole {
            while length > 0, part[length] != byte { length = borders[length - 1] }
            if part[length] == byte { length += 1 }
            if length == part.count { return true }
        }
        return false
    }
}

extension Condition.Operand {
    /// The operand's value in `item`, or `nil` if there is none.
    func resolve(_ item: Item) -> AttributeValue? {
        switch self {
        case .path(let path): item[path: path]
        case .value(let value): value
        case .size(let path): item[path: path]?.size.map { .number(Number($0)) }
        }
    }
}

extension AttributeValue {
    /// DynamoDB's `size` of the value; `nil` for the types that have none.
    ///
    /// Strings count UTF-16 code units, as AWS does (github.com/ExtendDB/extenddb/issues/60 reports
    /// a check against the service).
    fileprivate var size: Int? {
        switch self {
        case .string(let text): text.utf16.count
        case .binary(let data): data.count
        case .list(let values): values.count
        case .map(let map): map.count
        case .stringSet(let set): set.members.count
        case .numberSet(let set): set.members.count
        case .binarySet(let set): set.members.count
        case .number, .bool, .null: nil
        }
    }

    /// Negative, zero or positive for two strings, numbers or binaries; `nil` for other types and
    /// for two values of different types, which have no order.
    package func ordered(against other: AttributeValue) -> Int? {
        switch (self, other) {
        case (.string(let left), .string(let right)): ByteOrder.compare(left, right)
        case (.number(let left), .number(let right)): Number.order(left, right)
        case (.binary(let left), .binary(let right)): ByteOrder.compare(left, right)
        default: nil
        }
    }
}

extension Condition.Comparator {
    /// Whether the comparison holds; `nil` is a missing value.
    func holds(_ left: AttributeValue?, _ right: AttributeValue?) -> Bool {
        switch self {
        case .equal: return left != nil && left == right
        case .notEqual: return left == nil || left != right
        case .less, .lessOrEqual, .greater, .greaterOrEqual: break
        }
        guard let left, let right, let order = left.ordered(against: right) else { return false }
        switch self {
        case .less: return order < 0
        case .lessOrEqual: return order <= 0
        case .greater: return order > 0
        case .greaterOrEqual: return order >= 0
        case .equal, .notEqual: return false
        }
    }
}

extension Condition {
    /// Checks what DynamoDB refuses before it looks at any item.
    ///
    /// - Throws: ``CodexError/Code/invalidExpression``: a literal without order in an ordered
    ///   comparison, literals of two types or in the wrong order in `BETWEEN`, an `IN` with no
    ///   operand or too many, a literal prefix that is neither text nor binary, operands that are
    ///   one and the same path.
    public func validate() throws(CodexError) {
        switch self {
        case .compare(let left, let comparator, let right):
            try Self.requireDistinct(left, right)
            guard comparator != .equal, comparator != .notEqual else { return }
            try left.requireOrdered(comparator.rawValue)
            try right.requireOrdered(comparator.rawValue)
        case .between(let operand, let low, let high):
            try Self.requireDistinct(operand, low)
            try Self.requireDistinct(operand, high)
            for operand in [operand, low, high] { try operand.requireOrdered("BETWEEN") }
            try Self.requireBounds(low, high)
        case .isIn(_, let candidates):
            guard (1...Limits.inOperandCountMax).contains(candidates.count) else {
                throw Self.invalid("IN takes 1 to \(Limits.inOperandCountMax) operands")
            }
        case .attributeExists, .attributeNotExists, .attributeType: return
        case .beginsWith(let operand, let prefix):
            try Self.requireDistinct(operand, prefix)
            for case .value(let value) in [operand, prefix] {
                guard value.type == .string || value.type == .binary else {
                    throw Self.invalid("begins_with takes text or binaries")
                }
            }
        case .contains(let operand, let member): try Self.requireDistinct(operand, member)
        case .and(let left, let right), .or(let left, let right):
            try left.validate()
            try right.validate()
        case .not(let condition): try condition.validate()
        }
    }

    private static func requireDistinct(_ left: Operand, _ right: Operand) throws(CodexError) {
        if case .path(let path) = left, case .path(path) = right {
            throw invalid("the operands are the same path")
        }
    }

    private static func requireBounds(_ low: Operand, _ high: Operand) throws(CodexError) {
        guard case .value(let low) = low, case .value(let high) = high else { return }
        guard let order = low.ordered(against: high) else {
            throw invalid("the bounds of BETWEEN have different types")
        }
        guard order <= 0 else { throw invalid("BETWEEN's lower bound is above its upper one") }
    }

    private static func invalid(_ problem: String) -> CodexError {
        CodexError(.invalidExpression, "Invalid condition: \(problem).")
    }
}

extension Condition.Operand {
    fileprivate func requireOrdered(_ name: String) throws(CodexError) {
        guard case .value(let value) = self else { return }
        switch value.type {
        case .string, .number, .binary: return
        default:
            throw CodexError(
                .invalidExpression,
                "Invalid condition: \(name) takes text, numbers and binaries, "
                    + "not \(value.type.rawValue).")
        }
    }
}
