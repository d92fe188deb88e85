/// The order of byte strings, unsigned; DynamoDB orders strings by their UTF-8 bytes in this way.
///
/// Swift's `==` and `<` on `String` treat canonical equivalents as equal ("é" as one scalar or
/// two). Names and values of items must not, because they would collide.
package enum ByteOrder {
    /// Compares the UTF-8 bytes of two strings: negative, zero or positive.
    package static func compare(_ lhs: String, _ rhs: String) -> Int {
        if areIdentical(lhs, rhs) { return 0 }
        let fast = unsafe lhs.utf8.withContiguousStorageIfAvailable { left in
            unsafe rhs.utf8.withContiguousStorageIfAvailable { right in
                unsafe compare(UnsafeRawBufferPointer(left), UnsafeRawBufferPointer(right))
            }
        }
        if let fast, let result = fast { return result }
        return compare(Array(lhs.utf8), Array(rhs.utf8))
    }

    /// Compares two byte arrays: negative, zero or positive.
    package static func compare(_ lhs: [UInt8], _ rhs: [UInt8]) -> Int {
        unsafe lhs.withUnsafeBytes { left in
            unsafe rhs.withUnsafeBytes { right in unsafe compare(left, right) }
        }
    }

    /// Compares bytes in place: negative, zero or positive.
    static func compare(_ lhs: Span<UInt8>, _ rhs: Span<UInt8>) -> Int {
        unsafe lhs.withUnsafeBytes { left in
            unsafe rhs.withUnsafeBytes { right in unsafe compare(left, right) }
        }
    }

    /// Whether two strings have the same UTF-8 bytes.
    package static func equal(_ lhs: String, _ rhs: String) -> Bool {
        if areIdentical(lhs, rhs) { return true }
        return lhs.utf8.count == rhs.utf8.count && compare(lhs, rhs) == 0
    }

    /// Whether two strings are the same words of memory, and so have the same bytes.
    ///
    /// It is nearly always true for equal short strings, and for copies of one string.
    @inline(__always)
    static func areIdentical(_ lhs: String, _ rhs: String) -> Bool {
        guard MemoryLayout<String>.size == MemoryLayout<(UInt64, UInt64)>.size else { return false }
        // Different words prove nothing; then the bytes must be compared.
        let left = unsafe unsafeBitCast(lhs, to: (UInt64, UInt64).self)
        let right = unsafe unsafeBitCast(rhs, to: (UInt64, UInt64).self)
        return left.0 == right.0 && left.1 == right.1
    }

    /// Compares two buffers by `memcmp`, then by length.
    private static func compare(
        _ lhs: UnsafeRawBufferPointer, _ rhs: UnsafeRawBufferPointer
    ) -> Int {
        let shared = min(lhs.count, rhs.count)
        var index = 0
        while index + 8 <= shared {
            let left = unsafe lhs.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            let right = unsafe rhs.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            if left != right { return left.bigEndian < right.bigEndian ? -1 : 1 }
            index += 8
        }
        while index < shared {
            let (left, right) = unsafe (lhs[index], rhs[index])
            if left != right { return left < right ? -1 : 1 }
            index += 1
        }
        return lhs.count - rhs.count
    }
}
