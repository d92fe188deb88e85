/// A buffer of JSON text that is emptied each time it is full.
///
/// It starts small, because most items are small, and grows once. Each time that it is full, it has
/// at least ``partByteCount`` bytes, except for the last ones of an item. So one of them is a whole
/// part of a response, which copies it once.
///
/// It is the unsafe part of ``StoredItemJSONWriter``. Nothing is written past the end of the
/// buffer. ``string(_:_:_:)`` and ``base64(_:_:_:)`` make room themselves. All other methods need
/// room that their caller made (``makeRoom(_:)``), and trap without it.
@safe
struct JSONBuffer: ~Copyable {
    private var base: UnsafeMutablePointer<UInt8>
    private var capacity = JSONBuffer.smallCapacity
    /// The bytes in the buffer; they always fit into it.
    private(set) var count = 0
    private let take: (Span<UInt8>) throws -> Void

    /// The bytes from which on the buffer is passed on for want of room.
    static let partByteCount = 64 << 10
    /// The size of the pieces in which text and bytes are written; a multiple of 3, for base64.
    private static let pieceByteCount = 3 << 10
    /// The most room that is asked for: that of a piece with all its bytes escaped, and of quotes.
    private static var roomByteCountMax: Int {
        pieceByteCount * JSONText.escapedByteCountMax + 2
    }
    /// The capacity at first.
    static let smallCapacity = 8 << 10
    /// The capacity of a buffer that has grown.
    private static var largeCapacity: Int { partByteCount + roomByteCountMax }

    /// Creates an empty buffer.
    ///
    /// - Parameter take: Receives the bytes each time the buffer is full, and at the end.
    init(_ take: @escaping (Span<UInt8>) throws -> Void) {
        unsafe base = UnsafeMutablePointer.allocate(capacity: Self.smallCapacity)
        self.take = take
    }

    deinit { unsafe base.deallocate() }

    /// Passes the content of the buffer on and empties it.
    @inline(never)
    mutating func flush() throws {
        defer { count = 0 }
        try take(unsafe Span(_unsafeStart: base, count: count))
    }

    /// Makes room for `byteCount` bytes, at most ``roomByteCountMax``.
    @inline(__always)
    mutating func makeRoom(_ byteCount: Int) throws {
        if byteCount > capacity - count { try makeMoreRoom() }
    }

    /// Lets a small buffer grow, and empties a large one.
    @inline(never)
    private mutating func makeMoreRoom() throws {
        guard capacity < Self.largeCapacity else { return try flush() }
        let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: Self.largeCapacity)
        unsafe larger.update(from: base, count: count)
        unsafe base.deallocate()
        unsafe base = larger
        capacity = Self.largeCapacity
    }

    @inline(__always)
    private func requireRoom(_ byteCount: Int) {
        precondition(byteCount <= capacity - count, "There is no room in the buffer")
    }

    /// Writes one byte.
    ///
    /// - Precondition: There is room for it.
    @inline(__always)
    mutating func byte(_ byte: UInt8) {
        requireRoom(1)
        unsafe base[count] = byte
        count += 1
    }

    /// Writes text without escapes.
    ///
    /// - Precondition: There is room for all bytes of the text.
    @inline(__always)
    mutating func literal(_ text: StaticString) {
        requireRoom(text.utf8CodeUnitCount)
        unsafe (base + count).update(from: text.utf8Start, count: text.utf8CodeUnitCount)
        count += text.utf8CodeUnitCount
    }
}

// MARK: Text and bytes

extension JSONBuffer {
    /// Writes any number of bytes from `start` up to `end` as a JSON string, quotes included.
    ///
    /// - Throws: ``CodexError/Code/corrupted`` if they are not UTF-8.
    @inline(__always)
    mutating func string(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) throws {
        // The content makes its own room, and leaves that of the closing quote.
        try makeRoom(2)
        byte(UInt8(ascii: "\""))
        if end > start { try content(bytes, start, end) }
        byte(UInt8(ascii: "\""))
    }

    private mutating func content(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) throws {
        try unsafe bytes.withUnsafeBufferPointer { buffer in
            var isASCII = true
            var position = start
            while position < end {
                let next = min(end, position + Self.pieceByteCount)
                // One byte of room is left for the closing quote.
                try makeRoom((next - position) * JSONText.escapedByteCountMax + 1)
                let piece = unsafe UnsafeRawBufferPointer(
                    UnsafeBufferPointer(rebasing: buffer[position..<next]))
                let written = unsafe JSONText.write(piece, to: base + count)
                count += written.byteCount
                isASCII = written.isASCII && isASCII
                position = next
            }
            guard !isASCII else { return }
            let text = unsafe UnsafeBufferPointer(rebasing: buffer[start..<end])
            guard unsafe Wire.isText(text) else { throw Wire.corrupted("text is not UTF-8") }
        }
    }

    /// Writes any number of bytes from `start` up to `end` as base64 in quotes.
    mutating func base64(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) throws {
        try makeRoom(1)
        byte(UInt8(ascii: "\""))
        var position = start
        while position < end {
            let next = min(end, position + Self.pieceByteCount)
            try makeRoom(Base64.encodedByteCount(next - position))
            count += unsafe Base64.write(bytes.extracting(position..<next), to: base + count)
            position = next
        }
        try makeRoom(1)
        byte(UInt8(ascii: "\""))
    }
}

// MARK: Numbers

extension JSONBuffer {
    /// Writes a number in the form of ``Number/description``.
    ///
    /// - Precondition: There is room for ``Number/textByteCountMax`` bytes.
    /// - Returns: The number's size as DynamoDB counts it.
    @inline(__always)
    mutating func number(_ number: Number) -> Int {
        requireRoom(Number.textByteCountMax)
        let written = unsafe number.write(to: base + count)
        count += written.byteCount
        return written.size
    }

    /// Writes an integer in the same form as ``number(_:)``.
    @inline(__always)
    mutating func integer(_ value: Int64) -> Int {
        requireRoom(Number.textByteCountMax)
        let written = unsafe Number.write(value, to: base + count)
        count += written.byteCount
        return written.size
    }
}
