/// Limits of the stored form and of the work of one request, which DynamoDB does not have.
public enum StoreLimits {
    /// Most steps of evaluating a condition on an item.
    ///
    /// Not DynamoDB's: it bounds the time for which a write holds up the others. A step compares or
    /// searches eight bytes. A member of a list, set or map takes eight steps more. The largest
    /// item has 51,200 times eight bytes, so 300 operators on its largest text fit.
    public static let conditionStepCountMax = 16 << 20
    /// Deepest nesting of parentheses in a condition.
    ///
    /// Not DynamoDB's, which names none.
    public static let expressionDepthMax = 100
    /// Most elements of one multi-valued index key attribute: most entries of one item in an index.
    ///
    /// Not DynamoDB's, which has no such indexes.
    public static let indexElementCountMax = 1000
    /// From so many bytes of a commit's log record on, no further write joins the commit.
    ///
    /// Not DynamoDB's. Readers of changes hold a record as a whole, and the writes of a commit keep
    /// their results until it ends. A write by itself may have a larger record.
    public static let commitGroupByteCountMax = 16 << 20
    /// Longest name of a consumer of changes, in UTF-8 bytes.
    public static let consumerNameByteCountMax = 255
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
    /// encoding of an item of ``DynamoDBLimits/itemByteCountMax`` has at most five and a half times
    /// as many bytes (a set of numbers like 9E18, of two bytes each, has eleven for each).
    public static let inflatedByteCountMax = 4 << 20
    /// Most bytes that one encrypted value inflates to once it is opened.
    ///
    /// Not DynamoDB's. Release 0.2.0 compressed values before it encrypted them, and an item's size
    /// counts them as they are stored. So they may be larger than ``inflatedByteCountMax``.
    public static let sealedByteCountMax = 16 << 20
    /// Most members of all lists, maps and sets that an encoded item has at all depths.
    ///
    /// Not DynamoDB's: twice ``DynamoDBLimits/itemByteCountMax``, since an element of a list takes
    /// at least one byte of an item, and only one member of a set takes none.
    public static let encodedMemberCountMax = 2 * DynamoDBLimits.itemByteCountMax
    /// Most trees of a store: one for each table, index, counter and time to live.
    public static let treeCountMax = 1000
}
