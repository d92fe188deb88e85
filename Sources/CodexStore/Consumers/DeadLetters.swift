internal import CodexCore

extension Store {
    /// The changes that a consumer has parked, the oldest first.
    ///
    /// All that is returned is in memory at once. To see many, or large ones, take a few at a time.
    ///
    /// - Parameters:
    ///   - consumer: The consumer's name.
    ///   - view: Which images the changes have.
    ///   - number: The change after which to begin; `nil` is the oldest.
    ///   - limit: Most to return.
    /// - Returns: The changes, with what they failed with.
    /// - Throws: ``CodexError/Code/unknownConsumer``, ``CodexError/Code/closed``.
    public func parkedChanges(
        of consumer: String, view: StreamView = .newAndOldImages,
        after number: SequenceNumber? = nil, limit: Int = 1000
    ) throws -> [ParkedChange] {
        let entries = try core.withReader { context in
            _ = try ConsumerReads(context).consumer(consumer)
            return try ConsumerReads(context).entries(
                of: ParkedChange.prefix(consumer),
                after: number.map { ParkedChange.key(consumer, $0) }, countMax: limit)
        }
        let tables = core.loggedTables
        return try entries.map { try ParkedChange($0, view, tables) }
    }

    /// Tries parked changes again, each in a transaction that also takes it from the parked ones.
    ///
    /// Those that are parked meanwhile are left. It holds some megabytes of changes, however many
    /// there are.
    ///
    /// - Parameters:
    ///   - consumer: The consumer's name.
    ///   - view: Which images the changes have.
    ///   - body: As for ``consume(_:view:batchCount:onFailure:_:)``, with one change. They come out
    ///     of order: other changes of the same item may be done already.
    /// - Returns: How many succeeded, and how many failed again and stay parked.
    /// - Throws: ``CodexError/Code/unknownConsumer``, and as ``write(_:)-(_)``.
    @discardableResult
    public func retryParkedChanges(
        of consumer: String, view: StreamView = .newAndOldImages,
        _ body: @escaping @Sendable (inout WriteTransaction, ChangeRecord) throws -> Void
    ) async throws -> (successCount: Int, failureCount: Int) {
        try await retry(of: consumer, view) { parked in
            do {
                let isParked = try await write { transaction in
                    let context = transaction.context
                    let key = parked.key(consumer)
                    // Another process may have been faster.
                    guard try context.deadLetters.isParked(key) else { return false }
                    try context.setSystem(.consumers, key, nil)
                    do {
                        try body(&transaction, parked.change)
                    } catch {
                        throw BodyFailure(error: error)
                    }
                    return true
                }
                return isParked ? .succeeded : .gone
            } catch let failure as BodyFailure {
                return .failed(failure.error)
            }
        }
    }

    /// Hands parked changes to `deliver` again.
    ///
    /// Those that succeed are parked no more. The others stay with one attempt more and the new
    /// error.
    ///
    /// - Parameters:
    ///   - consumer: The consumer's name.
    ///   - deliver: Gets each change with both images; it returns the error of one that fails again.
    /// - Returns: How many changes succeeded, and how many failed again and stay parked.
    /// - Throws: ``CodexError/Code/unknownConsumer``, `CancellationError`, and as ``write(_:)-(_)``.
    package func redeliverParkedChanges(
        of consumer: String, _ deliver: (ChangeRecord) async throws -> (any Error)?
    ) async throws -> (successCount: Int, failureCount: Int) {
        try await retry(of: consumer, .newAndOldImages) { parked in
            if let failure = try await deliver(parked.change) { return .failed(failure) }
            try await discardParkedChange(parked.change.sequenceNumber, of: consumer)
            return .succeeded
        }
    }

    /// Hands to `handle` what a consumer has parked at the beginning, the oldest first.
    private func retry(
        of consumer: String, _ view: StreamView,
        _ handle: (ParkedChange) async throws -> RetryOutcome
    ) async throws -> (successCount: Int, failureCount: Int) {
        var counts = (successCount: 0, failureCount: 0)
        var pages = try ParkedPages(core, consumer, view)
        while let parked = try pages.next() {
            try _Concurrency.Task.checkCancellation()
            switch try await handle(parked) {
            case .succeeded: counts.successCount += 1
            case .gone: break
            case .failed(let error):
                if try await parkAgain(parked, error, of: consumer) { counts.failureCount += 1 }
            }
        }
        return counts
    }

    /// Keeps a parked change that failed once more, with its new error.
    ///
    /// - Returns: Whether it is still parked.
    private func parkAgain(
        _ parked: ParkedChange, _ error: any Error, of consumer: String
    ) async throws -> Bool {
        let again = parked.failedAgain(error, hidesValues: core.catalog.hasSealedFields)
        return try await write { transaction in
            let context = transaction.context
            let key = again.key(consumer)
            // Meanwhile another process may have succeeded with it, or given it up.
            guard try context.deadLetters.isParked(key) else { return false }
            try context.setSystem(.consumers, key, again.bytes)
            return true
        }
    }

    /// Gives up a parked change.
    ///
    /// - Returns: Whether it was parked.
    /// - Throws: ``CodexError/Code/unknownConsumer``, and as ``write(_:)-(_)``.
    @discardableResult
    public func discardParkedChange(
        _ number: SequenceNumber, of consumer: String
    ) async throws -> Bool {
        try await write { transaction in
            let context = transaction.context
            _ = try ConsumerReads(context).consumer(consumer)
            let key = ParkedChange.key(consumer, number)
            guard try context.deadLetters.isParked(key) else { return false }
            try context.setSystem(.consumers, key, nil)
            return true
        }
    }
}

/// What became of a parked change that was tried again.
private enum RetryOutcome {
    /// It is parked no more.
    case succeeded
    /// It failed again, with this error.
    case failed(any Error)
    /// Another process succeeded with it, or discarded it.
    case gone
}

/// Reads what a consumer has parked, page by page, up to what was there at the beginning.
struct ParkedPages {
    private let core: StoreCore
    private let consumer: String
    private let view: StreamView
    /// The last key that is read; `nil` if nothing is parked.
    private let end: [UInt8]?
    /// The last key that was read.
    private var position: [UInt8]?
    private var page: ArraySlice<(key: [UInt8], value: [UInt8])> = []
    private let bounds: (count: Int, byteCount: Int)

    /// Most changes of a page.
    static let countMax = 1000
    /// Most bytes of a page's changes; one that is larger is a page of its own.
    static let byteCountMax = 4 << 20

    /// Begins with the oldest.
    ///
    /// - Throws: ``CodexError/Code/unknownConsumer``, ``CodexError/Code/closed``.
    init(
        _ core: StoreCore, _ consumer: String, _ view: StreamView,
        countMax: Int = ParkedPages.countMax, byteCountMax: Int = ParkedPages.byteCountMax
    ) throws {
        self.core = core
        self.consumer = consumer
        self.view = view
        bounds = (countMax, byteCountMax)
        end = try core.withReader { context in
            _ = try ConsumerReads(context).consumer(consumer)
            return try ConsumerReads(context).lastParkedKey(of: consumer)
        }
    }

    /// The next change; `nil` at the end.
    mutating func next() throws -> ParkedChange? {
        if page.isEmpty { page = try nextPage()[...] }
        guard let end, let entry = page.popFirst(), ByteOrder.compare(entry.key, end) <= 0 else {
            return nil
        }
        position = entry.key
        return try ParkedChange(entry, view, core.loggedTables)
    }

    /// What follows the last change that was read, as much as a page holds.
    func nextPage() throws -> [(key: [UInt8], value: [UInt8])] {
        try core.withReader { context in
            try ConsumerReads(context).entries(
                of: ParkedChange.prefix(consumer), after: position, countMax: bounds.count,
                byteCountMax: bounds.byteCount)
        }
    }
}

extension WriteContext {
    /// The changes that consumers have parked.
    var deadLetters: DeadLetters { DeadLetters(context: self) }
}

/// What a write transaction does with dead letters.
struct DeadLetters {
    let context: WriteContext

    /// Whether a change is parked under `key`.
    func isParked(_ key: [UInt8]) throws(CodexError) -> Bool {
        unsafe try context.transaction.get(context.catalog.consumers, key) != nil
    }

    /// Parks a change.
    ///
    /// - Throws: ``CodexError/Code/tooManyParked`` if the consumer has `countMax` parked changes.
    func park(_ parked: ParkedChange, of consumer: String, countMax: Int) throws {
        let key = parked.key(consumer)
        if try !isParked(key) { try requireRoom(of: consumer, countMax) }
        try context.setSystem(.consumers, key, parked.bytes)
    }

    private func requireRoom(of consumer: String, _ countMax: Int) throws {
        // All consumers together have no more entries: there is nothing to count.
        let entryCount = try context.transaction.statistics(context.catalog.consumers).entryCount
        if entryCount <= countMax { return }
        let count = try ConsumerReads(context).parkedCount(of: consumer, upTo: countMax)
        guard count >= countMax else { return }
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
    func forget(_ consumer: String, after number: SequenceNumber? = nil) throws {
        var start = number.map { ParkedChange.key(consumer, $0) }
        while true {
            let keys = try ConsumerReads(context).parkedKeys(
                of: consumer, after: start, ParkedPages.countMax)
            for key in keys { try context.dropSystem(.consumers, key) }
            guard let last = keys.last, keys.count == ParkedPages.countMax else { return }
            start = last
        }
    }
}
