internal import CodexCore

/// Changes of the manifest that a log has, which may not be true of this store as they are.
extension WriteContext {
    /// Puts a change of the manifest that a log has into the open transaction.
    ///
    /// - Parameters:
    ///   - redone: The record.
    ///   - isLeaders: Whether it comes from a leader; the store's own log has some of both.
    /// - Returns: The catalog.
    /// - Throws: ``CodexError/Code/corrupted`` if it is none that may follow, and what LMDB throws.
    func applyManifest(
        of redone: LogRecord, isLeaders: Bool = false
    ) throws(CodexError) -> Catalog {
        var entries: [(key: [UInt8], value: [UInt8]?)] = []
        try LogBody.forEach(redone) { entry throws(CodexError) in
            guard case .system(let space, let key, let value) = entry, space == .meta else {
                throw Wire.corrupted("a change of the schema in the log")
            }
            entries.append((Array(redone.bytes[key]), value.map { Array(redone.bytes[$0]) }))
        }
        guard let place = entries.firstIndex(where: { $0.key == Manifest.key }),
            let json = entries[place].value
        else { throw Wire.corrupted("a change of the schema in the log") }
        let changed = try Manifest(json: json)
        let old = try Catalog(transaction)
        if changed.storeID != old.manifest.storeID {
            try adopt(changed, old.manifest, &entries)
        } else if isLeaders {
            throw Wire.corrupted("a change of the schema from the leader")
        } else if core.options.isRestoring {
            try keepBuilding(changed, old, &entries)
        }
        for entry in entries { try transaction.set(catalog.meta, entry.key, entry.value) }
        guard let stored = unsafe try transaction.get(catalog.meta, Manifest.key) else {
            throw Wire.corrupted("a change of the schema in the log")
        }
        return try Catalog(
            try Manifest(json: unsafe Array(stored)),
            generation: try Catalog.storedGeneration(transaction, catalog.meta), transaction,
            create: true)
    }

    /// Lets a change of the manifest say what is true of a copy: the log does not have what builders add
    /// and remove, so what was built since is still to be, and what was emptied is emptied now.
    private func keepBuilding(
        _ changed: Manifest, _ old: Catalog, _ entries: inout [(key: [UInt8], value: [UInt8]?)]
    ) throws(CodexError) {
        var manifest = changed
        let kept = manifest.keepBuilding(since: old.manifest)
        entries.removeAll { $0.value == nil && kept.contains($0.key) || $0.key == Manifest.key }
        entries.append((Manifest.key, try manifest.json()))
        for table in old.allTables {
            let retired = manifest.tables[table.name]?.retired ?? []
            // Of a table that is removed, they are among what is to be emptied.
            guard manifest.tables[table.name]?.number == table.number else { continue }
            for (part, tree) in table.retired where !retired.contains(part) {
                try empty(tree, ownsChunks: part.ownsChunks)
            }
        }
        for old in old.droppedTrees {
            let trees = manifest.dropped?.first { $0.number == old.number }?.trees ?? []
            if !trees.contains(old.part) { try empty(old.tree, ownsChunks: old.part.ownsChunks) }
        }
    }

    /// Lets a change of the leader's manifest say what is true of this store.
    private func adopt(
        _ changed: Manifest, _ own: Manifest, _ entries: inout [(key: [UInt8], value: [UInt8]?)]
    ) throws(CodexError) {
        var manifest = own
        try manifest.adopt(changed, at: position.sequence + 1)
        let generation = try Catalog.storedGeneration(transaction, catalog.meta) + 1
        // Not where the leader was in the log of its own, or that it follows none any more.
        entries = entries.filter { $0.key == LeaderPosition.key && $0.value != nil }
        entries += [
            (Manifest.key, try manifest.json()),
            (Manifest.generationKey, BigEndian.bytes(generation)),
        ]
        entries += manifest.obsoleteKeys.map { ($0, nil) }
    }

    /// Takes a counter out of use whose sum does not fit; with the core's schema lock held.
    func setConflicting(_ database: DatabaseID) throws(CodexError) -> Catalog? {
        try redoingManifest { () throws(CodexError) in
            let old = try Catalog(transaction)
            var manifest = old.manifest
            for table in old.allTables {
                for counter in table.counters where counter.tree.database == database {
                    manifest.setState(.conflicting, counter.part, of: table.name)
                    manifest.forgetPosition(counter.part, of: table.name)
                }
            }
            let generation = try Catalog.storedGeneration(transaction, catalog.meta) + 1
            try transaction.put(catalog.meta, Manifest.key, try manifest.json())
            try transaction.put(catalog.meta, Manifest.generationKey, BigEndian.bytes(generation))
            for key in manifest.obsoleteKeys { try transaction.delete(catalog.meta, key) }
            return (
                try Catalog(manifest, generation: generation, transaction, create: true), position
            )
        }
    }
}
