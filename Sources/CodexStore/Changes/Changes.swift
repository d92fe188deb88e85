internal import CodexCore

/// The changes of a store from a place on, and then those that come: an endless sequence.
///
/// ```swift
/// for try await change in store.changes(after: .latest, view: .newImage) {
///     print(change.kind, try change.key, try change.newImage ?? [:])
/// }
/// ```
///
/// Changes come in the order of their commits, once each, whichever process made them, and not
/// before they are durable (as durable as ``StoreOptions/durability`` says) and visible. They are
/// read from the log when they are asked for, so a slow consumer holds up nobody and takes no
/// memory; one that is slower than the retention ends with ``CodexError/Code/changesTrimmed``.
///
/// Each iterator begins anew. The sequence ends by throwing only: `CancellationError`,
/// ``CodexError/Code/closed``, ``CodexError/Code/changesTrimmed``, ``CodexError/Code/corrupted``.
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

    /// Begins to read.
    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(core, startingPoint, view, filter)
    }

    /// Reads changes one by one; for one task at a time.
    public struct AsyncIterator: AsyncIteratorProtocol {
        private let core: StoreCore
        /// What went wrong at the beginning is thrown by ``next()``.
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
            // `latest` means from now on, not from when the first change is asked for.
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
    /// The changes after a position that are there now, all at once; for tests.
    package func retainedChanges(after position: StreamPosition) throws -> [ChangeRecord] {
        let reader = ChangeReader(core, from: .stream(position), .newAndOldImages, .all)
        var records: [ChangeRecord] = []
        while reader.endID == nil { records += try reader.read(1000) }
        return records
    }

    /// Hands the changes after a change to `body`, up to the newest commit, and ends there.
    ///
    /// - Parameters:
    ///   - number: The change after which to begin.
    ///   - view: Which images the changes have.
    ///   - filter: Which changes there are.
    ///   - body: Gets the changes, in the order of their commits.
    /// - Throws: ``CodexError/Code/changesTrimmed``, ``CodexError/Code/corrupted``, and what `body`
    ///   throws.
    package func catchUp(
        after number: SequenceNumber, view: StreamView, filter: ChangeFilter,
        _ body: (ChangeRecord) throws -> Void
    ) throws {
        let reader = ChangeReader(core, from: .stream(.sequenceNumber(number)), view, filter)
        repeat {
            for change in try reader.read(1000) { try body(change) }
        } while reader.endID == nil
    }

    /// The changes after a position, and then those that come.
    ///
    /// Any number of them may be read at once, in any process, of stores opened read-only too.
    ///
    /// - Parameters:
    ///   - position: Where to begin: any ``SequenceNumber`` that is retained, the oldest change, or
    ///     the newest.
    ///   - view: Which images the records have.
    ///   - filter: Which changes there are.
    /// - Returns: A sequence that never ends by itself; see there for its errors.
    public func changes(
        after position: StreamPosition, view: StreamView = .newAndOldImages,
        filter: ChangeFilter = .all
    ) -> Changes {
        Changes(core, view, filter) { .stream(position) }
    }
}
