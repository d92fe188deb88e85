internal import CodexCore

/// Translates the clauses of an UPDATE into an update.
struct StatementUpdates {
    private let values: StatementValues

    /// Translates the clauses of a statement.
    ///
    /// - Parameters:
    ///   - clauses: The clauses.
    ///   - values: The values of the statement.
    /// - Returns: A valid update.
    /// - Throws: `ValidationException`.
    static func update(
        _ clauses: [Statement.Clause], _ values: StatementValues
    ) throws -> Update {
        let updates = Self(values: values)
        let update = Update(
            try clauses.map { clause -> Update.Clause in
                switch clause {
                case .remove(let path): return .remove(path)
                case .set(let path, let node): return try updates.clause(path, node)
                }
            })
        try update.validate()
        return update
    }

    private init(values: StatementValues) { self.values = values }

    private func clause(_ path: DocumentPath, _ node: StatementNode) throws -> Update.Clause {
        switch node.content {
        case .call("set_add", let arguments):
            return .add(path, try set("SET_ADD", arguments, path, node.position))
        case .call("set_delete", let arguments):
            return .delete(path, try set("SET_DELETE", arguments, path, node.position))
        default: return .set(path, try value(node))
        }
    }

    /// The set that `set_add` or `set_delete` combines with the attribute that it changes.
    private func set(
        _ name: String, _ arguments: [StatementNode], _ path: DocumentPath,
        _ position: StatementPosition
    ) throws -> AttributeValue {
        guard arguments.count == 2 else { throw OperandMessages.setCount(name, position) }
        guard case .path(path) = arguments[0].content else {
            throw OperandMessages.setPath(name, position)
        }
        guard arguments[1].isValue else {
            throw OperandMessages.setValue(name, arguments[0].position)
        }
        let value = try values.value(arguments[1])
        switch value {
        case .stringSet, .numberSet, .binarySet: return value
        default: throw OperandMessages.setValue(name, arguments[0].position)
        }
    }

    private func value(_ node: StatementNode) throws -> Update.Value {
        switch node.content {
        case .binary(let name, _, _) where name == "+" || name == "-":
            var sum = UpdateSum()
            try collect(node, of: name, into: &sum, isNegative: false)
            return try sum.value()
        default: return .operand(try operand(node))
        }
    }

    /// Collects the terms of a sum or difference, whose operator is `name`.
    private func collect(
        _ node: StatementNode, of name: String, into sum: inout UpdateSum, isNegative: Bool
    ) throws {
        if case .binary(let name, let left, let right) = node.content, name == "+" || name == "-" {
            try collect(left, of: name, into: &sum, isNegative: isNegative)
            try collect(right, of: name, into: &sum, isNegative: isNegative != (name == "-"))
            return
        }
        let operand = try operand(node)
        if case .value(let value) = operand {
            guard case .number(let number) = value else {
                throw OperandMessages.operandType(name, value.type)
            }
            try sum.add(number, isNegative: isNegative)
        } else {
            sum.add(operand, isNegative: isNegative)
        }
    }

    private func operand(_ node: StatementNode) throws -> Update.Operand {
        switch node.content {
        case .path(let path): return .path(path)
        case .call("list_append", let arguments):
            guard arguments.count == 2 else {
                throw OperandMessages.operandCount("list_append", arguments.count)
            }
            return .listAppend(try list(arguments[0]), try list(arguments[1]))
        case .call("if_not_exists", let arguments):
            guard arguments.count == 2 else {
                throw OperandMessages.operandCount("if_not_exists", arguments.count)
            }
            guard case .path(let path) = arguments[0].content else {
                throw OperandMessages.operandPath("if_not_exists")
            }
            return .ifNotExists(path, try operand(arguments[1]))
        case .call(let name, _): throw OperandMessages.function(name, node.position)
        case .binary(let name, _, _): throw OperandMessages.updateOperator(name)
        case .compare(let comparator, _, _):
            throw OperandMessages.updateOperator(comparator.rawValue)
        case .all: throw OperandMessages.updateOperator("AND")
        case .any: throw OperandMessages.updateOperator("OR")
        case .not: throw OperandMessages.updateOperator("NOT")
        case .between: throw OperandMessages.updateOperator("BETWEEN")
        case .isIn: throw OperandMessages.updateOperator("IN")
        case .isType: throw OperandMessages.isInUpdate
        case .sign(let name, _): throw OperandMessages.operandCount(name, 1)
        default: return .value(try values.value(node))
        }
    }

    /// An operand of `list_append`.
    private func list(_ node: StatementNode) throws -> Update.Operand {
        let operand = try operand(node)
        if case .value(let value) = operand, value.type != .list {
            throw OperandMessages.operandType("list_append", value.type)
        }
        return operand
    }
}

/// A sum whose numbers are added up before the update.
///
/// An update has at most two operands in a sum, and a statement may have more numbers.
private struct UpdateSum {
    private var constant: Number?
    private var added: [Update.Operand] = []
    private var subtracted: [Update.Operand] = []

    mutating func add(_ operand: Update.Operand, isNegative: Bool) {
        if isNegative { subtracted.append(operand) } else { added.append(operand) }
    }

    mutating func add(_ number: Number, isNegative: Bool) throws {
        let sum = constant ?? Number(0)
        constant = isNegative ? try sum.subtracting(number) : try sum.adding(number)
    }

    /// The sum as a value of an update.
    ///
    /// - Throws: `ValidationException` if it has more than two operands.
    func value() throws -> Update.Value {
        let number = constant.map { Update.Operand.value(.number($0)) }
        switch (added.count, subtracted.count, number) {
        case (2, 0, nil): return .sum(added[0], added[1])
        case (1, 0, let number?): return .sum(added[0], number)
        case (1, 1, nil): return .difference(added[0], subtracted[0])
        case (0, 1, let number?): return .difference(number, subtracted[0])
        case (0, 0, let number?): return .operand(number)
        default: throw OperandMessages.tooManyTerms
        }
    }
}
