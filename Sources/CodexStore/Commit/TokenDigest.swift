internal import CodexCore

/// A digest that distinguishes lists of actions, stored with the idempotency token.
///
/// A digest depends on all values of the list, also on those of encrypted fields. An attacker who
/// has a digest without a key can guess a value with few possibilities. So the digest has a key
/// where the schema names encrypted fields (``DigestKey``).
enum TokenDigest: Hashable {
    /// 16 bytes that depend on the list alone.
    case plain([UInt8])
    /// The HMAC-SHA256 of the list.
    case keyed([UInt8])
    /// The HMAC-SHA256 of a stored plain digest.
    ///
    /// An earlier release stored it, or it was stored before the schema named encrypted fields.
    case replaced([UInt8])

    private static let plainByteCount = 16
    private static let keyedByteCount = 32
    // The authenticated message begins with the kind, so that the kinds cannot be confused.
    private static let keyedKind: UInt8 = 1
    private static let replacedKind: UInt8 = 2

    /// The digest without a key: two FNV-1a hashes, stable across processes.
    ///
    /// It guards against mistakes, but not against a caller who searches for two lists with the
    /// same digest.
    init(of list: [UInt8]) {
        var (first, second): (UInt64, UInt64) = (0xCBF2_9CE4_8422_2325, 0x9AE1_6A3B_2F90_404F)
        for byte in list {
            first = (first ^ UInt64(byte)) &* 0x100_0000_01B3
            second = (second ^ UInt64(byte)) &* 0x9E37_79B9_7F4A_7C15
        }
        self = .plain(BigEndian.bytes(first) + BigEndian.bytes(second))
    }

    /// Reads a stored digest.
    ///
    /// - Throws: ``CodexError/Code/corrupted``.
    init(stored bytes: ArraySlice<UInt8>) throws(CodexError) {
        let code = Array(bytes.dropFirst())
        switch (bytes.count, bytes.first) {
        case (Self.plainByteCount, _): self = .plain(Array(bytes))
        case (1 + Self.keyedByteCount, Self.keyedKind): self = .keyed(code)
        case (1 + Self.keyedByteCount, Self.replacedKind): self = .replaced(code)
        default: throw Wire.corrupted("an idempotency token's digest")
        }
    }

    /// The stored form.
    var stored: [UInt8] {
        switch self {
        case .plain(let bytes): bytes
        case .keyed(let code): [Self.keyedKind] + code
        case .replaced(let code): [Self.replacedKind] + code
        }
    }

    /// The digest of a list under a key; `code` returns the HMAC-SHA256 of a message.
    init(
        of list: [UInt8], _ code: ([UInt8]) throws(CodexError) -> [UInt8]
    ) throws(CodexError) {
        self = .keyed(try code([Self.keyedKind] + list))
    }

    /// The digest that replaces one that was stored without a key.
    ///
    /// `code` returns the HMAC-SHA256 of a message.
    init(
        replacing plain: TokenDigest, _ code: ([UInt8]) throws(CodexError) -> [UInt8]
    ) throws(CodexError) {
        self = .replaced(try code([Self.replacedKind] + plain.stored))
    }

    /// Whether this is the digest of a list.
    ///
    /// `code` returns the HMAC-SHA256 of a message; a plain digest does not call it.
    func matches(
        _ list: [UInt8], _ code: ([UInt8]) throws(CodexError) -> [UInt8]
    ) throws(CodexError) -> Bool {
        switch self {
        case .plain: self == TokenDigest(of: list)
        case .keyed: try self == TokenDigest(of: list, code)
        case .replaced: try self == TokenDigest(replacing: TokenDigest(of: list), code)
        }
    }
}
