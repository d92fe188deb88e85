internal import CodexCore

/// Parses the expressions of statements by recursive descent.
///
/// The levels of precedence are, from the weakest: OR, AND, NOT, equality, order, sums, products,
/// signs. The nesting and the number of operators are bounded.
struct NodeParser {
    private(set) var cursor: StatementCursor

    init(_ cursor: StatementCursor) { self.cursor = cursor }

    /// Parses a part that is nested by one level.
    private mutating func nested<Part>(_ body: (inout Self) throws -> Part) throws -> Part {
        try cursor.enter()
        defer { cursor.leave() }
        return try body(&self)
    }

    mutating func expression() throws -> StatementNode {
        let position = cursor.token.position
        var parts = [try conjunction()]
        while cursor.take(keyword: "or") { parts.append(try right { try $0.conjunction() }) }
        return parts.count == 1 ? parts[0] : StatementNode(.any(parts), at: position)
    }

    private mutating func conjunction() throws -> StatementNode {
        let position = cursor.token.position
        var parts = [try negation()]
        while cursor.take(keyword: "and") { parts.append(try right { try $0.negation() }) }
        return parts.count == 1 ? parts[0] : StatementNode(.all(parts), at: position)
    }

    /// The right side of an operator.
    private mutating func right(
        _ body: (inout Self) throws -> StatementNode
    ) throws -> StatementNode {
        try cursor.countOperator()
        try StatementCursor.require(!cursor.token.isEnd, StatementMessages.rightSide)
        return try body(&self)
    }

    private mutating func negation() throws -> StatementNode {
        let position = cursor.token.position
        var count = 0
        while cursor.take(keyword: "not") {
            try cursor.countOperator()
            count += 1
        }
        var node = try equality()
        // Two negations are kept, because they need a condition.
        for _ in 0..<(count > 2 ? 2 - count % 2 : count) {
            node = StatementNode(.not(node), at: position)
        }
        return node
    }

    /// `=`, `<>`, `IS` and `IN`.
    private mutating func equality() throws -> StatementNode {
        let position = cursor.token.position
        var left = try order()
        for _ in 0...StatementCursor.depthMax {
            if cursor.take(symbol: "=") {
                left = try comparison(.equal, left, position)
            } else if cursor.take(symbol: "<>") || cursor.take(symbol: "!=") {
                left = try comparison(.notEqual, left, position)
            } else if cursor.take(keyword: "is") {
                try cursor.countOperator()
                let isNegated = cursor.take(keyword: "not")
                let content = StatementNode.Content.isType(left, try typeName())
                left = Self.negated(isNegated, StatementNode(content, at: position))
            } else if cursor.token.isKeyword("in")
                || cursor.token.isKeyword("not") && cursor.next.isKeyword("in")
            {
                let isNegated = cursor.take(keyword: "not")
                cursor.advance()
                let content = StatementNode.Content.isIn(left, try candidates())
                left = Self.negated(isNegated, StatementNode(content, at: position))
            } else {
                return left
            }
        }
        throw StatementMessages.tooDeep(cursor.token.position)
    }

    private static func negated(_ isNegated: Bool, _ node: StatementNode) -> StatementNode {
        isNegated ? StatementNode(.not(node), at: node.position) : node
    }

    private mutating func comparison(
        _ comparator: Condition.Comparator, _ left: StatementNode, _ position: StatementPosition
    ) throws -> StatementNode {
        StatementNode(
            .compare(comparator, left, try right { try $0.order() }), at: position)
    }

    /// The right side of `IN`; `nil` if it is no list.
    private mutating func candidates() throws -> [StatementNode]? {
        try cursor.countOperator()
        if cursor.token.isSymbol("(") {
            return try nested { parser in
                parser.cursor.advance()
                return try parser.elements(until: ")", "RIGHT_PAREN")
            }
        }
        switch try order().content {
        case .list(let nodes), .bag(let nodes): return nodes
        default: return nil
        }
    }

    /// The name of a type behind `IS`, in capitals.
    private mutating func typeName() throws -> String {
        let word = cursor.token.text.lowercased()
        guard cursor.token.kind == .identifier || cursor.token.kind == .keyword,
            StatementKeywords.types.contains(word)
        else { throw StatementMessages.malformed(StatementMessages.typeName) }
        cursor.advance()
        var name = word.uppercased()
        for (first, second) in [("DOUBLE", "precision"), ("CHARACTER", "varying")]
        where name == first && cursor.take(keyword: second) {
            name += " " + second.uppercased()
        }
        if cursor.token.isSymbol("("), cursor.next.kind == .number {
            repeat {
                cursor.advance()
                cursor.advance()
            } while cursor.token.isSymbol(",") && cursor.next.kind == .number
            try cursor.require(symbol: ")", "RIGHT_PAREN")
        }
        return name
    }

    // MARK: Order

    /// `<`, `<=`, `>`, `>=`, `BETWEEN` and `LIKE`.
    private mutating func order() throws -> StatementNode {
        let position = cursor.token.position
        var left = try sum()
        for _ in 0...StatementCursor.depthMax {
            if cursor.token.kind == .symbol, let comparator = Self.orders[cursor.token.text] {
                cursor.advance()
                left = StatementNode(
                    .compare(comparator, left, try right { try $0.sum() }), at: position)
                continue
            }
            let isNegated = cursor.token.isKeyword("not")
            let word = isNegated ? cursor.next : cursor.token
            if word.isKeyword("between") {
                if isNegated { cursor.advance() }
                cursor.advance()
                let low = try right { try $0.sum() }
                try StatementCursor.require(
                    cursor.take(keyword: "and"), "Expected AND after BETWEEN")
                try StatementCursor.require(!cursor.token.isEnd, StatementMessages.rightSide)
                let between = StatementNode(
                    .between(left, low: low, high: try sum()), at: position)
                left = Self.negated(isNegated, between)
            } else if word.isKeyword("like") {
                if isNegated { cursor.advance() }
                cursor.advance()
                let like = StatementNode(
                    .binary("LIKE", left, try right { try $0.sum() }), at: position)
                left = Self.negated(isNegated, like)
            } else {
                return left
            }
        }
        throw StatementMessages.tooDeep(cursor.token.position)
    }

    private static let orders: [String: Condition.Comparator] = [
        "<": .less, "<=": .lessOrEqual, ">": .greater, ">=": .greaterOrEqual,
    ]

    // MARK: Arithmetic

    private mutating func sum() throws -> StatementNode {
        let position = cursor.token.position
        var left = try product()
        while cursor.token.kind == .symbol, ["+", "-", "||"].contains(cursor.token.text) {
            let name = cursor.token.text
            cursor.advance()
            left = StatementNode(
                .binary(name, left, try right { try $0.product() }), at: position)
        }
        return left
    }

    private mutating func product() throws -> StatementNode {
        let position = cursor.token.position
        var left = try signed()
        while cursor.token.kind == .symbol, ["*", "/", "%"].contains(cursor.token.text) {
            let name = cursor.token.text
            cursor.advance()
            left = StatementNode(.binary(name, left, try right { try $0.signed() }), at: position)
        }
        return left
    }

    /// A term with any number of signs; those of a number belong to it.
    private mutating func signed() throws -> StatementNode {
        let position = cursor.token.position
        var (sign, isNegative) = ("", false)
        while cursor.token.isSymbol("-") || cursor.token.isSymbol("+") {
            if sign.isEmpty { sign = cursor.token.text }
            if cursor.token.isSymbol("-") { isNegative.toggle() }
            cursor.advance()
        }
        let node = try term()
        guard !sign.isEmpty else { return node }
        guard case .number(let text) = node.content else {
            try cursor.countOperator()
            return StatementNode(.sign(sign, node), at: position)
        }
        guard isNegative else { return node }
        let opposite = text.hasPrefix("-") ? String(text.dropFirst()) : "-" + text
        return StatementNode(.number(opposite), at: node.position)
    }

    // MARK: Terms

    private mutating func term() throws -> StatementNode {
        let (token, position) = (cursor.token, cursor.token.position)
        switch token.kind {
        case .string:
            cursor.advance()
            return StatementNode(.string(token.text), at: position)
        case .number:
            cursor.advance()
            return StatementNode(.number(token.text), at: position)
        case .parameter: return StatementNode(.parameter(cursor.takeParameter()), at: position)
        case .quotedIdentifier: return StatementNode(.path(try documentPath()), at: position)
        case .identifier:
            if cursor.next.isSymbol("(") { return try call() }
            return StatementNode(.path(try documentPath()), at: position)
        case .keyword:
            if cursor.next.isSymbol("("), StatementKeywords.functions.contains(token.text) {
                return try call()
            }
            guard let content = Self.words[token.text] else { throw cursor.unexpectedTerm }
            cursor.advance()
            return StatementNode(content, at: position)
        case .symbol: return try group()
        case .end: throw cursor.unexpectedTerm
        }
    }

    private static let words: [String: StatementNode.Content] = [
        "true": .bool(true), "false": .bool(false), "null": .null, "missing": .missing,
    ]

    /// An expression in parentheses, a list, a set or a map.
    private mutating func group() throws -> StatementNode {
        let (symbol, position) = (cursor.token.text, cursor.token.position)
        guard ["(", "[", "{", "<<"].contains(symbol) else { throw cursor.unexpectedTerm }
        return try nested { parser in
            parser.cursor.advance()
            switch symbol {
            case "(":
                try StatementCursor.require(
                    !parser.cursor.token.isSymbol(")"), "Expression group cannot be empty")
                let nodes = try parser.elements(until: ")", "RIGHT_PAREN")
                return nodes.count == 1 ? nodes[0] : StatementNode(.list(nodes), at: position)
            case "[":
                let nodes = try parser.elements(until: "]", "RIGHT_BRACKET")
                return StatementNode(.list(nodes), at: position)
            case "<<":
                let nodes = try parser.elements(until: ">>", "RIGHT_DOUBLE_ANGLE_BRACKET")
                return StatementNode(.bag(nodes), at: position)
            default: return StatementNode(.map(try parser.members()), at: position)
            }
        }
    }

    /// Expressions up to a closing symbol, separated by commas.
    private mutating func elements(
        until symbol: String, _ name: String
    ) throws -> [StatementNode] {
        var nodes: [StatementNode] = []
        if cursor.take(symbol: symbol) { return nodes }
        repeat { nodes.append(try expression()) } while cursor.take(symbol: ",")
        try cursor.require(symbol: symbol, name)
        return nodes
    }

    /// The members of a map, after its first symbol.
    private mutating func members() throws -> [StatementNode.Member] {
        var members: [StatementNode.Member] = []
        if cursor.take(symbol: "}") { return members }
        repeat {
            let key = try expression()
            try cursor.require(symbol: ":", "COLON")
            members.append(StatementNode.Member(key: key, value: try expression()))
        } while cursor.take(symbol: ",")
        try cursor.require(symbol: "}", "RIGHT_CURLY")
        return members
    }

    /// A function with its arguments.
    private mutating func call() throws -> StatementNode {
        let (name, position) = (cursor.token.text.lowercased(), cursor.token.position)
        try cursor.countOperator()
        cursor.advance()
        return try nested { parser in
            parser.cursor.advance()
            // Functions of these forms are parsed, because the service refuses them by their names.
            if parser.cursor.token.isKeyword("select") {
                var statement = StatementParser(parser.cursor)
                _ = try statement.select()
                parser.cursor = statement.cursor
                try parser.cursor.require(symbol: ")", "RIGHT_PAREN")
                return StatementNode(.call(name, []), at: position)
            }
            if parser.cursor.token.isSymbol("*"), parser.cursor.next.isSymbol(")") {
                parser.cursor.advance()
                parser.cursor.advance()
                return StatementNode(.call(name, []), at: position)
            }
            let arguments = try parser.elements(until: ")", "RIGHT_PAREN")
            return StatementNode(.call(name, arguments), at: position)
        }
    }

    // MARK: Paths

    /// A path of names and indexes, from its first name.
    mutating func documentPath() throws -> DocumentPath {
        let root = cursor.token.text
        cursor.advance()
        var steps: [DocumentPath.Step] = []
        while true {
            if cursor.take(symbol: ".") {
                if cursor.token.isSymbol("*") {
                    cursor.note(StatementMessages.unpivot(cursor.token.position))
                } else {
                    try StatementCursor.require(
                        cursor.token.isName, StatementMessages.pathComponent)
                    steps.append(.name(cursor.token.text))
                }
                cursor.advance()
            } else if cursor.take(symbol: "[") {
                steps.append(.index(try index()))
                try cursor.require(symbol: "]", "RIGHT_BRACKET")
            } else {
                break
            }
            if steps.count >= DynamoDBLimits.nestingDepthMax {
                cursor.note(StatementMessages.pathTooLong(steps.count + 1))
            }
        }
        return DocumentPath(root: root, steps: steps)
    }

    /// An index of a list; 0 for one that is refused.
    private mutating func index() throws -> Int {
        if cursor.token.isSymbol("*") {
            cursor.note(StatementMessages.wildcard(cursor.token.position))
            cursor.advance()
            return 0
        }
        let position = cursor.token.position
        let node = try nested { try $0.expression() }
        guard case .number(let text) = node.content else {
            cursor.note(StatementMessages.unexpectedComponent(position))
            return 0
        }
        if let index = Int32(text), index >= 0 { return Int(index) }
        cursor.note(StatementMessages.index(text, node.position))
        return 0
    }
}
