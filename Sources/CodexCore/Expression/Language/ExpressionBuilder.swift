/// Makes an expression from the steps of its plan.
protocol ExpressionBuilder {
    /// The names and values of a request.
    var binding: ExpressionBinding { get }

    /// Performs the next step of a plan.
    mutating func perform(_ step: ExpressionPlan.Step) throws(CodexError)
}

extension ExpressionBuilder {
    /// Performs all steps of a plan.
    ///
    /// - Throws: The error of a step, or the one at which the parsing ended.
    mutating func perform(_ plan: ExpressionPlan) throws(CodexError) {
        for step in plan.steps { try perform(step) }
        if let failure = plan.failure { throw failure }
    }
}
