/// The values of a stored item that a condition reads.
///
/// Lists, maps and sets stay in their encoding. Equal values have equal encodings, so they are
/// compared byte by byte.
struct ConditionInput {
    /// The value of an operand.
    private enum Value {
        /// A value in memory; `nil` if there is none.
        case decoded(AttributeValue?)
        /// A list, map or set of the item.
        case stored(StoredContainer)
    }

    private let paths: ConditionPaths
    /// The values by the numbers of their paths.
    private let values: [Value]

    /// Creates the input from the values that were found in the item.
    ///
    /// - Parameters:
    ///   - paths: The paths of the values.
    ///   - found: The values, by the numbers of their paths.
    ///   - budget: The rest of the limits of decoding.
    /// - Throws: ``CodexError/Code/corrupted``, ``CodexError/Code/outOfMemory``.
    init(
        _ paths: ConditionPaths, _ found: [StoredValue?], _ budget: DecodingBudget
    ) throws(CodexError) {
        self.paths = paths
        var budget = budget
        var values: [Value] = []
        for value in found {
            guard let value else {
                values.append(.decoded(nil))
                continue
            }
            if let container = try StoredContainer(value) {
                values.append(.stored(container))
            } else {
                // The found value stays in memory, too.
                try budget.takeMemory(value.range.count)
                values.append(.decoded(try value.decoded(&budget)))
            }
        }
        self.values = values
    }

    /// Whether the condition holds.
    ///
    /// - Parameters:
    ///   - condition: The condition, or a part of it.
    ///   - steps: The remaining steps, as for ``Condition/evaluate(_:steps:)``.
    /// - Returns: Whether the condition holds; the answer is meaningless if `steps` is below zero.
    func satisfies(_ condition: Condition, steps: inout Int) -> Bool {
        guard steps >= 0 else { return false }
        switch condition {
        case .compare(let left, let comparator, let right):
            return holds(comparator, resolve(left, &steps), resolve(right, &steps), &steps)
        case .between(let operand, let low, let high):
            let value = resolve(operand, &steps)
            return holds(.greaterOrEqual, value, resolve(low, &steps), &steps)
                && holds(.lessOrEqual, value, resolve(high, &steps), &steps)
        case .isIn(let operand, let candidates):
            return isOne(resolve(operand, &steps), of: candidates, &steps)
        case .attributeExists(let path): return type(at: path) != nil
        case .attributeNotExists(let path): return type(at: path) == nil
        case .attributeType(let path, let type): return self.type(at: path) == type
        case .beginsWith(let operand, let prefix):
            guard case .decoded(let value) = resolve(operand, &steps),
                case .decoded(let start) = resolve(prefix, &steps)
            else { return false }
            return Condition.begins(value, start, &steps)
        case .contains(let operand, let member):
            return contains(resolve(operand, &steps), resolve(member, &steps), &steps)
        case .and(let left, let right):
            return satisfies(left, steps: &steps) && satisfies(right, steps: &steps)
        case .or(let left, let right):
            return satisfies(left, steps: &steps) || satisfies(right, steps: &steps)
        case .not(let condition): return !satisfies(condition, steps: &steps)
        }
    }

    // MARK: Operands

    private func value(at path: DocumentPath) -> Value {
        paths.number(of: path).map { values[$0] } ?? .decoded(nil)
    }

    private func type(at path: DocumentPath) -> AttributeType? {
        switch value(at: path) {
        case .decoded(let value): value?.type
        case .stored(let container): container.type
        }
    }

    /// The value of an operand; the size of a text takes steps.
    private func resolve(_ operand: Condition.Operand, _ steps: inout Int) -> Value {
        switch operand {
        case .path(let path): return value(at: path)
        case .value(let value): return .decoded(value)
        case .size(let path):
            switch value(at: path) {
            case .decoded(let value): return .decoded(Condition.Operand.size(of: value, &steps))
            case .stored(let container): return .decoded(.number(Number(container.count)))
            }
        }
    }

    // MARK: Comparisons

    private func holds(
        _ comparator: Condition.Comparator, _ left: Value, _ right: Value, _ steps: inout Int
    ) -> Bool {
        if case (.decoded(let left), .decoded(let right)) = (left, right) {
            return comparator.holds(left, right, &steps)
        }
        switch comparator {
        case .equal: return areEqual(left, right, &steps)
        case .notEqual: return !areEqual(left, right, &steps)
        case .less, .lessOrEqual, .greater, .greaterOrEqual:
            // Lists, maps and sets have no order.
            steps -= 1
            return false
        }
    }

    private func areEqual(_ left: Value, _ right: Value, _ steps: inout Int) -> Bool {
        switch (left, right) {
        case (.decoded(let left), .decoded(let right)):
            return Condition.Comparator.equal.holds(left, right, &steps)
        case (.stored(let container), .decoded(let value)),
            (.decoded(let value), .stored(let container)):
            return value.map { container.equals($0, &steps) } ?? false
        case (.stored(let left), .stored(let right)): return left.equals(right, &steps)
        }
    }

    private func isOne(
        _ value: Value, of candidates: [Condition.Operand], _ steps: inout Int
    ) -> Bool {
        for candidate in candidates {
            if areEqual(value, resolve(candidate, &steps), &steps) { return true }
            guard steps >= 0 else { return false }
        }
        return false
    }

    private func contains(_ whole: Value, _ member: Value, _ steps: inout Int) -> Bool {
        switch (whole, member) {
        case (.decoded(let whole), .decoded(let member)):
            return Condition.contains(whole, member, &steps)
        case (.stored(let whole), .decoded(let member)):
            return member.map { whole.contains($0, &steps) } ?? false
        case (.stored(let whole), .stored(let member)): return whole.contains(member, &steps)
        case (.decoded(let whole), .stored(let member)):
            guard case .list(let elements)? = whole else { return false }
            for element in elements {
                steps -= AttributeValue.memberStepCount
                guard steps >= 0 else { return false }
                if member.equals(element, &steps) { return true }
            }
            return false
        }
    }
}
