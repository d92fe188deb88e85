internal import CodexCore

/// A list of actions that is to be done once: its token, and what tells it from other lists.
///
/// Kept in the database `tokens`: under 0x00 and the token, the moment it came (8 bytes,
/// milliseconds) and the list's digest; under 0x01, moment and token, nothing, to find old ones.
struct IdempotentRequest {
    fileprivate let token: [UInt8]
    fileprivate let digest: [UInt8]
    /// What the token is remembered with: never before the real time, or it would be forgotten early.
    fileprivate let moment: UInt64
    /// The time by which tokens may be forgotten: never after the real time.
    fileprivate let confirmed: UInt64

    init(_ token: String, _ actions: [WriteAction], _ times: DeletionTimes) throws(CodexError) {
        let bytes = Array(token.utf8)
        guard (1...Limits.idempotencyTokenByteCountMax).contains(bytes.count) else {
            throw CodexError(
                .invalidArgument,
                "An idempotency token has 1 to \(Limits.idempotencyTokenByteCountMax) bytes.")
        }
        self.token = bytes
        digest = Self.digest(actions)
        (moment, confirmed) = (times.stamp, times.tokens)
    }

    fileprivate var key: [UInt8] { [0] + token }
    fileprivate var value: [UInt8] { BigEndian.bytes(moment) + digest }
    fileprivate static func timeKey(_ moment: UInt64, _ token: [UInt8]) -> [UInt8] {
        [1] + BigEndian.bytes(moment) + token
    }

    /// Stands for the list: two FNV-1a hashes of its canonical bytes, stable across processes.
    ///
    /// It guards against mistakes, not against a caller who searches for two lists with one digest.
    private static func digest(_ actions: [WriteAction]) -> [UInt8] {
        var bytes: [UInt8] = []
        for action in actions { action.appendCanonical(to: &bytes) }
        var (first, second): (UInt64, UInt64) = (0xCBF2_9CE4_8422_2325, 0x9AE1_6A3B_2F90_404F)
        for byte in bytes {
            first = (first ^ UInt64(byte)) &* 0x100_0000_01B3
            second = (second ^ UInt64(byte)) &* 0x9E37_79B9_7F4A_7C15
        }
        return BigEndian.bytes(first) + BigEndian.bytes(second)
    }
}

extension WriteContext {
    private static let windowMilliseconds = UInt64(Limits.idempotencyWindowSeconds) * 1000
    /// Most expired tokens that one request removes; two keep the database from growing.
    private static let expiredCountMax = 16

    /// Whether the request is to be done: its token was not seen in the window, which is over only by a
    /// confirmed clock.
    ///
    /// - Throws: ``CodexError/Code/idempotencyMismatch`` if it came with other actions.
    func isNew(_ request: IdempotentRequest) throws(CodexError) -> Bool {
        guard let stored = unsafe try transaction.get(catalog.tokens, request.key) else {
            return true
        }
        let bytes = unsafe Array(stored)
        guard let seen = BigEndian.integer(bytes.prefix(8)) else {
            throw Wire.corrupted("an idempotency token's moment")
        }
        // A clock that was set must not forget what was done.
        if seen < request.confirmed, request.confirmed - seen > Self.windowMilliseconds {
            return true
        }
        guard Array(bytes.dropFirst(8)) == request.digest else {
            throw CodexError(
                .idempotencyMismatch,
                "The idempotency token was used for other actions. Use one token for one list.")
        }
        return false
    }

    /// Remembers that the request was done, and forgets some whose time is over.
    func remember(_ request: IdempotentRequest) throws(CodexError) {
        if let stored = unsafe try transaction.get(catalog.tokens, request.key) {
            let seen = BigEndian.integer(unsafe Array(stored.prefix(8))) ?? 0
            try setSystem(.tokens, IdempotentRequest.timeKey(seen, request.token), nil)
        }
        try forgetExpired(before: request.confirmed)
        try setSystem(.tokens, request.key, request.value)
        try setSystem(.tokens, IdempotentRequest.timeKey(request.moment, request.token), [])
    }

    private func forgetExpired(before moment: UInt64) throws(CodexError) {
        guard moment > Self.windowMilliseconds else { return }
        let limit = [1] + BigEndian.bytes(moment - Self.windowMilliseconds)
        var expired: [[UInt8]] = []
        do {
            try transaction.withCursor(catalog.tokens) { cursor in
                var entry = unsafe try cursor.seek([1])
                while let current = unsafe entry, expired.count < Self.expiredCountMax,
                    unsafe current.key.compare(limit) < 0
                {
                    expired.append(unsafe Array(current.key))
                    unsafe entry = try cursor.next()
                }
            }
        } catch {
            throw CodexError.wrapping(error)
        }
        for key in expired {
            try setSystem(.tokens, key, nil)
            try setSystem(.tokens, [0] + key.dropFirst(9), nil)
        }
    }
}
