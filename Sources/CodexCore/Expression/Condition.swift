/// A Boolean expression over an item: a condition of a write, or the filter of a query.
///
/// Build it with ``Attribute`` (typed) or from the cases. Evaluation follows DynamoDB's rules: see
/// "Comparison operator and function reference" in its developer guide. A comparison of values with
/// different types is false (`<>`: true), never an error.
///
/// ```swift
/// let status = Attribute<String>("status")
/// let open = status.isOne(of: ["todo", "inProgress"]) && Attribute<Int>("estimate") > 3
/// ```
public indirect enum Condition: Sendable, Hashable {
    /// A comparison of two operands.
    case compare(Operand, Comparator, Operand)
    /// `operand BETWEEN low AND high`, both ends included.
    case between(Operand, low: Operand, high: Operand)
    /// `operand IN (…)`, 1 to ``DynamoDBLimits/inOperandCountMax`` values.
    case isIn(Operand, [Operand])
    /// `attribute_exists(path)`.
    case attributeExists(DocumentPath)
    /// `attribute_not_exists(path)`.
    case attributeNotExists(DocumentPath)
    /// `attribute_type(path, type)`.
    case attributeType(DocumentPath, AttributeType)
    /// `begins_with(operand, prefix)`, for strings and binaries.
    case beginsWith(Operand, Operand)
    /// `contains(operand, value)`: a substring, a set's member or a list's element.
    case contains(Operand, Operand)
    /// Both conditions hold.
    case and(Condition, Condition)
    /// At least one condition holds.
    case or(Condition, Condition)
    /// The condition does not hold.
    case not(Condition)

    /// The six comparisons.
    public enum Comparator: String, Sendable, Hashable {
        /// Equal.
        case equal = "="
        /// Not equal.
        case notEqual = "<>"
        /// Below.
        case less = "<"
        /// Below or equal.
        case lessOrEqual = "<="
        /// Above.
        case greater = ">"
        /// Above or equal.
        case greaterOrEqual = ">="
    }

    /// An operand of a comparison.
    public enum Operand: Sendable, Hashable {
        /// The value at a path of the item.
        case path(DocumentPath)
        /// A literal value.
        case value(AttributeValue)
        /// `size(path)`: a string's UTF-16 code units, a binary's bytes, or the number of elements
        /// of a set, list or map.
        case size(DocumentPath)
    }

    /// Both conditions hold.
    public static func && (lhs: Condition, rhs: Condition) -> Condition { .and(lhs, rhs) }
    /// At least one of the conditions holds.
    public static func || (lhs: Condition, rhs: Condition) -> Condition { .or(lhs, rhs) }
    /// All of the conditions hold; `nil` if there are none.
    ///
    /// The nesting is O(log *n*) deep for *n* conditions.
    package static func all(_ conditions: some RandomAccessCollection<Condition>) -> Condition? {
        guard conditions.count > 1 else { return conditions.first }
        let half = conditions.count / 2
        guard let left = all(conditions.prefix(half)), let right = all(conditions.dropFirst(half))
        else { return nil }
        return left && right
    }
    /// The condition does not hold.
    public static prefix func ! (condition: Condition) -> Condition { .not(condition) }
}
