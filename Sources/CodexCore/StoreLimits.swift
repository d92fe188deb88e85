/// Limits of the stored form and of one request's work; DynamoDB does not have them.
public enum StoreLimits {
    /// Most steps that the evaluation of a condition on an item may take.
    ///
    /// DynamoDB has no such limit. It bounds the time for which one write delays the others. A step
    /// compares or searches eight bytes. Each member of a list, set or map takes eight more steps.
    /// The largest item has 51,200 times eight bytes, so 300 operators on its largest text fit.
    public static let conditionStepCountMax = 16 << 20
    /// Deepest nesting of parentheses in a condition.
    ///
    /// Without redundant parentheses, a condition needs an operator or function for each level, and
    /// one more level for an operand. So DynamoDB's limit of operators decides.
    public static let expressionDepthMax = DynamoDBLimits.expressionOperatorCountMax + 1
    /// Most elements of one multi-valued index key attribute, and so most entries of one item in an
    /// index.
    ///
    /// DynamoDB has no such indexes.
    public static let indexElementCountMax = 1000
    /// The size of a commit's log record, in bytes, from which no further write joins the commit.
    ///
    /// DynamoDB has no such limit. Readers of changes hold a whole record in memory, and the writes
    /// of a commit keep their results until it ends. A single write may have a larger record.
    public static let commitGroupByteCountMax = 16 << 20
    /// Longest name of a consumer of changes, in UTF-8 bytes.
    public static let consumerNameByteCountMax = 255
    /// Largest encoded item, in bytes, that is stored in one piece; larger items are stored in
    /// chunks.
    ///
    /// LMDB needs contiguous pages for a large value, and must search its free list for them.
    public static let unchunkedByteCountMax = 16_384
    /// Most distinct lists of attribute names ("shapes") that one store interns.
    ///
    /// DynamoDB has no such limit. It bounds the memory of a process that reads items with
    /// arbitrary attribute names. Items beyond the limit carry their names themselves.
    public static let shapeCountMax = 8192
    /// Most attributes in an item whose names are interned; larger items carry their own names.
    public static let shapeAttributeCountMax = 512
    /// Longest list of attribute names that is interned, in bytes.
    ///
    /// With ``shapeCountMax`` it limits the shapes that each process keeps in memory to 32 MiB.
    public static let shapeByteCountMax = 4096
    /// The size, in bytes, from which a top-level value is compressed if that makes it smaller.
    ///
    /// Below about a kilobyte, compression saves less than inflating costs each reader.
    public static let compressionThresholdByteCount = 1024
    /// Most bytes of an item's encoding when all of its compressed values are inflated.
    ///
    /// DynamoDB has no such limit. It bounds the memory that reading any item takes. The encoding
    /// of an item of ``DynamoDBLimits/itemByteCountMax`` bytes is at most five and a half times as
    /// large. The worst case is a set of numbers like 9E18, which count two bytes each and take
    /// eleven.
    public static let inflatedByteCountMax = 4 << 20
    /// Most bytes to which one encrypted value inflates after it is opened.
    ///
    /// DynamoDB has no such limit. Release 0.2.0 compressed values before it encrypted them, and an
    /// item's size counts their stored form. An opened value may therefore be larger than
    /// ``inflatedByteCountMax``.
    public static let sealedByteCountMax = 16 << 20
    /// Most members of all lists, maps and sets of an encoded item, at all depths.
    ///
    /// DynamoDB has no such limit. It is twice ``DynamoDBLimits/itemByteCountMax``: each list
    /// element takes at least one byte of an item, and only one member of a set takes none.
    public static let encodedMemberCountMax = 2 * DynamoDBLimits.itemByteCountMax
    /// Most trees of a store: one for each table, index, counter and time-to-live attribute.
    ///
    /// LMDB keeps a handle for each. Every transaction looks at all open handles, and opening a
    /// tree compares its name with those of all open ones.
    public static let treeCountMax = 10_000
}
