internal import CodexCore

extension CodexError {
    /// The error that a token cannot be used, since there is no key for its digest.
    static var digestKeyUnavailable: CodexError {
        CodexError(
            .keyUnavailable,
            "The store has encrypted fields, and the key that the digests of idempotency tokens "
                + "need is not available. Open the store with a key provider that has it "
                + "(StoreOptions.encryptionKeys), or write without a token.")
    }
}

/// The key of the digests of idempotency tokens, in the writer's transactions.
struct TokenKeys {
    private let context: WriteContext
    private var catalog: Catalog { context.catalog }

    init(_ context: WriteContext) { self.context = context }

    /// The maximum number of entries of `tokens` that one transaction examines for digests without
    /// a key.
    static let examinedTokenCountMax = 4096

    /// The HMAC-SHA256 of a message under the key of digests.
    ///
    /// If there is no key, it is made.
    ///
    /// - Throws: ``CodexError/Code/keyUnavailable``.
    func code(of message: [UInt8]) throws(CodexError) -> [UInt8] {
        guard let sealer = context.core.options.sealer else { throw .digestKeyUnavailable }
        let key = try preparedDigestKey(sealer)
        return try code(of: message, key, sealer)
    }

    private func code(
        of message: [UInt8], _ key: DigestKey, _ sealer: any FieldSealer
    ) throws(CodexError) -> [UInt8] {
        let place = DigestKey.place(catalog.manifest)
        guard
            let code = try sealer.authenticationCode(of: message, under: key.sealed, place)
        else { throw .digestKeyUnavailable }
        return code
    }

    /// Whether there may be digests without a key, which must be replaced.
    static func hasPlainDigests(in context: TransactionContext) throws -> Bool {
        let catalog = context.catalog
        guard catalog.hasSealedFields, !catalog.manifest.isFollower else { return false }
        if let key = try DigestKey.stored(in: context) { return key.replacedThrough != nil }
        return try context.transaction.statistics(catalog.tokens).entryCount > 0
    }

    /// Replaces digests without a key, up to the limit of one transaction.
    ///
    /// - Throws: ``CodexError/Code/keyUnavailable``.
    func replacePlainDigests() throws(CodexError) {
        guard let sealer = context.core.options.sealer else { throw .digestKeyUnavailable }
        _ = try preparedDigestKey(sealer)
    }

    /// The key of digests, made if there is none.
    ///
    /// It also replaces some of the digests without a key.
    private func preparedDigestKey(_ sealer: any FieldSealer) throws(CodexError) -> DigestKey {
        var key: DigestKey
        if let stored = try DigestKey.stored(in: context) {
            key = stored
        } else {
            let made = try sealer.makeKey(DigestKey.place(catalog.manifest))
            key = DigestKey(sealed: made, replacedThrough: [])
        }
        guard let start = key.replacedThrough else { return key }
        let (plain, last) = try tokensWithPlainDigests(after: start)
        for entry in plain {
            let digest = try TokenDigest(replacing: TokenDigest(stored: entry.value.dropFirst(8))) {
                message throws(CodexError) in try code(of: message, key, sealer)
            }
            try context.setSystem(.tokens, entry.key, Array(entry.value.prefix(8)) + digest.stored)
        }
        key.replacedThrough = last
        try context.setSystem(.meta, DigestKey.key, key.bytes)
        return key
    }

    /// Records that a digest without a key is added.
    ///
    /// Once fields are encrypted, the digests are examined again.
    ///
    /// A store has a key only if its schema once named encrypted fields.
    func notePlainDigest() throws(CodexError) {
        guard catalog.manifest.bindingID != nil, var key = try DigestKey.stored(in: context),
            key.replacedThrough != []
        else { return }
        key.replacedThrough = []
        try context.setSystem(.meta, DigestKey.key, key.bytes)
    }

    /// The next tokens whose digests have no key; damaged entries are skipped.
    ///
    /// - Returns: Their entries, and the last entry that was examined; `nil` at the end.
    private func tokensWithPlainDigests(
        after start: [UInt8]
    ) throws(CodexError) -> (entries: [(key: [UInt8], value: [UInt8])], last: [UInt8]?) {
        var found: [(key: [UInt8], value: [UInt8])] = []
        var last: [UInt8]?
        var count = 0
        do {
            try context.transaction.withCursor(catalog.tokens) { cursor in
                var entry = unsafe try cursor.advance(past: start)
                while let current = unsafe entry, unsafe current.key.first == 0 {
                    let key = unsafe Array(current.key)
                    count += 1
                    if count > Self.examinedTokenCountMax { return }
                    let value = unsafe Array(current.value)
                    if case .plain? = RememberedToken(value)?.digest {
                        found.append((key, value))
                    }
                    last = key
                    unsafe entry = try cursor.next()
                }
                last = nil
            }
        } catch {
            throw CodexError.wrapping(error)
        }
        return (found, last)
    }

    /// Seals the key of digests under the provider's current key.
    ///
    /// A key that cannot be read or opened any more is replaced. Then the lists whose digests used
    /// it count as other lists until their time is over: they are refused, and not performed twice.
    ///
    /// - Throws: ``CodexError/Code/keyUnavailable`` if the provider fails.
    func resealDigestKey() throws(CodexError) {
        guard let sealer = context.core.options.sealer else { return }
        let place = DigestKey.place(catalog.manifest)
        var key: DigestKey
        do throws(CodexError) {
            guard let stored = try DigestKey.stored(in: context) else { return }
            key = stored
        } catch  where error.code == .corrupted {
            key = DigestKey(sealed: try sealer.makeKey(place), replacedThrough: [])
            return try context.setSystem(.meta, DigestKey.key, key.bytes)
        }
        let keyID = try sealer.currentKeyID
        if let resealed = try resealed(key.sealed, place, sealer) {
            let isBound = place.store != nil
            if key.sealed.keyID == keyID, key.sealed.isBound == isBound { return }
            key.sealed = resealed
        } else {
            key.sealed = try sealer.makeKey(place)
        }
        try context.setSystem(.meta, DigestKey.key, key.bytes)
    }

    /// A key sealed again; `nil` if it cannot be opened any more.
    private func resealed(
        _ key: SealedValue, _ place: SealedPlace, _ sealer: any FieldSealer
    ) throws(CodexError) -> SealedValue? {
        do throws(CodexError) {
            return try sealer.resealed(key, place)
        } catch  where error.code == .valueTampered {
            return nil
        }
    }
}

extension Store {
    /// Replaces the digests of tokens that have no key, if there are keys.
    ///
    /// If that fails, the next requests with tokens replace some digests each.
    func replacePlainDigests(_ writer: WriterQueue) {
        guard core.options.sealer != nil else { return }
        while (try? core.withReadContext { try TokenKeys.hasPlainDigests(in: $0) }) == true {
            do {
                try writer.wait(limited: false) { answer in
                    ClosureJob(
                        { transaction in try TokenKeys(transaction.context).replacePlainDigests() },
                        answer: answer)
                }
            } catch {
                return
            }
        }
    }
}
