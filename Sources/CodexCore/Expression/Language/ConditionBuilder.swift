/// Makes a condition from the steps of its plan.
struct ConditionBuilder: ExpressionBuilder {
    private(set) var binding: ExpressionBinding
    /// The operands and conditions that no later step has taken yet.
    private var operands: [Condition.Operand] = []
    private var conditions: [Condition] = []

    init(_ binding: ExpressionBinding) { self.binding = binding }

    /// The condition of all steps.
    var condition: Condition { conditions.last ?? Self.standIn }

    /// A condition in place of one that was reported.
    private static var standIn: Condition { .attributeExists(DocumentPath("")) }

    mutating func perform(_ step: ExpressionPlan.Step) throws(CodexError) {
        switch step {
        case .path(let path): operands.append(.path(path))
        case .pathWithPlaceholders(let path):
            operands.append(.path(try binding.path(resolving: path)))
        case .value(let placeholder): operands.append(.value(try binding.value(placeholder)))
        case .function(let function): perform(function)
        case .compare(let comparator):
            let right = takeOperand()
            finish(.compare(takeOperand(), comparator, right))
        case .between:
            let high = takeOperand()
            let low = takeOperand()
            finish(.between(takeOperand(), low: low, high: high))
        case .isIn(let candidateCount):
            let candidates = Array(operands.suffix(candidateCount))
            operands.removeLast(candidates.count)
            finish(.isIn(takeOperand(), candidates))
        case .and:
            let right = takeCondition()
            conditions.append(.and(takeCondition(), right))
        case .or:
            let right = takeCondition()
            conditions.append(.or(takeCondition(), right))
        case .not: conditions.append(.not(takeCondition()))
        case .checkFunction: binding.checkFinished(condition)
        case .problem(let problem, let error): binding.report(problem, error)
        case .operandForCondition:
            _ = takeCondition()
            operands.append(.value(.null))
        case .conditionForOperand:
            _ = takeOperand()
            conditions.append(Self.standIn)
        case .unusable(let operandCount, let isOperand):
            operands.removeLast(min(operandCount, operands.count))
            if isOperand {
                operands.append(.value(.null))
            } else {
                conditions.append(Self.standIn)
            }
        case .set, .remove, .add, .delete: return  // No condition has them.
        }
    }

    private mutating func takeOperand() -> Condition.Operand { operands.popLast() ?? .value(.null) }

    private mutating func takeCondition() -> Condition { conditions.popLast() ?? Self.standIn }

    /// Leaves a comparison, and checks it.
    private mutating func finish(_ comparison: Condition) {
        conditions.append(comparison)
        binding.checkFinished(comparison)
    }

    // MARK: Functions

    private mutating func perform(_ function: ExpressionFunction) {
        let last = takeOperand()
        switch function {
        case .attributeExists: conditions.append(.attributeExists(path(last, function)))
        case .attributeNotExists: conditions.append(.attributeNotExists(path(last, function)))
        case .attributeType: conditions.append(attributeType(takeOperand(), last))
        case .beginsWith: conditions.append(.beginsWith(takeOperand(), last))
        case .contains: conditions.append(.contains(takeOperand(), last))
        case .size: operands.append(size(of: last))
        case .ifNotExists, .listAppend: return  // No condition has them.
        }
    }

    private mutating func path(
        _ operand: Condition.Operand, _ function: ExpressionFunction
    ) -> DocumentPath {
        if case .path(let path) = operand { return path }
        binding.reportPath(of: function)
        return DocumentPath("")
    }

    /// The size of a path's value, or that of a literal, which is known.
    private mutating func size(of operand: Condition.Operand) -> Condition.Operand {
        let type: AttributeType
        switch operand {
        case .path(let path): return .size(path)
        case .value(let value):
            if let size = value.size { return .value(.number(Number(size))) }
            type = value.type
        case .size: type = .number
        }
        binding.report(
            .operand, "The function size has no operand of the type \(type.rawValue).",
            .operandType(operator: "size", type))
        return .value(.null)
    }

    private mutating func attributeType(
        _ operand: Condition.Operand, _ typeName: Condition.Operand
    ) -> Condition {
        guard let type = type(typeName) else { return Self.standIn }
        // The type of a literal is known, so the two names of types are compared.
        if case .value(let value) = operand {
            let names = [value.type, type].map { AttributeValue.string($0.rawValue) }
            return .compare(.value(names[0]), .equal, .value(names[1]))
        }
        return .attributeType(path(operand, .attributeType), type)
    }

    /// The type that the second operand of `attribute_type` names; `nil` if it names none.
    private mutating func type(_ operand: Condition.Operand) -> AttributeType? {
        guard case .value(let value) = operand else {
            binding.report(
                .operand, "The second operand of attribute_type is a value.", .typeOfPath)
            return nil
        }
        guard case .string(let text) = value else {
            binding.report(
                .operand, "The second operand of attribute_type is the name of a type.",
                .operandType(operator: "attribute_type", value.type))
            return nil
        }
        guard let type = AttributeType(rawValue: text) else {
            binding.report(
                .operand,
                "Invalid attribute type name found; valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}",
                .typeName(text))
            return nil
        }
        return type
    }
}
