internal import CodexCore
internal import CodexIndex

/// An item as it is stored: its attributes and its header.
struct Image {
    let item: Item
    let header: ItemHeader
}

/// The change of one index that a write makes.
private struct EntryChange {
    let index: IndexHandle
    let oldKey: [UInt8]?
    let newKey: [UInt8]?
}

extension WriteContext {
    /// The stored image under an encoded key, or `nil`.
    func image(_ table: TableHandle, _ key: [UInt8]) throws(CodexError) -> Image? {
        guard let value = unsafe try transaction.get(table.database, key) else { return nil }
        return try unsafe key.withUnsafeBufferPointer { buffer throws(CodexError) in
            let bytes = try unsafe ItemBytes(
                value: value, key: buffer, keys: table.plan, shapes: self)
            return Image(item: try bytes.item(), header: bytes.layout.header)
        }
    }

    /// Checks a change, makes it, and remembers how to undo it.
    ///
    /// Nothing is changed if it throws, unless LMDB itself failed (``failure`` then says so).
    func change(
        _ table: TableHandle, _ key: [UInt8], old: Image?, new: Image?
    ) throws(CodexError) {
        try apply(table, key, old: old, new: new)
        record(table, key, old, new)
    }

    /// The one function that changes an item: the item and every index entry whose key or
    /// projection differs, together.
    ///
    /// All write paths end here.
    ///
    /// Entries follow from the whole old and new image, never from what an update mentioned.
    func apply(
        _ table: TableHandle, _ key: [UInt8], old: Image?, new: Image?
    ) throws(CodexError) {
        try new?.item.validate()
        // Everything that may refuse the write comes first; from then on only LMDB can fail.
        var changes: [EntryChange] = []
        for index in table.indexes {
            let change = EntryChange(
                index: index, oldKey: try entryKey(index, table, key, old),
                newKey: try entryKey(index, table, key, new))
            if let new, index.plan.definition.isUnique { try requireUnique(change, new.item) }
            changes.append(change)
        }
        try noting { () throws(CodexError) in
            guard let new else {
                try transaction.delete(table.database, key)
                for change in changes { try apply(change, value: nil) }
                return
            }
            let value = try ItemCodec.encode(
                new.item, header: new.header, excluding: table.plan.keyNames, shapes: self)
            try transaction.put(table.database, key, value)
            let sameKind =
                old?.header.entityNumber == new.header.entityNumber
                && old?.header.schemaVersion == new.header.schemaVersion
            for change in changes {
                // A KEYS_ONLY entry that stays where it is holds nothing that could differ.
                if sameKind, change.oldKey == change.newKey,
                    case .keysOnly = change.index.plan.definition.projection
                {
                    continue
                }
                try apply(change, value: try entryValue(change.index, new, value))
            }
        }
    }

    private func entryKey(
        _ index: IndexHandle, _ table: TableHandle, _ key: [UInt8], _ image: Image?
    ) throws(CodexError) -> [UInt8]? {
        guard let image else { return nil }
        if let entities = index.plan.definition.entities {
            guard let name = core.entityName(image.header.entityNumber), entities.contains(name)
            else { return nil }
        }
        return try index.plan.entryKey(for: image.item, primaryKey: key)
    }

    private func entryValue(
        _ index: IndexHandle, _ new: Image, _ value: [UInt8]
    ) throws(CodexError) -> [UInt8] {
        guard let projected = index.plan.projected(new.item) else { return value }
        // Such entries know no version, so that they change only if what they hold does.
        let header = ItemHeader(
            entityNumber: new.header.entityNumber, schemaVersion: new.header.schemaVersion,
            version: 0)
        return try ItemCodec.encode(
            projected, header: header, excluding: index.plan.keyNames, shapes: self)
    }

    private func apply(_ change: EntryChange, value: [UInt8]?) throws(CodexError) {
        let database = change.index.database
        let moved = change.oldKey != change.newKey
        if let oldKey = change.oldKey, moved {
            let isKept =
                core.options.plantedFault == .skippedDelete && change.newKey == nil
                || core.options.plantedFault == .missedMove && change.newKey != nil
            if !isKept { try transaction.delete(database, oldKey) }
        }
        guard let newKey = change.newKey, let value else { return }
        if !moved, core.options.plantedFault == .staleProjection { return }
        try transaction.put(database, newKey, value)
    }

    private func requireUnique(_ change: EntryChange, _ item: Item) throws(CodexError) {
        guard change.newKey != nil, change.newKey != change.oldKey,
            let prefix = try change.index.plan.indexKey(of: item)
        else { return }
        var isTaken = false
        do {
            try transaction.withCursor(change.index.database) { cursor in
                guard let entry = unsafe try cursor.seek(prefix) else { return }
                isTaken =
                    unsafe entry.key.starts(with: prefix)
                    && change.oldKey.map { unsafe entry.key.compare($0) != 0 } ?? true
            }
        } catch let error as CodexError {
            throw error
        } catch {
            throw CodexError(.corrupted, "A unique index cannot be read.", cause: error)
        }
        guard !isTaken else {
            throw CodexError(
                .uniqueViolation,
                "Another item has the same key in the unique index "
                    + "\(change.index.plan.definition.name). Choose another value.")
        }
    }
}
