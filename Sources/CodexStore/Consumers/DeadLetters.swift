public import CodexCore

extension Store {
    /// The dead letters of a consumer, the oldest first.
    ///
    /// All returned dead letters are in memory at once. If there are many, or large ones, read a
    /// few at a time.
    ///
    /// - Parameters:
    ///   - consumer: The consumer's name.
    ///   - view: The images that the changes have.
    ///   - number: The change after which to start; `nil` starts at the oldest.
    ///   - limit: The maximum number to return.
    /// - Returns: The changes, with their errors.
    /// - Throws: ``CodexError/Code/unknownConsumer``, ``CodexError/Code/closed``.
    public func deadLetters(
        of consumer: String, view: StreamView = .newAndOldImages,
        after number: SequenceNumber? = nil, limit: Int = 1000
    ) throws -> [DeadLetter] {
        let entries = try core.withReadContext { context in
            _ = try ConsumerReads(context).consumer(consumer)
            return try ConsumerReads(context).entries(
                of: DeadLetter.prefix(consumer),
                after: number.map { DeadLetter.key(consumer, $0) }, countMax: limit)
        }
        let tables = core.loggedTables
        return try entries.map { try DeadLetter($0, view, tables) }
    }

    /// Retries dead letters, each in a transaction that also removes it.
    ///
    /// It skips dead letters that are added meanwhile. It holds a few megabytes of changes in
    /// memory, for any number of dead letters.
    ///
    /// - Parameters:
    ///   - consumer: The consumer's name.
    ///   - view: The images that the changes have.
    ///   - body: As for ``consume(_:view:batchCount:onFailure:_:)``, with one change. The changes
    ///     come out of order: later changes of the same item may be done already.
    /// - Returns: The number of changes that succeeded, and of those that failed again and stay.
    /// - Throws: ``CodexError/Code/unknownConsumer``, and as ``write(_:)-(_)``.
    @discardableResult
    public func retryDeadLetters(
        of consumer: String, view: StreamView = .newAndOldImages,
        _ body: @escaping @Sendable (inout WriteTransaction, ChangeRecord) throws -> Void
    ) async throws -> (successCount: Int, failureCount: Int) {
        try await retry(of: consumer, view) { letter in
            do {
                let wasThere = try await write { transaction in
                    let context = transaction.context
                    let key = letter.key(consumer)
                    // Another process may have removed it first.
                    guard try context.deadLetters.contains(key) else { return false }
                    try context.setSystem(.consumers, key, nil)
                    do {
                        try body(&transaction, letter.change)
                    } catch {
                        throw BodyFailure(error: error)
                    }
                    return true
                }
                return wasThere ? .succeeded : .gone
            } catch let failure as BodyFailure {
                return .failed(failure.error)
            }
        }
    }

    /// Delivers dead letters again with `deliver`.
    ///
    /// A dead letter that succeeds is removed. The others stay, with one more attempt and the new
    /// error.
    ///
    /// - Parameters:
    ///   - consumer: The consumer's name.
    ///   - deliver: Gets each change with both images; it returns the error of a change that fails
    ///     again.
    /// - Returns: The number of changes that succeeded, and of those that failed again and stay.
    /// - Throws: ``CodexError/Code/unknownConsumer``, `CancellationError`, and as
    ///   ``write(_:)-(_)``.
    package func redeliverDeadLetters(
        of consumer: String, _ deliver: (ChangeRecord) async throws -> (any Error)?
    ) async throws -> (successCount: Int, failureCount: Int) {
        try await retry(of: consumer, .newAndOldImages) { letter in
            if let failure = try await deliver(letter.change) { return .failed(failure) }
            try await discardDeadLetter(letter.change.sequenceNumber, of: consumer)
            return .succeeded
        }
    }

    /// Calls `handle` with a consumer's present dead letters, the oldest first.
    private func retry(
        of consumer: String, _ view: StreamView,
        _ handle: (DeadLetter) async throws -> RetryOutcome
    ) async throws -> (successCount: Int, failureCount: Int) {
        var counts = (successCount: 0, failureCount: 0)
        var pages = try DeadLetterPages(core, consumer, view)
        while let letter = try pages.next() {
            try _Concurrency.Task.checkCancellation()
            switch try await handle(letter) {
            case .succeeded: counts.successCount += 1
            case .gone: break
            case .failed(let error):
                if try await keepAgain(letter, error, of: consumer) { counts.failureCount += 1 }
            }
        }
        return counts
    }

    /// Stores the new error of a dead letter that failed again.
    ///
    /// - Returns: Whether it is still there.
    private func keepAgain(
        _ letter: DeadLetter, _ error: any Error, of consumer: String
    ) async throws -> Bool {
        let again = letter.failedAgain(error, hidesValues: core.catalog.hasSealedFields)
        return try await write { transaction in
            let context = transaction.context
            let key = again.key(consumer)
            // Another process may have retried or discarded it meanwhile.
            guard try context.deadLetters.contains(key) else { return false }
            try context.setSystem(.consumers, key, again.bytes)
            return true
        }
    }

    /// Discards a dead letter.
    ///
    /// - Returns: Whether it was there.
    /// - Throws: ``CodexError/Code/unknownConsumer``, and as ``write(_:)-(_)``.
    @discardableResult
    public func discardDeadLetter(
        _ number: SequenceNumber, of consumer: String
    ) async throws -> Bool {
        try await write { transaction in
            let context = transaction.context
            _ = try ConsumerReads(context).consumer(consumer)
            let key = DeadLetter.key(consumer, number)
            guard try context.deadLetters.contains(key) else { return false }
            try context.setSystem(.consumers, key, nil)
            return true
        }
    }
}

/// The outcome of a retried dead letter.
private enum RetryOutcome {
    /// It succeeded, and is no longer a dead letter.
    case succeeded
    /// It failed again, with this error.
    case failed(any Error)
    /// Another process retried it successfully, or discarded it.
    case gone
}

/// Reads a consumer's dead letters, page by page, up to the last one at the beginning.
struct DeadLetterPages {
    private let core: StoreCore
    private let consumer: String
    private let view: StreamView
    /// The last key to read; `nil` if there is none.
    private let end: [UInt8]?
    /// The last key that was read.
    private var position: [UInt8]?
    private var page: ArraySlice<(key: [UInt8], value: [UInt8])> = []
    private let bounds: (count: Int, byteCount: Int)

    /// The maximum number of changes in a page.
    static let countMax = 1000
    /// The maximum bytes of a page's changes; a larger change is a page alone.
    static let byteCountMax = 4 << 20

    /// Starts with the oldest.
    ///
    /// - Throws: ``CodexError/Code/unknownConsumer``, ``CodexError/Code/closed``.
    init(
        _ core: StoreCore, _ consumer: String, _ view: StreamView,
        countMax: Int = DeadLetterPages.countMax, byteCountMax: Int = DeadLetterPages.byteCountMax
    ) throws {
        self.core = core
        self.consumer = consumer
        self.view = view
        bounds = (countMax, byteCountMax)
        end = try core.withReadContext { context in
            _ = try ConsumerReads(context).consumer(consumer)
            return try ConsumerReads(context).lastDeadLetterKey(of: consumer)
        }
    }

    /// The next change; `nil` at the end.
    mutating func next() throws -> DeadLetter? {
        if page.isEmpty { page = try nextPage()[...] }
        guard let end, let entry = page.popFirst(), ByteOrder.compare(entry.key, end) <= 0 else {
            return nil
        }
        position = entry.key
        return try DeadLetter(entry, view, core.loggedTables)
    }

    /// The next page, after the last change that was read.
    func nextPage() throws -> [(key: [UInt8], value: [UInt8])] {
        try core.withReadContext { context in
            try ConsumerReads(context).entries(
                of: DeadLetter.prefix(consumer), after: position, countMax: bounds.count,
                byteCountMax: bounds.byteCount)
        }
    }
}

extension WriteContext {
    /// The dead letters of consumers.
    var deadLetters: DeadLetters { DeadLetters(context: self) }
}

/// The operations of a write transaction on dead letters.
struct DeadLetters {
    let context: WriteContext

    /// Whether there is a dead letter under `key`.
    func contains(_ key: [UInt8]) throws(CodexError) -> Bool {
        unsafe try context.transaction.get(context.catalog.consumers, key) != nil
    }

    /// Adds a dead letter.
    ///
    /// - Throws: ``CodexError/Code/tooManyDeadLetters`` if the consumer already has `countMax` dead
    ///   letters.
    func add(_ letter: DeadLetter, of consumer: String, countMax: Int) throws {
        let key = letter.key(consumer)
        if try !contains(key) { try requireRoom(of: consumer, countMax) }
        try context.setSystem(.consumers, key, letter.bytes)
    }

    private func requireRoom(of consumer: String, _ countMax: Int) throws {
        // All consumers together have no more entries than that, so no count is necessary.
        let entryCount = try context.transaction.statistics(context.catalog.consumers).entryCount
        if entryCount <= countMax { return }
        let count = try ConsumerReads(context).deadLetterCount(of: consumer, upTo: countMax)
        guard count >= countMax else { return }
        throw CodexError(
            .tooManyDeadLetters,
            "The consumer has \(countMax) dead letters, and failed on one more change. Retry them "
                + "(retryDeadLetters, retryDeadLetterEvents) or discard them "
                + "(discardDeadLetter), then consume again. Or allow more "
                + "(ConsumerFailurePolicy.maximumDeadLetters).")
    }

    /// Removes a consumer's dead letters, all or those after a change, without reading them.
    ///
    /// It keeps no undo record: if the body throws later, the removal cannot be undone alone.
    func forget(_ consumer: String, after number: SequenceNumber? = nil) throws {
        var start = number.map { DeadLetter.key(consumer, $0) }
        while true {
            let keys = try ConsumerReads(context).deadLetterKeys(
                of: consumer, after: start, DeadLetterPages.countMax)
            for key in keys { try context.dropSystem(.consumers, key) }
            guard let last = keys.last, keys.count == DeadLetterPages.countMax else { return }
            start = last
        }
    }
}
