internal import CodexCore

/// A list of actions that is to be done once: its token, and what tells it from other lists.
///
/// Kept in the database `tokens`: under 0x00 and the token, the moment it came (8 bytes,
/// milliseconds) and the list's digest (``TokenDigest``); under 0x01, moment and token, nothing, to
/// find old ones.
struct IdempotentRequest {
    let token: [UInt8]
    /// Bytes that two lists share exactly if they are equal.
    let list: [UInt8]
    /// What the token is remembered with: never before the real time, or it would be forgotten
    /// early.
    let instant: UInt64
    /// The time by which tokens may be forgotten: never after the real time.
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

/// What is remembered of a token: when its list came, and which one it was.
struct RememberedToken {
    let instant: UInt64
    let digest: TokenDigest

    /// Reads the value of a token's entry; `nil` for what is none.
    init?(_ value: [UInt8]) {
        guard let instant = BigEndian.integer(value.prefix(8)), instant < 1 << 62,
            let digest = try? TokenDigest(stored: value.dropFirst(8))
        else { return nil }
        self.instant = instant
        self.digest = digest
    }

    /// Whether an entry of `tokens` has one of their two forms.
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
