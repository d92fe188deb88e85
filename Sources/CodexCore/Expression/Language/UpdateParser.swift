/// Parses updates.
struct UpdateParser: OperandParser {
    var cursor: ExpressionParser.Cursor

    init(_ cursor: ExpressionParser.Cursor) { self.cursor = cursor }

    private enum Section: String, CaseIterable { case SET, REMOVE, ADD, DELETE }

    mutating func parse() throws(CodexError) -> Update {
        var clauses: [Update.Clause] = []
        var seen: Set<Section> = []
        while cursor.token.kind != .end {
            guard
                let section = Section.allCases.first(where: { cursor.token.isKeyword($0.rawValue) })
            else { throw cursor.syntaxError }
            if !seen.insert(section).inserted {
                cursor.report(
                    .section,
                    "The \"\(section.rawValue)\" section can only be used once in an update "
                        + "expression;")
            }
            cursor.advance()
            repeat { clauses.append(try clause(section)) } while cursor.take(symbol: ",")
        }
        let update = Update(clauses)
        cursor.check(.path) { () throws(CodexError) in try update.requireDisjointPaths() }
        cursor.check(.clause) { () throws(CodexError) in try update.requireClauseTypes() }
        cursor.check(.rule) { () throws(CodexError) in try update.requireOperandTypes() }
        try cursor.requireNoProblem()
        return update
    }

    private mutating func clause(_ section: Section) throws(CodexError) -> Update.Clause {
        let path = try cursor.path()
        switch section {
        case .SET:
            try cursor.require(symbol: "=")
            try cursor.count()
            return .set(path, try value())
        case .REMOVE: return .remove(path)
        case .ADD:
            try cursor.count()
            return .add(path, try cursor.value())
        case .DELETE:
            try cursor.count()
            return .delete(path, try cursor.value())
        }
    }

    /// Parses the right side of a SET: an operand, a sum or a difference.
    ///
    /// Parentheses may be around each operand, and around the whole.
    private mutating func value() throws(CodexError) -> Update.Value {
        var openCount = takeOpenings()
        let left = try plainOperand()
        var closedCount = 0
        while closedCount < openCount, cursor.take(symbol: ")") { closedCount += 1 }
        if closedCount > 1 { reportParentheses() }
        openCount -= closedCount
        for symbol in ["+", "-"] where cursor.take(symbol: symbol) {
            try cursor.count()
            let right = try operand()
            try close(openCount)
            return symbol == "+" ? .sum(left, right) : .difference(left, right)
        }
        guard openCount == 0 else { throw cursor.syntaxError }
        return .operand(left)
    }

    mutating func operand() throws(CodexError) -> Update.Operand {
        let count = takeOpenings()
        let operand = try plainOperand()
        try close(count)
        return operand
    }

    private mutating func plainOperand() throws(CodexError) -> Update.Operand {
        if cursor.token.kind == .valueReference { return .value(try cursor.value()) }
        guard try cursor.isAtFunction() else { return .path(try cursor.path()) }
        return try function()
    }

    private mutating func function() throws(CodexError) -> Update.Operand {
        let name = cursor.token.text
        let arguments = try arguments()
        guard let count = ExpressionFunctions.ofUpdates[name] else {
            let isKnown = ExpressionFunctions.ofConditions[name] != nil
            cursor.report(
                .unknownFunction,
                isKnown
                    ? "The function is not allowed in an update expression; function: \(name)"
                    : "Invalid function name; function: \(name)")
            return .value(.null)
        }
        guard arguments.count == count else {
            reportCount(arguments.count, of: name)
            return .value(.null)
        }
        if name == "list_append" {
            // DynamoDB does not take its result as an operand of the same function.
            for case .listAppend in arguments { reportMisuse(of: name) }
            return .listAppend(arguments[0], arguments[1])
        }
        guard case .path(let path) = arguments[0] else {
            reportPath(of: name)
            return .value(.null)
        }
        return .ifNotExists(path, arguments[1])
    }
}
