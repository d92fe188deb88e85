/// Makes a projection from the steps of its plan.
struct ProjectionBuilder: ExpressionBuilder {
    private(set) var binding: ExpressionBinding
    private(set) var paths: [DocumentPath] = []

    init(_ binding: ExpressionBinding) { self.binding = binding }

    mutating func perform(_ step: ExpressionPlan.Step) throws(CodexError) {
        switch step {
        case .path(let path): paths.append(path)
        case .pathWithPlaceholders(let path): paths.append(try binding.path(resolving: path))
        case .problem(let problem, let error): binding.report(problem, error)
        default: return  // No projection has other steps.
        }
    }
}
