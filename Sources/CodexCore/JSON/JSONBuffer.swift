/// A buffer of JSON text that is emptied whenever it is full.
///
/// The unsafe part of ``StoredItemWriter``. Each method says how many bytes it writes at most, and
/// its caller makes room for them first.
@safe
struct JSONBuffer: ~Copyable {
    private let base: UnsafeMutablePointer<UInt8>
    private(set) var count = 0
    private let take: (Span<UInt8>) throws -> Void

    private static let capacity = 64 << 10
    /// The most bytes that may be asked for at once.
    static let roomMax = 32 << 10
    /// The most bytes that a byte of text becomes: `\u0000`.
    private static let escapedByteCountMax = 6
    /// Text and bytes are written in pieces of this size; a multiple of 3, for base64.
    private static let pieceByteCount = 3 << 10

    /// Creates an empty buffer.
    ///
    /// - Parameter take: Gets the bytes whenever the buffer is full, and at the end.
    init(_ take: @escaping (Span<UInt8>) throws -> Void) {
        unsafe base = UnsafeMutablePointer.allocate(capacity: Self.capacity)
        self.take = take
    }

    deinit { unsafe base.deallocate() }

    /// Hands over what is in the buffer.
    @inline(never)
    mutating func flush() throws {
        defer { count = 0 }
        try take(unsafe Span(_unsafeStart: base, count: count))
    }

    /// Makes room for so many bytes, at most ``roomMax``.
    @inline(__always)
    mutating func makeRoom(_ byteCount: Int) throws {
        if count + byteCount > Self.capacity { try flush() }
    }

    /// Writes one byte.
    @inline(__always)
    mutating func byte(_ byte: UInt8) {
        assert(count < Self.capacity)
        unsafe base[count] = byte
        count += 1
    }

    /// Writes text as it is: as many bytes as it has.
    @inline(__always)
    mutating func literal(_ text: StaticString) {
        assert(count + text.utf8CodeUnitCount <= Self.capacity)
        unsafe (base + count).update(from: text.utf8Start, count: text.utf8CodeUnitCount)
        count += text.utf8CodeUnitCount
    }
}

// MARK: Text and bytes

extension JSONBuffer {
    /// Writes the bytes from `start` up to `end` as a JSON string, quotes included; any number.
    ///
    /// - Throws: ``CodexError/Code/corrupted`` if they are not UTF-8.
    @inline(__always)
    mutating func string(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) throws {
        try makeRoom(Self.pieceByteCount * Self.escapedByteCountMax + 2)
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
                try makeRoom((next - position) * Self.escapedByteCountMax + 1)
                let piece = unsafe UnsafeRawBufferPointer(
                    UnsafeBufferPointer(rebasing: buffer[position..<next]))
                isASCII = unsafe self.piece(piece) && isASCII
                position = next
            }
            guard !isASCII else { return }
            let text = unsafe UnsafeBufferPointer(rebasing: buffer[start..<end])
            guard unsafe String(validating: text, as: UTF8.self) != nil else {
                throw Wire.corrupted("text is not UTF-8")
            }
        }
    }

    /// Writes a piece of text; `false` if not all of it is ASCII.
    private mutating func piece(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var position = 0
        var high: UInt64 = 0
        while position + 8 <= bytes.count {
            let word = unsafe bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)
            high |= word
            if Self.hasEscape(word) {
                for offset in position..<(position + 8) { unsafe escape(bytes[offset]) }
            } else {
                unsafe UnsafeMutableRawPointer(base + count).storeBytes(of: word, as: UInt64.self)
                count += 8
            }
            position += 8
        }
        while position < bytes.count {
            let byte = unsafe bytes[position]
            high |= UInt64(byte)
            escape(byte)
            position += 1
        }
        return high & 0x8080_8080_8080_8080 == 0
    }

    /// Whether one of eight bytes is a control character, a quote or a backslash.
    ///
    /// "Determine if a word has a byte less than n" and "has a zero byte" of Bit Twiddling Hacks
    /// (Sean Eron Anderson).
    @inline(__always)
    private static func hasEscape(_ word: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs: UInt64 = 0x8080_8080_8080_8080
        let controls = (word &- ones &* 0x20) & ~word
        let quote = word ^ (ones &* 0x22)
        let backslash = word ^ (ones &* 0x5C)
        let quotes = (quote &- ones) & ~quote
        let backslashes = (backslash &- ones) & ~backslash
        return (controls | quotes | backslashes) & highs != 0
    }

    /// Writes a byte of text: 6 bytes at most.
    @inline(__always)
    private mutating func escape(_ byte: UInt8) {
        if byte >= 0x20, byte != 0x22, byte != 0x5C { return self.byte(byte) }
        self.byte(UInt8(ascii: "\\"))
        switch byte {
        case 0x0A: self.byte(UInt8(ascii: "n"))
        case 0x0D: self.byte(UInt8(ascii: "r"))
        case 0x09: self.byte(UInt8(ascii: "t"))
        case 0..<0x20:
            literal("u00")
            self.byte(UInt8(ascii: "0") + (byte >> 4))
            let digit = byte & 0xF
            self.byte(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") - 10 + digit)
        default: self.byte(byte)
        }
    }

    /// Writes the bytes from `start` up to `end` as base64 in quotes; any number.
    mutating func base64(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) throws {
        try makeRoom(1)
        byte(UInt8(ascii: "\""))
        var position = start
        while position < end {
            let next = min(end, position + Self.pieceByteCount)
            try makeRoom((next - position) / 3 * 4 + 4)
            while position + 3 <= next {
                let group =
                    UInt32(bytes[position]) << 16 | UInt32(bytes[position + 1]) << 8
                    | UInt32(bytes[position + 2])
                digits(group, count: 4)
                position += 3
            }
            if next - position == 1 {
                digits(UInt32(bytes[position]) << 16, count: 2)
                literal("==")
            } else if next - position == 2 {
                digits(UInt32(bytes[position]) << 16 | UInt32(bytes[position + 1]) << 8, count: 3)
                literal("=")
            }
            position = next
        }
        try makeRoom(1)
        byte(UInt8(ascii: "\""))
    }

    /// Writes the first digits of 24 bits in base64.
    @inline(__always)
    private mutating func digits(_ group: UInt32, count: Int) {
        let alphabet: StaticString =
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        for place in 0..<count {
            let digit = Int(group >> (18 - 6 * UInt32(place))) & 0x3F
            unsafe byte(alphabet.utf8Start[digit])
        }
    }
}

// MARK: Numbers

extension JSONBuffer {
    /// Writes a number as ``Number/description`` has it: ``Number/textByteCountMax`` bytes at most.
    ///
    /// - Returns: The number's size as DynamoDB counts it.
    @inline(__always)
    mutating func number(_ number: Number) -> Int {
        assert(count + Number.textByteCountMax <= Self.capacity)
        let written = unsafe number.write(to: base + count)
        count += written.byteCount
        return written.size
    }

    /// Writes an integer as ``number(_:)`` does.
    @inline(__always)
    mutating func integer(_ value: Int64) -> Int {
        assert(count + Number.textByteCountMax <= Self.capacity)
        let written = unsafe Number.write(value, to: base + count)
        count += written.byteCount
        return written.size
    }
}
