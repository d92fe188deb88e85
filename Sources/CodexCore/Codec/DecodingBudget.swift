/// The limits that remain while an item is decoded: bytes of inflated values, members of lists,
/// maps and sets, and memory.
///
/// All values of an item share one budget. With a limit for each value alone, some kilobytes of
/// many compressed values could decode to hundreds of megabytes.
package struct DecodingBudget {
    /// Bytes that compressed values may still inflate to.
    private(set) var byteCount: Int
    /// Members that lists, maps and sets may still have.
    private(set) var memberCount: Int
    /// Memory that decoding may take before it must reserve more.
    private var freeByteCount: Int
    /// The object that reserves memory; `nil` if memory is not counted.
    ///
    /// It is not retained, so decoding needs no reference counting. The caller must keep it alive.
    private unowned(unsafe) let memory: DecodedMemory?

    /// The bytes that decoding may take before it reserves memory, and the bytes that each
    /// reservation adds beyond the shortfall.
    package static let portionByteCount = 64 << 10

    package init() {
        self.init(StoreLimits.inflatedByteCountMax, StoreLimits.encodedMemberCountMax, .max, nil)
    }

    /// The budget of a value that may inflate to `byteCount` bytes; each member takes at least one.
    init(byteCount: Int) { self.init(byteCount, byteCount, .max, nil) }

    /// The budget of an item that reserves memory from `memory`.
    ///
    /// - Important: `memory` must outlive the budget.
    init(reserving memory: DecodedMemory) {
        self.init(
            StoreLimits.inflatedByteCountMax, StoreLimits.encodedMemberCountMax,
            Self.portionByteCount, memory
        )
    }

    /// The budget of an item; `memory` is `nil` if memory is not counted.
    ///
    /// It replaces an optional budget. Debug builds of Swift 6.3 take an optional budget that is
    /// `nil` for a budget, since its memory may be `nil`.
    ///
    /// - Important: `memory` must outlive the budget.
    init(reservingIfCounted memory: DecodedMemory?) {
        self.init(
            StoreLimits.inflatedByteCountMax, StoreLimits.encodedMemberCountMax,
            memory == nil ? .max : Self.portionByteCount, memory)
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

    /// More bytes than any item in memory has.
    static let looseByteCount = 1 << 40

    /// Inflates a compressed value of the item.
    ///
    /// - Parameter packed: The value's bytes after its tag.
    /// - Returns: The value's encoding, tag first.
    /// - Throws: ``CodexError/Code/corrupted`` if the value is damaged or exceeds the remaining
    ///   budget; ``CodexError/Code/outOfMemory``.
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

    /// Takes the members that a list, map or set claims to have, before it reads any of them.
    ///
    /// - Throws: ``CodexError/Code/corrupted`` if fewer remain.
    mutating func takeMembers(_ count: Int) throws(CodexError) {
        guard count <= memberCount else {
            throw Wire.corrupted("an item has more elements than an item can have")
        }
        memberCount -= count
    }

    /// Takes the memory for inflating and decoding a value, from the length that the value claims.
    ///
    /// - Parameter packed: The value's bytes after its tag.
    /// - Throws: ``CodexError/Code/corrupted``, ``CodexError/Code/outOfMemory``.
    @inline(__always)
    private mutating func takeInflated(_ packed: Span<UInt8>) throws(CodexError) {
        guard unsafe memory != nil else { return }
        var position = 0
        let claimed = try Wire.integer(packed, &position)
        // A value that claims more is refused before it is inflated.
        try takeMemory(2 * Int(min(claimed, UInt64(byteCount))))
    }

    /// Takes memory, and reserves more when the free bytes run out.
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
