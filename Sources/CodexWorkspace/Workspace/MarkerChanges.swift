internal import CodexCore

extension CodexFlow {
    /// The changes of markers in one transaction, each of another marker.
    struct MarkerChanges {
        private struct Change {
            /// The marker after the transaction; `nil` is none.
            var item: Item?
            let isUnique: Bool
            /// Whether an item of the transaction had the marker before.
            var isFreed = false
        }

        private var changes: [PrimaryKey: Change] = [:]
        /// The keys in the order of their first changes.
        private var keys: [PrimaryKey] = []

        /// Adds the changes of the markers of an item.
        ///
        /// - Parameters:
        ///   - old: The item before; `nil` if there was none.
        ///   - new: The item after; `nil` if it is deleted.
        ///   - entity: Its entity.
        ///   - table: Its table.
        /// - Throws: ``CodexError/Code/unknownIndex``.
        mutating func add(
            from old: Item?, to new: Item?, of entity: String, in table: TableDefinition
        ) throws(CodexError) {
            for marker in Marker.all where marker.entity == entity {
                let before = try old.flatMap { item throws(CodexError) in
                    try marker.item(for: item, in: table)
                }
                let after = try new.flatMap { item throws(CodexError) in
                    try marker.item(for: item, in: table)
                }
                guard before != after else { continue }
                let freed = try before.map { item throws(CodexError) in
                    try table.primaryKey(of: item)
                }
                let taken = try after.map { item throws(CodexError) in
                    try table.primaryKey(of: item)
                }
                if let freed { free(freed, marker) }
                if let taken, let after { take(taken, after, marker) }
            }
        }

        /// Notes that an item leaves a marker, or keeps it with another content.
        private mutating func free(_ key: PrimaryKey, _ marker: Marker) {
            if changes[key] != nil {
                changes[key]?.isFreed = true
            } else {
                changes[key] = Change(isUnique: marker.isUnique, isFreed: true)
                keys.append(key)
            }
        }

        private mutating func take(_ key: PrimaryKey, _ item: Item, _ marker: Marker) {
            if changes[key] == nil {
                changes[key] = Change(isUnique: marker.isUnique)
                keys.append(key)
            }
            changes[key]?.item = item
        }

        /// The actions of the changes, and checks of the markers that were read and stay.
        ///
        /// The removal of a marker of a key that is not unique may be left out: queries pass over a
        /// marker whose item is gone.
        ///
        /// - Parameters:
        ///   - table: The table.
        ///   - read: The markers of unique keys that a decision read.
        ///   - room: How many actions the transaction can take.
        /// - Returns: The actions.
        func actions(
            in table: TableDefinition, read: [PrimaryKey: Item?], room: Int
        ) -> [WriteAction] {
            var actions: [WriteAction] = []
            var removals: [WriteAction] = []
            for key in keys {
                guard let change = changes[key] else { continue }
                guard let item = change.item else {
                    let removal = WriteAction.delete(table: table.name, key: key)
                    if change.isUnique { actions.append(removal) } else { removals.append(removal) }
                    continue
                }
                // Another item must not have the key of the new one.
                let isChecked = change.isUnique && !change.isFreed
                actions.append(
                    .put(
                        table: table.name, item,
                        condition: isChecked
                            ? .unchanged(read[key] ?? nil, in: table, without: [Marker.marked])
                            : nil))
            }
            for (key, item) in read where changes[key] == nil {
                actions.append(
                    .check(
                        table: table.name, key: key,
                        condition: .unchanged(item, in: table, without: [Marker.marked])))
            }
            return actions + removals.prefix(max(0, room - actions.count))
        }
    }
}
