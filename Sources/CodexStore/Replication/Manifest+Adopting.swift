internal import CodexCore

extension Manifest {
    /// Takes over what a change of the leader's manifest says of tables, indexes, counters and
    /// entities; not who the store is, nor how far its indexes and counters are built.
    ///
    /// The log does not have what builders do. So a follower maintains each part from when it comes
    /// to be, also while the leader loads and does not, and has a builder of its own for what was
    /// there before and for what is removed. Trees have numbers of its own, too: the leader frees a
    /// number once its tree is empty there. (Tables and entities have the leader's, which items and
    /// the log refer to.)
    ///
    /// - Parameters:
    ///   - leader: The leader's manifest after the change.
    ///   - sequence: The change's commit.
    /// - Throws: ``CodexError/Code/corrupted`` if it cannot follow this one.
    mutating func adopt(_ leader: Manifest, at sequence: UInt64) throws(CodexError) {
        try requireSuccessor(leader)
        for name in tables.keys where leader.tables[name] == nil {
            try drop(name, at: sequence)
        }
        for table in schema.tables {
            let changed = try leader.schema.table(table.name)
            for index in table.indexes where !changed.indexes.contains(index) {
                try remove(.index, index.name, of: table.name)
            }
            for counter in table.counters where !changed.counters.contains(counter) {
                try remove(.counter, counter.name, of: table.name)
            }
        }
        var newTables: Set<String> = []
        for (name, table) in leader.tables where tables[name] == nil {
            tables[name] = Table(number: table.number, slot: freeSlot(), indexes: [:])
            newTables.insert(name)
        }
        (schema, entities) = (leader.schema, leader.entities)
        adoptBinding(leader)
        for (name, table) in leader.tables {
            adoptConflicts(table, name)
            // Items are what the leader has.
            tables[name]?.undecided = table.undecided
        }
        assignNumbers()
        // They are empty: everything is ready.
        for name in newTables { tables[name]?.states = nil }
        unbuiltByLeader = leader.unbuiltIndexes
    }

    /// What the leader found to conflict does so here, and what it tries again is tried again.
    private mutating func adoptConflicts(_ leader: Table, _ name: String) {
        for (index, number) in tables[name]?.indexes ?? [:] {
            guard let leaderNumber = leader.indexes[index] else { continue }
            let state = leader.states?[PartKind.index.part(leaderNumber)]
            let part = PartKind.index.part(number)
            switch self.state(part, of: name) {
            case nil where state == .conflicting: setState(.conflicting, part, of: name)
            case .conflicting where state != .conflicting: setState(.building, part, of: name)
            default: break
            }
        }
        for (counter, number) in tables[name]?.counters ?? [:] {
            guard let leaderNumber = leader.counters?[counter] else { continue }
            let state = leader.states?[PartKind.counter.part(leaderNumber)]
            let part = PartKind.counter.part(number)
            if state == .conflicting {
                setState(.conflicting, part, of: name)
            } else if self.state(part, of: name) == .conflicting {
                retryConflicting(counter, part, of: name)
            }
        }
    }

    /// Throws unless what the store holds means the same under another manifest.
    private func requireSuccessor(_ other: Manifest) throws(CodexError) {
        let error = Wire.corrupted("a change of the schema from the leader")
        for table in schema.tables {
            guard let new = other.tables[table.name] else { continue }
            guard new.number == tables[table.name]?.number,
                let definition = other.schema.tables.first(where: { $0.name == table.name }),
                definition.partitionKey == table.partitionKey, definition.sortKey == table.sortKey,
                table.timeToLive == nil || table.timeToLive == definition.timeToLive
            else { throw error }
        }
        // What is encrypted could not be opened any more.
        guard bindingID == nil || other.bindingID == bindingID else { throw error }
        // What is encrypted stays so. An entity goes with its table only.
        for entity in schema.entities where !entity.sealed.isEmpty {
            guard other.tables[entity.table] != nil else { continue }
            let new = other.schema.entities.first { $0.name == entity.name }
            guard let new, Set(new.sealed).isSuperset(of: entity.sealed) else { throw error }
        }
        let last = highestNumber
        for (name, table) in other.tables where tables[name] == nil {
            guard table.number > last else { throw error }
        }
        for (name, number) in entities where other.entities[name] != number { throw error }
    }
}
