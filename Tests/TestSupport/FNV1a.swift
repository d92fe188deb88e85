/// Fowler, Noll and Vo's hash of 64 bits (FNV-1a), as stored formats have it.
///
/// It is written a second time here, so that a test notices if the engine's changes.
public struct FNV1a: Sendable {
    /// The hash of the bytes that were added.
    public var hash: UInt64 = 0xCBF2_9CE4_8422_2325

    /// The hash of nothing.
    public init() {}

    /// The hash of bytes.
    public init(_ bytes: some Sequence<UInt8>) { for byte in bytes { add(byte) } }

    /// Adds a byte.
    @inlinable
    public mutating func add(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
}
