package import CodexCore

/// Page tokens: the key after which a query continues, bound to the query and the store.
///
/// A token has a version byte, an 8-byte fingerprint, the encoded key, and a CRC-32 of all of them,
/// in URL-safe base64. The fingerprint identifies store, table, index, key range, direction and
/// filter. A token is not secret: a program that may run the query may resume it anywhere in its
/// range, and only there.
package struct PageTokenCodec {
    private static let version: UInt8 = 1
    private let fingerprint: [UInt8]

    /// Prepares tokens for a query or scan of `source` over `range`.
    package init(
        storeID: [UInt8], source: [UInt8], range: KeyRange, direction: QueryDirection,
        filter: Condition?
    ) {
        var bytes = storeID
        for part in [source, range.lower, range.upper ?? []] {
            Wire.append(UInt64(part.count), to: &bytes)
            bytes += part
        }
        bytes.append(direction == .forward ? 0 : 1)
        filter?.appendCanonical(to: &bytes)
        fingerprint = Self.hash(bytes)
    }

    /// The token that continues after `key`.
    package func token(after key: [UInt8]) -> PageToken {
        let body = [Self.version] + fingerprint + key
        return PageToken(Base64.encodeURL(body + Self.checksum(body)))
    }

    /// The key in a token of this query.
    ///
    /// - Throws: ``CodexError/Code/invalidPageToken``.
    package func key(in token: PageToken) throws(CodexError) -> [UInt8] {
        guard let bytes = Base64.decodeURL(token.description), bytes.count > 13,
            Self.checksum(bytes.dropLast(4)) == Array(bytes.suffix(4)), bytes[0] == Self.version
        else {
            throw CodexError(
                .invalidPageToken, "The page token is damaged. Start from the first page.")
        }
        guard Array(bytes[1...8]) == fingerprint else {
            throw CodexError(
                .invalidPageToken,
                "The page token belongs to another query or store. Use it with the query that gave it."
            )
        }
        return Array(bytes[9...].dropLast(4))
    }

    private static func checksum(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        let sum = Compression.checksum(bytes)
        return stride(from: 24, through: 0, by: -8).map { UInt8(truncatingIfNeeded: sum >> $0) }
    }

    /// FNV-1a with 64 bits, which is stable across processes; Swift's own hashing is not.
    private static func hash(_ bytes: [UInt8]) -> [UInt8] {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: hash >> $0) }
    }
}
