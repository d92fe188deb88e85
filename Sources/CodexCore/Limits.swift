/// The limits that items, keys and expressions obey, one constant each.
///
/// Unless a line says otherwise they are DynamoDB's, as its developer guide lists them under
/// "Quotas and limits", so that what fits in a Codex store also fits in a DynamoDB table.
public enum Limits {
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
    /// Most bytes of the names and values that the placeholders of a request's expressions refer to.
    ///
    /// DynamoDB allows as many for all substitution variables of a request. Here a name or value
    /// counts as often as an expression refers to it.
    public static let expressionValueByteCountMax = 2 << 20
    /// Most steps of evaluating a condition on an item.
    ///
    /// Not DynamoDB's: it bounds the time for which a write holds up the others. A step compares or
    /// searches eight bytes. A member of a list, set or map takes eight steps more. The largest item
    /// has 51,200 times eight bytes, so 300 operators on its largest text fit.
    public static let conditionStepCountMax = 16 << 20
    /// Deepest nesting of parentheses in a condition.
    ///
    /// Not DynamoDB's, which names none.
    public static let expressionDepthMax = 100
    /// Most key parts of each kind (partition, sort) in a secondary index with composite keys.
    public static let indexKeyPartCountMax = 4
    /// Longest table or index name in characters; the shortest has 1 here (3 in DynamoDB).
    public static let resourceNameCountMax = 255
    /// Most elements of one multi-valued index key attribute: most entries of one item in an index.
    ///
    /// Not DynamoDB's, which has no such indexes.
    public static let indexElementCountMax = 1000
    /// Most actions of a transaction on a table elsewhere (DynamoDB's `TransactWriteItems`).
    public static let transactionActionCountMax = 100
    /// Most bytes of all items of a `TransactWriteItems` or `TransactGetItems` of DynamoDB's
    /// protocol.
    ///
    /// An item that a transaction changes counts as it was or as it becomes, whichever is larger.
    /// Transactions of an embedding program have no such limit.
    public static let transactionByteCountMax = 4 << 20
    /// From so many bytes of a commit's log record on, no further write joins the commit.
    ///
    /// Not DynamoDB's. Readers of changes hold a record as a whole, and the writes of a commit keep
    /// their results until it ends. A write by itself may have a larger record.
    public static let commitGroupByteCountMax = 16 << 20
    /// Longest idempotency token, in UTF-8 bytes (DynamoDB's `ClientRequestToken`).
    public static let idempotencyTokenByteCountMax = 36
    /// Longest name of a consumer of changes, in UTF-8 bytes.
    public static let consumerNameByteCountMax = 255
    /// How long an idempotency token is remembered, in seconds.
    public static let idempotencyWindowSeconds = 600
    /// How far in the past, in seconds, the moment of an item's expiry may be: with an older one it
    /// does not expire (DynamoDB: "more than five years in the past").
    public static let expiryIgnoredAfterSeconds = 5 * 365 * 86_400
    /// Largest encoded item that is stored in one piece; larger ones are stored in chunks.
    ///
    /// LMDB needs contiguous pages for a large value, and searches its free list for them.
    public static let unchunkedByteCountMax = 16_384
    /// Most distinct attribute-name lists ("shapes") that one store interns.
    ///
    /// Not DynamoDB's: it bounds the memory of a process that reads items with arbitrary attribute
    /// names. Items past it carry their names themselves.
    public static let shapeCountMax = 8192
    /// Most attributes in an item whose names are interned; larger items carry their own names.
    public static let shapeAttributeCountMax = 512
    /// Longest list of attribute names that is interned, in bytes; with the count it bounds what
    /// every process keeps in memory to 32 MiB.
    public static let shapeByteCountMax = 4096
    /// Size from which a top-level value is compressed, if that makes it smaller.
    ///
    /// Below about a kilobyte, zlib's gain is less than what inflating costs each reader.
    public static let compressionThresholdByteCount = 1024
    /// Most bytes of an item's encoding with its compressed values inflated, all of them together.
    ///
    /// Not DynamoDB's: it bounds the memory that reading an item takes, whoever wrote it. The
    /// encoding of an item of ``itemByteCountMax`` has at most five and a half times as many bytes
    /// (a set of numbers like 9E18, of two bytes each, has eleven for each).
    public static let inflatedByteCountMax = 4 << 20
    /// Most bytes that one encrypted value inflates to once it is opened.
    ///
    /// Not DynamoDB's. Release 0.2.0 compressed values before it encrypted them, and an item's size
    /// counts them as they are stored. So they may be larger than ``inflatedByteCountMax``.
    public static let sealedByteCountMax = 16 << 20
    /// Most members of all lists, maps and sets that an encoded item has at all depths.
    ///
    /// Not DynamoDB's: twice ``itemByteCountMax``, since an element of a list takes at least one
    /// byte of an item, and only one member of a set takes none.
    public static let encodedMemberCountMax = 2 * itemByteCountMax

    // MARK: CodexFlow's rules

    /// Most bytes of an e-mail address (RFC 5321, 4.5.3.1.3, less the angle brackets).
    public static let emailByteCountMax = 254
    /// Most characters of a name or title.
    public static let nameCountMax = 200
    /// Most bytes of a summary, comment or note.
    public static let textByteCountMax = 10_000
    /// Most bytes of a task's description or of what a PRD version says.
    public static let bodyByteCountMax = 200_000
    /// Most bytes of a task's metadata, as DynamoDB counts them.
    public static let metadataByteCountMax = 100_000
    /// Longest event pattern, in characters of Unicode (EventBridge's quota "Event pattern size").
    public static let eventPatternCharacterCountMax = 2048
    /// Most bytes of a value that history keeps whole.
    public static let historyValueByteCountMax = 1000
    /// Most sessions of a user: of more, the oldest end.
    public static let sessionCountMax = 50
    /// Most seconds of a session.
    public static let sessionSecondsMax = 366.0 * 86_400
    /// The highest number of a task.
    public static let taskNumberMax = 9_999_999_999
    /// Most labels of a task.
    public static let labelCountMax = 20
    /// Most characters of a label.
    public static let labelCharacterCountMax = 50
    /// Most acceptance criteria of a task.
    public static let criterionCountMax = 50
    /// Most characters of an acceptance criterion.
    public static let criterionCharacterCountMax = 1000
    /// The highest estimate, in points.
    public static let estimateMax = 1000
    /// Most estimates of a project's scale.
    public static let scaleCountMax = 20
    /// Most hours that a point stands for.
    public static let hoursPerPointMax = 100
    /// Most levels of tasks and their parts.
    public static let taskDepthMax = 3
    /// Most parts of a task.
    public static let subtaskCountMax = 100
    /// Most tasks that a task waits for, and that wait for it.
    ///
    /// So many that with both of them it can be finished in ``transactionActionCountMax`` actions.
    public static let dependencyCountMax = 40
    /// The longest claim of a task.
    public static let leaseMax: Duration = .seconds(86_400)
    /// The highest figure of a day's analytics.
    public static let analyticsFigureMax = 1_000_000_000_000
    /// Most days of a report.
    public static let reportDayCountMax = 4000
    /// Most trees of a store: one for each table, index, counter and time to live.
    public static let treeCountMax = 1000
}
