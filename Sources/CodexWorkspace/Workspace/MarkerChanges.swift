internal import CodexCore

extension CodexFlow {
    /// The changes of markers in one transaction, each of another marker.
    ///
    /// Items that another program stored may share a unique key, of which only one has the marker.
    /// So a command that frees the key must know whose the marker is: it changes only its own.
    struct MarkerChanges {
        private struct Change {
            /// The marker after the transaction; `nil` is none.
            var item: Item?
            let isUnique: Bool
            /// The items of the transaction that had the marker's key before.
            var owners: Set<PrimaryKey> = []
            /// The item of the transaction that has it afterwards.
            var taker: PrimaryKey?
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
            guard let item = old ?? new else { return }
            let owner = try table.primaryKey(of: item)
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
                if let freed { change(freed, marker) { _ = $0.owners.insert(owner) } }
                if let taken, let after {
                    change(taken, marker) { ($0.item, $0.taker) = (after, owner) }
                }
            }
        }

        /// Changes what is known of a marker.
        private mutating func change(
            _ key: PrimaryKey, _ marker: Marker, _ body: (inout Change) -> Void
        ) {
            if changes[key] == nil { keys.append(key) }
            body(&changes[key, default: Change(isUnique: marker.isUnique)])
        }

        // MARK: Unique keys

        /// The markers of unique keys that items of the transaction leave or keep, and that were
        /// not read.
        ///
        /// - Parameter known: The markers that were read.
        /// - Returns: Their keys.
        func unreadKeys(_ known: [PrimaryKey: Item?]) -> [PrimaryKey] {
            keys.filter { key in
                guard let change = changes[key], known[key] == nil else { return false }
                return change.isUnique && !change.owners.isEmpty
            }
        }

        /// Whether the marker of a unique key is of one of the items that have the key, or absent.
        private static func isOwn(
            _ marker: Item?, _ change: Change, in table: TableDefinition
        ) -> Bool {
            guard let marker else { return true }
            guard let place = Marker.place(of: marker),
                let owner = try? table.primaryKey(of: place)
            else { return false }
            return change.owners.contains(owner)
        }

        /// The action on the marker of a unique key; `nil` is none.
        private static func action(
            _ key: PrimaryKey, _ change: Change, known: Item?, in table: TableDefinition
        ) -> WriteAction? {
            let isUnchanged = Condition.unchanged(known, in: table, without: [Marker.marked])
            let isFree = Condition.unchanged(nil, in: table)
            guard !change.owners.isEmpty else {
                // Another item must not have the key of the new one.
                return change.item.map { item in
                    WriteAction.put(table: table.name, item, condition: isUnchanged)
                }
            }
            let isOwn = Self.isOwn(known, change, in: table)
            guard let item = change.item else {
                let isThere = isOwn && known != nil
                return isThere
                    ? .delete(table: table.name, key: key, condition: isUnchanged) : nil
            }
            if isOwn { return .put(table: table.name, item, condition: isUnchanged) }
            // The marker stays the other item's.
            let isKept = change.taker.map { change.owners.contains($0) } ?? false
            return isKept ? nil : .put(table: table.name, item, condition: isFree)
        }

        // MARK: Actions

        /// The actions of the changes, and checks of the markers that were read and stay.
        ///
        /// The removal of a marker of a key that is not unique may be left out: queries pass over a
        /// marker whose item is gone.
        ///
        /// - Parameters:
        ///   - table: The table.
        ///   - known: The markers of unique keys that were read, with those of ``unreadKeys(_:)``.
        ///   - checked: The keys of those that a decision used.
        ///   - room: How many actions the transaction can take.
        /// - Returns: The actions.
        func actions(
            in table: TableDefinition, known: [PrimaryKey: Item?], checked: Set<PrimaryKey>,
            room: Int
        ) -> [WriteAction] {
            var actions: [WriteAction] = []
            var removals: [WriteAction] = []
            for key in keys {
                guard let change = changes[key] else { continue }
                if change.isUnique {
                    let action = Self.action(key, change, known: known[key] ?? nil, in: table)
                    if let action { actions.append(action) }
                } else if let item = change.item {
                    actions.append(.put(table: table.name, item))
                } else {
                    removals.append(.delete(table: table.name, key: key))
                }
            }
            for (key, item) in known where checked.contains(key) && changes[key] == nil {
                actions.append(
                    .check(
                        table: table.name, key: key,
                        condition: .unchanged(item, in: table, without: [Marker.marked])))
            }
            return actions + removals.prefix(max(0, room - actions.count))
        }
    }
}
