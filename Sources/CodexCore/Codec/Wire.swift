/// The primitives of the item codec: variable-length integers, and checked reads of them.
///
/// Reads never trust the bytes: every length is checked against the remaining bytes. Hostile input
/// gives ``CodexError/Code/corrupted``, never a trap or a read out of bounds.
@usableFromInline
package enum Wire {
    /// Appends `value` in base 128, least significant group first.
    package static func append(_ value: UInt64, to bytes: inout [UInt8]) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    /// Appends text after its length.
    package static func append(_ text: String, to bytes: inout [UInt8]) {
        append(UInt64(text.utf8.count), to: &bytes)
        appendBytes(of: text, to: &bytes)
    }

    /// Appends the UTF-8 bytes of text.
    package static func appendBytes(of text: String, to bytes: inout [UInt8]) {
        var text = text
        text.withUTF8 { unsafe bytes.append(contentsOf: $0) }
    }

    /// Reads the value that ``append(_:to:)-(UInt64,_)`` wrote.
    @inline(__always)
    package static func integer(
        _ bytes: Span<UInt8>, _ position: inout Int
    ) throws(CodexError) -> UInt64 {
        guard position < bytes.count else { throw truncated }
        let first = bytes[position]
        position += 1
        return first < 0x80 ? UInt64(first) : try longInteger(bytes, &position, first)
    }

    @inline(never)
    private static func longInteger(
        _ bytes: Span<UInt8>, _ position: inout Int, _ first: UInt8
    ) throws(CodexError) -> UInt64 {
        var value = UInt64(first & 0x7F)
        var shift: UInt64 = 7
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            guard shift < 63 || byte <= 1 else { break }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
            if shift > 63 { break }
        }
        throw truncated
    }

    /// Reads a length or count that cannot exceed the number of remaining bytes.
    package static func count(
        _ bytes: Span<UInt8>, _ position: inout Int
    ) throws(CodexError) -> Int {
        let value = try integer(bytes, &position)
        guard value <= UInt64(bytes.count - position) else { throw truncated }
        return Int(value)
    }

    /// Reads text after its length.
    package static func text(
        _ bytes: Span<UInt8>, _ position: inout Int
    ) throws(CodexError) -> String {
        let count = try count(bytes, &position)
        let text = try string(bytes, position, position + count)
        position += count
        return text
    }

    /// The bytes from `start` up to `end` as text, which must be UTF-8.
    package static func string(
        _ bytes: Span<UInt8>, _ start: Int, _ end: Int
    ) throws(CodexError) -> String {
        let text = unsafe bytes.withUnsafeBufferPointer { buffer -> String? in
            let part = unsafe UnsafeBufferPointer(rebasing: buffer[start..<end])
            // Decoding repairs invalid UTF-8 and then has other bytes. ASCII needs no comparison;
            // for it, `String(validating:as:)` takes several times as long in Swift 6.3.
            let text = unsafe String(decoding: part, as: UTF8.self)
            if unsafe isASCII(part) { return text }
            return unsafe text.utf8.elementsEqual(part) ? text : nil
        }
        guard let text else { throw corrupted("text is not UTF-8") }
        return text
    }

    /// Checks that the bytes from `start` up to `end` are UTF-8.
    ///
    /// - Throws: ``CodexError/Code/corrupted`` if they are not.
    @inline(__always)
    static func requireText(
        _ bytes: Span<UInt8>, _ start: Int, _ end: Int
    ) throws(CodexError) {
        let isText = unsafe bytes.withUnsafeBufferPointer { buffer in
            let part = unsafe UnsafeBufferPointer(rebasing: buffer[start..<end])
            return unsafe isASCII(part) || Self.isText(part)
        }
        guard isText else { throw corrupted("text is not UTF-8") }
    }

    /// Whether bytes that are not all ASCII are UTF-8.
    ///
    /// No text is kept here, so validation saves one pass over decoding and comparing.
    static func isText(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        unsafe String(validating: bytes, as: UTF8.self) != nil
    }

    /// Whether the bytes of one range come before those of the other, compared as unsigned bytes.
    static func areAscending(_ bytes: Span<UInt8>, _ left: Range<Int>, _ right: Range<Int>) -> Bool
    {
        let shared = min(left.count, right.count)
        for offset in 0..<shared {
            let (one, other) = (
                bytes[left.lowerBound + offset], bytes[right.lowerBound + offset]
            )
            if one != other { return one < other }
        }
        return left.count < right.count
    }

    /// Compares bytes with those of a range, as unsigned bytes: negative, zero or positive.
    static func order(_ left: [UInt8], _ bytes: Span<UInt8>, _ right: Range<Int>) -> Int {
        for offset in 0..<min(left.count, right.count) {
            let (one, other) = (left[offset], bytes[right.lowerBound + offset])
            if one != other { return one < other ? -1 : 1 }
        }
        return left.count - right.count
    }

    /// Whether the bytes from `start` on begin with `other`; at least that many bytes must be
    /// present.
    @inline(__always)
    package static func equal(_ bytes: Span<UInt8>, _ start: Int, _ other: [UInt8]) -> Bool {
        for index in 0..<other.count where bytes[start + index] != other[index] { return false }
        return true
    }

    @inline(__always)
    private static func isASCII(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        var bits: UInt64 = 0
        var index = 0
        let raw = UnsafeRawBufferPointer(bytes)
        if raw.count >= 8 {
            while index + 8 <= raw.count {
                bits |= unsafe raw.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                index += 8
            }
            // The last eight bytes, which overlap the bytes that were checked before.
            bits |= unsafe raw.loadUnaligned(fromByteOffset: raw.count - 8, as: UInt64.self)
        } else {
            while index < raw.count {
                bits |= unsafe UInt64(raw[index])
                index += 1
            }
        }
        return bits & 0x8080_8080_8080_8080 == 0
    }

    /// The bytes from `start` up to `end`, copied.
    package static func array(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> [UInt8] {
        unsafe bytes.withUnsafeBufferPointer { unsafe Array($0[start..<end]) }
    }

    package static func zigzag(_ value: Int64) -> UInt64 {
        UInt64(bitPattern: (value << 1) ^ (value >> 63))
    }

    package static func unzigzag(_ value: UInt64) -> Int64 {
        Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    @usableFromInline
    package static var truncated: CodexError { corrupted("they end early or a length is wrong") }

    package static func corrupted(_ detail: String) -> CodexError {
        CodexError(
            .corrupted,
            "Stored bytes are damaged: \(detail). Run verify, and restore from a backup.")
    }
}
