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
            _ = try context.consumer(consumer)
            return try context.entries(
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
        var counts = (successCount: 0, failureCount: 0)
        var pages = try ParkedPages(core, consumer, view)
        while let parked = try pages.next() {
            try _Concurrency.Task.checkCancellation()
            do {
                let isDone = try await write { transaction in
                    let context = transaction.context
                    let key = parked.key(consumer)
                    // Another process may have been faster.
                    guard try context.isParked(key) else { return false }
                    try context.setSystem(.consumers, key, nil)
                    do {
                        try body(&transaction, parked.change)
                    } catch {
                        throw BodyFailure(error: error)
                    }
                    return true
                }
                if isDone { counts.successCount += 1 }
            } catch let failure as BodyFailure {
                if try await parkAgain(parked, failure.error, of: consumer) {
                    counts.failureCount += 1
                }
            }
        }
        return counts
    }

    /// Keeps a parked change that failed once more, with its new error.
    ///
    /// - Returns: Whether it is still parked.
    @discardableResult
    func parkAgain(
        _ parked: ParkedChange, _ error: any Error, of consumer: String
    ) async throws -> Bool {
        let again = parked.failedAgain(error, hidesValues: core.catalog.hasSealedFields)
        return try await write { transaction in
            let context = transaction.context
            let key = again.key(consumer)
            // Meanwhile another process may have succeeded with it, or given it up.
            guard try context.isParked(key) else { return false }
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
            _ = try context.consumer(consumer)
            let key = ParkedChange.key(consumer, number)
            guard try context.isParked(key) else { return false }
            try context.setSystem(.consumers, key, nil)
            return true
        }
    }
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
            _ = try context.consumer(consumer)
            return try context.lastParkedKey(of: consumer)
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
            try context.entries(
                of: ParkedChange.prefix(consumer), after: position, countMax: bounds.count,
                byteCountMax: bounds.byteCount)
        }
    }
}
