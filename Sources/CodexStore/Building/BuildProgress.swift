internal import CodexCore

/// The progress of the counters that are being built, as a transaction sees it.
struct BuildProgress {
    /// The last item that a counter under construction includes.
    enum Position {
        case upTo([UInt8])
        case everything
    }

    /// The positions by the counter's tree.
    private var positions: [DatabaseID: Position] = [:]

    /// The key in `meta` under which the progress of building a part of a table is stored.
    static func key(_ table: TableHandle, _ part: String) -> [UInt8] {
        key(table: table.number, part)
    }

    /// The key in `meta` of the progress of building a part, by the table's number.
    static func key(table: Int, _ part: String) -> [UInt8] {
        Array("position t\(table).\(part)".utf8)
    }

    init() {}

    /// Reads the progress of all counters that are being built.
    init(_ transaction: Transaction, _ catalog: Catalog) throws(CodexError) {
        guard catalog.hasWork else { return }
        for table in catalog.allTables {
            for counter in table.counters where counter.state == .building {
                let stored = unsafe try transaction.get(
                    catalog.meta, Self.key(table, counter.part))
                guard let stored = unsafe stored else { continue }
                positions[counter.tree.database] =
                    unsafe stored.first == 1 ? .everything : .upTo(Array(stored.dropFirst()))
            }
        }
    }

    /// The last item that a counter includes; an empty key if it includes none yet.
    func position(_ counter: CounterHandle) -> Position {
        positions[counter.tree.database] ?? .upTo([])
    }

    /// Records the last item that a counter under construction includes.
    mutating func set(_ position: Position, _ counter: CounterHandle) {
        positions[counter.tree.database] = position
    }

    /// Whether a counter includes the item under `key`.
    func isCounted(_ key: [UInt8], _ counter: CounterHandle) -> Bool {
        switch counter.state {
        case nil: return true
        case .loading, .conflicting: return false
        case .building:
            guard case .upTo(let last) = position(counter) else { return true }
            return ByteOrder.compare(key, last) <= 0
        }
    }
}

extension BuildProgress.Position {
    /// The stored form.
    var bytes: [UInt8] {
        switch self {
        case .upTo(let key): [0] + key
        case .everything: [1]
        }
    }
}
