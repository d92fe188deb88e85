internal import CodexCore

/// Reads of consumers in a transaction: their states and their dead letters.
struct ConsumerReads {
    private let context: TransactionContext
    private var transaction: Transaction { context.transaction }
    private var catalog: Catalog { context.catalog }

    init(_ context: TransactionContext) { self.context = context }

    /// A consumer's state.
    ///
    /// - Throws: ``CodexError/Code/unknownConsumer``.
    func consumer(_ name: String) throws(CodexError) -> Consumer {
        guard let json = unsafe try transaction.get(catalog.consumers, Consumer.key(name))
        else {
            throw CodexError(
                .unknownConsumer,
                "The store has no consumer of that name. Register it with addConsumer.")
        }
        return try Consumer(json: unsafe Array(json))
    }

    /// All consumers, by name.
    func consumers() throws -> [(name: String, state: Consumer)] {
        try entries(of: [0]).map { entry in
            (
                String(decoding: entry.key.dropFirst(), as: UTF8.self),
                try Consumer(json: entry.value)
            )
        }
    }

    /// The entries of `consumers` whose keys begin with `prefix`, up to limits.
    ///
    /// - Parameters:
    ///   - prefix: The prefix of the keys.
    ///   - start: The key after which to start; `nil` starts at the first.
    ///   - countMax: The maximum number of entries.
    ///   - byteCountMax: The maximum bytes of keys and values together; a larger first entry is
    ///     returned alone.
    /// - Returns: The entries, ascending.
    /// - Throws: The errors of reading.
    func entries(
        of prefix: [UInt8], after start: [UInt8]? = nil, countMax: Int = .max,
        byteCountMax: Int = .max
    ) throws -> [(key: [UInt8], value: [UInt8])] {
        try transaction.withCursor(catalog.consumers) { cursor in
            var found: [(key: [UInt8], value: [UInt8])] = []
            var byteCount = 0
            var entry = unsafe try cursor.advance(to: start.map { $0 + [0] } ?? prefix)
            while let current = unsafe entry, unsafe current.key.starts(with: prefix),
                found.count < countMax
            {
                byteCount += unsafe current.key.count + current.value.count
                if byteCount > byteCountMax, !found.isEmpty { break }
                found.append(unsafe (Array(current.key), Array(current.value)))
                unsafe entry = try cursor.next()
            }
            return found
        }
    }

    // MARK: Dead letters

    /// The number of a consumer's dead letters, counted up to a maximum.
    ///
    /// - Complexity: O(*m*) for *m* dead letters, of which it reads only the keys.
    func deadLetterCount(of consumer: String, upTo countMax: Int = .max) throws -> Int {
        let prefix = DeadLetter.prefix(consumer)
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

    /// The keys of a consumer's dead letters after a key, up to a number of keys.
    func deadLetterKeys(
        of consumer: String, after start: [UInt8]?, _ countMax: Int
    ) throws -> [[UInt8]] {
        let prefix = DeadLetter.prefix(consumer)
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

    /// The key of a consumer's last dead letter; `nil` if there is none.
    func lastDeadLetterKey(of consumer: String) throws -> [UInt8]? {
        let prefix = DeadLetter.prefix(consumer)
        return try transaction.withCursor(catalog.consumers) { cursor in
            // A name has no zero byte, so a name's end sorts before its continuation.
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
