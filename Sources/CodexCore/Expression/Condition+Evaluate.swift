extension Condition {
    /// Whether the condition holds for `item`; a missing item is the empty one.
    ///
    /// Call ``validate()`` first: evaluation assumes a valid condition.
    public func evaluate(_ item: Item) -> Bool {
        var steps = Int.max
        return evaluate(item, steps: &steps)
    }

    /// Whether the condition holds for `item`, as far as a number of steps goes.
    ///
    /// What takes more steps than are left is not done.
    ///
    /// - Parameters:
    ///   - item: The item; a missing one is the empty one.
    ///   - steps: The steps that are left, see ``StoreLimits/conditionStepCountMax``; those that
    ///     are taken are subtracted.
    /// - Returns: Whether it holds; the answer means nothing if `steps` is below zero.
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

    private static func begins(
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

    private static func contains(
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

    /// Whether a set has a member of so many bytes; takes a step for eight of them and a member's
    /// steps at each place of the search.
    private static func isMember<Member: AttributeSetElement>(
        _ member: Member, of set: AttributeSet<Member>, _ byteCount: Int, _ steps: inout Int
    ) -> Bool {
        let placeCount = Int.bitWidth - set.members.count.leadingZeroBitCount
        steps -= 1 + placeCount * (AttributeValue.memberStepCount + byteCount / 8)
        return steps >= 0 && set.contains(member)
    }
}

extension Condition.Operand {
    /// The operand's value in `item`, or `nil` if there is none; takes the steps of a text's size.
    @inline(__always)
    fileprivate func resolve(_ item: Item, _ steps: inout Int) -> AttributeValue? {
        switch self {
        case .path(let path): return item[path: path]
        case .value(let value): return value
        case .size(let path): return Self.size(of: item[path: path], &steps)
        }
    }

    private static func size(of value: AttributeValue?, _ steps: inout Int) -> AttributeValue? {
        guard let value else { return nil }
        if case .string(let text) = value {
            steps -= text.utf8.count / 8
            guard steps >= 0 else { return nil }
        }
        return value.size.map { .number(Number($0)) }
    }
}

extension AttributeValue {
    /// The steps of getting to a member of a list, map or set, next to those of comparing it.
    ///
    /// This takes as long as eight steps of comparing bytes.
    fileprivate static let memberStepCount = 8

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

    /// Whether two values are equal; takes what comparing them costs.
    ///
    /// Lists, maps and sets are compared member by member, so that a comparison ends with the
    /// steps.
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
            // Comparing takes steps of its own.
            steps -= memberStepCount
            guard steps >= 0, areMembersEqual(left[place], right[place], &steps) else {
                return false
            }
        }
        return true
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

    /// ``ordered(against:)``; takes a step, and one for eight bytes that it may look at.
    ///
    /// - Returns: `nil`, too, if the steps do not suffice.
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
            guard (1...DynamoDBLimits.inOperandCountMax).contains(candidates.count) else {
                throw Self.invalid("IN takes 1 to \(DynamoDBLimits.inOperandCountMax) operands")
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
