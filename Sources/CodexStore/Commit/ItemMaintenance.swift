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
    /// Nothing is changed if it throws, unless LMDB itself failed (``WriteContext/failure`` then
    /// says so); but expired items that had a unique key which the change wants may be gone.
    func change(_ changes: [Change]) throws(CodexError) {
        var changes = changes
        for position in changes.indices {
            changes[position].stamp()
            try SealedFields.seal(&changes[position], catalog, context.core)
        }
        let stored = try apply(changes)
        for (change, new) in zip(changes, stored) { context.noteItem(change, new) }
    }

    /// The one function that changes items: the item, every index entry whose key or projection
    /// differs, and the counters, together.
    ///
    /// All write paths end here.
    ///
    /// Entries follow from the whole old and new image, never from what an update mentioned. The
    /// changes of a list are of different items and are judged by their common outcome: two may
    /// exchange their keys in a unique index.
    ///
    /// An undo or redo is refused by nothing: it brings back what was there, which may be older
    /// than the indexes that would refuse it.
    ///
    /// - Returns: The stored form of each new image, large values whole.
    @discardableResult
    func apply(_ changes: [Change], isUndo: Bool = false) throws(CodexError) -> [[UInt8]?] {
        // Everything that may refuse the write comes first; from then on only LMDB can fail.
        let counters = CounterMaintenance(context)
        var entries: [[EntryChange]] = []
        var tallies = Tallies()
        for (position, change) in changes.enumerated() {
            do throws(CodexError) {
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

    private func put(
        _ change: Change, _ entries: [EntryChange]
    ) throws(CodexError) -> [UInt8]? {
        let (table, key) = (change.table, change.key)
        let writer = context.entries
        if let large = change.old?.large {
            try transaction.removeChunks(large, catalog.overflow)
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
        let value = try transaction.storable(encoded, catalog.overflow)
        try context.trees.put(table.tree, key, value, in: transaction)
        let sameKind =
            change.old?.header.entityNumber == new.header.entityNumber
            && change.old?.header.schemaVersion == new.header.schemaVersion
            && change.old?.header.expiresAt == new.header.expiresAt
        for entry in entries {
            // A KEYS_ONLY entry that stays where it is holds nothing that could differ.
            if sameKind, entry.oldKeys == entry.newKeys, entry.index.state == nil,
                case .keysOnly = entry.index.plan.definition.projection
            {
                continue
            }
            try writer.apply(entry, change.old, in: context) { () throws(CodexError) in
                try entryValue(entry.index, new, value)
            }
        }
        return encoded
    }

    // MARK: Indexes

    /// Why a change is refused by itself, if it is.
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
                // What was there before the index may have keys that it refuses, and so no entries.
                oldKeys = (try? context.entryKeys(index, change.key, change.old)) ?? []
            }
            if oldKeys.isEmpty, newKeys.isEmpty { continue }
            entries.append(EntryChange(index: index, oldKeys: oldKeys, newKeys: newKeys))
        }
        return entries
    }

    /// What an index entry of `image` holds, whose item is stored as `value`.
    func entryValue(
        _ index: IndexHandle, _ image: Image, _ value: [UInt8]
    ) throws(CodexError) -> [UInt8] {
        guard let projected = index.plan.projected(image.item) else { return value }
        // Such entries know no version, so that they change only if what they hold does.
        let header = ItemHeader(
            entityNumber: image.header.entityNumber, schemaVersion: image.header.schemaVersion,
            version: 0, expiresAt: image.header.expiresAt)
        return try ItemCodec.encode(
            projected, header: header, excluding: index.plan.keyNames, shapes: context)
    }
}
