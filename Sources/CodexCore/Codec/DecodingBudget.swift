/// What decoding an item may still take: bytes of inflated values, members of its lists, maps and
/// sets, and memory.
///
/// One is for all values of an item. Each value alone would be within its bounds, and some
/// kilobytes of many compressed ones would decode to hundreds of megabytes.
package struct DecodingBudget {
    /// Bytes that compressed values may still inflate to.
    private(set) var byteCount: Int
    /// Members that lists, maps and sets may still have.
    private(set) var memberCount: Int
    /// Memory that may be taken before more is asked for.
    private var freeByteCount: Int
    /// What is asked for memory; `nil` if nobody counts it.
    ///
    /// Not retained, so that decoding costs no reference counting: the caller keeps it.
    private unowned(unsafe) let memory: DecodedMemory?

    /// So much memory is taken unasked, and asked for at a time.
    package static let portionByteCount = 64 << 10

    package init() {
        self.init(StoreLimits.inflatedByteCountMax, StoreLimits.encodedMemberCountMax, .max, nil)
    }

    /// The budget of a value that is trusted to be so large: each member takes at least a byte.
    init(byteCount: Int) { self.init(byteCount, byteCount, .max, nil) }

    /// The budget of an item whose memory is reserved.
    ///
    /// - Important: `memory` must outlive it.
    init(reserving memory: DecodedMemory) {
        self.init(
            StoreLimits.inflatedByteCountMax, StoreLimits.encodedMemberCountMax,
            Self.portionByteCount, memory
        )
    }

    private init(
        _ byteCount: Int, _ memberCount: Int, _ freeByteCount: Int, _ memory: DecodedMemory?
    ) {
        self.byteCount = byteCount
        self.memberCount = memberCount
        self.freeByteCount = freeByteCount
        unsafe self.memory = memory
    }

    /// The budget of an item that was in memory before it was encoded.
    static var loose: DecodingBudget { DecodingBudget(byteCount: looseByteCount) }

    /// More than any item in memory has.
    static let looseByteCount = 1 << 40

    /// Inflates a compressed value of the item.
    ///
    /// - Parameter packed: What the value has after its tag.
    /// - Returns: The value's encoding, tag first.
    /// - Throws: ``CodexError/Code/corrupted`` if it is damaged, or larger than what is left;
    ///   ``CodexError/Code/outOfMemory``.
    @inline(never)
    mutating func inflate(_ packed: Span<UInt8>) throws(CodexError) -> [UInt8] {
        try takeInflated(packed)
        let inflated = try Compression.inflate(packed, limit: byteCount)
        guard let tag = inflated.first, tag < ValueCodec.Tag.compressed.rawValue else {
            throw Wire.corrupted("a compressed value holds another, or an encrypted one")
        }
        byteCount -= inflated.count
        return inflated
    }

    /// Takes the members that a list, map or set claims to have, before any of them is read.
    ///
    /// - Throws: ``CodexError/Code/corrupted`` if there are fewer left.
    mutating func takeMembers(_ count: Int) throws(CodexError) {
        guard count <= memberCount else {
            throw Wire.corrupted("an item has more elements than an item can have")
        }
        memberCount -= count
    }

    /// Takes the memory of a value that is to be inflated, and then decoded, by what it claims.
    ///
    /// - Parameter packed: What the value has after its tag.
    /// - Throws: ``CodexError/Code/corrupted``, ``CodexError/Code/outOfMemory``.
    @inline(__always)
    private mutating func takeInflated(_ packed: Span<UInt8>) throws(CodexError) {
        guard unsafe memory != nil else { return }
        var position = 0
        let claimed = try Wire.integer(packed, &position)
        // A larger one is refused before it is inflated.
        try takeMemory(2 * Int(min(claimed, UInt64(byteCount))))
    }

    /// Takes memory, and asks for it past what is free.
    ///
    /// - Throws: ``CodexError/Code/outOfMemory``.
    @inline(__always)
    mutating func takeMemory(_ count: Int) throws(CodexError) {
        freeByteCount -= count
        if freeByteCount < 0 { try reserve() }
    }

    @inline(never)
    private mutating func reserve() throws(CodexError) {
        guard let memory = unsafe memory else { return }
        let count = Self.portionByteCount - freeByteCount
        try memory.reserve(count)
        freeByteCount += count
    }
}
