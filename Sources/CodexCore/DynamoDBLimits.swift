/// DynamoDB's limits for items, keys, expressions and transactions, one constant each.
///
/// The values are from its developer guide, "Quotas and limits". An item of a Codex store therefore
/// also fits in a DynamoDB table.
public enum DynamoDBLimits {
    /// Largest partition key value, in bytes, in tables and in indexes.
    public static let partitionKeyByteCountMax = 2048
    /// Largest sort key value, in bytes, in tables and in indexes.
    public static let sortKeyByteCountMax = 1024
    /// Largest item: the UTF-8 bytes of its attribute names plus the sizes of its values.
    public static let itemByteCountMax = 409_600
    /// Longest attribute name in UTF-8 bytes.
    public static let attributeNameByteCountMax = 65_535
    /// Longest name of a key attribute in UTF-8 bytes.
    public static let keyAttributeNameByteCountMax = 255
    /// Deepest nesting of lists and maps below an item.
    public static let nestingDepthMax = 32
    /// Significant digits of a number.
    public static let numberDigitCountMax = 38
    /// Largest decimal exponent of a number's first digit: 9.99…E+125.
    public static let numberExponentMax = 125
    /// Smallest decimal exponent of a number's first digit: 1E-130.
    public static let numberExponentMin = -130
    /// Most operands on the right of an `IN` comparison.
    public static let inOperandCountMax = 100
    /// Longest expression in DynamoDB's language, in UTF-8 bytes.
    public static let expressionByteCountMax = 4096
    /// Most operators and functions of an expression.
    public static let expressionOperatorCountMax = 300
    /// Most bytes of the names and values to which the placeholders of a request's expressions
    /// refer.
    ///
    /// DynamoDB has the same limit for all substitution variables of a request. Here, a name or
    /// value counts once for each reference to it.
    public static let expressionValueByteCountMax = 2 << 20
    /// Most key parts of each kind (partition, sort) in a secondary index with composite keys.
    public static let indexKeyPartCountMax = 4
    /// Longest table or index name in characters; the minimum is 1 here and 3 in DynamoDB.
    public static let resourceNameCountMax = 255
    /// Most actions of a transaction on a remote table (DynamoDB's `TransactWriteItems`).
    public static let transactionActionCountMax = 100
    /// Most bytes of all items of a `TransactWriteItems` or `TransactGetItems` in DynamoDB's
    /// protocol.
    ///
    /// A changed item counts with the larger of its old and its new size. Transactions of an
    /// embedding program have no such limit.
    public static let transactionByteCountMax = 4 << 20
    /// Longest idempotency token, in UTF-8 bytes (DynamoDB's `ClientRequestToken`).
    public static let idempotencyTokenByteCountMax = 36
    /// How long the store remembers an idempotency token, in seconds.
    public static let idempotencyWindowSeconds = 600
    /// The greatest age of an expiry time, in seconds, at which an item still expires.
    ///
    /// An item with an older time does not expire (DynamoDB: "more than five years in the past").
    public static let expiryIgnoredAfterSeconds = 5 * 365 * 86_400
}
