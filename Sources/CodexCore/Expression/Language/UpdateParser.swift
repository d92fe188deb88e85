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
            guard seen.insert(section).inserted else {
                throw cursor.error(
                    "The \"\(section.rawValue)\" section can only be used once in an update expression;"
                )
            }
            cursor.advance()
            repeat { clauses.append(try clause(section)) } while cursor.take(symbol: ",")
        }
        return Update(clauses)
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

    private mutating func value() throws(CodexError) -> Update.Value {
        let left = try operand()
        for symbol in ["+", "-"] where cursor.take(symbol: symbol) {
            try cursor.count()
            let right = try operand()
            return symbol == "+" ? .sum(left, right) : .difference(left, right)
        }
        return .operand(left)
    }

    mutating func operand() throws(CodexError) -> Update.Operand {
        if cursor.token.kind == .valueReference { return .value(try cursor.value()) }
        guard cursor.token.kind == .word, cursor.next.isSymbol("(") else {
            return .path(try cursor.path())
        }
        let name = cursor.token.text
        guard let count = ExpressionFunctions.ofUpdates[name] else {
            guard ExpressionFunctions.ofConditions[name] == nil else {
                throw cursor.error(
                    "The function is not allowed in an update expression; function: \(name)")
            }
            throw unknown(name)
        }
        let arguments = try arguments(name, count)
        if name == "list_append" { return .listAppend(arguments[0], arguments[1]) }
        guard case .path(let path) = arguments[0] else {
            throw cursor.error(
                "Operator or function requires a document path; operator or function: \(name)")
        }
        return .ifNotExists(path, arguments[1])
    }
}
