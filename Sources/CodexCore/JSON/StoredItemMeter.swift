/// Measures the size of stored items, as DynamoDB counts it, without decoding their values.
///
/// It also checks them: an item that is measured without an error can be decoded without one.
struct StoredItemMeter {
    var budget: DecodingBudget

    /// Creates a meter for one item.
    ///
    /// - Parameter budget: The limits of decoding: members, and memory for inflated values.
    init(_ budget: DecodingBudget) { self.budget = budget }

    /// The size of an item, equal to ``AttributeMap/byteCount`` of the decoded item.
    ///
    /// - Parameters:
    ///   - bytes: The item's encoding.
    ///   - layout: The positions of its parts.
    ///   - keys: The key attributes that are not stored in the item.
    /// - Returns: The size.
    /// - Throws: ``CodexError/Code/corrupted``, ``CodexError/Code/outOfMemory``.
    mutating func measure(
        _ bytes: Span<UInt8>, _ layout: ItemLayout, _ keys: ItemLayout.MissingKeys
    ) throws(CodexError) -> Int {
        var size = 0
        for position in 0..<keys.count {
            size += keys[position].name.utf8.count + keys[position].value.byteCount
        }
        let names = layout.shape.names
        for position in 0..<layout.count {
            let (start, end) = try layout.range(bytes, position)
            size += names[position].utf8.count
            if TextRule.isTag(bytes[start]) {
                let value = try layout.ruledValue(bytes, position, keys.attributes, &budget)
                size += try measure(value.span, 0, value.count)
            } else {
                size += try measure(bytes, start, end)
            }
            // The last value must end the item; otherwise bytes are missing.
            guard position < layout.count - 1 || end == bytes.count else { throw Wire.truncated }
        }
        return size
    }

    /// The size of the top-level value in `bytes[start..<end]`.
    mutating func measure(
        _ bytes: Span<UInt8>, _ start: Int, _ end: Int
    ) throws(CodexError) -> Int {
        switch ValueCodec.Tag(rawValue: bytes[start]) {
        case .string?:
            try Wire.requireText(bytes, start + 1, end)
            return end - start - 1
        case .binary?, .sealed?, .undecided?: return end - start - 1
        case .instant?:
            _ = try StoredInstant(bytes, start + 1, end)
            return InstantText.byteCount
        case .compressed?:
            let inflated = try budget.inflate(bytes.extracting((start + 1)..<end))
            return try measure(inflated.span, 0, inflated.count)
        default:
            var position = start
            let size = try nested(bytes.extracting(0..<end), &position, depth: 0)
            guard position == end else { throw Wire.corrupted("bytes are left after a value") }
            return size
        }
    }

    /// The size of a value that carries its own length; `position` moves behind it.
    mutating func nested(
        _ bytes: Span<UInt8>, _ position: inout Int, depth: Int
    ) throws(CodexError) -> Int {
        guard position < bytes.count else { throw Wire.truncated }
        guard let tag = ValueCodec.Tag(rawValue: bytes[position]) else {
            throw Wire.corrupted("a value has an unknown type")
        }
        position += 1
        switch tag {
        case .null, .no, .yes: return 1
        case .string: return try text(bytes, &position).count
        case .binary: return try data(bytes, &position).count
        case .integer:
            return Number(Wire.unzigzag(try Wire.integer(bytes, &position))).byteCount
        case .decimal: return try ValueCodec.decimal(bytes, &position).byteCount
        case .list:
            let count = try ValueCodec.containerCount(bytes, &position, depth: depth, &budget)
            // See ItemSize.swift.
            var size = 3 + count
            for _ in 0..<count { size += try nested(bytes, &position, depth: depth + 1) }
            return size
        case .map:
            let count = try ValueCodec.containerCount(bytes, &position, depth: depth, &budget)
            var size = 3 + count
            var last: Range<Int>?
            for _ in 0..<count {
                let name = try text(bytes, &position)
                try StoredOrder.require(bytes, last, name, in: "map")
                last = name
                size += name.count
                size += try nested(bytes, &position, depth: depth + 1)
            }
            return size
        case .stringSet, .binarySet:
            var (size, last) = (0, Range<Int>?.none)
            for _ in 0..<(try members(bytes, &position)) {
                let member =
                    tag == .stringSet ? try text(bytes, &position) : try data(bytes, &position)
                try StoredOrder.require(bytes, last, member, in: "set")
                last = member
                size += member.count
            }
            return size
        case .numberSet:
            var (size, last) = (0, Number?.none)
            for _ in 0..<(try members(bytes, &position)) {
                let number = try ValueCodec.number(bytes, &position)
                try StoredOrder.require(last, number)
                last = number
                size += number.byteCount
            }
            return size
        case .compressed, .sealed, .undecided, .instant: throw ValueCodec.misplacedTag
        }
    }

    private mutating func members(
        _ bytes: Span<UInt8>, _ position: inout Int
    ) throws(CodexError) -> Int {
        let count = try Wire.count(bytes, &position)
        try budget.takeMembers(count)
        return count
    }

    /// The range of a text that carries its own length; `position` moves behind it.
    @inline(__always)
    func text(
        _ bytes: Span<UInt8>, _ position: inout Int
    ) throws(CodexError) -> Range<Int> {
        let range = try data(bytes, &position)
        if !range.isEmpty { try Wire.requireText(bytes, range.lowerBound, range.upperBound) }
        return range
    }

    @inline(__always)
    private func data(
        _ bytes: Span<UInt8>, _ position: inout Int
    ) throws(CodexError) -> Range<Int> {
        let count = try Wire.count(bytes, &position)
        defer { position += count }
        return position..<(position + count)
    }
}

/// The order in which maps and sets are stored, and which decoding requires.
enum StoredOrder {
    /// Checks that a name of a map or a member of a set comes after the last one.
    @inline(__always)
    static func require(
        _ bytes: Span<UInt8>, _ last: Range<Int>?, _ next: Range<Int>, in what: StaticString
    ) throws(CodexError) {
        guard let last, !Wire.areAscending(bytes, last, next) else { return }
        throw outOfOrder(what)
    }

    @inline(__always)
    static func require(_ last: Number?, _ next: Number) throws(CodexError) {
        guard let last, !(last < next) else { return }
        throw outOfOrder("set")
    }

    private static func outOfOrder(_ what: StaticString) -> CodexError {
        Wire.corrupted("the members of a \(what) are out of order")
    }
}
