internal import CodexCore

/// A list of actions that must be performed once, with its token and its canonical bytes.
///
/// The database `tokens` has two entries for it. The key of 0x00 and the token has the instant of
/// the request (8 bytes, milliseconds) and the list's digest (``TokenDigest``). The key of 0x01,
/// the instant and the token has an empty value; it finds old tokens.
struct IdempotentRequest {
    let token: [UInt8]
    /// Bytes that are the same for two lists if, and only if, the lists are equal.
    let list: [UInt8]
    /// The instant that is stored with the token.
    ///
    /// It is never before the real time, or the token would be forgotten early.
    let instant: UInt64
    /// The instant by which tokens may be forgotten, never after the real time.
    let confirmed: UInt64

    init(_ token: String, _ actions: [WriteAction], _ times: DeletionTimes) throws(CodexError) {
        let bytes = Array(token.utf8)
        guard (1...DynamoDBLimits.idempotencyTokenByteCountMax).contains(bytes.count) else {
            throw CodexError(
                .invalidArgument,
                "An idempotency token has 1 to \(DynamoDBLimits.idempotencyTokenByteCountMax) "
                    + "bytes.")
        }
        var list: [UInt8] = []
        for action in actions { action.appendCanonical(to: &list) }
        self.token = bytes
        self.list = list
        (instant, confirmed) = (times.stamp, times.tokens)
    }

    /// The key of the token's entry.
    var key: [UInt8] { [0] + token }

    /// The key of the entry that finds an old token.
    static func timeKey(_ instant: UInt64, _ token: [UInt8]) -> [UInt8] {
        [1] + BigEndian.bytes(instant) + token
    }
}

/// The stored data of a token: the instant of its list, and the list's digest.
struct RememberedToken {
    let instant: UInt64
    let digest: TokenDigest

    /// Reads the value of a token's entry; `nil` if the value is malformed.
    init?(_ value: [UInt8]) {
        guard let instant = BigEndian.integer(value.prefix(8)), instant < 1 << 62,
            let digest = try? TokenDigest(stored: value.dropFirst(8))
        else { return nil }
        self.instant = instant
        self.digest = digest
    }

    /// Whether an entry of `tokens` has one of the two forms.
    static func isEntry(_ key: [UInt8], _ value: [UInt8]) -> Bool {
        let prefixByteCount = key.first == 1 ? 9 : 1
        let tokenByteCount = key.count - prefixByteCount
        guard (1...DynamoDBLimits.idempotencyTokenByteCountMax).contains(tokenByteCount) else {
            return false
        }
        switch key[0] {
        case 0: return RememberedToken(value) != nil
        case 1: return value.isEmpty && key[1] < 0x40
        default: return false
        }
    }
}
