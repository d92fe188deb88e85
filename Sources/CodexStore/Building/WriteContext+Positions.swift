internal import CodexCore

/// How far counters that are being built include the items.
extension WriteContext {
    /// Up to where a counter that is being built includes the items.
    enum BuildPosition {
        case upTo([UInt8])
        case everything
    }

    /// Where the progress of building a tree is kept.
    static func positionKey(_ table: TableHandle, _ part: String) -> [UInt8] {
        positionKey(table: table.number, part)
    }

    static func positionKey(table: Int, _ part: String) -> [UInt8] {
        Array("position t\(table).\(part)".utf8)
    }

    func readPositions() throws(CodexError) {
        for table in catalog.allTables {
            for counter in table.counters where counter.state == .building {
                let stored = unsafe try transaction.get(
                    catalog.meta, Self.positionKey(table, counter.part))
                guard let stored = unsafe stored else { continue }
                positions[counter.tree.database] =
                    unsafe stored.first == 1 ? .everything : .upTo(Array(stored.dropFirst()))
            }
        }
    }

    /// Up to where a counter includes the items; nothing yet is the empty key.
    func position(_ counter: CounterHandle) -> BuildPosition {
        positions[counter.tree.database] ?? .upTo([])
    }

    /// Sets up to where a counter that is being built includes the table's items.
    func setPosition(
        _ position: BuildPosition, _ table: TableHandle, _ counter: CounterHandle
    ) throws(CodexError) {
        let bytes: [UInt8] =
            switch position {
            case .upTo(let key): [0] + key
            case .everything: [1]
            }
        try transaction.put(catalog.meta, Self.positionKey(table, counter.part), bytes)
        positions[counter.tree.database] = position
        noteChange(addsEntries: true)
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
