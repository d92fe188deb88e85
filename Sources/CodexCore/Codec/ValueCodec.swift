/// The encoding of one attribute value: a tag byte, then the content.
///
/// See `Docs/Format.md`.
package enum ValueCodec {
    package enum Tag: UInt8 {
        case null = 0
        case no, yes, string, binary, integer, decimal, list, map
        case stringSet, numberSet, binarySet
        case compressed
        /// The value of an encrypted field, and a value that only the encryption keys can identify.
        case sealed, undecided

        /// The seal that the tag of a value at an item's top level denotes.
        @inline(__always)
        static func seal(_ tag: UInt8) -> ValueSeal {
            if tag < Tag.sealed.rawValue { return .plain }
            return tag == Tag.sealed.rawValue ? .sealed : .undecided
        }
    }

    /// Appends an attribute's value at an item's top level, with the tag that its seal requires.
    static func appendTopLevel(_ element: AttributeMap.Element, to bytes: inout [UInt8]) {
        guard element.seal != .plain, case .binary(let data) = element.value else {
            return appendTopLevel(element.value, to: &bytes)
        }
        // It is not compressed, because encrypted bytes do not become smaller.
        bytes.append((element.seal == .sealed ? Tag.sealed : Tag.undecided).rawValue)
        bytes.append(contentsOf: data)
    }

    /// Appends a value of an item's top level, compressed if it is large.
    static func appendTopLevel(_ value: AttributeValue, to bytes: inout [UInt8]) {
        let start = bytes.count
        append(value, topLevel: true, to: &bytes)
        if bytes.count - start >= StoreLimits.compressionThresholdByteCount {
            Compression.compressTail(of: &bytes, from: start)
        }
    }

    /// Appends a value.
    ///
    /// At the top level of an item, the offset table gives the end of text and bytes. Below it,
    /// their length is written.
    package static func append(_ value: AttributeValue, topLevel: Bool, to bytes: inout [UInt8]) {
        switch value {
        case .null: bytes.append(Tag.null.rawValue)
        case .bool(let flag): bytes.append((flag ? Tag.yes : Tag.no).rawValue)
        case .string(let text):
            bytes.append(Tag.string.rawValue)
            if topLevel {
                Wire.appendBytes(of: text, to: &bytes)
            } else {
                Wire.append(text, to: &bytes)
            }
        case .binary(let data):
            bytes.append(Tag.binary.rawValue)
            if !topLevel { Wire.append(UInt64(data.count), to: &bytes) }
            bytes.append(contentsOf: data)
        case .number(let number): append(number, to: &bytes)
        case .list(let values):
            bytes.append(Tag.list.rawValue)
            Wire.append(UInt64(values.count), to: &bytes)
            for value in values { append(value, topLevel: false, to: &bytes) }
        case .map(let map):
            bytes.append(Tag.map.rawValue)
            Wire.append(UInt64(map.count), to: &bytes)
            for element in map.elements {
                Wire.append(element.name, to: &bytes)
                append(element.value, topLevel: false, to: &bytes)
            }
        case .stringSet(let set):
            appendSet(.stringSet, set, to: &bytes) { Wire.append($0, to: &$1) }
        case .numberSet(let set):
            appendSet(.numberSet, set, to: &bytes) { append($0, to: &$1) }
        case .binarySet(let set):
            appendSet(.binarySet, set, to: &bytes) { data, bytes in
                Wire.append(UInt64(data.count), to: &bytes)
                bytes.append(contentsOf: data)
            }
        }
    }

    private static func appendSet<Element>(
        _ tag: Tag, _ set: AttributeSet<Element>, to bytes: inout [UInt8],
        _ append: (Element, inout [UInt8]) -> Void
    ) {
        bytes.append(tag.rawValue)
        Wire.append(UInt64(set.members.count), to: &bytes)
        for member in set.members { append(member, &bytes) }
    }

    private static func append(_ number: Number, to bytes: inout [UInt8]) {
        if let integer = number.int64 {
            bytes.append(Tag.integer.rawValue)
            Wire.append(Wire.zigzag(integer), to: &bytes)
            return
        }
        bytes.append(Tag.decimal.rawValue)
        Wire.append(
            Wire.zigzag(Int64(number.exponent)) << 1 | (number.isNegative ? 1 : 0), to: &bytes)
        let magnitude = number.magnitude
        Wire.append(UInt64(truncatingIfNeeded: magnitude), to: &bytes)
        Wire.append(UInt64(truncatingIfNeeded: magnitude >> 64), to: &bytes)
    }
}

extension ValueCodec {
    /// Decodes the top-level value in `bytes[start..<end]`.
    ///
    /// - Throws: ``CodexError/Code/corrupted`` if the bytes are not exactly one value, or if the
    ///   value is larger than an item.
    package static func decode(
        _ bytes: Span<UInt8>, _ start: Int, _ end: Int
    ) throws(CodexError) -> AttributeValue {
        var budget = DecodingBudget()
        return try decode(bytes, start, end, &budget)
    }

    /// Decodes the top-level value in `bytes[start..<end]`, which may be larger than an item.
    ///
    /// - Throws: As ``decode(_:_:_:)``.
    package static func decode(
        _ bytes: Span<UInt8>, _ start: Int, _ end: Int, inflatedByteCountMax: Int
    ) throws(CodexError) -> AttributeValue {
        var budget = DecodingBudget(byteCount: inflatedByteCountMax)
        return try decode(bytes, start, end, &budget)
    }

    /// Decodes one of the values of an item, which all share a budget.
    static func decode(
        _ bytes: Span<UInt8>, _ start: Int, _ end: Int, _ budget: inout DecodingBudget
    ) throws(CodexError) -> AttributeValue {
        guard start < end else { throw Wire.truncated }
        switch Tag(rawValue: bytes[start]) {
        case .string: return .string(try Wire.string(bytes, start + 1, end))
        case .binary, .sealed, .undecided: return .binary(Wire.array(bytes, start + 1, end))
        case .compressed:
            let inflated = try budget.inflate(bytes.extracting((start + 1)..<end))
            return try decode(inflated.span, 0, inflated.count, &budget)
        default:
            var position = start
            let value = try nested(bytes.extracting(0..<end), &position, depth: 0, &budget)
            guard position == end else { throw Wire.corrupted("bytes are left after a value") }
            return value
        }
    }

    /// Decodes a value of an item's top level that a key may contain: text, bytes or a number.
    ///
    /// - Parameters:
    ///   - bytes: The item's encoding.
    ///   - start: The offset of the value.
    ///   - end: The offset of its end.
    ///   - allowsMembers: Whether lists and sets of such values are decoded too.
    ///   - budget: The item's budget.
    /// - Returns: The value; `nil` for a value of another type, which is not decoded.
    /// - Throws: As ``decode(_:_:_:)``.
    static func decodeKey(
        _ bytes: Span<UInt8>, _ start: Int, _ end: Int, allowsMembers: Bool,
        _ budget: inout DecodingBudget
    ) throws(CodexError) -> AttributeValue? {
        switch Tag(rawValue: bytes[start]) {
        case .string?, .binary?, .sealed?, .undecided?, .integer?, .decimal?:
            return try decode(bytes, start, end, &budget)
        case .list?, .stringSet?, .numberSet?, .binarySet?:
            return allowsMembers ? try decode(bytes, start, end, &budget) : nil
        case .compressed?:
            let inflated = try budget.inflate(bytes.extracting((start + 1)..<end))
            return try decodeKey(
                inflated.span, 0, inflated.count, allowsMembers: allowsMembers, &budget)
        default: return nil
        }
    }

    /// Decodes a value that carries its own length; `position` moves behind it.
    static func nested(
        _ bytes: Span<UInt8>, _ position: inout Int, depth: Int, _ budget: inout DecodingBudget
    ) throws(CodexError) -> AttributeValue {
        guard position < bytes.count else { throw Wire.truncated }
        guard let tag = Tag(rawValue: bytes[position]) else {
            throw Wire.corrupted("a value has an unknown type")
        }
        position += 1
        switch tag {
        case .null: return .null
        case .no: return .bool(false)
        case .yes: return .bool(true)
        case .string: return .string(try text(bytes, &position, &budget))
        case .binary: return .binary(try data(bytes, &position, &budget))
        case .integer: return .number(Number(Wire.unzigzag(try Wire.integer(bytes, &position))))
        case .decimal: return .number(try decimal(bytes, &position))
        case .list: return .list(try list(bytes, &position, depth: depth, &budget))
        case .map: return .map(try map(bytes, &position, depth: depth, &budget))
        case .stringSet:
            return .stringSet(
                try set(bytes, &position, &budget) { b, p, budget throws(CodexError) in
                    try text(b, &p, &budget)
                })
        case .numberSet:
            return .numberSet(
                try set(bytes, &position, &budget) { b, p, _ throws(CodexError) in
                    try number(b, &p)
                })
        case .binarySet:
            return .binarySet(
                try set(bytes, &position, &budget) { b, p, budget throws(CodexError) in
                    try data(b, &p, &budget)
                })
        case .compressed, .sealed, .undecided:
            throw Wire.corrupted("a nested value is compressed or encrypted")
        }
    }

    private static func text(
        _ bytes: Span<UInt8>, _ position: inout Int, _ budget: inout DecodingBudget
    ) throws(CodexError) -> String {
        let text = try Wire.text(bytes, &position)
        // The budget already has the text's encoded bytes, as part of the whole item.
        if DecodedSize.isBlock(textByteCount: text.utf8.count) {
            try budget.takeMemory(DecodedSize.header)
        }
        return text
    }

    private static func data(
        _ bytes: Span<UInt8>, _ position: inout Int, _ budget: inout DecodingBudget
    ) throws(CodexError) -> [UInt8] {
        let count = try Wire.count(bytes, &position)
        if count > 0 { try budget.takeMemory(DecodedSize.header) }
        defer { position += count }
        return Wire.array(bytes, position, position + count)
    }

    @inline(__always)
    static func number(
        _ bytes: Span<UInt8>, _ position: inout Int
    ) throws(CodexError) -> Number {
        guard position < bytes.count else { throw Wire.truncated }
        let tag = Tag(rawValue: bytes[position])
        position += 1
        switch tag {
        case .integer: return Number(Wire.unzigzag(try Wire.integer(bytes, &position)))
        case .decimal: return try decimal(bytes, &position)
        default: throw Wire.corrupted("a number set has another member")
        }
    }

    @inline(__always)
    static func decimal(
        _ bytes: Span<UInt8>, _ position: inout Int
    ) throws(CodexError) -> Number {
        let head = try Wire.integer(bytes, &position)
        let low = UInt128(try Wire.integer(bytes, &position))
        let high = UInt128(try Wire.integer(bytes, &position))
        let exponent = Wire.unzigzag(head >> 1)
        guard (-400...400).contains(exponent) else { throw Wire.corrupted("a number's exponent") }
        do {
            return try Number(
                negative: head & 1 == 1, magnitude: high << 64 | low, exponent: Int(exponent))
        } catch {
            throw Wire.corrupted("a number is out of range")
        }
    }

    private static func list(
        _ bytes: Span<UInt8>, _ position: inout Int, depth: Int, _ budget: inout DecodingBudget
    ) throws(CodexError) -> [AttributeValue] {
        let count = try containerCount(bytes, &position, depth: depth, &budget)
        try budget.takeMemory(DecodedSize.array(of: AttributeValue.self, count))
        var values: [AttributeValue] = []
        // A hostile count may claim one element per remaining byte, so the array grows as elements
        // appear.
        values.reserveCapacity(min(count, 256))
        for _ in 0..<count {
            values.append(try nested(bytes, &position, depth: depth + 1, &budget))
        }
        return values
    }

    private static func map(
        _ bytes: Span<UInt8>, _ position: inout Int, depth: Int, _ budget: inout DecodingBudget
    ) throws(CodexError) -> AttributeMap {
        let count = try containerCount(bytes, &position, depth: depth, &budget)
        try budget.takeMemory(DecodedSize.array(of: AttributeMap.Element.self, count))
        var elements: [AttributeMap.Element] = []
        elements.reserveCapacity(min(count, 256))
        for _ in 0..<count {
            let name = try text(bytes, &position, &budget)
            let value = try nested(bytes, &position, depth: depth + 1, &budget)
            elements.append(.init(name: name, value: value))
        }
        guard let map = AttributeMap(sorted: elements) else {
            throw Wire.corrupted("a map's names are out of order")
        }
        return map
    }

    @inline(__always)
    static func containerCount(
        _ bytes: Span<UInt8>, _ position: inout Int, depth: Int, _ budget: inout DecodingBudget
    ) throws(CodexError) -> Int {
        guard depth < DynamoDBLimits.nestingDepthMax else {
            throw Wire.corrupted("nesting is too deep")
        }
        let count = try Wire.count(bytes, &position)
        try budget.takeMembers(count)
        return count
    }

    private static func set<Element>(
        _ bytes: Span<UInt8>, _ position: inout Int, _ budget: inout DecodingBudget,
        _ member: (Span<UInt8>, inout Int, inout DecodingBudget) throws(CodexError) -> Element
    ) throws(CodexError) -> AttributeSet<Element> {
        let count = try Wire.count(bytes, &position)
        try budget.takeMembers(count)
        try budget.takeMemory(DecodedSize.array(of: Element.self, count))
        var members: [Element] = []
        members.reserveCapacity(min(count, 256))
        for _ in 0..<count { members.append(try member(bytes, &position, &budget)) }
        guard let set = AttributeSet(ascending: members) else {
            throw Wire.corrupted("a set's members are out of order")
        }
        return set
    }
}
