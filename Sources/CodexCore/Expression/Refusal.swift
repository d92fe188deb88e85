/// The exact problem of a refused expression, update, key or number.
///
/// A ``CodexError`` can have one, so that DynamoDB's protocol reports it in DynamoDB's words. These
/// may contain values, unlike the message of the error itself.
package enum Refusal: Sendable {
    /// Text that does not follow the grammar: the token, and the text around it.
    case syntax(token: String, near: String)
    /// Two paths of which one is equal to the other, or below it.
    case overlap(DocumentPath, DocumentPath)
    /// Two paths that need the same value to be a map and a list.
    case conflict(DocumentPath, DocumentPath)
    /// The same path as two operands of an operator or function.
    case sameOperands(operator: String, DocumentPath)
    /// A literal of a type that an operator or function does not take.
    case operandType(operator: String, AttributeType)
    /// An operand of `attribute_type` that is not a literal.
    case typeOfPath
    /// A literal of `attribute_type` that is not the name of a type.
    case typeName(String)
    /// A literal of a type that ADD or DELETE does not take.
    case clauseType(clause: String, AttributeType)
    /// Bounds of BETWEEN with different types.
    case boundTypes(low: AttributeValue, high: AttributeValue)
    /// Bounds of BETWEEN in the wrong order.
    case boundOrder(low: AttributeValue, high: AttributeValue)
    /// A number of operands that IN does not take.
    case candidateCount(Int)
    /// An update reads an attribute that the item does not have.
    case missingOperand
    /// A value that an update reads or changes has the wrong type.
    case operandMismatch
    /// A path of an update leads through a value that is missing or of another type.
    case documentPath
    /// A key of a table or index, the owner, with another type.
    case keyType(KeyAttribute, AttributeType, owner: String)
    /// An empty key of a table or index, the owner.
    case emptyKey(KeyAttribute, owner: String)
    /// A key that is too long.
    case keySize(isPartition: Bool)
    /// A transaction whose items are too large together.
    case transactionSize
    /// Text that is no number.
    case numberText
    /// A number with a magnitude that is too large.
    case numberOverflow
    /// A number with a magnitude that is too small.
    case numberUnderflow
    /// A number with too many significant digits.
    case numberPrecision
}
