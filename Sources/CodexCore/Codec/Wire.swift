/// The primitives of the item codec: variable-length integers, and checked reads of them.
///
/// Reading never trusts the bytes: every length is checked against what is left, so hostile input
/// gives ``CodexError/Code/corrupted``, never a trap or a read out of bounds.
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

    /// Appends text with its length before it.
    package static func append(_ text: String, to bytes: inout [UInt8]) {
        append(UInt64(text.utf8.count), to: &bytes)
        bytes.append(contentsOf: text.utf8)
    }

    /// Reads what ``append(_:to:)-(UInt64,_)`` wrote.
    package static func integer(
        _ bytes: Span<UInt8>, _ position: inout Int
    ) throws(CodexError) -> UInt64 {
        guard position < bytes.count else { throw truncated }
        let first = bytes[position]
        position += 1
        if first < 0x80 { return UInt64(first) }
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

    /// Reads a length or count that cannot be more than the bytes that are left.
    package static func count(
        _ bytes: Span<UInt8>, _ position: inout Int
    ) throws(CodexError) -> Int {
        let value = try integer(bytes, &position)
        guard value <= UInt64(bytes.count - position) else { throw truncated }
        return Int(value)
    }

    /// Reads text with its length before it.
    package static func text(
        _ bytes: Span<UInt8>, _ position: inout Int
    ) throws(CodexError) -> String {
        let count = try count(bytes, &position)
        let text = try string(bytes, position, position + count)
        position += count
        return text
    }

    /// The bytes from `start` up to `end` as text; they must be UTF-8.
    package static func string(
        _ bytes: Span<UInt8>, _ start: Int, _ end: Int
    ) throws(CodexError) -> String {
        let text = unsafe bytes.withUnsafeBufferPointer { buffer in
            unsafe String(
                validating: UnsafeBufferPointer(rebasing: buffer[start..<end]), as: UTF8.self)
        }
        guard let text else { throw corrupted("text is not UTF-8") }
        return text
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

    package static var truncated: CodexError { corrupted("they end early or a length is wrong") }

    package static func corrupted(_ detail: String) -> CodexError {
        CodexError(
            .corrupted,
            "Stored bytes are damaged: \(detail). Run verify, and restore from a backup.")
    }
}
