internal import CodexCore

/// Writes the members of a response in parts of some 64 KiB, so that a long one is never in one
/// piece.
struct ResponseWriter: Sendable {
    private var writer = JSONWriter(reserving: ResponseWriter.usualByteCount)
    /// Whether the current object has no member yet.
    private var isEmpty = true
    /// The finished parts, which precede ``writer``.
    private var parts: [[UInt8]] = []
    private var partsByteCount = 0
    private var reservedByteCount = 0
    /// The most bytes of the response.
    private var limit: Int

    /// Room for most responses of one item.
    private static let usualByteCount = 512
    /// The size that ends a part.
    ///
    /// The JSON of a large item comes in pieces of at least this size, so each of them ends a part.
    static let partByteCount = 64 << 10
    /// The most bytes of a response: JSON may have 67 times as many bytes as an item counts.
    static let byteCountMax = 48 << 20
    /// The most bytes of the response of a TransactGetItems, which no later request can continue.
    ///
    /// It is eight times the most bytes of the items; DynamoDB has no limit for their JSON. Lists
    /// of Booleans need 7.5 times, text of control characters 6 times, and lists of short numbers
    /// 3.7 times. Only few items need more, such as lists of empty texts (9 times) and of numbers
    /// with many zeros (up to 67 times).
    static let transactionByteCountMax = 8 * DynamoDBLimits.transactionByteCountMax
    /// The most bytes up to the last item in the error of a cancelled transaction.
    ///
    /// The error is complete without its items, so further items are left out.
    static let cancellationByteCountMax = 12 << 20
    /// The most bytes of a page's JSON; its first item may have more.
    static let pageByteCountMax = 16 << 20
    /// The size up to which items are written at once.
    private static let wholeItemByteCountMax = 1 << 10

    /// Starts a response.
    ///
    /// - Parameter byteCountMax: The most bytes of the response.
    init(byteCountMax: Int = Self.byteCountMax) {
        limit = byteCountMax
        writer.raw("{")
    }

    /// The bytes so far.
    var byteCount: Int { partsByteCount + writer.bytes.count }

    /// The parts of the response.
    consuming func close() -> [[UInt8]] {
        writer.raw("}")
        return parts + [writer.bytes]
    }

    // MARK: Members

    /// Writes a member's name; its value is written next.
    mutating func name(_ name: String) {
        writer.raw(isEmpty ? "" : ",")
        isEmpty = false
        writer.string(name)
        writer.raw(":")
    }

    /// Writes a member whose value is small, or starts one.
    mutating func member(_ name: String, _ value: (inout JSONWriter) -> Void) {
        self.name(name)
        value(&writer)
    }

    /// Writes a member that is an object; `body` writes its members.
    mutating func object(_ name: String, _ body: (inout Self) throws -> Void) rethrows {
        self.name(name)
        try object(body)
    }

    /// Writes a member that is a list of objects.
    mutating func objects<Element>(
        _ name: String, _ elements: some Sequence<Element>,
        _ body: (inout Self, Element) throws -> Void
    ) rethrows {
        member(name) { $0.raw("[") }
        var isFirst = true
        for element in elements {
            try nextObject(isFirst: isFirst) { try body(&$0, element) }
            isFirst = false
        }
        writer.raw("]")
    }

    /// Writes the next object of a list that was started.
    mutating func nextObject(
        isFirst: Bool, _ body: (inout Self) throws -> Void
    ) rethrows {
        if !isFirst { writer.raw(",") }
        try object(body)
    }

    private mutating func object(_ body: (inout Self) throws -> Void) rethrows {
        writer.raw("{")
        isEmpty = true
        try body(&self)
        writer.raw("}")
        isEmpty = false
    }

    /// Writes a small item, such as a key.
    mutating func item(_ name: String, _ item: Item) { member(name) { $0.typed(item) } }

    mutating func string(_ name: String, _ text: String) { member(name) { $0.string(text) } }

    mutating func number(_ name: String, _ number: Int) { member(name) { $0.raw("\(number)") } }

    /// Writes a list of values.
    mutating func list<Element>(
        _ name: String, _ elements: some Sequence<Element>,
        _ write: (inout JSONWriter, Element) -> Void
    ) {
        member(name) { $0.list(elements, write) }
    }

    mutating func capacity(_ detail: Capacity.Detail, _ units: () -> Capacity) {
        guard detail != .none else { return }
        member("ConsumedCapacity") { units().write(detail, to: &$0) }
    }

    mutating func capacities(_ detail: Capacity.Detail, _ units: [Capacity]) {
        guard detail != .none else { return }
        list("ConsumedCapacity", units) { $1.write(detail, to: &$0) }
    }

    // MARK: Parts

    /// Continues a member's value, and ends a part that is long enough.
    mutating func more(_ write: (inout JSONWriter) -> Void) {
        write(&writer)
        if isPartFull { endPart() }
    }

    private var isPartFull: Bool { writer.bytes.count >= Self.partByteCount }

    private mutating func endPart() {
        partsByteCount += writer.bytes.count
        parts.append(writer.bytes)
        writer = JSONWriter()
    }

    /// Ends a part that is long enough, and reserves its memory before the next part is written.
    private mutating func endPart(_ budget: RequestBudget) throws {
        guard isPartFull else { return }
        endPart()
        try reserve(budget)
    }

    /// Writes members, or none of them if the response would have too many bytes.
    ///
    /// - Parameters:
    ///   - byteCountMax: The most bytes of the response with the members.
    ///   - budget: The request's budget.
    ///   - write: Writes the members.
    /// - Returns: Whether the members were written.
    /// - Throws: As ``reserve(_:)``, and the errors of `write`.
    mutating func attempt(
        upTo byteCountMax: Int, _ budget: RequestBudget, _ write: (inout Self) throws -> Void
    ) throws -> Bool {
        let start = begin(upTo: byteCountMax)
        var isWritten = false
        do {
            try write(&self)
            try reserve(budget)
            isWritten = true
        } catch {
            guard exceedsLimit else { throw error }
        }
        end(start, keeping: isWritten)
        return isWritten
    }

    /// Writes the next item of a page or batch, or nothing of it if it does not fit.
    ///
    /// Pages and batches end before the item that does not fit, so they have at most as many bytes
    /// as their limits say. Only the first item may have more.
    ///
    /// - Parameters:
    ///   - room: The most bytes that the item may have, as DynamoDB counts sizes.
    ///   - byteCountMax: The most bytes of the response with the item, unless it is the first.
    ///   - isFirst: Whether the response has no item yet.
    ///   - write: Writes the item, and returns its size.
    /// - Returns: The item's size; `nil` if it does not fit.
    /// - Throws: As ``reserve(_:)``, and the errors of `write`.
    mutating func fitting(
        room: Int = .max, upTo byteCountMax: Int, isFirst: Bool,
        _ write: (inout Self) throws -> Int
    ) throws -> Int? {
        let start = begin(upTo: isFirst ? Self.byteCountMax : byteCountMax)
        var size: Int?
        do {
            let byteCount = try write(&self)
            if byteCount <= room, isFirst || !exceedsLimit { size = byteCount }
        } catch {
            guard !isFirst, exceedsLimit else { throw error }
        }
        end(start, keeping: size != nil)
        return size
    }

    /// The end of a response at a moment, and its limit at that moment.
    private struct Start {
        let partCount: Int
        /// The bytes of the part that was not finished.
        let byteCount: Int
        let isEmpty: Bool
        let limit: Int
    }

    /// Begins members that ``end(_:keeping:)`` keeps or removes again.
    ///
    /// - Parameter byteCountMax: The most bytes of the response with the members.
    /// - Returns: The end of the response before them.
    private mutating func begin(upTo byteCountMax: Int) -> Start {
        let start = Start(
            partCount: parts.count, byteCount: writer.bytes.count, isEmpty: isEmpty, limit: limit)
        limit = min(limit, byteCountMax)
        return start
    }

    /// Whether the response has more bytes than it may.
    private var exceedsLimit: Bool { byteCount > limit }

    /// Ends members that ``begin(upTo:)`` began.
    ///
    /// The memory of members that are removed again stays reserved for later ones.
    private mutating func end(_ start: Start, keeping isKept: Bool) {
        limit = start.limit
        guard !isKept else { return }
        if parts.count > start.partCount {
            writer = JSONWriter(continuing: parts[start.partCount])
            partsByteCount -= parts[start.partCount...].reduce(0) { $0 + $1.count }
            parts.removeSubrange(start.partCount...)
        }
        writer.removeBytes(from: start.byteCount)
        isEmpty = start.isEmpty
    }

    /// Reserves the memory of the response's growth since the last call.
    ///
    /// - Throws: `ThrottlingException` if there is no memory, `ValidationException` past the most
    ///   bytes of the response.
    mutating func reserve(_ budget: RequestBudget) throws {
        let byteCount = byteCount
        guard byteCount <= limit else { throw ServiceError.responseTooLarge(limit) }
        try budget.require(byteCount: byteCount - reservedByteCount)
        reservedByteCount = max(reservedByteCount, byteCount)
    }
}

// MARK: Items

extension ResponseWriter {
    /// Writes a member that is an item, and reserves the memory of each part of a large one.
    mutating func item(
        _ name: String, _ item: Item, byteCount: Int, _ budget: RequestBudget
    ) throws {
        self.name(name)
        try value(item, byteCount: byteCount, budget)
    }

    /// Writes a member that is an item in its stored form, as
    /// ``item(_:_:byteCount:_:)`` writes an item in memory.
    mutating func item(
        _ name: String, _ item: StoredItem, _ memory: DecodedMemory, _ budget: RequestBudget
    ) throws {
        self.name(name)
        try item.writeTypedJSON(reserving: memory) { part in
            writer.append(part)
            try endPart(budget)
        }
    }

    /// Continues with an item, and reserves the memory of each part of a large one.
    ///
    /// - Parameters:
    ///   - item: The item.
    ///   - byteCount: The size of the item, or of the larger item that it is a part of.
    ///   - budget: The request's budget.
    /// - Throws: As ``reserve(_:)``.
    mutating func value(_ item: Item, byteCount: Int, _ budget: RequestBudget) throws {
        guard byteCount > Self.wholeItemByteCountMax else { return more { $0.typed(item) } }
        try item.writeTypedJSON { part in
            writer.append(part)
            try endPart(budget)
        }
    }

    /// Continues with a stored item, and writes it from its bytes.
    ///
    /// - Parameters:
    ///   - view: The item.
    ///   - projection: The attributes to write; `nil` is all.
    ///   - memory: The reservation for inflated values.
    ///   - budget: The request's budget.
    /// - Returns: The item's size.
    /// - Throws: As ``reserve(_:)``, and the errors of the store.
    mutating func stored(
        _ view: borrowing ItemView, _ projection: Projection?, _ memory: DecodedMemory,
        _ budget: RequestBudget
    ) throws -> Int {
        if let projection, projection.topLevelNames == nil {
            return try view.writeTypedJSON(keeping: projection, reserving: memory) { part in
                writer.append(part)
                try endPart(budget)
            }
        }
        return try view.writeTypedJSON(only: projection?.topLevelNames, reserving: memory) { part in
            writer.append(part)
            try endPart(budget)
        }
    }

    /// Continues with the member of a stored item, or with nothing if the projection keeps nothing.
    ///
    /// - Parameters:
    ///   - view: The item.
    ///   - projection: The attributes to write; `nil` is all.
    ///   - memory: The reservation for inflated values.
    ///   - budget: The request's budget.
    /// - Returns: The item's size.
    /// - Throws: As ``stored(_:_:_:_:)``.
    mutating func storedMember(
        _ view: borrowing ItemView, _ projection: Projection?, _ memory: DecodedMemory,
        _ budget: RequestBudget
    ) throws -> Int {
        let start = begin(upTo: limit)
        more { $0.raw("\"Item\":") }
        let before = byteCount
        let size = try stored(view, projection, memory, budget)
        end(start, keeping: byteCount - before > "{}".utf8.count)
        return size
    }

    /// Continues with existing JSON.
    mutating func json(_ bytes: ArraySlice<UInt8>, _ budget: RequestBudget) throws {
        var rest = bytes
        while !rest.isEmpty {
            writer.append(rest.prefix(Self.partByteCount))
            rest = rest.dropFirst(Self.partByteCount)
            try endPart(budget)
        }
    }
}

extension JSONWriter {
    mutating func list<Element>(
        _ elements: some Sequence<Element>, _ write: (inout JSONWriter, Element) -> Void
    ) {
        raw("[")
        var isFirst = true
        for element in elements {
            if !isFirst { raw(",") }
            isFirst = false
            write(&self, element)
        }
        raw("]")
    }
}
