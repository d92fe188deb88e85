/// Integers in the form of the log and the checkpoint: least significant byte first.
enum LittleEndian {
    static func append<Integer: FixedWidthInteger>(_ value: Integer, to bytes: inout [UInt8]) {
        for shift in stride(from: 0, to: Integer.bitWidth, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }

    /// The integer at `offset`; the array must have all of its bytes.
    static func integer<Integer: FixedWidthInteger>(
        _ bytes: [UInt8], at offset: Int, as type: Integer.Type = Integer.self
    ) -> Integer {
        var value: Integer = 0
        for position in (0..<Integer.bitWidth / 8).reversed() {
            value = value << 8 | Integer(truncatingIfNeeded: bytes[offset + position])
        }
        return value
    }

    /// Replaces bytes of the array by an integer.
    static func replace<Integer: FixedWidthInteger>(
        _ value: Integer, in bytes: inout [UInt8], at offset: Int
    ) {
        for position in 0..<Integer.bitWidth / 8 {
            bytes[offset + position] = UInt8(truncatingIfNeeded: value >> (8 * position))
        }
    }
}
