/// Makes an update from the steps of its plan.
struct UpdateBuilder: ExpressionBuilder {
    private(set) var binding: ExpressionBinding
    /// The operands that no later step has taken yet.
    private var operands: [Update.Operand] = []
    private var clauses: [Update.Clause] = []

    init(_ binding: ExpressionBinding) { self.binding = binding }

    /// The update of all steps, after the checks of its clauses together.
    mutating func checkedUpdate() -> Update {
        let update = Update(clauses)
        binding.check(.path) { () throws(CodexError) in try update.requireDisjointPaths() }
        binding.check(.clause) { () throws(CodexError) in try update.requireClauseTypes() }
        binding.check(.rule) { () throws(CodexError) in try update.requireOperandTypes() }
        return update
    }

    mutating func perform(_ step: ExpressionPlan.Step) throws(CodexError) {
        switch step {
        case .path(let path): operands.append(.path(path))
        case .pathWithPlaceholders(let path):
            operands.append(.path(try binding.path(resolving: path)))
        case .value(let placeholder): operands.append(.value(try binding.value(placeholder)))
        case .function(let function): perform(function)
        case .set(let form):
            let value = takeValue(form)
            clauses.append(.set(takePath(), value))
        case .remove: clauses.append(.remove(takePath()))
        case .add:
            let value = takeLiteral()
            clauses.append(.add(takePath(), value))
        case .delete:
            let value = takeLiteral()
            clauses.append(.delete(takePath(), value))
        case .problem(let problem, let error): binding.report(problem, error)
        case .unusable(let operandCount, _):
            operands.removeLast(min(operandCount, operands.count))
            operands.append(.value(.null))
        // No update has them.
        case .compare, .between, .isIn, .and, .or, .not, .checkFunction, .operandForCondition,
            .conditionForOperand:
            return
        }
    }

    private mutating func takeOperand() -> Update.Operand { operands.popLast() ?? .value(.null) }

    private mutating func takePath() -> DocumentPath {
        if case .path(let path) = takeOperand() { path } else { DocumentPath("") }
    }

    private mutating func takeLiteral() -> AttributeValue {
        if case .value(let value) = takeOperand() { value } else { .null }
    }

    private mutating func takeValue(_ form: ExpressionPlan.SetForm) -> Update.Value {
        let last = takeOperand()
        return switch form {
        case .operand: .operand(last)
        case .sum: .sum(takeOperand(), last)
        case .difference: .difference(takeOperand(), last)
        }
    }

    private mutating func perform(_ function: ExpressionFunction) {
        let second = takeOperand()
        let first = takeOperand()
        guard function == .ifNotExists else {
            // DynamoDB does not take its result as an operand of the same function.
            for case .listAppend in [first, second] {
                binding.report(
                    .misusedFunction, ExpressionFunction.misuse(of: function.rawValue))
            }
            operands.append(.listAppend(first, second))
            return
        }
        guard case .path(let path) = first else {
            binding.reportPath(of: function)
            operands.append(.value(.null))
            return
        }
        operands.append(.ifNotExists(path, second))
    }
}
