internal import CodexCore
internal import CodexIndex

/// The keys of the entries that a load's items have, for the build that follows the load.
struct LoadedKeys {
    /// The number of the table.
    let tableNumber: Int
    /// The number of changes of items in the whole log up to which the keys are exact.
    let changeCount: UInt64
    /// The keys of each index, by its part of the table.
    let keys: [String: SortedKeys]
}

/// Reads and sorts the keys of a load's entries while the load goes on.
///
/// It follows a load whose items come in the order of their keys. In another order, an item may be
/// stored before the last one that was read. The number of items shows that. The build then reads
/// the table after the load.
final class LoadReading: Sendable {
    private struct State {
        var reading: KeyReading
        /// The number of changes of items in the log, as of the last snapshot.
        var changeCount: UInt64
    }

    private let core: StoreCore
    private let table: TableHandle
    private let indexes: [IndexHandle]
    /// The number of changes of items in the log when the load found the table empty.
    private let firstChangeCount: UInt64
    /// `nil` once the keys cannot be exact.
    private let state: Locked<State?>

    /// Begins before the load stores its first item; `nil` if there is nothing to read.
    ///
    /// - Parameters:
    ///   - core: The store.
    ///   - table: The table, whose indexes the load does not maintain.
    ///   - changeCount: The number of changes of items in the log, as the transaction saw it that
    ///     found the table empty. Any later item of the table then is a counted change.
    init?(_ core: StoreCore, _ table: TableHandle, after changeCount: UInt64) {
        let indexes = table.indexes.filter { $0.state == .loading }
        guard !indexes.isEmpty else { return nil }
        self.core = core
        self.table = table
        self.indexes = indexes
        firstChangeCount = changeCount
        let reading = KeyReading(
            table, indexes, after: indexes.map { _ in [] }, in: core.directory)
        state = Locked(State(reading: reading, changeCount: changeCount))
    }

    /// Reads the items that were stored since the last call.
    ///
    /// A failure does not fail the load: the build then reads the table.
    func readOn() {
        state.withLock { state in
            guard var current = state else { return }
            // The arrays of keys must have one owner, or they would be copied.
            state = nil
            let isWhole = try? core.withReadContext { context -> Bool in
                current.changeCount = try context.storedPosition().changeCount
                while try current.reading.read(context, countMax: .max) {}
                return try context.transaction.count(table.tree) == current.reading.itemCount
            }
            if isWhole == true { state = current }
        }
    }

    /// Reads the last items, and gives the keys to the builder.
    ///
    /// The keys are exact if each change since the load began stored one new item of the table.
    func finish(for builder: Builder) {
        readOn()
        let last = state.withLock { state in
            defer { state = nil }
            return state
        }
        guard let last,
            last.changeCount &- firstChangeCount == UInt64(last.reading.itemCount),
            let sorted = try? last.reading.sorted()
        else { return }
        let keys = LoadedKeys(
            tableNumber: table.number, changeCount: last.changeCount,
            keys: Dictionary(uniqueKeysWithValues: zip(indexes.map(\.part), sorted)))
        builder.loadedKeys.withLock { $0 = keys }
    }
}
