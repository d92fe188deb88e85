internal import CodexCore

/// An expression of a statement, with the place where it begins.
struct StatementNode: Sendable, Hashable {
    /// The kinds of expressions.
    indirect enum Content: Sendable, Hashable {
        case null
        /// The word `MISSING` as a value.
        case missing
        case bool(Bool)
        /// A number as it is written, with a minus if it is negative.
        case number(String)
        case string(String)
        /// A question mark; the parameters are counted from 0.
        case parameter(Int)
        case list([StatementNode])
        /// A set: `<<…>>`.
        case bag([StatementNode])
        case map([Member])
        case path(DocumentPath)
        /// A function, by its name in lowercase.
        case call(String, [StatementNode])
        /// Expressions that `AND` joins.
        case all([StatementNode])
        /// Expressions that `OR` joins.
        case any([StatementNode])
        case not(StatementNode)
        case compare(Condition.Comparator, StatementNode, StatementNode)
        case between(StatementNode, low: StatementNode, high: StatementNode)
        /// `IN`; the candidates are `nil` if the right side is no list.
        case isIn(StatementNode, [StatementNode]?)
        /// `IS`, with the name of a type in capitals.
        case isType(StatementNode, String)
        /// A binary operator that gives no truth value, such as `+`.
        case binary(String, StatementNode, StatementNode)
        /// A sign before something that is no number.
        case sign(String, StatementNode)
    }

    /// A member of a map.
    struct Member: Sendable, Hashable {
        let key: StatementNode
        let value: StatementNode
    }

    let content: Content
    let position: StatementPosition

    init(_ content: Content, at position: StatementPosition) {
        (self.content, self.position) = (content, position)
    }

    /// Whether the expression is a value: a literal or a parameter.
    var isValue: Bool {
        switch content {
        case .null, .bool, .number, .string, .parameter, .list, .bag, .map: true
        default: false
        }
    }

    /// The kind of the expression as messages name it.
    var kind: String {
        switch content {
        case .null: "Null"
        case .missing: "Missing"
        case .bool: "Boolean"
        case .number: "Number"
        case .string: "String"
        case .parameter: "Parameter"
        case .list: "List"
        case .bag: "Bag"
        case .map: "Struct"
        case .path: "VariableReference"
        case .call(let name, _): name
        case .all, .any, .not, .compare, .between, .isIn, .isType, .binary, .sign: "NAry"
        }
    }
}
