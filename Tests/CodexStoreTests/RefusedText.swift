#if Macros
    import CodexCore

    /// What the compiler makes of a call with a text that a field does not take.
    ///
    /// It prefers the function of the library. So it chooses the one below only where a program
    /// without that function would not compile.
    struct RefusedText {
        /// Whether fields of an order refuse text, by name.
        static let fields: [String: Bool] = [
            "number": isRefused(MacroOrders.Plain.fields.number("7")),
            "region": isRefused(MacroOrders.Plain.fields.region("7")),
        ]

        private static func isRefused<Result>(_ result: Result) -> Bool { result is RefusedText }
    }

    extension Field {
        @_disfavoredOverload
        fileprivate func callAsFunction(_ text: String) -> RefusedText { RefusedText() }
    }
#endif
