/// Writes an item in DynamoDB's typed JSON from its stored bytes.
///
/// No value is decoded into memory, because a decoded list of 400,000 empty texts would take 24
/// times the item's size. The JSON is the same as that of ``JSONWriter/typed(_:)-(AttributeMap)``
/// for the decoded item. Compressed values are inflated one by one.
struct StoredItemJSONWriter: ~Copyable {
    private var buffer: JSONBuffer
    private var budget: DecodingBudget
    private let names: Set<ExactName>?

    /// Room for the parts of a value beside text and bytes: its type, a number, and brackets.
    private static let roomForValue = 64 + Number.textByteCountMax

    /// Creates a writer for one item.
    ///
    /// - Parameters:
    ///   - budget: The limits of decoding: members, and memory for inflated values.
    ///   - names: The attributes to write; `nil` is all.
    ///   - take: Receives the JSON, part by part.
    init(
        _ budget: DecodingBudget, only names: Set<ExactName>? = nil,
        _ take: @escaping (Span<UInt8>) throws -> Void
    ) {
        self.names = names
        buffer = JSONBuffer(take)
        self.budget = budget
    }

    /// Writes the item.
    ///
    /// - Parameters:
    ///   - bytes: The item's encoding.
    ///   - layout: The positions of its parts.
    ///   - keys: The key attributes that are not stored in the item, with their places among the
    ///     stored ones.
    /// - Returns: The item's size as DynamoDB counts it.
    /// - Throws: ``CodexError/Code/corrupted``, ``CodexError/Code/outOfMemory``, and the errors of
    ///   `take`.
    mutating func write(
        _ bytes: Span<UInt8>, _ layout: ItemLayout, _ keys: ItemLayout.MissingKeys
    ) throws -> Int {
        let names = layout.shape.names
        var (next, byteCount, isFirst) = (0, 0, true)
        buffer.byte(UInt8(ascii: "{"))
        for position in 0...layout.count {
            while next < keys.count, position == layout.count || keys.place(next) == position {
                let element = keys[next]
                next += 1
                guard isShown(element.name) else {
                    byteCount += element.name.utf8.count + element.value.byteCount
                    continue
                }
                byteCount += try name(element.name, isFirst: isFirst)
                byteCount += try decoded(element.value)
                isFirst = false
            }
            guard position < layout.count else { break }
            let (start, end) = try layout.range(bytes, position)
            guard isShown(names[position]) else {
                byteCount += names[position].utf8.count
                byteCount += try measured(bytes, start, end)
                continue
            }
            byteCount += try name(names[position], isFirst: isFirst)
            byteCount += try topLevel(bytes, start, end)
            isFirst = false
        }
        // The last value must end the item; otherwise bytes are missing.
        if layout.count > 0 {
            guard try layout.range(bytes, layout.count - 1).end == bytes.count else {
                throw Wire.truncated
            }
        }
        try buffer.makeRoom(1)
        buffer.byte(UInt8(ascii: "}"))
        try buffer.flush()
        return byteCount
    }

    /// Writes the parts of an item that a projection keeps.
    ///
    /// - Parameters:
    ///   - tree: The paths of the projection.
    ///   - values: The values that were found in the item, by the numbers of the paths.
    /// - Throws: ``CodexError/Code/corrupted``, and the errors of `take`.
    mutating func write(_ tree: PathTree, _ values: [StoredValue?]) throws {
        buffer.byte(UInt8(ascii: "{"))
        try kept(tree, values)
        try buffer.makeRoom(1)
        buffer.byte(UInt8(ascii: "}"))
        try buffer.flush()
    }

    /// Writes the parts below a place, with commas between them.
    private mutating func kept(_ tree: PathTree, _ values: [StoredValue?]) throws {
        var isFirst = true
        for branch in tree.branches where branch.rest.hasValue(in: values) {
            if case .name(let name) = branch.step {
                _ = try self.name(name, isFirst: isFirst)
            } else if !isFirst {
                try comma()
            }
            isFirst = false
            if let number = branch.rest.end {
                if let value = values[number] { _ = try stored(value) }
                continue
            }
            // The paths of a projection do not conflict, so all steps are of one kind.
            let isMap = branch.rest.firstName == 0
            try buffer.makeRoom(Self.roomForValue)
            buffer.literal(isMap ? "{\"M\":{" : "{\"L\":[")
            try kept(branch.rest, values)
            try buffer.makeRoom(2)
            buffer.literal(isMap ? "}}" : "]}")
        }
    }

    /// Writes a value that was found in an item.
    private mutating func stored(_ value: StoredValue) throws -> Int {
        if value.isTopLevel {
            return try topLevel(value.bytes.span, value.range.lowerBound, value.range.upperBound)
        }
        var position = value.range.lowerBound
        return try nested(value.bytes.span, &position, depth: 0)
    }

    /// Writes an item from memory.
    ///
    /// It encodes one value at a time, and writes the value from its encoding.
    mutating func write(_ item: AttributeMap) throws {
        buffer.byte(UInt8(ascii: "{"))
        for (place, element) in item.elements.enumerated() {
            _ = try name(element.name, isFirst: place == 0)
            _ = try decoded(element.value)
        }
        try buffer.makeRoom(1)
        buffer.byte(UInt8(ascii: "}"))
        try buffer.flush()
    }

    private func isShown(_ name: String) -> Bool { names.map { $0.contains(name) } ?? true }

    /// The size of a value that is not written.
    private mutating func measured(
        _ bytes: Span<UInt8>, _ start: Int, _ end: Int
    ) throws(CodexError) -> Int {
        var meter = StoredItemMeter(budget)
        defer { budget = meter.budget }
        return try meter.measure(bytes, start, end)
    }

    // MARK: Names

    private mutating func name(_ name: String, isFirst: Bool) throws -> Int {
        try buffer.makeRoom(Self.roomForValue)
        if !isFirst { buffer.byte(UInt8(ascii: ",")) }
        var name = name
        let count = try name.withUTF8 { text in
            let span = unsafe Span(_unsafeElements: text)
            try buffer.string(span, 0, span.count)
            return span.count
        }
        try buffer.makeRoom(Self.roomForValue)
        buffer.byte(UInt8(ascii: ":"))
        return count
    }

    // MARK: Values

    /// Writes a value from memory.
    private mutating func decoded(_ value: AttributeValue) throws -> Int {
        var bytes: [UInt8] = []
        ValueCodec.append(value, topLevel: false, to: &bytes)
        var position = 0
        return try nested(bytes.span, &position, depth: 0)
    }

    private mutating func topLevel(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) throws -> Int {
        try buffer.makeRoom(Self.roomForValue)
        switch ValueCodec.Tag(rawValue: bytes[start]) {
        case .string?:
            buffer.literal("{\"S\":")
            try buffer.string(bytes, start + 1, end)
            try close()
            return end - start - 1
        case .binary?, .sealed?, .undecided?:
            buffer.literal("{\"B\":")
            try buffer.base64(bytes, start + 1, end)
            try close()
            return end - start - 1
        case .compressed?:
            let inflated = try budget.inflate(bytes.extracting((start + 1)..<end))
            return try topLevel(inflated.span, 0, inflated.count)
        default:
            var position = start
            let size = try nested(bytes.extracting(0..<end), &position, depth: 0)
            guard position == end else { throw Wire.corrupted("bytes are left after a value") }
            return size
        }
    }

    /// Closes a value whose text or bytes may have filled the buffer.
    private mutating func close() throws {
        try buffer.makeRoom(2)
        buffer.byte(UInt8(ascii: "}"))
    }

    /// Writes a value that carries its own length.
    ///
    /// - Returns: The value's size as DynamoDB counts it.
    private mutating func nested(
        _ bytes: Span<UInt8>, _ position: inout Int, depth: Int
    ) throws -> Int {
        guard position < bytes.count else { throw Wire.truncated }
        guard let tag = ValueCodec.Tag(rawValue: bytes[position]) else {
            throw Wire.corrupted("a value has an unknown type")
        }
        position += 1
        try buffer.makeRoom(Self.roomForValue)
        switch tag {
        case .null:
            buffer.literal("{\"NULL\":true}")
            return 1
        case .no:
            buffer.literal("{\"BOOL\":false}")
            return 1
        case .yes:
            buffer.literal("{\"BOOL\":true}")
            return 1
        case .integer:
            buffer.literal("{\"N\":\"")
            let size = buffer.integer(Wire.unzigzag(try Wire.integer(bytes, &position)))
            buffer.literal("\"}")
            return size
        case .decimal:
            buffer.literal("{\"N\":\"")
            let size = buffer.number(try ValueCodec.decimal(bytes, &position))
            buffer.literal("\"}")
            return size
        case .string:
            buffer.literal("{\"S\":")
            let size = try text(bytes, &position).count
            try close()
            return size
        case .binary:
            buffer.literal("{\"B\":")
            let size = try data(bytes, &position).count
            try close()
            return size
        case .list: return try list(bytes, &position, depth: depth)
        case .map: return try map(bytes, &position, depth: depth)
        case .stringSet:
            buffer.literal("{\"SS\":[")
            return try set(bytes, &position, isText: true)
        case .numberSet: return try numberSet(bytes, &position)
        case .binarySet:
            buffer.literal("{\"BS\":[")
            return try set(bytes, &position, isText: false)
        case .compressed, .sealed, .undecided:
            throw Wire.corrupted("a nested value is compressed or encrypted")
        }
    }

    /// Writes text that carries its own length, and returns the range of its bytes.
    @inline(__always)
    private mutating func text(
        _ bytes: Span<UInt8>, _ position: inout Int
    ) throws -> Range<Int> {
        let count = try Wire.count(bytes, &position)
        defer { position += count }
        try buffer.string(bytes, position, position + count)
        return position..<(position + count)
    }

    /// Writes bytes that carry their own length, and returns their range.
    private mutating func data(
        _ bytes: Span<UInt8>, _ position: inout Int
    ) throws -> Range<Int> {
        let count = try Wire.count(bytes, &position)
        defer { position += count }
        try buffer.base64(bytes, position, position + count)
        return position..<(position + count)
    }

    private mutating func list(
        _ bytes: Span<UInt8>, _ position: inout Int, depth: Int
    ) throws -> Int {
        let count = try ValueCodec.containerCount(bytes, &position, depth: depth, &budget)
        buffer.literal("{\"L\":[")
        // 3 bytes, and 1 for each element and its content: see ItemSize.swift.
        var size = 3 + count
        for place in 0..<count {
            if place > 0 { try comma() }
            size += try nested(bytes, &position, depth: depth + 1)
        }
        try buffer.makeRoom(2)
        buffer.literal("]}")
        return size
    }

    private mutating func map(
        _ bytes: Span<UInt8>, _ position: inout Int, depth: Int
    ) throws -> Int {
        let count = try ValueCodec.containerCount(bytes, &position, depth: depth, &budget)
        buffer.literal("{\"M\":{")
        var size = 3 + count
        var last: Range<Int>?
        for place in 0..<count {
            if place > 0 { try comma() }
            let name = try text(bytes, &position)
            try StoredOrder.require(bytes, last, name, in: "map")
            last = name
            size += name.count
            try buffer.makeRoom(1)
            buffer.byte(UInt8(ascii: ":"))
            size += try nested(bytes, &position, depth: depth + 1)
        }
        try buffer.makeRoom(2)
        buffer.literal("}}")
        return size
    }

    private mutating func set(
        _ bytes: Span<UInt8>, _ position: inout Int, isText: Bool
    ) throws -> Int {
        let count = try Wire.count(bytes, &position)
        try budget.takeMembers(count)
        var (size, last) = (0, Range<Int>?.none)
        for place in 0..<count {
            if place > 0 { try comma() }
            let member = isText ? try text(bytes, &position) : try data(bytes, &position)
            try StoredOrder.require(bytes, last, member, in: "set")
            last = member
            size += member.count
        }
        try buffer.makeRoom(2)
        buffer.literal("]}")
        return size
    }

    private mutating func numberSet(_ bytes: Span<UInt8>, _ position: inout Int) throws -> Int {
        buffer.literal("{\"NS\":[")
        let count = try Wire.count(bytes, &position)
        try budget.takeMembers(count)
        var (size, last) = (0, Number?.none)
        for place in 0..<count {
            if place > 0 { try comma() }
            let number = try ValueCodec.number(bytes, &position)
            try StoredOrder.require(last, number)
            last = number
            try buffer.makeRoom(Self.roomForValue)
            buffer.byte(UInt8(ascii: "\""))
            size += buffer.number(number)
            buffer.byte(UInt8(ascii: "\""))
        }
        try buffer.makeRoom(2)
        buffer.literal("]}")
        return size
    }

    @inline(__always)
    private mutating func comma() throws {
        try buffer.makeRoom(1)
        buffer.byte(UInt8(ascii: ","))
    }
}
