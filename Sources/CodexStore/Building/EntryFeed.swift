internal import CodexCore
internal import Dispatch

/// Prepares the entries of an index in batches, on another thread than the one that stores them.
///
/// While the writer stores a batch, the next one is merged from the sorted keys, and its items are
/// read. At most two batches are in memory.
///
/// Sendable: from ``prepare()`` to the end of ``take()``, only the preparing thread uses the keys.
final class EntryFeed: @unchecked Sendable {
    private let core: StoreCore
    private var keys: SortedKeys
    private let changeCount: UInt64?
    private let table: TableHandle
    private let index: IndexHandle
    private let isParallel: Bool
    private let prepared = Locked<Result<EntryBatch, CodexError>?>(nil)
    private let isPrepared = DispatchSemaphore(value: 0)

    /// The number of keys in a batch.
    static let countMax = 20_000
    /// The bytes of contents after which a batch has no more.
    static let byteCountMax = 16 << 20

    /// Makes a feed.
    ///
    /// - Parameters:
    ///   - core: The store.
    ///   - keys: The keys of the entries.
    ///   - changeCount: The number of changes of items in the whole log when all of them were read;
    ///     `nil` if there were changes meanwhile. Then no contents are read.
    ///   - table: The table.
    ///   - index: The index.
    ///   - isParallel: Whether to prepare on another thread.
    init(
        _ core: StoreCore, _ keys: SortedKeys, of changeCount: UInt64?, _ table: TableHandle,
        _ index: IndexHandle, isParallel: Bool
    ) {
        self.core = core
        self.keys = keys
        self.changeCount = changeCount
        self.table = table
        self.index = index
        self.isParallel = isParallel
    }

    /// Begins to prepare the next batch; ``take()`` must precede the next call.
    func prepare() {
        guard isParallel else { return fill() }
        WorkerPool.run { [self] in fill() }
    }

    /// Waits for the batch that ``prepare()`` began; it is empty at the end.
    ///
    /// - Throws: The errors of reading the sorted keys.
    func take() throws(CodexError) -> EntryBatch {
        isPrepared.wait()
        let batch = prepared.withLock { prepared in
            defer { prepared = nil }
            return prepared
        }
        guard let batch else { return EntryBatch() }
        return try batch.get()
    }

    private func fill() {
        let batch = Result { () throws(CodexError) in try next() }
        prepared.withLock { $0 = batch }
        isPrepared.signal()
    }

    private func next() throws(CodexError) -> EntryBatch {
        var taken: [[UInt8]] = []
        while taken.count < Self.countMax, let key = try keys.next() { taken.append(key) }
        // The writer reads what is missing here, and reports the errors of that.
        let contents = isParallel && !taken.isEmpty ? (try? self.contents(of: taken)) ?? [] : []
        return EntryBatch(keys: taken[...], contents: contents[...])
    }

    /// The contents of the first entries, if no item changed since their keys were read.
    private func contents(of keys: [[UInt8]]) throws -> [EntryContent] {
        guard let changeCount else { return [] }
        return try core.withReadContext { context -> [EntryContent] in
            guard try context.storedPosition().changeCount == changeCount else { return [] }
            var (contents, byteCount): ([EntryContent], Int) = ([], 0)
            for key in keys where byteCount < Self.byteCountMax {
                let content = try EntryContent(of: key, table, index, context)
                byteCount += content.byteCount
                contents.append(content)
            }
            return contents
        }
    }
}
