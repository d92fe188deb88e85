/// A change to some attributes of an item: DynamoDB's SET, REMOVE, ADD and DELETE.
///
/// Every operand reads the item as it was before the update; the order of the clauses does not
/// matter.
///
/// ```swift
/// let title = Attribute<String>("title"), views = Attribute<Int>("views")
/// let update = Update().setting(title, to: "New").adding(1, to: views)
/// ```
public struct Update: Sendable, Hashable {
    /// The right side of a SET clause.
    public enum Value: Sendable, Hashable {
        /// The operand itself.
        case operand(Operand)
        /// The exact sum of two numbers.
        case sum(Operand, Operand)
        /// The exact difference of two numbers.
        case difference(Operand, Operand)
    }

    /// An operand of a SET clause.
    public indirect enum Operand: Sendable, Hashable {
        /// The value at a path, which must exist.
        case path(DocumentPath)
        /// A literal value.
        case value(AttributeValue)
        /// The value at the path, or the operand if there is none.
        case ifNotExists(DocumentPath, Operand)
        /// Two lists joined.
        case listAppend(Operand, Operand)
    }

    /// One clause.
    public enum Clause: Sendable, Hashable {
        /// `SET path = value`. A list index past the end appends.
        case set(DocumentPath, Value)
        /// `REMOVE path`. List indexes are those before the update.
        case remove(DocumentPath)
        /// `ADD path value`: adds a number or unites a set; a missing attribute starts at 0 or
        /// empty.
        case add(DocumentPath, AttributeValue)
        /// `DELETE path set`: removes the members; the attribute is removed with its last member.
        case delete(DocumentPath, AttributeValue)

        /// The path that the clause changes.
        public var path: DocumentPath {
            switch self {
            case .set(let path, _), .remove(let path), .add(let path, _), .delete(let path, _): path
            }
        }
    }

    /// The clauses in the order in which they were given.
    public private(set) var clauses: [Clause]

    /// Whether every clause removes something, so that the update creates no item.
    package var onlyRemoves: Bool {
        !clauses.isEmpty
            && clauses.allSatisfy { clause in
                switch clause {
                case .remove, .delete: true
                case .set, .add: false
                }
            }
    }

    /// Creates an update from clauses.
    public init(_ clauses: [Clause] = []) { self.clauses = clauses }

    /// This update and one more clause.
    public func appending(_ clause: Clause) -> Update { Update(clauses + [clause]) }

    /// Checks the update for errors that DynamoDB refuses before it reads any item.
    ///
    /// - Throws: ``CodexError/Code/invalidExpression`` for an update without clauses, or for
    ///   overlapping paths. Also for an ADD of a value that is neither number nor set, and for a
    ///   DELETE of a value that is not a set. Also for a literal operand of the wrong type for
    ///   arithmetic or `list_append`.
    public func validate() throws(CodexError) {
        guard !clauses.isEmpty else { throw Self.invalid("it has no clause", nil) }
        try requireDisjointPaths()
        try requireClauseTypes()
        try requireOperandTypes()
    }

    /// Checks that no two paths overlap or conflict.
    func requireDisjointPaths() throws(CodexError) {
        if clauses.count > 1 { _ = try DocumentPath.sortedDisjoint(clauses.map(\.path)) }
    }

    /// Checks the types of the values of ADD and DELETE.
    func requireClauseTypes() throws(CodexError) {
        for clause in clauses {
            switch clause {
            case .set, .remove: continue
            case .add(_, let value):
                guard value.type == .number || value.isSet else {
                    throw Self.invalid(
                        "ADD takes a number or a set", .clauseType(clause: "ADD", value.type))
                }
            case .delete(_, let value):
                guard value.isSet else {
                    throw Self.invalid(
                        "DELETE takes a set", .clauseType(clause: "DELETE", value.type))
                }
            }
        }
    }

    /// Checks the types of the literals that SET clauses take.
    func requireOperandTypes() throws(CodexError) {
        for case .set(_, let value) in clauses { try value.validate() }
    }

    fileprivate static func invalid(_ problem: String, _ refusal: Refusal?) -> CodexError {
        CodexError(.invalidExpression, "Invalid update: \(problem).", refusal)
    }
}

extension Update.Value {
    fileprivate func validate() throws(CodexError) {
        switch self {
        case .operand(let operand): try operand.validate(for: nil)
        case .sum(let left, let right):
            try left.validate(for: .sum)
            try right.validate(for: .sum)
        case .difference(let left, let right):
            try left.validate(for: .difference)
            try right.validate(for: .difference)
        }
    }
}

/// The operators and functions that take operands of one type.
private enum TypedOperator: String {
    case sum = "+"
    case difference = "-"
    case listAppend = "list_append"

    var type: AttributeType { self == .listAppend ? .list : .number }
}

extension Update.Operand {
    /// Checks the literals of the operand, which an operator or function takes; `nil` is none.
    ///
    /// The result of a function is checked when the item is known, as in DynamoDB.
    fileprivate func validate(for user: TypedOperator?) throws(CodexError) {
        switch self {
        case .path: return
        case .value(let value):
            guard let user, value.type != user.type else { return }
            throw Update.invalid(
                "an operand has the type \(value.type.rawValue)",
                .operandType(operator: user.rawValue, value.type))
        case .ifNotExists(_, let fallback): try fallback.validate(for: nil)
        case .listAppend(let left, let right):
            try left.validate(for: .listAppend)
            try right.validate(for: .listAppend)
        }
    }
}

extension AttributeValue {
    fileprivate var isSet: Bool {
        switch self {
        case .stringSet, .numberSet, .binarySet: true
        default: false
        }
    }
}
