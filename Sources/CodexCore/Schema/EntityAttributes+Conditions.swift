// A comparison with a value of another type is false for each item, and with `<>` it is true. A
// condition that contains one is a mistake. It is found where the types of the attributes are
// declared.

extension EntityAttributes {
    /// What is wrong with a comparison of a condition, by the declared types and cases.
    ///
    /// - Parameter condition: The condition, of any depth that an expression may have.
    /// - Returns: The end of a sentence on the condition; `nil` if each comparison can hold for
    ///   some items and fail for others, as far as the types are known.
    func mismatch(in condition: Condition) -> String? {
        switch condition {
        case .compare(let left, let comparator, let right):
            let needsOrder = comparator != .equal && comparator != .notEqual
            return mismatch(left, right, needsOrder: needsOrder)
        case .between(let operand, let low, let high):
            return mismatch(operand, low, needsOrder: true)
                ?? mismatch(operand, high, needsOrder: true)
        case .isIn(let operand, let candidates):
            return candidates.lazy.compactMap {
                mismatch(operand, $0, needsOrder: false)
            }.first
        case .beginsWith(let operand, let prefix):
            return mismatchOfText(operand, prefix, "begins_with")
        case .contains(let operand, let part): return mismatchOfPart(operand, part)
        case .and(let left, let right), .or(let left, let right):
            return mismatch(in: left) ?? mismatch(in: right)
        case .not(let inner): return mismatch(in: inner)
        case .attributeExists, .attributeNotExists, .attributeType: return nil
        }
    }

    /// Compares two operands, one of which may be a value.
    private func mismatch(
        _ left: Condition.Operand, _ right: Condition.Operand, needsOrder: Bool
    ) -> String? {
        if let problem = withoutSize(left) ?? withoutSize(right) { return problem }
        guard let leftType = type(of: left), let rightType = type(of: right) else {
            return needsOrder ? unordered(left) ?? unordered(right) : nil
        }
        let isNull = leftType == .null || rightType == .null
        guard leftType == rightType || (isNull && !needsOrder) else {
            return "compares \(description(left)) with \(description(right))"
        }
        if needsOrder { return unordered(left) }
        return misspelledCase(left, right) ?? misspelledCase(right, left)
    }

    private func unordered(_ operand: Condition.Operand) -> String? {
        guard let type = type(of: operand), ![.string, .number, .binary].contains(type) else {
            return nil
        }
        return "asks for the order of \(description(operand)), which has none"
    }

    private func withoutSize(_ operand: Condition.Operand) -> String? {
        guard case .size(let path) = operand else { return nil }
        return withoutSize(path)
    }

    /// What is wrong with the size of a value, by the declared types; `nil` if nothing is.
    func withoutSize(_ path: DocumentPath) -> String? {
        guard path.steps.isEmpty, let type = type(of: path.root),
            type == .number || type == .bool || type == .null
        else { return nil }
        return "asks for the size of \(description(.path(path))), which has none"
    }

    /// Says so if a text is no case of a field, but similar to one.
    ///
    /// Any other text is accepted: a type may have values that are no cases.
    private func misspelledCase(
        _ operand: Condition.Operand, _ other: Condition.Operand
    ) -> String? {
        guard case .path(let path) = operand, path.steps.isEmpty,
            case .value(.string(let text)) = other, let cases = cases(of: path.root),
            !cases.contains(where: { ByteOrder.equal($0, text) }),
            let similar = Suggestion.name(like: text, in: cases)
        else { return nil }
        return "compares \(path.root.abbreviated()) with a text that is none of its cases, such as "
            + similar
    }

    private func mismatchOfText(
        _ operand: Condition.Operand, _ part: Condition.Operand, _ function: String
    ) -> String? {
        guard let type = type(of: operand) else { return nil }
        guard type == .string || type == .binary else {
            return "uses \(function) with \(description(operand))"
        }
        guard let partType = self.type(of: part), partType != type else { return nil }
        return "uses \(function) with \(description(operand)) and \(description(part))"
    }

    private func mismatchOfPart(
        _ operand: Condition.Operand, _ part: Condition.Operand
    ) -> String? {
        let member: AttributeType
        switch type(of: operand) {
        case nil, .list: return nil
        case .string, .stringSet: member = .string
        case .binary, .binarySet: member = .binary
        case .numberSet: member = .number
        case .number, .bool, .null, .map: return "uses contains with \(description(operand))"
        }
        guard let partType = type(of: part), partType != member else { return nil }
        return "uses contains with \(description(operand)) and \(description(part))"
    }

    // MARK: Operands

    /// The type of an operand's value, if it is known.
    private func type(of operand: Condition.Operand) -> AttributeType? {
        switch operand {
        case .path(let path): return path.steps.isEmpty ? type(of: path.root) : nil
        case .size: return .number
        case .value(let value):
            // The mark of a number that cannot be stored, such as NaN, is a set.
            return value == .numberSet([]) ? nil : value.type
        }
    }

    private func description(_ operand: Condition.Operand) -> String {
        let type = type(of: operand).map { " of type \($0.rawValue)" } ?? ""
        return switch operand {
        case .path(let path): path.root.abbreviated() + type
        case .value: "a value" + type
        case .size(let path): "the size of \(path.root.abbreviated())"
        }
    }
}
