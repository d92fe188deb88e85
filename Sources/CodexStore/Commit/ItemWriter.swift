internal import CodexCore
internal import CodexIndex

/// A change of one item: what is there, and what is to be there.
struct Change {
    let table: TableHandle
    let key: [UInt8]
    let old: Image?
    var new: Image?
    /// Whether the item goes because its time to live is over.
    var isExpiry = false

    /// Puts the second of expiry into the new image's header.
    fileprivate mutating func stamp() {
        guard let item = new?.item, table.plan.definition.timeToLive != nil else { return }
        new?.header.expiresAt = table.plan.expiry(of: item)
    }

    /// Whether the item is in an index under the same keys before and after, as the attributes tell
    /// that make them.
    fileprivate func keepsKeys(of index: IndexHandle) -> Bool {
        guard let old, let new, old.header.entityNumber == new.header.entityNumber else {
            return false
        }
        return index.plan.indexKeyNames.allSatisfy { old.item[$0] == new.item[$0] }
    }

    /// Whether the attributes stay as they are; `stored` is the new image's encoding.
    func leavesAttributes(_ stored: [UInt8]?) -> Bool {
        guard let old, let new else { return old == nil && new == nil }
        // Without compressed values, an item has one encoding after its head.
        if let before = old.stored, let stored, !new.item.mayBeCompressed,
            let areEqual = ItemCodec.areAttributesEqual(before.span, stored.span)
        {
            // What was undecided has another tag once it is decided.
            return areEqual || old.item.hasSeals && old.item == new.item
        }
        return old.item == new.item
    }
}

extension Item {
    /// Whether a value is so large, or may be, that it is compressed if that makes it smaller.
    fileprivate var mayBeCompressed: Bool {
        elements.contains { element in
            switch element.value {
            case .null, .bool, .number: false
            case .string(let text): text.utf8.count >= Limits.compressionThresholdByteCount / 2
            case .binary(let data): data.count >= Limits.compressionThresholdByteCount / 2
            case .list, .map, .stringSet, .numberSet, .binarySet: true
            }
        }
    }
}

/// The change of one index that a change of an item makes.
private struct EntryChange {
    let index: IndexHandle
    let oldKeys: [[UInt8]]
    let newKeys: [[UInt8]]
}

extension WriteContext {
    /// Checks changes, makes them all, and remembers how to undo them.
    ///
    /// Nothing is changed if it throws, unless LMDB itself failed (``failure`` then says so); but
    /// expired items that had a unique key which the change wants may be gone.
    func change(_ changes: [Change]) throws(CodexError) {
        var changes = changes
        for position in changes.indices {
            changes[position].stamp()
            try seal(&changes[position])
        }
        let stored = try apply(changes)
        for (change, new) in zip(changes, stored) { record(change, new) }
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
        var entries: [[EntryChange]] = []
        var tallies = Tallies()
        for (position, change) in changes.enumerated() {
            do throws(CodexError) {
                entries.append(try entryChanges(change, isUndo: isUndo))
                try tally(change, position, isUndo: isUndo, &tallies)
            } catch {
                throw error.at(position)
            }
        }
        if !isUndo { try requireUnique(changes, entries) }
        let sums = try settled(tallies)
        return try noting { () throws(CodexError) in
            var stored: [[UInt8]?] = []
            for (change, entries) in zip(changes, entries) {
                stored.append(try store(change, entries))
            }
            for (group, change) in sums { try store(change, group) }
            return stored
        }
    }

    private func store(
        _ change: Change, _ entries: [EntryChange]
    ) throws(CodexError) -> [UInt8]? {
        let (table, key) = (change.table, change.key)
        if let large = change.old?.large {
            try transaction.removeChunks(large, catalog.overflow)
        }
        guard let new = change.new else {
            try transaction.delete(table.tree, key)
            for entry in entries { try store(entry, change.old) { nil } }
            return nil
        }
        let encoded: [UInt8]
        if let stored = new.stored {
            encoded = stored
        } else {
            encoded = try ItemCodec.encode(
                new.item, header: new.header, excluding: table.plan.keyNames, shapes: self)
        }
        let value = try transaction.storable(encoded, catalog.overflow)
        try put(table.tree, key, value)
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
            try store(entry, change.old) { () throws(CodexError) in
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
            try tally(change, 0, isUndo: false, &tallies)
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
                newKeys = try entryKeys(index, change.key, change.new)
            } catch {
                guard isUndo else { throw error }
                newKeys = []
            }
            let oldKeys: [[UInt8]]
            if !newKeys.isEmpty, change.keepsKeys(of: index) {
                oldKeys = newKeys
            } else {
                // What was there before the index may have keys that it refuses, and so no entries.
                oldKeys = (try? entryKeys(index, change.key, change.old)) ?? []
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
            projected, header: header, excluding: index.plan.keyNames, shapes: self)
    }

    private func store(
        _ change: EntryChange, _ old: Image?, value: () throws(CodexError) -> [UInt8]?
    ) throws(CodexError) {
        let index = change.index
        let fault = core.options.plantedFault
        for key in change.oldKeys {
            let stays = change.newKeys.contains(key)
            let isKept =
                fault == .skippedDelete && change.newKeys.isEmpty
                || fault == .missedMove && !change.newKeys.isEmpty
            if stays || isKept {
                if stays { try removeOwnChunks(index, key, old) }
                continue
            }
            try removeEntry(index, key, old)
        }
        guard !change.newKeys.isEmpty, let value = try value() else { return }
        try putEntries(
            index, change.newKeys, value,
            except: { key in
                fault == .staleProjection && change.oldKeys.contains(key)
            })
    }

    /// Stores an item's index entries; `value` is the item's stored form or a projection's
    /// encoding.
    func putEntries(
        _ index: IndexHandle, _ keys: [[UInt8]], _ value: [UInt8],
        except isLeft: ([UInt8]) -> Bool = { _ in false }
    ) throws(CodexError) {
        // ALL entries of a large item refer to the item's own chunks, others to one set of theirs.
        let isWhole = index.plan.definition.projection == .all
        let stored = isWhole ? value : try transaction.storable(value, catalog.overflow)
        for key in keys where !isLeft(key) { try put(index.tree, key, stored) }
    }

    private func removeEntry(
        _ index: IndexHandle, _ key: [UInt8], _ old: Image?
    ) throws(CodexError) {
        try removeOwnChunks(index, key, old)
        try transaction.delete(index.tree, key)
    }

    /// Removes the chunks of an entry that has some of its own: a projection's.
    private func removeOwnChunks(
        _ index: IndexHandle, _ key: [UInt8], _ old: Image?
    ) throws(CodexError) {
        // A projection is hardly larger than its item; most items need no look.
        guard case .include = index.plan.definition.projection,
            old?.stored.map({ $0.count > Limits.unchunkedByteCountMax / 4 }) ?? true,
            let value = unsafe try transaction.get(index.tree, key),
            let large = unsafe try LargeValue(value)
        else { return }
        try transaction.removeChunks(large, catalog.overflow)
    }

    /// Refuses changes after which two items would have the same key in a unique index.
    ///
    /// Expired items that have such a key are removed.
    private func requireUnique(
        _ changes: [Change], _ entries: [[EntryChange]]
    ) throws(CodexError) {
        let isUnique = { (entry: EntryChange) in entry.index.plan.definition.isUnique }
        var leaving: Set<TreeKey> = []
        if entries.count > 1 {
            for entry in entries.joined() where isUnique(entry) {
                for key in entry.oldKeys where !entry.newKeys.contains(key) {
                    leaving.insert(TreeKey(entry.index.tree.database, key))
                }
            }
        }
        var arriving: Set<TreeKey> = []
        for (position, entries) in entries.enumerated() {
            let table = changes[position].table
            for entry in entries where isUnique(entry) {
                for key in entry.newKeys where !entry.oldKeys.contains(key) {
                    let prefix = Array(key[..<(try entry.index.plan.primaryKeyOffset(key.span))])
                    let isNew = arriving.insert(TreeKey(entry.index.tree.database, prefix)).inserted
                    if isNew, try !isTaken(prefix, table, entry, leaving) { continue }
                    throw CodexError(
                        .uniqueViolation,
                        "Another item has the same key in the unique index "
                            + "\(entry.index.plan.definition.name). Choose another value."
                    ).at(position)
                }
            }
        }
    }

    private struct TreeKey: Hashable {
        let database: DatabaseID
        let key: [UInt8]

        init(_ database: DatabaseID, _ key: [UInt8]) {
            (self.database, self.key) = (database, key)
        }
    }

    /// Whether an item that stays where it is has the index key `prefix`; an expired one does not
    /// stay.
    private func isTaken(
        _ prefix: [UInt8], _ table: TableHandle, _ change: EntryChange, _ leaving: Set<TreeKey>
    ) throws(CodexError) -> Bool {
        // Removed after the walk: no cursor stands on a tree that is written.
        var expired: [[UInt8]] = []
        do {
            let isTaken = try transaction.withCursor(change.index.tree) { cursor -> Bool in
                var entry = unsafe try cursor.seek(prefix)
                while let current = unsafe entry, unsafe current.key.starts(with: prefix) {
                    let key = unsafe Array(current.key)
                    if !change.oldKeys.contains(key),
                        !leaving.contains(TreeKey(change.index.tree.database, key))
                    {
                        guard isExpired(unsafe try header(of: current.value)) else {
                            return true
                        }
                        expired.append(Array(key[prefix.count...]))
                    }
                    unsafe entry = try cursor.next()
                }
                return false
            }
            if isTaken { return true }
        } catch {
            throw CodexError.wrapping(error)
        }
        for key in expired where try !expire(table, key) { return true }
        return false
    }
}
