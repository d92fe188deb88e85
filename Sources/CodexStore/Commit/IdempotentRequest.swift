internal import CodexCore

/// A list of actions that is to be done once: its token, and what tells it from other lists.
///
/// Kept in the database `tokens`: under 0x00 and the token, the moment it came (8 bytes,
/// milliseconds) and the list's digest (``TokenDigest``); under 0x01, moment and token, nothing, to
/// find old ones.
struct IdempotentRequest {
    fileprivate let token: [UInt8]
    /// Bytes that two lists share exactly if they are equal.
    fileprivate let list: [UInt8]
    /// What the token is remembered with: never before the real time, or it would be forgotten
    /// early.
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
        var list: [UInt8] = []
        for action in actions { action.appendCanonical(to: &list) }
        self.token = bytes
        self.list = list
        (moment, confirmed) = (times.stamp, times.tokens)
    }

    fileprivate var key: [UInt8] { [0] + token }
    fileprivate static func timeKey(_ moment: UInt64, _ token: [UInt8]) -> [UInt8] {
        [1] + BigEndian.bytes(moment) + token
    }
}

/// What is remembered of a token: when its list came, and which one it was.
struct RememberedToken {
    let moment: UInt64
    let digest: TokenDigest

    /// Reads the value of a token's entry; `nil` for what is none.
    init?(_ value: [UInt8]) {
        guard let moment = BigEndian.integer(value.prefix(8)), moment < 1 << 62,
            let digest = try? TokenDigest(stored: value.dropFirst(8))
        else { return nil }
        self.moment = moment
        self.digest = digest
    }

    /// Whether an entry of `tokens` has one of their two forms.
    static func isEntry(_ key: [UInt8], _ value: [UInt8]) -> Bool {
        let prefixByteCount = key.first == 1 ? 9 : 1
        let tokenByteCount = key.count - prefixByteCount
        guard (1...Limits.idempotencyTokenByteCountMax).contains(tokenByteCount) else {
            return false
        }
        switch key[0] {
        case 0: return RememberedToken(value) != nil
        case 1: return value.isEmpty && key[1] < 0x40
        default: return false
        }
    }
}

extension WriteContext {
    private static let windowMilliseconds = UInt64(Limits.idempotencyWindowSeconds) * 1000
    /// Most expired tokens that one request removes; two keep the database from growing.
    private static let expiredCountMax = 16

    /// Whether the request is to be done: its token was not seen in the window, which is over only
    /// by a confirmed clock.
    ///
    /// An entry that is damaged counts as none: else its token would be refused for ever.
    ///
    /// - Throws: ``CodexError/Code/idempotencyMismatch`` if it came with other actions;
    ///   ``CodexError/Code/keyUnavailable`` if that needs a key that is not there.
    func isNew(_ request: IdempotentRequest) throws(CodexError) -> Bool {
        guard let stored = unsafe try transaction.get(catalog.tokens, request.key),
            let token = RememberedToken(unsafe Array(stored))
        else { return true }
        let seen = token.moment
        // A clock that was set must not forget what was done.
        if seen < request.confirmed, request.confirmed - seen > Self.windowMilliseconds {
            return true
        }
        let isSame = try token.digest.matches(request.list) { message throws(CodexError) in
            try tokenCode(of: message)
        }
        guard isSame else {
            throw CodexError(
                .idempotencyMismatch,
                "The idempotency token was used for other actions. Use one token for one list.")
        }
        return false
    }

    /// The digest to remember a request with: to be made before anything is done.
    ///
    /// - Throws: ``CodexError/Code/keyUnavailable`` if that needs a key that is not there.
    func digest(of request: IdempotentRequest) throws(CodexError) -> TokenDigest {
        guard catalog.hasSealedFields else { return TokenDigest(of: request.list) }
        return try TokenDigest(of: request.list) { message throws(CodexError) in
            try tokenCode(of: message)
        }
    }

    /// Remembers that the request was done, and forgets some whose time is over.
    func remember(
        _ request: IdempotentRequest, _ digest: TokenDigest
    ) throws(CodexError) {
        if let stored = unsafe try transaction.get(catalog.tokens, request.key) {
            let seen = BigEndian.integer(unsafe Array(stored.prefix(8))) ?? 0
            try setSystem(.tokens, IdempotentRequest.timeKey(seen, request.token), nil)
        }
        if case .plain = digest { try notePlainDigest() }
        try forgetExpired(before: request.confirmed)
        try setSystem(.tokens, request.key, BigEndian.bytes(request.moment) + digest.stored)
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
