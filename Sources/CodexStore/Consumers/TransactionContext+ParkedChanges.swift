internal import CodexCore

extension TransactionContext {
    /// How many changes a consumer has parked, counted up to a number of them.
    ///
    /// - Complexity: O(*m*) for *m* parked changes, of which it looks at the keys alone.
    func parkedCount(of consumer: String, upTo countMax: Int = .max) throws -> Int {
        let prefix = ParkedChange.prefix(consumer)
        return try transaction.withCursor(catalog.consumers) { cursor in
            var count = 0
            var entry = unsafe try cursor.seek(prefix)
            while let current = unsafe entry, unsafe current.key.starts(with: prefix),
                count < countMax
            {
                count += 1
                unsafe entry = try cursor.next()
            }
            return count
        }
    }

    /// The keys of a consumer's parked changes after one of them, up to a number of keys.
    fileprivate func parkedKeys(
        of consumer: String, after start: [UInt8]?, _ countMax: Int
    ) throws -> [[UInt8]] {
        let prefix = ParkedChange.prefix(consumer)
        return try transaction.withCursor(catalog.consumers) { cursor in
            var keys: [[UInt8]] = []
            var entry = unsafe try cursor.advance(to: start.map { $0 + [0] } ?? prefix)
            while let current = unsafe entry, unsafe current.key.starts(with: prefix),
                keys.count < countMax
            {
                keys.append(unsafe Array(current.key))
                unsafe entry = try cursor.next()
            }
            return keys
        }
    }

    /// The key of the last change that a consumer has parked; `nil` if there is none.
    func lastParkedKey(of consumer: String) throws -> [UInt8]? {
        let prefix = ParkedChange.prefix(consumer)
        return try transaction.withCursor(catalog.consumers) { cursor in
            // A name has no zero byte: what ends one sorts before what goes on from it.
            let next = unsafe try cursor.seek(Array(prefix.dropLast()) + [1])
            let isLast = unsafe next == nil
            let found = unsafe try isLast ? cursor.last() : cursor.previous()
            guard let entry = unsafe found, unsafe entry.key.starts(with: prefix) else {
                return nil
            }
            return unsafe Array(entry.key)
        }
    }
}

extension WriteContext {
    /// Whether a change is parked under `key`.
    func isParked(_ key: [UInt8]) throws(CodexError) -> Bool {
        unsafe try transaction.get(catalog.consumers, key) != nil
    }

    /// Parks a change.
    ///
    /// - Throws: ``CodexError/Code/tooManyParked`` if the consumer has `countMax` parked changes.
    func park(_ parked: ParkedChange, of consumer: String, countMax: Int) throws {
        let key = parked.key(consumer)
        if try !isParked(key) { try requireRoom(of: consumer, countMax) }
        try setSystem(.consumers, key, parked.bytes)
    }

    private func requireRoom(of consumer: String, _ countMax: Int) throws {
        // All consumers together have no more entries, its checkpoint among them: nothing to count.
        if try transaction.statistics(catalog.consumers).entryCount <= countMax { return }
        guard try parkedCount(of: consumer, upTo: countMax) >= countMax else { return }
        throw CodexError(
            .tooManyParked,
            "The consumer has \(countMax) dead letters, and failed on one more change. Retry them "
                + "(retryParkedChanges, retryParkedEvents) or discard them "
                + "(discardParkedChange), then consume again. Or allow more "
                + "(ConsumerFailurePolicy.maximumParkedCount).")
    }

    /// Forgets what a consumer has parked, all or what comes after a change, without reading it.
    ///
    /// A body that throws after it cannot be undone alone.
    func forgetParked(_ consumer: String, after number: SequenceNumber? = nil) throws {
        var start = number.map { ParkedChange.key(consumer, $0) }
        while true {
            let keys = try parkedKeys(of: consumer, after: start, ParkedPages.countMax)
            for key in keys { try dropSystem(.consumers, key) }
            guard let last = keys.last, keys.count == ParkedPages.countMax else { return }
            start = last
        }
    }
}
