internal import CodexCore

/// Parses statements by recursive descent, in one pass over the tokens.
struct StatementParser {
    private(set) var cursor: StatementCursor

    init(_ cursor: StatementCursor) { self.cursor = cursor }

    /// Parses a statement.
    ///
    /// - Parameter text: The statement.
    /// - Returns: The statement, and the number of its parameters.
    /// - Throws: `ValidationException`.
    static func parse(_ text: String) throws -> (statement: Statement, parameterCount: Int) {
        var parser = StatementParser(try StatementCursor(text))
        let statement = try parser.statement()
        _ = parser.cursor.take(symbol: ";")
        try StatementCursor.require(parser.cursor.token.kind == .end, StatementMessages.leftover)
        if let failure = parser.cursor.failure { throw failure }
        return (statement, parser.cursor.parameterCount)
    }

    private mutating func expression() throws -> StatementNode {
        var parser = NodeParser(cursor)
        defer { cursor = parser.cursor }
        return try parser.expression()
    }

    private mutating func documentPath() throws -> DocumentPath {
        var parser = NodeParser(cursor)
        defer { cursor = parser.cursor }
        return try parser.documentPath()
    }

    // MARK: Statements

    private mutating func statement() throws -> Statement {
        try StatementCursor.require(!cursor.token.isEnd, StatementMessages.term)
        try StatementCursor.require(
            cursor.token.kind == .keyword, StatementMessages.notManipulation)
        switch cursor.token.text {
        case "select": return .select(try select())
        case "insert": return .insert(try insert())
        case "update": return .update(try update())
        case "delete": return .delete(try delete())
        case "from": return .update(try updateFrom())
        case "exists" where cursor.next.isSymbol("("):
            cursor.advance()
            cursor.advance()
            let select = try select()
            try cursor.require(symbol: ")", "RIGHT_PAREN")
            return .exists(select)
        default: throw StatementMessages.malformed(StatementMessages.notManipulation)
        }
    }

    /// A SELECT, from its first word.
    mutating func select() throws -> Statement.Select {
        try StatementCursor.require(
            cursor.token.isKeyword("select"), StatementMessages.notManipulation)
        cursor.advance()
        let word = cursor.token
        if ["distinct", "all", "value"].contains(where: word.isKeyword) {
            cursor.note(StatementMessages.clause(word.text.uppercased(), word.position))
            cursor.advance()
        }
        let columns = try columns()
        try StatementCursor.require(cursor.take(keyword: "from"), "Expected FROM after SELECT list")
        let source = try readSource()
        let condition = try condition()
        try unsupportedClauses(["group", "having"])
        let order = try ordering()
        try unsupportedClauses(["limit"])
        return Statement.Select(
            columns: columns, source: source, condition: condition, order: order)
    }

    /// The selected expressions; `nil` is `*`.
    private mutating func columns() throws -> [StatementNode]? {
        try StatementCursor.require(
            !cursor.token.isKeyword("from"), "Cannot have empty SELECT list")
        let together =
            "Other expressions may not be present in the select list when '*' is used without dot "
            + "notation."
        if cursor.take(symbol: "*") {
            try StatementCursor.require(!cursor.token.isSymbol(","), together)
            return nil
        }
        var columns: [StatementNode] = []
        repeat {
            try StatementCursor.require(!cursor.token.isSymbol("*"), together)
            columns.append(try expression())
            takeAlias()
        } while cursor.take(symbol: ",")
        return columns
    }

    /// Passes over an alias, which the service refuses.
    private mutating func takeAlias() {
        if cursor.token.isKeyword("as"), cursor.next.isName {
            cursor.advance()
        } else if !cursor.token.isName {
            return
        }
        cursor.advance()
        cursor.note(StatementMessages.alias)
    }

    private mutating func condition() throws -> StatementNode? {
        try cursor.take(keyword: "where") ? expression() : nil
    }

    private mutating func ordering() throws -> [Statement.Order] {
        guard cursor.token.isKeyword("order") else { return [] }
        cursor.advance()
        try StatementCursor.require(cursor.take(keyword: "by"), "Expected BY after ORDER")
        var order: [Statement.Order] = []
        repeat {
            let node = try expression()
            let (ascends, descends) = (cursor.take(keyword: "asc"), cursor.take(keyword: "desc"))
            order.append(
                Statement.Order(node: node, descends: ascends || descends ? descends : nil))
        } while cursor.take(symbol: ",")
        return order
    }

    /// Passes over clauses of SQL that the service refuses.
    private mutating func unsupportedClauses(_ words: Set<String>) throws {
        while cursor.token.kind == .keyword, words.contains(cursor.token.text) {
            let name = cursor.token.text
            cursor.advance()
            if name == "group" { _ = cursor.take(keyword: "by") }
            cursor.note(StatementMessages.clause(name.uppercased(), cursor.token.position))
            repeat { _ = try expression() } while cursor.take(symbol: ",")
        }
    }

    // MARK: Sources

    /// The source of a SELECT or of an UPDATE that begins with FROM.
    private mutating func readSource() throws -> Statement.Source {
        guard cursor.token.isName else { throw cursor.unexpectedTerm }
        let source = try path()
        takeAlias()
        while cursor.take(symbol: ",") {
            cursor.note(StatementMessages.severalTables)
            _ = try expression()
            takeAlias()
        }
        return source
    }

    /// The table of a write.
    private mutating func writeSource(allowsAlias: Bool) throws -> Statement.Source {
        try StatementCursor.require(cursor.token.isName, StatementMessages.simplePath)
        let source = try path()
        if allowsAlias { takeAlias() }
        return source
    }

    private mutating func path() throws -> Statement.Source {
        var names = [cursor.token.text]
        cursor.advance()
        while true {
            if cursor.token.isSymbol("[") {
                cursor.note(StatementMessages.unexpectedComponent(cursor.next.position))
                _ = try expression()
            }
            guard cursor.take(symbol: ".") else { return Statement.Source(names: names) }
            try StatementCursor.require(cursor.token.isName, StatementMessages.pathComponent)
            names.append(cursor.token.text)
            cursor.advance()
        }
    }

    // MARK: Writes

    private mutating func insert() throws -> Statement.Insert {
        cursor.advance()
        try StatementCursor.require(cursor.take(keyword: "into"), "Expected INTO after INSERT")
        let source = try writeSource(allowsAlias: false)
        try StatementCursor.require(
            cursor.take(keyword: "value"),
            cursor.token.isEnd ? StatementMessages.term : StatementMessages.leftover)
        return Statement.Insert(
            source: source, value: try expression(), returning: try returning())
    }

    private mutating func update() throws -> Statement.Update {
        cursor.advance()
        let source = try writeSource(allowsAlias: true)
        let clauses = try clauses()
        return Statement.Update(
            source: source, clauses: clauses, condition: try condition(),
            returning: try returning())
    }

    /// An UPDATE with its table and its condition before its clauses.
    private mutating func updateFrom() throws -> Statement.Update {
        cursor.advance()
        let source = try readSource()
        let condition = try condition()
        return Statement.Update(
            source: source, clauses: try clauses(), condition: condition,
            returning: try returning())
    }

    private mutating func clauses() throws -> [Statement.Clause] {
        var clauses: [Statement.Clause] = []
        while true {
            if cursor.take(keyword: "set") {
                repeat {
                    let path = try target()
                    try StatementCursor.require(
                        cursor.take(symbol: "="), "Expected assignment for SET")
                    try cursor.countOperator()
                    clauses.append(.set(path, try expression()))
                } while cursor.take(symbol: ",")
            } else if cursor.take(keyword: "remove") {
                try cursor.countOperator()
                clauses.append(.remove(try target()))
            } else {
                try StatementCursor.require(!clauses.isEmpty, StatementMessages.notManipulation)
                return clauses
            }
        }
    }

    /// The path that a clause changes.
    private mutating func target() throws -> DocumentPath {
        try StatementCursor.require(cursor.token.isName, StatementMessages.simplePath)
        return try documentPath()
    }

    private mutating func delete() throws -> Statement.Delete {
        cursor.advance()
        try StatementCursor.require(cursor.take(keyword: "from"), "Expected FROM after DELETE")
        let source = try writeSource(allowsAlias: true)
        return Statement.Delete(
            source: source, condition: try condition(), returning: try returning())
    }

    private mutating func returning() throws -> Statement.Returning? {
        guard cursor.take(keyword: "returning") else { return nil }
        let first = try returned()
        while cursor.take(symbol: ",") {
            cursor.note(StatementRefusals.severalReturning)
            _ = try returned()
        }
        return first
    }

    private mutating func returned() throws -> Statement.Returning {
        let isModified = cursor.take(keyword: "modified")
        try StatementCursor.require(
            isModified || cursor.take(keyword: "all"),
            "Expected ALL or MODIFIED in a returning element")
        let isNew = cursor.take(keyword: "new")
        try StatementCursor.require(
            isNew || cursor.take(keyword: "old"), "Expected OLD or NEW in a returning element")
        try StatementCursor.require(
            cursor.take(symbol: "*"), "Expected an asterisk in a returning element")
        return Statement.Returning(isModified: isModified, isNew: isNew)
    }
}
