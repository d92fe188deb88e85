internal import CodexCore

extension FuzzTarget {
    /// Expressions: parsed, evaluated on items, written as text and parsed again.
    static let expressions = FuzzTarget(
        "expressions",
        words: [
            "attribute_exists(", "attribute_not_exists(", "attribute_type(", "begins_with(",
            "contains(", "size(", "if_not_exists(", "list_append(", " BETWEEN ", " AND ", " OR ",
            "NOT ", " IN (", "SET ", "REMOVE ", "ADD ", "DELETE ", "<>", "<=", ">=", "#a", "#b",
            ":n", ":s", ":l", ":ss", ":ns", ":t", "[0]", "[1]",
        ],
        seeds: ExpressionFuzzing.seeds, check: ExpressionFuzzing.check)
}

private enum ExpressionFuzzing {
    private static let names = ["#a": "m", "#b": "l", "#dot": "a.b", "#long": "status"]
    private static let values: [String: AttributeValue] = [
        ":n": 1, ":big": .number(Number(Int64.max)), ":s": "text", ":e": "", ":b": .binary([0, 1]),
        ":l": ["a", 2], ":ss": .stringSet(["a", "x"]), ":ns": .numberSet([1, 3]), ":t": true,
        ":null": .null, ":m": ["deep": ["er": "x"]], ":S": "S", ":N": "N",
    ]

    private static let items = mustSucceed("samples are made") { try SampleItems.all() }

    static func seeds() -> [[UInt8]] {
        let conditions = [
            "n = :n AND attribute_exists(#a.nested)", "size(l) > :n OR NOT (s <> :s)",
            "n BETWEEN :n AND :big", "s IN (:s, :e, n)", "begins_with(s, :e) AND contains(ss, :s)",
            "attribute_type(#b[0], :S) OR attribute_not_exists(#dot)", "NOT NOT n = :n",
            "((n = :n)) AND t = :t", "size(#a) <= size(l) AND b = :b",
        ]
        let updates = [
            "SET n = n + :n, #b[9] = :s REMOVE #a.nested ADD ns :ns DELETE ss :ss",
            "SET x = if_not_exists(x, :l), l = list_append(l, list_append(:l, l))",
            "SET n = :n - n, #a.nested.deep = :m REMOVE l[0], l[1]", "ADD n :n, y :big",
        ]
        let keys = ["id = :s AND n > :n", "id = :s AND begins_with(s, :s)", "id = :s AND n = :n"]
        let projections = ["s, #a.nested.deep, l[0], l[2][1]", "#dot, n"]
        return [conditions, updates, keys, projections].enumerated().flatMap { kind, texts in
            texts.map { [UInt8(kind)] + Array($0.utf8) }
        }
    }

    static func check(_ bytes: [UInt8]) {
        guard let kind = bytes.first else { return }
        let text = String(decoding: bytes.dropFirst(), as: UTF8.self)
        checkPlan(text, kind)
        guard var parser = try? ExpressionParser(names: names, values: values) else { return }
        switch kind & 3 {
        case 0: if let condition = try? parser.condition(text) { check(condition, items) }
        case 1: if let update = try? parser.update(text) { check(update, items) }
        case 2: if let condition = try? parser.keyCondition(text) { check(condition) }
        default: if let projection = try? parser.projection(text) { check(projection, items) }
        }
    }

    /// The plans of the last texts, so few that some are evicted.
    private static let plans = ExpressionPlans(countMax: 16, byteCountMax: 1 << 20)

    /// Parses a text with a cache of plans, twice.
    private static func checkPlan(_ text: String, _ kind: UInt8) {
        let plain = outcome(of: text, kind, nil)
        for _ in 0..<2 {
            let outcome = outcome(of: text, kind, plans)
            require(outcome == plain, "a cached plan changes nothing: \(text)")
        }
    }

    /// The expression that a text is, or the message of its error.
    private static func outcome(
        of text: String, _ kind: UInt8, _ plans: ExpressionPlans?
    ) -> AnyHashable {
        do throws(CodexError) {
            var parser = try ExpressionParser(names: names, values: values, plans: plans)
            switch kind & 3 {
            case 0: return AnyHashable(try parser.condition(text))
            case 1: return AnyHashable(try parser.update(text))
            case 2: return AnyHashable(try parser.keyCondition(text))
            default: return AnyHashable(try parser.projection(text))
            }
        } catch {
            return AnyHashable(error.message)
        }
    }

    /// Parses a printed expression; `nil` if it is longer than one may be.
    private static func parsed<R>(
        _ text: String, _ printer: ExpressionPrinter,
        _ parse: (inout ExpressionParser, String) throws -> R
    ) -> R? {
        guard text.utf8.count <= DynamoDBLimits.expressionByteCountMax else { return nil }
        return mustSucceed("a printed expression is parsed: \(text)") {
            var parser = try ExpressionParser(names: printer.names, values: printer.values)
            let result = try parse(&parser, text)
            try parser.requireAllUsed()
            return result
        }
    }

    private static func check(_ condition: Condition, _ items: [Item]) {
        var canonical: [UInt8] = []
        condition.appendCanonical(to: &canonical)
        for item in items {
            let holds = condition.evaluate(item)
            require(Condition.not(condition).evaluate(item) != holds, "NOT is the opposite")
            // The answer means nothing if the steps did not suffice.
            var steps = 100
            let answer = condition.evaluate(item, steps: &steps)
            require(steps < 0 || answer == holds, "a condition has one answer")
        }
        guard depth(of: condition) < printedDepthMax else { return }
        var printer = ExpressionPrinter()
        let text = printer.condition(condition)
        guard let again = parsed(text, printer, { try $0.condition($1) }) else { return }
        require(again == condition, "a printed condition is the same: \(text)")
        var bytes: [UInt8] = []
        again.appendCanonical(to: &bytes)
        require(bytes == canonical, "equal conditions have equal bytes")
    }

    /// Deepest condition that is printed: deeper ones may have too many operators.
    private static let printedDepthMax = 100

    /// How deep the parentheses of a printed condition nest.
    private static func depth(of condition: Condition) -> Int {
        switch condition {
        case .and(let left, let right), .or(let left, let right):
            max(depth(of: left), depth(of: right)) + 1
        case .not(let inner): depth(of: inner) + 1
        default: 1
        }
    }

    private static func check(_ update: Update, _ items: [Item]) {
        var printer = ExpressionPrinter()
        let text = printer.update(update)
        let again =
            nestsListAppend(update) ? nil : parsed(text, printer) { try $0.update($1) }
        if let again { require(again == update, "a printed update is the same: \(text)") }
        for item in items {
            let result = try? update.apply(to: item)
            if let again {
                require((try? again.apply(to: item)) == result, "an update has one result")
            }
            guard let result else { continue }
            for clause in update.clauses {
                guard case .remove(let path) = clause, path.steps.allSatisfy(\.isName) else {
                    continue
                }
                require(result[path: path] == nil, "what is removed is gone")
            }
        }
    }

    /// Whether an operand of `list_append` is one, which the language does not have.
    private static func nestsListAppend(_ update: Update) -> Bool {
        update.clauses.contains { clause in
            switch clause {
            case .set(_, .operand(let operand)): nestsListAppend(operand)
            case .set(_, .sum(let left, let right)), .set(_, .difference(let left, let right)):
                nestsListAppend(left) || nestsListAppend(right)
            case .remove, .add, .delete: false
            }
        }
    }

    private static func nestsListAppend(_ operand: Update.Operand) -> Bool {
        switch operand {
        case .path, .value: return false
        case .ifNotExists(_, let fallback): return nestsListAppend(fallback)
        case .listAppend(let left, let right):
            if case .listAppend = left { return true }
            if case .listAppend = right { return true }
            return nestsListAppend(left) || nestsListAppend(right)
        }
    }

    private static func check(_ condition: KeyCondition) {
        let table = TableDefinition(
            "t", partitionKey: KeyAttribute("id"), sortKey: KeyAttribute("n", .number))
        guard let query = try? condition.query(on: table) else { return }
        require(query.partition.count == 1, "a query has the values of its partition key")
    }

    private static func check(_ projection: Projection, _ items: [Item]) {
        for item in items {
            let kept = projection.apply(to: item)
            for path in projection.paths where path.steps.allSatisfy(\.isName) {
                require(kept[path: path] == item[path: path], "a projection keeps what it names")
            }
            require(kept.byteCount <= item.byteCount, "a projection adds nothing")
        }
        var printer = ExpressionPrinter()
        let text = projection.paths.map { printer.path($0) }.joined(separator: ", ")
        guard let again = parsed(text, printer, { try $0.projection($1) }) else { return }
        require(again == projection, "a printed projection is the same: \(text)")
    }
}

extension DocumentPath.Step {
    fileprivate var isName: Bool { if case .name = self { true } else { false } }
}
