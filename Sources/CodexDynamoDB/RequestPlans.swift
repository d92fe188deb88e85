internal import CodexCore

/// What a service knows of the expressions and statements that its clients repeat.
struct RequestPlans: Sendable {
    /// Most plans of expressions, and of statements.
    ///
    /// A program has some hundred different expressions, and some programs share a service.
    static let countMax = 1024
    /// Most bytes of the plans of expressions, and of statements.
    ///
    /// The longest conditions and updates take less than an eighth of it, so they are kept.
    static let byteCountMax = 4 << 20

    let expressions: ExpressionPlans
    let statements: StatementPlans

    init() {
        expressions = ExpressionPlans(
            countMax: Self.countMax, byteCountMax: Self.byteCountMax)
        statements = StatementPlans(countMax: Self.countMax, byteCountMax: Self.byteCountMax)
    }
}
