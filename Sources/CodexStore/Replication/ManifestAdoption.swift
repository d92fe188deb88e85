internal import CodexCore

extension Manifest {
    /// Takes over the tables, indexes, counters and entities of a change of the leader's manifest.
    ///
    /// - Parameters:
    ///   - leader: The leader's manifest after the change.
    ///   - sequence: The change's commit.
    /// - Throws: ``CodexError/Code/corrupted`` if it cannot follow this one.
    mutating func adopt(_ leader: Manifest, at sequence: UInt64) throws(CodexError) {
        var adoption = ManifestAdoption(manifest: self, leader: leader)
        try adoption.run(at: sequence)
        self = adoption.manifest
    }
}

/// The adoption of a change of the leader's manifest by a follower.
///
/// The follower keeps its own identity and the states of its own builds. The log does not have the
/// writes of builders. So a follower maintains each part from its creation, even while the leader
/// loads and does not maintain it. The follower's own builder adds the earlier items, and empties
/// removed parts. It also changes the layouts of indexes, as the leader's does. Trees have the
/// follower's own numbers, too, because the leader frees a number once its own tree is empty.
/// Tables and entities have the leader's numbers, which items and the log refer to.
struct ManifestAdoption {
    /// The follower's manifest.
    var manifest: Manifest
    /// The leader's manifest after the change.
    let leader: Manifest

    /// Changes the follower's manifest; `sequence` is the change's commit.
    mutating func run(at sequence: UInt64) throws(CodexError) {
        try requireSuccessor()
        for name in manifest.tables.keys where leader.tables[name] == nil {
            try manifest.drop(name, at: sequence)
        }
        for table in manifest.schema.tables {
            let changed = try leader.schema.table(table.name)
            for index in table.indexes
            where !changed.indexes.contains(where: { $0.isSame(as: index) }) {
                try manifest.remove(.index, index.name, of: table.name)
            }
            for counter in table.counters where !changed.counters.contains(counter) {
                try manifest.remove(.counter, counter.name, of: table.name)
            }
            if table.timeToLive != nil, changed.timeToLive != table.timeToLive {
                try manifest.removeTimeToLive(of: table.name)
            }
        }
        var newTables: Set<String> = []
        for (name, table) in leader.tables where manifest.tables[name] == nil {
            manifest.tables[name] = Manifest.Table(
                number: table.number, slot: manifest.numbers.freeSlot, indexes: [:])
            newTables.insert(name)
        }
        (manifest.schema, manifest.entities) = (leader.schema, leader.entities)
        (manifest.evolution, manifest.bindingID) = (leader.evolution, leader.bindingID)
        for (name, table) in leader.tables {
            adoptConflicts(table, name)
            // The items are the leader's.
            manifest.tables[name]?.undecided = table.undecided
            manifest.tables[name]?.formerExpiry = table.formerExpiry
            manifest.tables[name]?.formerExpiryCount = table.formerExpiryCount
        }
        let known = manifest.tables.mapValues { Set($0.indexes.keys) }
        manifest.assignNumbers()
        // New tables are empty, so all their parts are ready.
        for name in newTables { manifest.tables[name]?.endBuilding() }
        adoptLayouts(known)
        manifest.unbuiltByLeader = leader.unbuiltIndexes
    }

    /// Adopts the conflicts that the leader found, and retries the parts that the leader retries.
    private mutating func adoptConflicts(_ leader: Manifest.Table, _ name: String) {
        for (index, number) in manifest.tables[name]?.indexes ?? [:] {
            guard let leaderNumber = leader.indexes[index] else { continue }
            let state = leader.state(PartKind.index.part(leaderNumber))
            let part = PartKind.index.part(number)
            switch manifest.tables[name]?.state(part) {
            case nil where state == .conflicting:
                manifest.tables[name]?.setState(.conflicting, part)
                if leader.isUnproven(PartKind.index.part(leaderNumber)) {
                    manifest.tables[name]?.setUnproven(part)
                }
            case .conflicting where state != .conflicting:
                manifest.tables[name]?.setState(.building, part)
            default: break
            }
        }
        for (counter, number) in manifest.tables[name]?.counters ?? [:] {
            guard let leaderNumber = leader.counters?[counter] else { continue }
            let state = leader.state(PartKind.counter.part(leaderNumber))
            let part = PartKind.counter.part(number)
            if state == .conflicting {
                manifest.tables[name]?.setState(.conflicting, part)
            } else if manifest.tables[name]?.state(part) == .conflicting {
                manifest.retry(counter, part, of: name)
            }
        }
    }

    /// Gives each index the layout that the leader's index was given last.
    ///
    /// The follower's own builder changes the layout of an index that was there before (`known`).
    private mutating func adoptLayouts(_ known: [String: Set<String>]) {
        for table in manifest.schema.tables {
            for index in table.indexes {
                let layout = leader.tables[table.name]?.namedLayout(of: index)
                if known[table.name]?.contains(index.name) == true {
                    let own = manifest.tables[table.name]?.namedLayout(of: index)
                    // Its own trees of earlier changes may not be empty yet. A layout changes no
                    // result, so the index keeps the one that it has.
                    guard layout != own,
                        manifest.numbers.treeCount < ManifestNumbers.layoutTreeCountMax
                    else { continue }
                    manifest.changeLayout(of: index, in: table.name, to: layout ?? .copies)
                } else if let number = manifest.tables[table.name]?.indexes[index.name] {
                    // It has no entries yet.
                    manifest.tables[table.name]?.setLayout(layout, PartKind.index.part(number))
                }
            }
        }
    }

    /// Throws unless the store's contents have the same meaning under the leader's manifest.
    private func requireSuccessor() throws(CodexError) {
        let error = Wire.corrupted("a change of the schema from the leader")
        let schema = manifest.schema
        for table in schema.tables {
            guard let new = leader.tables[table.name] else { continue }
            guard new.number == manifest.tables[table.name]?.number,
                let definition = leader.schema.tables.first(where: { $0.name == table.name }),
                definition.partitionKey == table.partitionKey, definition.sortKey == table.sortKey,
                table.timeToLive == nil || table.timeToLive == definition.timeToLive
                    || new.formerExpiry == true || definition.timeToLive == nil
            else { throw error }
        }
        // Otherwise encrypted values could not be opened any more.
        guard manifest.bindingID == nil || leader.bindingID == manifest.bindingID else {
            throw error
        }
        // Encrypted fields stay encrypted. An entity can be removed only with its table.
        for entity in schema.entities where !entity.sealed.isEmpty {
            guard leader.tables[entity.table] != nil else { continue }
            let new = leader.schema.entities.first { $0.name == entity.name }
            guard let new, Set(new.sealed).isSuperset(of: entity.sealed) else { throw error }
        }
        let last = manifest.numbers.highest
        for (name, table) in leader.tables where manifest.tables[name] == nil {
            guard table.number > last else { throw error }
        }
        for (name, number) in manifest.entities where leader.entities[name] != number {
            throw error
        }
    }
}
