#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Bytes in the map of the data file.
///
/// They are valid until the transaction ends or writes.
@safe
struct MappedBytes {
    private let base: UnsafePointer<UInt8>?
    private let count: Int

    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        unsafe base = bytes.baseAddress
        count = bytes.count
    }

    @inline(__always)
    var bytes: UnsafeBufferPointer<UInt8> {
        unsafe UnsafeBufferPointer(start: base, count: count)
    }

    /// Compares by the bytes, and then by length.
    @inline(__always)
    func compare(_ other: MappedBytes) -> Int { unsafe bytes.compare(other.bytes) }
}

extension UnsafeBufferPointer<UInt8> {
    /// Compares by `memcmp`, and then by length.
    @unsafe
    @inline(__always)
    func compare(_ other: UnsafeBufferPointer<UInt8>) -> Int {
        let shared = Swift.min(count, other.count)
        if shared > 0, let left = baseAddress, let right = other.baseAddress {
            let order = unsafe memcmp(left, right, shared)
            if order != 0 { return Int(order) }
        }
        return count - other.count
    }

    /// Compares by `memcmp`, and then by length.
    @unsafe
    @inline(__always)
    func compare(_ other: [UInt8]) -> Int {
        unsafe other.withUnsafeBufferPointer { unsafe compare($0) }
    }
}
