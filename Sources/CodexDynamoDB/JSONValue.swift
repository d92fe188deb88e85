internal import CodexCore

/// The text of a request: one JSON document that was checked.
///
/// It builds no tree. A value is parsed when it is read. An unread value costs one pass over its
/// bytes and no memory.
final class JSONText: Sendable {
    let bytes: [UInt8]
    let ends: JSONEnds
    /// The request's budget, which reserves the memory of decoded values.
    let budget: RequestBudget

    fileprivate init(_ bytes: [UInt8], _ ends: JSONEnds, _ budget: RequestBudget) {
        self.bytes = bytes
        self.ends = ends
        self.budget = budget
    }
}

/// The memory of values decoded from a text, reserved in portions.
struct TextMemory {
    private let text: JSONText
    /// The bytes that are not reserved yet.
    private var byteCount = 0

    private static let portionByteCount = 64 << 10
    /// A rest smaller than this is not reserved: usual parameters have some hundred bytes.
    private static let smallByteCount = 4 << 10

    init(_ text: JSONText) { self.text = text }

    /// Takes memory, and reserves it at the latest when a portion is full.
    ///
    /// - Throws: `ThrottlingException`.
    mutating func take(_ count: Int) throws {
        byteCount += count
        if byteCount >= Self.portionByteCount { try reservePending() }
    }

    /// Reserves the memory that was taken since the last time.
    ///
    /// - Throws: `ThrottlingException`.
    mutating func reservePending() throws {
        try text.budget.require(byteCount: byteCount)
        byteCount = 0
    }

    /// Reserves the memory that was taken since the last time, unless it is little.
    ///
    /// - Throws: `ThrottlingException`.
    mutating func reservePendingIfLarge() throws {
        if byteCount >= Self.smallByteCount { try reservePending() }
    }
}

/// A value in a request's JSON, as a range of the text.
struct JSONValue: Sendable {
    let text: JSONText
    let start: Int
    private let end: Int

    /// The most members or elements of a parameter; items have their own limit.
    private static let countMax = 10_000

    private init(_ text: JSONText, _ range: Range<Int>) {
        self.text = text
        (start, end) = (range.lowerBound, range.upperBound)
    }

    /// Checks a document; the budget reserves the memory of values decoded from it.
    ///
    /// - Throws: ``CodexError/Code/invalidJSON`` with the byte offset of the error.
    init(checking bytes: [UInt8], _ budget: RequestBudget) throws(CodexError) {
        let (range, ends) = try JSONChecker.check(bytes)
        self.init(JSONText(bytes, ends, budget), range)
    }

    private var first: UInt8 { text.bytes[start] }

    /// A cursor at the value.
    var cursor: JSONCursor { JSONCursor(text.bytes, text.ends, at: start) }

    /// The length of the value as it was written.
    var byteCount: Int { end - start }

    /// The value as it was written.
    var source: ArraySlice<UInt8> { text.bytes[start..<end] }

    var isNull: Bool { first == UInt8(ascii: "n") }

    /// The content of a string, whose memory is taken from `memory`; `nil` for another type.
    ///
    /// - Throws: `ValidationException` if the content exceeds the limit, `ThrottlingException` if
    ///   there is no memory for it.
    func string(byteCountMax: Int, _ memory: inout TextMemory) throws -> String? {
        var cursor = self.cursor
        guard cursor.isAtString else { return nil }
        try memory.take(
            MemoryLayout<String>.stride + DecodedSize.text(min(byteCount, byteCountMax)))
        guard let string = cursor.string(byteCountMax: byteCountMax) else {
            throw ServiceError.validation(
                "A text in the request has more than \(byteCountMax) bytes")
        }
        return string
    }

    /// The Boolean; `nil` for another type.
    var bool: Bool? {
        switch first {
        case UInt8(ascii: "t"): true
        case UInt8(ascii: "f"): false
        default: nil
        }
    }

    /// The number without its decimals; `nil` for another value, and for one that is too large.
    var integer: Int? {
        var cursor = self.cursor
        return cursor.takeInteger()
    }

    /// The members of an object in their order; `nil` for another type.
    ///
    /// - Throws: `SerializationException` if two members have the same name, `ValidationException`
    ///   if there are too many or a name is too long, `ThrottlingException` if there is no memory
    ///   for them.
    func members() throws -> [(name: String, value: JSONValue)]? {
        var cursor = self.cursor
        guard cursor.take(UInt8(ascii: "{")) else { return nil }
        var memory = TextMemory(text)
        var members: [(name: String, value: JSONValue)] = []
        while let name = try cursor.nextName() {
            guard members.count < Self.countMax else { throw Self.tooMany }
            try memory.take(
                MemoryLayout<(name: String, value: JSONValue)>.stride
                    + DecodedSize.text(name.utf8.count))
            let start = cursor.position
            cursor.skip()
            members.append((name, JSONValue(text, start..<cursor.position)))
        }
        try memory.reservePendingIfLarge()
        guard !Self.hasDuplicates(members) else { throw Self.duplicate }
        return members
    }

    /// The elements of an array; `nil` for another type.
    ///
    /// - Throws: `ValidationException` if there are too many, `ThrottlingException` if there is no
    ///   memory for them.
    func elements() throws -> [JSONValue]? {
        var cursor = self.cursor
        guard cursor.take(UInt8(ascii: "[")) else { return nil }
        var memory = TextMemory(text)
        var elements: [JSONValue] = []
        while cursor.nextElement() {
            guard elements.count < Self.countMax else { throw Self.tooMany }
            try memory.take(MemoryLayout<JSONValue>.stride)
            let start = cursor.position
            cursor.skip()
            elements.append(JSONValue(text, start..<cursor.position))
        }
        try memory.reservePendingIfLarge()
        return elements
    }

    static var duplicate: ServiceError {
        .serialization("An object of the request has two members of one name.")
    }

    private static var tooMany: ServiceError {
        .validation("A parameter has more than \(countMax) members or elements")
    }

    /// Whether two members have the same name; most objects have few members.
    private static func hasDuplicates(_ members: [(name: String, value: JSONValue)]) -> Bool {
        guard members.count > 8 else {
            return members.indices.contains { place in
                members[..<place].contains { ByteOrder.equal($0.name, members[place].name) }
            }
        }
        let names = members.map(\.name).sorted { ByteOrder.compare($0, $1) < 0 }
        return names.indices.dropFirst().contains { ByteOrder.equal(names[$0 - 1], names[$0]) }
    }
}
