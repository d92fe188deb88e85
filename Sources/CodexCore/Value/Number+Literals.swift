extension Number: ExpressibleByFloatLiteral {
    /// Creates a number from a literal with a point or an exponent.
    ///
    /// The compiler first makes a `Double` of the literal. The number is the one that the double's
    /// shortest decimal spelling names: `0.1` is exactly 0.1. A literal of up to 15 significant
    /// digits gives its own value. For more digits use ``init(parsing:)``.
    ///
    /// - Precondition: The literal is zero, or its magnitude is from 1E-130 to 9.99E+125.
    public init(floatLiteral value: Double) {
        do throws(CodexError) {
            try self.init(value)
        } catch {
            preconditionFailure("The literal is no number: \(error.message)")
        }
    }
}

extension AttributeValue: ExpressibleByFloatLiteral {
    /// A number value, as ``Number/init(floatLiteral:)`` makes it.
    public init(floatLiteral value: Double) { self = .number(Number(floatLiteral: value)) }
}
