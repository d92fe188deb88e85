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
        let isForeign = changed.storeID != old.manifest.storeID
        if isLeaders, !isForeign { throw Wire.corrupted("a change of the schema from the leader") }
        // What is restored has not what builders did, either, nor their trees.
        if isForeign || core.options.isRestoring { try adopt(changed, old.manifest, &entries) }
        for entry in entries { try transaction.set(catalog.meta, entry.key, entry.value) }
        guard let stored = unsafe try transaction.get(catalog.meta, Manifest.key) else {
            throw Wire.corrupted("a change of the schema in the log")
        }
        return try Catalog(
            try Manifest(json: unsafe Array(stored)),
            generation: try Catalog.storedGeneration(transaction, catalog.meta), transaction,
            create: true)
    }

    /// Lets a change of the manifest of a leader, or of the store that a copy is of, say what is
    /// true here.
    private func adopt(
        _ changed: Manifest, _ own: Manifest, _ entries: inout [(key: [UInt8], value: [UInt8]?)]
    ) throws(CodexError) {
        var manifest = own
        try manifest.adopt(changed, at: position.sequence + 1)
        if !core.options.isRestoring {
            manifest.forgetRemoved(try RemovedTables.obsoleteKeys(core, transaction))
        }
        // The promotion of the store that the copy is of.
        if changed.storeID == own.storeID, changed.leaderID == nil, own.isFollower {
            manifest.endFollowing()
        }
        let generation = try Catalog.storedGeneration(transaction, catalog.meta) + 1
        // Not where the leader was in the log of its own, or that it follows none any more.
        entries = entries.filter { $0.key == LeaderPosition.key && $0.value != nil }
        entries += try manifest.entries(generation: generation)
    }

    /// Takes a counter out of use whose sum does not fit; with the core's schema lock held.
    func setConflicting(_ database: DatabaseID) throws(CodexError) -> Catalog? {
        // What is in the log may not be on the medium yet.
        try redoingManifest(flushes: false) { () throws(CodexError) in
            let old = try Catalog(transaction)
            var manifest = old.manifest
            for table in old.allTables {
                for counter in table.counters where counter.tree.database == database {
                    manifest.setState(.conflicting, counter.part, of: table.name)
                    manifest.forgetPosition(counter.part, of: table.name)
                }
            }
            let generation = try Catalog.storedGeneration(transaction, catalog.meta) + 1
            for entry in try manifest.entries(generation: generation) {
                try transaction.set(catalog.meta, entry.key, entry.value)
            }
            return (
                try Catalog(manifest, generation: generation, transaction, create: true), position
            )
        }
    }
}
