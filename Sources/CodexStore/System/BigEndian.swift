/// Integers as keys: their bytes sort as the numbers do.
enum BigEndian {
    static func bytes<Integer: FixedWidthInteger>(_ value: Integer) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Integer.bitWidth / 8)
        append(value, to: &bytes)
        return bytes
    }

    static func append<Integer: FixedWidthInteger>(_ value: Integer, to bytes: inout [UInt8]) {
        for shift in stride(from: Integer.bitWidth - 8, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }

    /// The integer in exactly eight bytes.
    static func integer(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt64? {
        guard bytes.count == 8 else { return nil }
        return unsafe bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// The integer in exactly eight bytes.
    static func integer(_ bytes: some Collection<UInt8>) -> UInt64? {
        bytes.count == 8 ? bytes.reduce(0) { $0 << 8 | UInt64($1) } : nil
    }
}
