internal import CodexCore
internal import CodexIndex

/// Changes items: the item, its index entries, and its counters, together.
struct ItemMaintenance {
    private let context: WriteContext
    private var transaction: Transaction { context.transaction }
    private var catalog: Catalog { context.catalog }

    init(_ context: WriteContext) { self.context = context }

    /// Checks changes, makes them all, and remembers how to undo them.
    ///
    /// The derived attributes of the new images are computed, if that was not done before.
    ///
    /// If it throws, nothing is changed, unless LMDB itself failed (then ``WriteContext/failure``
    /// has the error). But expired items that had a unique key of the new items may be removed.
    func change(_ changes: [Change]) throws(CodexError) {
        var changes = changes
        for position in changes.indices {
            // The second of expiry may come from a derived attribute.
            try changes[position].new?.derive(catalog)
            try changes[position].stamp(catalog)
            try SealedFields.seal(&changes[position], catalog, context.core)
        }
        let stored = try apply(changes)
        for (change, new) in zip(changes, stored) { context.noteItem(change, new) }
    }

    /// Changes items together with their index entries and counters.
    ///
    /// It changes each index entry whose key or content differs. A reference to an item has no
    /// attributes, and so seldom another content.
    ///
    /// This is the one function that changes items: all write paths end here.
    ///
    /// Entries are derived from the whole old and new image, not from the clauses of an update. The
    /// changes of a list concern different items, and their common outcome is checked: two items
    /// may exchange their keys in a unique index.
    ///
    /// No index or counter refuses an undo or redo: it restores earlier items, which may be older
    /// than an index that would refuse them.
    ///
    /// - Returns: The stored form of each new image, with large values in one piece.
    /// - Throws: The errors of rules that refuse a change; ``CodexError/Code/diskFull`` if the
    ///   format of the store could not be raised before it stores an item; the errors of LMDB.
    @discardableResult
    func apply(_ changes: [Change], isUndo: Bool = false) throws(CodexError) -> [[UInt8]?] {
        // All checks that may refuse the write come first; after them, only LMDB can fail.
        let counters = CounterMaintenance(context)
        var entries: [[EntryChange]] = []
        var tallies = Tallies()
        for (position, change) in changes.enumerated() {
            do throws(CodexError) {
                if change.new != nil, change.new?.stored == nil { try requireFormat() }
                entries.append(try entryChanges(change, isUndo: isUndo))
                try counters.tally(change, position, isUndo: isUndo, &tallies)
            } catch {
                throw error.at(position)
            }
        }
        if !isUndo { try Uniqueness(context).requireUnique(changes, entries) }
        let totals = try counters.totals(tallies)
        return try context.recordingFailure { () throws(CodexError) in
            var stored: [[UInt8]?] = []
            for (change, entries) in zip(changes, entries) {
                stored.append(try put(change, entries))
            }
            for total in totals { try counters.put(total) }
            return stored
        }
    }

    /// Throws if the store's format is not raised yet, since the item would have the current one.
    ///
    /// An earlier release that reads the log must find the record that raises the format first.
    private func requireFormat() throws(CodexError) {
        guard catalog.manifest.isOfEarlierFormat else { return }
        throw CodexError(
            .diskFull,
            "There is no room for the record that raises the store's format to "
                + "\(StoreFormat.current), and no item is stored before it. Free some room on the "
                + "device, delete items, or raise mapByteCount, then try again.")
    }

    private func put(
        _ change: Change, _ entries: [EntryChange]
    ) throws(CodexError) -> [UInt8]? {
        let (table, key) = (change.table, change.key)
        let writer = context.entries
        if let large = change.old?.large {
            try transaction.removeChunks(large, of: table.tree)
        }
        guard let new = change.new else {
            try transaction.delete(table.tree, key)
            for entry in entries { try writer.apply(entry, change.old, in: context) { nil } }
            return nil
        }
        let encoded: [UInt8]
        if let stored = new.stored {
            encoded = stored
        } else {
            encoded = try ItemCodec.encode(
                new.item, header: new.header, excluding: table.plan.keyNames, shapes: context)
        }
        let value = try transaction.storable(encoded, in: table.tree)
        try context.trees.put(table.tree, key, value, in: transaction)
        for entry in entries {
            let keepsContent = writer.keepsContent(of: entry.index, change)
            // LMDB would copy the pages of an entry that is put again, also if it is the same.
            if keepsContent, entry.oldKeys == entry.newKeys { continue }
            try writer.apply(
                entry, change.old, keepsContent: keepsContent, in: context
            ) { () throws(CodexError) in
                try entryValue(entry.index, new, value)
            }
        }
        return encoded
    }

    // MARK: Indexes

    /// The reason why a change would be refused on its own, or `nil`.
    func refusal(of change: Change) -> CodexError? {
        do throws(CodexError) {
            _ = try entryChanges(change, isUndo: false)
            var tallies = Tallies()
            try CounterMaintenance(context).tally(change, 0, isUndo: false, &tallies)
            return nil
        } catch {
            return error
        }
    }

    private func entryChanges(
        _ change: Change, isUndo: Bool
    ) throws(CodexError) -> [EntryChange] {
        if !isUndo { try change.new?.item.validate() }
        var entries: [EntryChange] = []
        for index in change.table.indexes where index.isMaintained {
            let newKeys: [[UInt8]]
            do throws(CodexError) {
                newKeys = try context.entryKeys(index, change.key, change.new)
            } catch {
                guard isUndo else { throw error }
                newKeys = []
            }
            let oldKeys: [[UInt8]]
            if !newKeys.isEmpty, change.keepsKeys(of: index) {
                oldKeys = newKeys
            } else {
                // An item that is older than the index may have keys that the index refuses, and so
                // no entries.
                oldKeys = (try? context.entryKeys(index, change.key, change.old)) ?? []
            }
            if oldKeys.isEmpty, newKeys.isEmpty { continue }
            entries.append(EntryChange(index: index, oldKeys: oldKeys, newKeys: newKeys))
        }
        return entries
    }

    /// The value of an index entry of `image`, whose item is stored as `value`.
    func entryValue(
        _ index: IndexHandle, _ image: Image, _ value: [UInt8]
    ) throws(CodexError) -> [UInt8] {
        guard index.plan.layout == .copies else { return ReferenceEntry(image.header).bytes }
        guard let projected = index.plan.projected(image.item) else { return value }
        // Projected entries have no version, so that they change only if their attributes change.
        let header = ItemHeader(
            entityNumber: image.header.entityNumber, schemaVersion: image.header.schemaVersion,
            version: 0, expiresAt: image.header.expiresAt)
        return try ItemCodec.encode(
            projected, header: header, excluding: index.plan.keyNames, shapes: context)
    }
}
