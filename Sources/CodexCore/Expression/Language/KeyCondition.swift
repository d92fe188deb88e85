/// A query's condition on its keys, by attribute.
///
/// The table or index determines which attributes belong to the partition key and which to the sort
/// key.
public struct KeyCondition: Sendable, Hashable {
    /// The condition on one attribute; `any` for none.
    public struct Term: Sendable, Hashable {
        /// The attribute's name.
        public let name: String
        /// The condition on the attribute's value.
        public let condition: SortCondition

        /// Creates a term.
        public init(_ name: String, _ condition: SortCondition) {
            self.name = name
            self.condition = condition
        }
    }

    /// The terms, each for a different attribute.
    public let terms: [Term]

    /// Creates a condition from terms that must all hold.
    ///
    /// - Throws: ``CodexError/Code/invalidExpression`` for two terms of one attribute.
    public init(_ terms: [Term]) throws(CodexError) {
        for (place, term) in terms.enumerated()
        where terms[..<place].contains(where: { ByteOrder.equal($0.name, term.name) }) {
            throw Self.invalid("KeyConditionExpressions must only contain one condition per key")
        }
        self.terms = terms
    }

    /// Creates a key condition from a condition that has only terms for keys.
    init(_ condition: Condition) throws(CodexError) {
        try self.init(try Self.terms(condition))
    }

    private static func terms(_ condition: Condition) throws(CodexError) -> [Term] {
        switch condition {
        case .and(let left, let right): return try terms(left) + terms(right)
        case .compare(.path(let path), let comparator, .value(let value)):
            return [try term(path, comparator, value)]
        case .compare(.value(let value), let comparator, .path(let path)):
            return [try term(path, comparator.mirrored, value)]
        case .between(.path(let path), .value(let low), .value(let high)):
            return [Term(try name(path), .between(low, high))]
        case .beginsWith(.path(let path), .value(let prefix)):
            return [Term(try name(path), .beginsWith(prefix))]
        case .or: throw invalid("Invalid operator used in KeyConditionExpression: OR")
        case .not: throw invalid("Invalid operator used in KeyConditionExpression: NOT")
        case .isIn: throw invalid("Invalid operator used in KeyConditionExpression: IN")
        case .attributeExists:
            throw invalid("Invalid operator used in KeyConditionExpression: attribute_exists")
        case .attributeNotExists:
            throw invalid("Invalid operator used in KeyConditionExpression: attribute_not_exists")
        case .attributeType:
            throw invalid("Invalid operator used in KeyConditionExpression: attribute_type")
        case .contains:
            throw invalid("Invalid operator used in KeyConditionExpression: contains")
        case .compare(let left, _, let right):
            throw invalid([left, right], "comparison")
        case .between(let operand, let low, let high):
            throw invalid([operand, low, high], "BETWEEN")
        case .beginsWith(let operand, let prefix):
            throw invalid([operand, prefix], "begins_with")
        }
    }

    /// The error for operands that are not a key attribute and values.
    private static func invalid(_ operands: [Condition.Operand], _ name: String) -> CodexError {
        var pathCount = 0
        for operand in operands {
            switch operand {
            case .size: return invalid("KeyConditionExpressions cannot contain nested operations")
            case .path: pathCount += 1
            case .value: continue
            }
        }
        let problem =
            switch pathCount {
            case 0: "No key attribute specified"
            case 1: "\(name) operator must have the key attribute as its first operand"
            default: "Multiple attribute names used in one condition"
            }
        return invalid("Invalid condition in KeyConditionExpression: \(problem)")
    }

    private static func term(
        _ path: DocumentPath, _ comparator: Condition.Comparator, _ value: AttributeValue
    ) throws(CodexError) -> Term {
        let name = try name(path)
        switch comparator {
        case .equal: return Term(name, .equal(value))
        case .less: return Term(name, .less(value))
        case .lessOrEqual: return Term(name, .lessOrEqual(value))
        case .greater: return Term(name, .greater(value))
        case .greaterOrEqual: return Term(name, .greaterOrEqual(value))
        case .notEqual: throw invalid("Invalid operator used in KeyConditionExpression: <>")
        }
    }

    private static func name(_ path: DocumentPath) throws(CodexError) -> String {
        guard path.steps.isEmpty else {
            throw invalid("KeyConditionExpressions cannot have conditions on nested attributes")
        }
        return path.root
    }

    private static func invalid(_ problem: String) -> CodexError {
        CodexError(.invalidExpression, problem)
    }

    /// The query that the condition describes on a table or index.
    ///
    /// Each partition key attribute must have an equality. The leading sort key attributes may have
    /// one too, and the last of those may have a range.
    ///
    /// - Parameters:
    ///   - table: The table.
    ///   - index: The index's name; `nil` is the table itself.
    /// - Returns: A query without a filter.
    /// - Throws: ``CodexError/Code/invalidExpression`` if the condition does not fit the keys;
    ///   ``CodexError/Code/unknownIndex``.
    public func query(
        on table: TableDefinition, index: String? = nil
    ) throws(CodexError) -> TableQuery {
        var (partitionKey, sortKey) = ([table.partitionKey], table.sortKey.map { [$0] } ?? [])
        if let name = index {
            guard let definition = table.indexes.first(where: { $0.name == name }) else {
                throw CodexError(
                    .unknownIndex, "The table does not have the specified index: \(name)")
            }
            (partitionKey, sortKey) = (definition.partitionKey, definition.sortKey)
        }
        var rest = terms
        func take(_ name: String) -> SortCondition? {
            guard let place = rest.firstIndex(where: { ByteOrder.equal($0.name, name) }) else {
                return nil
            }
            return rest.remove(at: place).condition
        }
        var query = TableQuery(table: table.name, index: index, partition: [])
        for attribute in partitionKey {
            guard let condition = take(attribute.name) else {
                throw Self.invalid("Query condition missed key schema element: \(attribute.name)")
            }
            guard case .equal(let value) = condition else {
                throw Self.invalid("Query key condition not supported")
            }
            try attribute.requireType(of: [value])
            query.partition.append(value)
        }
        for attribute in sortKey {
            guard let condition = take(attribute.name) else { break }
            try attribute.requireType(of: condition.values)
            if case .beginsWith = condition, attribute.type == .number {
                throw Self.invalid(
                    "Incorrect operand type for operator or function; operator or function: "
                        + "begins_with, "
                        + "operand type: N")
            }
            guard case .any = query.sort else {
                throw Self.invalid("Query key condition not supported")
            }
            if case .equal(let value) = condition, attribute != sortKey.last {
                query.sortPrefix.append(value)
            } else {
                query.sort = condition
            }
        }
        guard rest.isEmpty else {
            // DynamoDB's error names the missing attribute, not the superfluous one.
            guard let missed = sortKey.first, terms.count == partitionKey.count + 1 else {
                throw Self.invalid("Query key condition not supported")
            }
            throw Self.invalid("Query condition missed key schema element: \(missed.name)")
        }
        return query
    }
}

extension Condition.Comparator {
    /// The comparator with the sides exchanged.
    fileprivate var mirrored: Condition.Comparator {
        switch self {
        case .equal, .notEqual: self
        case .less: .greater
        case .lessOrEqual: .greaterOrEqual
        case .greater: .less
        case .greaterOrEqual: .lessOrEqual
        }
    }
}

extension SortCondition {
    /// The values of the condition.
    package var values: [AttributeValue] {
        switch self {
        case .any: []
        case .equal(let value), .less(let value), .lessOrEqual(let value), .greater(let value),
            .greaterOrEqual(let value), .beginsWith(let value):
            [value]
        case .between(let low, let high): [low, high]
        }
    }
}

extension KeyAttribute {
    fileprivate func requireType(of values: [AttributeValue]) throws(CodexError) {
        guard values.allSatisfy({ $0.type == type.attributeType }) else {
            throw CodexError(
                .invalidExpression,
                "One or more parameter values were invalid: Condition parameter type does not "
                    + "match "
                    + "schema type")
        }
    }
}
