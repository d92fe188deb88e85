public import CodexCore

/// The changes of a store after a position, and then each new one: an endless sequence.
///
/// ```swift
/// for try await change in store.changes(after: .latest, view: .newImage) {
///     print(change.kind, try change.key, try change.newImage ?? [:])
/// }
/// ```
///
/// Changes come once each, in the order of their commits, from all processes. They come when they
/// are visible and durable, by the level of ``StoreOptions/durability``. They are read from the log
/// on request, so a slow consumer blocks no writer and takes no memory. A consumer that is slower
/// than the retention ends with ``CodexError/Code/changesTrimmed``.
///
/// Each iterator starts again at the position. The sequence ends only with an error:
/// `CancellationError`, ``CodexError/Code/closed``, ``CodexError/Code/changesTrimmed``,
/// ``CodexError/Code/corrupted``. Its first error may be ``CodexError/Code/unknownTable`` or
/// ``CodexError/Code/unknownEntity``, for a name in the filter that the store has never had.
public struct Changes: AsyncSequence, Sendable {
    /// A change.
    public typealias Element = ChangeRecord

    private let core: StoreCore
    private let startingPoint: @Sendable () throws -> ChangeReader.StartingPoint
    private let view: StreamView
    private let filter: ChangeFilter

    init(
        _ core: StoreCore, _ view: StreamView, _ filter: ChangeFilter,
        from startingPoint: @escaping @Sendable () throws -> ChangeReader.StartingPoint
    ) {
        self.core = core
        self.view = view
        self.filter = filter
        self.startingPoint = startingPoint
    }

    /// Starts to read.
    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(core, startingPoint, view, filter)
    }

    /// Reads changes one by one; for one task at a time.
    public struct AsyncIterator: AsyncIteratorProtocol {
        private let core: StoreCore
        /// An error at the start is thrown by ``next()``.
        private let reader: Result<ChangeReader, any Error>
        private var batch: [ChangeRecord] = []
        private var position = 0

        private static let batchCount = 512

        init(
            _ core: StoreCore,
            _ startingPoint: @escaping @Sendable () throws -> ChangeReader.StartingPoint,
            _ view: StreamView, _ filter: ChangeFilter
        ) {
            self.core = core
            // `latest` means the creation of the iterator, not the first call of `next()`.
            reader = Result {
                let reader = ChangeReader(core, from: try startingPoint(), view, filter)
                try reader.prepare()
                return reader
            }
        }

        /// The next change, as soon as there is one.
        ///
        /// - Throws: As ``Changes``.
        public mutating func next() async throws -> ChangeRecord? {
            if position < batch.count {
                defer { position += 1 }
                return batch[position]
            }
            return try await refill()
        }

        private mutating func refill() async throws -> ChangeRecord? {
            let reader = try reader.get()
            while true {
                try _Concurrency.Task.checkCancellation()
                batch = try reader.read(Self.batchCount)
                if let first = batch.first {
                    position = 1
                    return first
                }
                if let end = reader.endID { try await core.commits.wait(after: end) }
            }
        }
    }
}

extension Store {
    /// All present changes after a position; for tests.
    package func retainedChanges(after position: StreamPosition) throws -> [ChangeRecord] {
        let reader = ChangeReader(core, from: .stream(position), .newAndOldImages, .all)
        var records: [ChangeRecord] = []
        while reader.endID == nil { records += try reader.read(1000) }
        return records
    }

    /// Calls `body` with the changes after a change, up to the newest commit, and returns.
    ///
    /// - Parameters:
    ///   - number: The change after which to start.
    ///   - view: The images that the changes have.
    ///   - filter: The changes to read.
    ///   - body: Gets the changes, in the order of their commits.
    /// - Throws: ``CodexError/Code/changesTrimmed``, ``CodexError/Code/corrupted``, and the errors
    ///   of `body`.
    package func catchUp(
        after number: SequenceNumber, view: StreamView, filter: ChangeFilter,
        _ body: (ChangeRecord) throws -> Void
    ) throws {
        let reader = ChangeReader(core, from: .stream(.sequenceNumber(number)), view, filter)
        repeat {
            for change in try reader.read(1000) { try body(change) }
        } while reader.endID == nil
    }

    /// The changes after a position, and then each new one.
    ///
    /// Any number of sequences may be read at once, in any process, also of stores that are opened
    /// read-only.
    ///
    /// - Parameters:
    ///   - position: The start: any ``SequenceNumber`` that is retained, the oldest change, or the
    ///     newest.
    ///   - view: The images that the records have.
    ///   - filter: The changes to return.
    /// - Returns: A sequence that only an error ends: see ``Changes``.
    public func changes(
        after position: StreamPosition, view: StreamView = .newAndOldImages,
        filter: ChangeFilter = .all
    ) -> Changes {
        Changes(core, view, filter) { [core] in
            try core.requireKnown(filter)
            return .stream(position)
        }
    }
}
