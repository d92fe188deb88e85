extension Condition {
    /// Whether the condition holds for `item`; pass an empty item for a missing one.
    ///
    /// Call ``validate()`` first: evaluation assumes a valid condition.
    public func evaluate(_ item: Item) -> Bool {
        var steps = Int.max
        return evaluate(item, steps: &steps)
    }

    /// Whether the condition holds for `item`, within a limited number of steps.
    ///
    /// An operation that needs more steps than remain is not performed.
    ///
    /// - Parameters:
    ///   - item: The item; an empty item stands for a missing one.
    ///   - steps: The remaining steps, see ``StoreLimits/conditionStepCountMax``; the evaluation
    ///     subtracts the steps that it takes.
    /// - Returns: Whether the condition holds; the answer is meaningless if `steps` is below zero.
    package func evaluate(_ item: Item, steps: inout Int) -> Bool {
        guard steps >= 0 else { return false }
        switch self {
        case .compare(let left, let comparator, let right):
            return comparator.holds(
                left.resolve(item, &steps), right.resolve(item, &steps), &steps)
        case .between(let operand, let low, let high):
            let value = operand.resolve(item, &steps)
            return Comparator.greaterOrEqual.holds(value, low.resolve(item, &steps), &steps)
                && Comparator.lessOrEqual.holds(value, high.resolve(item, &steps), &steps)
        case .isIn(let operand, let candidates):
            return Self.isOne(operand.resolve(item, &steps), of: candidates, item, &steps)
        case .attributeExists(let path): return item[path: path] != nil
        case .attributeNotExists(let path): return item[path: path] == nil
        case .attributeType(let path, let type): return item[path: path]?.type == type
        case .beginsWith(let operand, let prefix):
            return Self.begins(
                operand.resolve(item, &steps), prefix.resolve(item, &steps), &steps)
        case .contains(let operand, let member):
            return Self.contains(
                operand.resolve(item, &steps), member.resolve(item, &steps), &steps)
        case .and(let left, let right):
            return left.evaluate(item, steps: &steps) && right.evaluate(item, steps: &steps)
        case .or(let left, let right):
            return left.evaluate(item, steps: &steps) || right.evaluate(item, steps: &steps)
        case .not(let condition): return !condition.evaluate(item, steps: &steps)
        }
    }

    private static func isOne(
        _ value: AttributeValue?, of candidates: [Operand], _ item: Item, _ steps: inout Int
    ) -> Bool {
        for candidate in candidates {
            if Comparator.equal.holds(value, candidate.resolve(item, &steps), &steps) {
                return true
            }
            guard steps >= 0 else { return false }
        }
        return false
    }

    /// Whether text or bytes begin with a prefix.
    static func begins(
        _ value: AttributeValue?, _ prefix: AttributeValue?, _ steps: inout Int
    ) -> Bool {
        switch (value, prefix) {
        case (.string(let text)?, .string(let prefix)?):
            steps -= 1 + min(prefix.utf8.count, text.utf8.count)
            return steps >= 0 && text.utf8.starts(with: prefix.utf8)
        case (.binary(let data)?, .binary(let prefix)?):
            steps -= 1 + min(prefix.count, data.count)
            return steps >= 0 && data.starts(with: prefix)
        default: return false
        }
    }

    /// Whether a value contains a part, a member or an element.
    static func contains(
        _ value: AttributeValue?, _ member: AttributeValue?, _ steps: inout Int
    ) -> Bool {
        switch (value, member) {
        case (.string(let text)?, .string(let part)?):
            return ByteSearch.contains(part, in: text, steps: &steps)
        case (.binary(let data)?, .binary(let part)?):
            return ByteSearch.contains(part, in: data, steps: &steps)
        case (.stringSet(let set)?, .string(let member)?):
            return isMember(member, of: set, member.utf8.count, &steps)
        case (.numberSet(let set)?, .number(let member)?):
            return isMember(member, of: set, 0, &steps)
        case (.binarySet(let set)?, .binary(let member)?):
            return isMember(member, of: set, member.count, &steps)
        case (.list(let values)?, let member?):
            for value in values {
                steps -= AttributeValue.memberStepCount
                guard steps >= 0 else { return false }
                if value.equals(member, &steps) { return true }
            }
            return false
        default: return false
        }
    }

    /// Whether a set has a member of `byteCount` bytes.
    ///
    /// Each place of the binary search takes a member's steps, and one step for each eight bytes.
    private static func isMember<Member: AttributeSetElement>(
        _ member: Member, of set: AttributeSet<Member>, _ byteCount: Int, _ steps: inout Int
    ) -> Bool {
        let placeCount = Int.bitWidth - set.members.count.leadingZeroBitCount
        steps -= 1 + placeCount * (AttributeValue.memberStepCount + byteCount / 8)
        return steps >= 0 && set.contains(member)
    }
}

extension Condition.Operand {
    /// The operand's value in `item`, or `nil` if there is none; the size of a text takes steps.
    @inline(__always)
    fileprivate func resolve(_ item: Item, _ steps: inout Int) -> AttributeValue? {
        switch self {
        case .path(let path): return item[path: path]
        case .value(let value): return value
        case .size(let path): return Self.size(of: item[path: path], &steps)
        }
    }

    /// The size of a value as a number; `nil` for a value without a size.
    static func size(of value: AttributeValue?, _ steps: inout Int) -> AttributeValue? {
        guard let value else { return nil }
        if case .string(let text) = value {
            steps -= text.utf8.count / 8
            guard steps >= 0 else { return nil }
        }
        return value.size.map { .number(Number($0)) }
    }
}

extension AttributeValue {
    /// The steps for access to a member of a list, map or set, in addition to those for its
    /// comparison.
    ///
    /// The access takes as long as eight steps that compare bytes.
    static let memberStepCount = 8

    /// DynamoDB's `size` of the value; `nil` for types without a size.
    ///
    /// The size of a string is its number of UTF-16 code units, as in AWS. A check against the
    /// service is reported in github.com/ExtendDB/extenddb/issues/60.
    var size: Int? {
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

    /// Whether two values are equal; subtracts the steps of the comparison.
    ///
    /// Lists, maps and sets are compared member by member, so the comparison stops when the steps
    /// run out.
    @inline(__always)
    fileprivate func equals(_ other: AttributeValue, _ steps: inout Int) -> Bool {
        switch (self, other) {
        case (.string(let left), .string(let right)):
            return Self.areEqual(left, right, &steps)
        case (.number(let left), .number(let right)):
            steps -= 1
            return left == right
        default: return equalsLarge(other, &steps)
        }
    }

    /// ``equals(_:_:)`` of values that are neither text nor numbers.
    private func equalsLarge(_ other: AttributeValue, _ steps: inout Int) -> Bool {
        switch (self, other) {
        case (.binary(let left), .binary(let right)):
            return Self.areEqual(left, right, &steps)
        case (.list(let left), .list(let right)):
            return Self.areEqual(left, right, &steps) { $0.equals($1, &$2) }
        case (.map(let left), .map(let right)):
            return Self.areEqual(left.elements, right.elements, &steps) { left, right, steps in
                Self.areEqual(left.name, right.name, &steps)
                    && left.value.equals(right.value, &steps)
            }
        case (.stringSet(let left), .stringSet(let right)):
            return Self.areEqual(left.members, right.members, &steps) {
                Self.areEqual($0, $1, &$2)
            }
        case (.numberSet(let left), .numberSet(let right)):
            return Self.areEqual(left.members, right.members, &steps) { left, right, _ in
                left == right
            }
        case (.binarySet(let left), .binarySet(let right)):
            return Self.areEqual(left.members, right.members, &steps) {
                Self.areEqual($0, $1, &$2)
            }
        default:
            steps -= 1
            return self == other
        }
    }

    @inline(__always)
    private static func areEqual(_ left: String, _ right: String, _ steps: inout Int) -> Bool {
        steps -= 1
        if ByteOrder.areIdentical(left, right) { return true }
        guard left.utf8.count == right.utf8.count else { return false }
        steps -= left.utf8.count / 8
        return steps >= 0 && ByteOrder.compare(left, right) == 0
    }

    private static func areEqual(_ left: [UInt8], _ right: [UInt8], _ steps: inout Int) -> Bool {
        steps -= 1
        guard left.count == right.count else { return false }
        steps -= left.count / 8
        return steps >= 0 && left == right
    }

    private static func areEqual<Member>(
        _ left: [Member], _ right: [Member], _ steps: inout Int,
        _ areMembersEqual: (Member, Member, inout Int) -> Bool
    ) -> Bool {
        steps -= 1
        guard left.count == right.count else { return false }
        for place in left.indices {
            // The comparison of the members takes further steps.
            steps -= memberStepCount
            guard steps >= 0, areMembersEqual(left[place], right[place], &steps) else {
                return false
            }
        }
        return true
    }

    /// The order of two strings, numbers or binaries: negative, zero or positive.
    ///
    /// It is `nil` for other types, and for values of different types, which have no order.
    package func ordered(against other: AttributeValue) -> Int? {
        switch (self, other) {
        case (.string(let left), .string(let right)): ByteOrder.compare(left, right)
        case (.number(let left), .number(let right)): Number.order(left, right)
        case (.binary(let left), .binary(let right)): ByteOrder.compare(left, right)
        default: nil
        }
    }

    /// ``ordered(against:)``, which takes one step and one more for each eight bytes to compare.
    ///
    /// - Returns: The order; also `nil` if the steps do not suffice.
    @inline(__always)
    fileprivate func ordered(against other: AttributeValue, _ steps: inout Int) -> Int? {
        switch (self, other) {
        case (.number(let left), .number(let right)):
            steps -= 1
            return Number.order(left, right)
        case (.string(let left), .string(let right)):
            steps -= 1 + min(left.utf8.count, right.utf8.count) / 8
            return steps >= 0 ? ByteOrder.compare(left, right) : nil
        case (.binary(let left), .binary(let right)):
            steps -= 1 + min(left.count, right.count) / 8
            return steps >= 0 ? ByteOrder.compare(left, right) : nil
        default:
            steps -= 1
            return nil
        }
    }
}

extension Condition.Comparator {
    /// Whether the comparison holds; `nil` is a missing value.
    func holds(
        _ left: AttributeValue?, _ right: AttributeValue?, _ steps: inout Int
    ) -> Bool {
        guard let left, let right else { return self == .notEqual }
        switch self {
        case .equal: return left.equals(right, &steps)
        case .notEqual: return !left.equals(right, &steps)
        case .less, .lessOrEqual, .greater, .greaterOrEqual: break
        }
        guard let order = left.ordered(against: right, &steps) else { return false }
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
    /// Checks the condition for errors that DynamoDB refuses before it reads any item.
    ///
    /// - Throws: ``CodexError/Code/invalidExpression`` for a literal without order in an ordered
    ///   comparison. Also for `BETWEEN` literals of different types or in the wrong order, and for
    ///   an `IN` with no operand or too many. Also for a literal prefix that is neither text nor
    ///   binary, and for two operands with the same path.
    public func validate() throws(CodexError) {
        switch self {
        case .compare(let left, let comparator, let right):
            try Self.requireDistinct(left, right, comparator.rawValue)
            guard comparator != .equal, comparator != .notEqual else { return }
            try left.requireOrdered(comparator.rawValue)
            try right.requireOrdered(comparator.rawValue)
        case .between(let operand, let low, let high):
            try Self.requireDistinct(operand, low, "BETWEEN")
            try Self.requireDistinct(operand, high, "BETWEEN")
            for operand in [operand, low, high] { try operand.requireOrdered("BETWEEN") }
            try Self.requireBounds(low, high)
        case .isIn(_, let candidates):
            guard (1...DynamoDBLimits.inOperandCountMax).contains(candidates.count) else {
                throw Self.invalid(
                    "IN takes 1 to \(DynamoDBLimits.inOperandCountMax) operands",
                    .candidateCount(candidates.count))
            }
        case .attributeExists, .attributeNotExists, .attributeType: return
        case .beginsWith(let operand, let prefix):
            try Self.requireDistinct(operand, prefix, "begins_with")
            for case .value(let value) in [operand, prefix] {
                guard value.type == .string || value.type == .binary else {
                    throw Self.invalid(
                        "begins_with takes text or binaries",
                        .operandType(operator: "begins_with", value.type))
                }
            }
        case .contains(let operand, let member):
            try Self.requireDistinct(operand, member, "contains")
        case .and(let left, let right), .or(let left, let right):
            try left.validate()
            try right.validate()
        case .not(let condition): try condition.validate()
        }
    }

    private static func requireDistinct(
        _ left: Operand, _ right: Operand, _ name: String
    ) throws(CodexError) {
        if case .path(let path) = left, case .path(path) = right {
            throw invalid(
                "the operands are the same path", .sameOperands(operator: name, path))
        }
    }

    private static func requireBounds(_ low: Operand, _ high: Operand) throws(CodexError) {
        guard case .value(let low) = low, case .value(let high) = high else { return }
        guard let order = low.ordered(against: high) else {
            throw invalid(
                "the bounds of BETWEEN have different types", .boundTypes(low: low, high: high))
        }
        guard order <= 0 else {
            throw invalid(
                "BETWEEN's lower bound is above its upper one", .boundOrder(low: low, high: high))
        }
    }

    private static func invalid(_ problem: String, _ refusal: Refusal? = nil) -> CodexError {
        CodexError(.invalidExpression, "Invalid condition: \(problem).", refusal)
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
                    + "not \(value.type.rawValue).",
                .operandType(operator: name, value.type))
        }
    }
}
