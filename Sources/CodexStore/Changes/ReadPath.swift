internal import CodexCore
internal import CodexIndex

/// What a read of a table goes by.
enum ReadPath: Sendable {
    /// Primary keys, or a partition of the table itself.
    case primaryKey
    /// An index of the table.
    case index(String)
    /// Anything that the table has.
    case any
}

extension Catalog {
    /// Whether a read may say something else than with an older catalog, though no item changed.
    ///
    /// It may if the table was removed, made or made again, or if what it goes by is another.
    ///
    /// - Parameters:
    ///   - name: The table.
    ///   - path: What the read goes by.
    ///   - old: The older catalog.
    /// - Returns: Whether anything of that differs.
    func changesReads(of name: String, by path: ReadPath, since old: Catalog) -> Bool {
        guard self !== old else { return false }
        switch (try? table(name), try? old.table(name)) {
        case (let new?, let old?): return !new.isSame(as: old, for: path)
        case (nil, nil): return false
        default: return true
        }
    }
}

extension TableHandle {
    /// Whether the table is the one that it was, for reads that go by `path`.
    ///
    /// No number of a table is used twice, so one that was made again has another.
    fileprivate func isSame(as old: TableHandle, for path: ReadPath) -> Bool {
        guard number == old.number,
            plan.definition.timeToLive == old.plan.definition.timeToLive,
            entities.elementsEqual(old.entities, by: { $0.isSame(as: $1) })
        else { return false }
        switch path {
        case .primaryKey: return true
        case .index(let name): return hasSameIndex(name, as: old)
        case .any:
            return indexes.elementsEqual(old.indexes, by: { $0.isSame(as: $1) })
                && counters.elementsEqual(old.counters, by: { $0.isSame(as: $1) })
        }
    }

    private func hasSameIndex(_ name: String, as old: TableHandle) -> Bool {
        func index(of table: TableHandle) -> IndexHandle? {
            table.indexes.first { $0.plan.definition.name == name }
        }
        switch (index(of: self), index(of: old)) {
        case (let new?, let old?): return new.isSame(as: old)
        case (nil, nil): return true
        default: return false
        }
    }
}

extension IndexHandle {
    /// Whether reads by the index say the same: its state decides whether there are any.
    fileprivate func isSame(as old: IndexHandle) -> Bool {
        part == old.part && state == old.state && plan.definition == old.plan.definition
    }
}

extension CounterHandle {
    fileprivate func isSame(as old: CounterHandle) -> Bool {
        part == old.part && state == old.state && plan.definition == old.plan.definition
    }
}

extension EntityBinding {
    fileprivate func isSame(as old: EntityBinding) -> Bool {
        number == old.number && definition == old.definition
    }
}
