internal import CodexCore

/// Remembers by their tokens which lists of actions were performed.
struct IdempotencyTokens {
    private let context: WriteContext
    private var transaction: Transaction { context.transaction }
    private var catalog: Catalog { context.catalog }

    init(_ context: WriteContext) { self.context = context }

    private static let windowMilliseconds = UInt64(DynamoDBLimits.idempotencyWindowSeconds) * 1000
    /// The maximum number of expired tokens that one request removes; two keep the database from
    /// growing.
    private static let expiredCountMax = 16

    /// Whether the request must be performed, since its token was not seen in the window.
    ///
    /// Only a confirmed clock ends the window.
    ///
    /// A damaged entry is ignored: otherwise its token would be refused forever.
    ///
    /// - Throws: ``CodexError/Code/idempotencyMismatch`` if the token came with other actions;
    ///   ``CodexError/Code/keyUnavailable`` if that needs a key that is not there.
    func isNew(_ request: IdempotentRequest) throws(CodexError) -> Bool {
        guard let stored = unsafe try transaction.get(catalog.tokens, request.key),
            let token = RememberedToken(unsafe Array(stored))
        else { return true }
        let seen = token.instant
        // After a change of the clock, the store must not forget which lists were performed.
        if seen < request.confirmed, request.confirmed - seen > Self.windowMilliseconds {
            return true
        }
        let isSame = try token.digest.matches(request.list) { message throws(CodexError) in
            try TokenKeys(context).code(of: message)
        }
        guard isSame else {
            throw CodexError(
                .idempotencyMismatch,
                "The idempotency token was used for other actions. Use one token for one list.")
        }
        return false
    }

    /// The digest to store with a request; it must be made before any action is performed.
    ///
    /// - Throws: ``CodexError/Code/keyUnavailable`` if that needs a key that is not there.
    func digest(of request: IdempotentRequest) throws(CodexError) -> TokenDigest {
        guard catalog.hasSealedFields else { return TokenDigest(of: request.list) }
        return try TokenDigest(of: request.list) { message throws(CodexError) in
            try TokenKeys(context).code(of: message)
        }
    }

    /// Remembers that the request was performed, and forgets some expired tokens.
    func remember(
        _ request: IdempotentRequest, _ digest: TokenDigest
    ) throws(CodexError) {
        if let stored = unsafe try transaction.get(catalog.tokens, request.key) {
            let seen = BigEndian.integer(unsafe Array(stored.prefix(8))) ?? 0
            try context.setSystem(.tokens, IdempotentRequest.timeKey(seen, request.token), nil)
        }
        if case .plain = digest { try TokenKeys(context).notePlainDigest() }
        try forgetExpired(before: request.confirmed)
        try context.setSystem(
            .tokens, request.key, BigEndian.bytes(request.instant) + digest.stored)
        try context.setSystem(
            .tokens, IdempotentRequest.timeKey(request.instant, request.token), [])
    }

    private func forgetExpired(before instant: UInt64) throws(CodexError) {
        guard instant > Self.windowMilliseconds else { return }
        let limit = [1] + BigEndian.bytes(instant - Self.windowMilliseconds)
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
            try context.setSystem(.tokens, key, nil)
            try context.setSystem(.tokens, [0] + key.dropFirst(9), nil)
        }
    }
}
