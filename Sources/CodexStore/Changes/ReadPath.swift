internal import CodexCore
internal import CodexIndex

/// The part of a table that a read depends on.
enum ReadPath: Sendable {
    /// Primary keys, or a partition of the table itself.
    case primaryKey
    /// An index of the table.
    case index(String)
    /// All parts of the table.
    case any
}

extension Catalog {
    /// Whether a read may have another result than with an older catalog, although no item changed.
    ///
    /// It may if the table was removed, made or made again, or if the read path changed.
    ///
    /// - Parameters:
    ///   - name: The table.
    ///   - path: The part of the table that the read depends on.
    ///   - old: The older catalog.
    /// - Returns: Whether the table or the part differs.
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
    /// Whether the table is the same one, for reads by `path`.
    ///
    /// A table's number is never used twice, so a table that was made again has another.
    fileprivate func isSame(as old: TableHandle, for path: ReadPath) -> Bool {
        guard number == old.number,
            plan.definition.timeToLive == old.plan.definition.timeToLive,
            expires == old.expires,
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

extension TableHandle {
    /// Whether typed reads by an index are refused since a change.
    ///
    /// They are if an older program wrote an item that may lack its entries in the index.
    func hidesItems(of index: String, since change: ChangeRecord) -> Bool {
        guard entities.contains(where: { $0.migration != nil }), let range = change.entry.new,
            let header = ItemHeader(beginningOf: change.commit.bytes[range].span)
        else { return false }
        let entity = entities.first { $0.number == header.entityNumber }
        return entity?.hides(index, since: header.schemaVersion) ?? false
    }
}

extension IndexHandle {
    /// Whether reads by the index have the same result: its state decides whether reads are
    /// possible.
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
        number == old.number && definition == old.definition && migration == old.migration
    }
}
