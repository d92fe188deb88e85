internal import CodexCore
internal import CodexIndex

// Several releases of a program may use a store at once, with different schema versions of an
// entity. The store has the definition of the highest version. These are the rules:
//
// - A program reads items of its own version and of earlier ones, which are upgraded. It refuses
//   items of later versions (`Entity.upgraded`).
// - A program writes items of its own version. It never replaces an item of a later version.
//   Derived attributes are those of the store's definition.
// - A typed read by an index or counter must not miss items. It is refused for a program whose
//   definition makes other keys than the store's, and while items of earlier versions may lack
//   their entries (`EntityMigration`, `EarlierWrites`).

extension TransactionContext {
    /// Throws unless a typed read by an index finds all items of the entity.
    ///
    /// - Parameters:
    ///   - bound: The entity.
    ///   - index: The name of the index; `nil` is the table, which has all items.
    /// - Throws: ``CodexError/Code/programTooOld`` if the store's definition makes other keys than
    ///   the program's; ``CodexError/Code/migrationPending`` if items of earlier versions may lack
    ///   their entries; ``CodexError/Code/corrupted``.
    @inline(__always)
    func requireFindable(_ bound: BoundEntity, by index: String?) throws(CodexError) {
        guard let index, bound.hasVersions else { return }
        if bound.isOlder { try bound.requireSameKey(.index, index) }
        try requireMigrated(bound.entity, .index, index)
    }

    /// Throws unless a counter's groups have all items of the entity.
    ///
    /// - Throws: As ``requireFindable(_:by:)``.
    func requireFindable(_ bound: BoundEntity, counter: String) throws(CodexError) {
        guard bound.hasVersions else { return }
        if bound.isOlder { try bound.requireSameKey(.counter, counter) }
        try requireMigrated(bound.entity, .counter, counter)
    }

    /// Throws if items of earlier versions may lack their entries in an index.
    ///
    /// It is for queries that name the entity, and have no type.
    ///
    /// - Throws: ``CodexError/Code/migrationPending``, ``CodexError/Code/corrupted``.
    func requireMigrated(_ entity: EntityBinding, by index: String?) throws(CodexError) {
        guard let index else { return }
        try requireMigrated(entity, .index, index)
    }

    private func requireMigrated(
        _ entity: EntityBinding, _ kind: PartKind, _ name: String
    ) throws(CodexError) {
        guard let migration = entity.migration, let changes = entity.changes(of: kind, name) else {
            return
        }
        var isPending = changes.last > migration.oldest
        if !isPending, changes.lastUncomputed > 0 {
            let earlier = try EarlierWrites.stored(entity.number, transaction, catalog.meta)
            if let earlier, earlier.sequence > migration.sequence {
                isPending = changes.lastUncomputed > earlier.oldest
            }
        }
        guard isPending else { return }
        throw CodexError(
            .migrationPending,
            "The \(kind.rawValue) \(name) may lack items of earlier versions of "
                + "\(entity.definition.name). Call migrate(_:) for this type with the newest "
                + "program, once no older program writes.")
    }
}

extension TransactionContext {
    /// An item as the filter of a typed query sees it: in the form of the type's version.
    ///
    /// A filter names attributes of that version, which items of other versions may not have.
    ///
    /// - Throws: ``CodexError/Code/programTooOld`` for an item of a later version, and the errors
    ///   of the type's ``Entity/upgrade(_:from:)``.
    func filteredItem(_ bound: BoundEntity, _ bytes: ItemBytes) throws(CodexError) -> Item {
        try filteredItem(bound, try bytes.item(), bytes.layout.header)
    }

    /// A decoded item as the filter of a typed query sees it.
    ///
    /// - Throws: As ``filteredItem(_:_:)``.
    func filteredItem(
        _ bound: BoundEntity, _ item: Item, _ header: ItemHeader
    ) throws(CodexError) -> Item {
        guard header.entityNumber == bound.entity.number, header.schemaVersion != bound.version,
            header.schemaVersion > 0
        else { return item }
        return try bound.entityType.upgraded(
            try SealedFields.opened(item, header, catalog, core), from: header.schemaVersion)
    }
}

extension TransactionContext.BoundEntity {
    /// Whether there are, or may be, items of several versions.
    fileprivate var hasVersions: Bool { entity.migration != nil || isOlder }

    /// Throws unless an older program makes the same keys of an index or counter as the store.
    fileprivate func requireSameKey(_ kind: PartKind, _ name: String) throws(CodexError) {
        guard changesKey(kind, name) else { return }
        throw CodexError(
            .programTooOld,
            "The store has version \(entity.definition.schemaVersion) of "
                + "\(entity.definition.name), with another key of the \(kind.rawValue) \(name). "
                + "This program knows version \(version). Update the program.")
    }

    /// Whether a later version changed the key of an index, or the group or sums of a counter.
    private func changesKey(_ kind: PartKind, _ name: String) -> Bool {
        if let changes = entity.changes(of: kind, name), changes.last > version { return true }
        // The store may have been opened with another definition of the version, or with none.
        let definition = table.plan.definition
        let names =
            switch kind {
            case .index:
                definition.indexes.first { $0.name == name }?.keyAttributes.map(\.name)
            case .counter: definition.counters.first { $0.name == name }?.readNames
            }
        return (names ?? []).contains { name in
            guard !definition.isKey(name) else { return false }
            let sources = entity.definition.sources(of: name).union([name])
            return !changedNames.isDisjoint(with: sources)
        }
    }

    /// Throws unless the program may store an item of the entity in place of another one.
    ///
    /// It also records that an older program writes.
    ///
    /// - Parameters:
    ///   - old: The stored item; `nil` if there is none.
    ///   - context: The transaction.
    /// - Throws: ``CodexError/Code/programTooOld`` if the stored item has a later version, or if
    ///   the store does not know the version of the program; the errors of LMDB.
    @inline(__always)
    func requireWritable(over old: Image?, in context: WriteContext) throws(CodexError) {
        if let old, old.header.entityNumber == entity.number, old.header.schemaVersion > version {
            throw CodexError.programTooOld(
                entity.definition.name, known: version, item: old.header.schemaVersion)
        }
        if isOlder { try noteEarlierWrite(in: context) }
    }

    /// Records the write of an item of an earlier version, which may lack entries in indexes.
    private func noteEarlierWrite(in context: WriteContext) throws(CodexError) {
        guard let migration = entity.migration else {
            throw CodexError(
                .programTooOld,
                "The store has version \(entity.definition.schemaVersion) of "
                    + "\(entity.definition.name), and was not opened with the schema of this "
                    + "program, which knows version \(version). Open it with that schema, or "
                    + "update the program.")
        }
        let known = try EarlierWrites.stored(
            entity.number, context.transaction, context.catalog.meta)
        var oldest = version
        // A migration has seen the earlier ones.
        if let known, known.sequence > migration.sequence { oldest = min(oldest, known.oldest) }
        let writes = EarlierWrites(oldest: oldest, sequence: context.position.sequence &+ 1)
        guard writes != known else { return }
        try context.setSystem(.meta, EarlierWrites.key(entity.number), writes.bytes)
    }

    /// Throws unless the program knows the store's version of the entity.
    ///
    /// - Throws: ``CodexError/Code/programTooOld``.
    func requireNewest() throws(CodexError) {
        guard isOlder else { return }
        throw CodexError(
            .programTooOld,
            "The store has version \(entity.definition.schemaVersion) of "
                + "\(entity.definition.name), this program knows \(version). Migrate with the "
                + "newest program.")
    }
}
