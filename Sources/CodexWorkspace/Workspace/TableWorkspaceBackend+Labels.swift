public import CodexCore

// The lists by label of a remote table: LabelList.swift describes the stored form.

extension CodexFlow.TableWorkspaceBackend {
    /// The actions that bring the lists of tasks by label up to date with changes of items.
    ///
    /// A consumer of the table's stream performs them. They are puts and deletions without
    /// conditions. So they may be performed again, as long as the changes of an item come in their
    /// order. The stream has both images.
    ///
    /// ```swift
    /// try await labels.register(filter: ChangeFilter(entities: ["task"]))
    /// _ = try await backend.rebuildLabels()
    /// try await labels.consume(isRepeatable: true) { changes in
    ///     try backend.labelActions(of: changes.map { (old: $0.oldImage, new: $0.newImage) })
    /// }
    /// ```
    ///
    /// - Parameter changes: The items before and after each change, in their order. Items of other
    ///   entities have no effect.
    /// - Returns: The actions, each of another item, and at most 200 for each change of a task that
    ///   follows the rules; nothing if the table has an index of the labels.
    /// - Throws: ``CodexError/Code/invalidKey`` for an item without its key.
    public func labelActions(
        of changes: [(old: Item?, new: Item?)]
    ) throws(CodexError) -> [WriteAction] {
        guard fetch.hasMarkers else { return [] }
        var actions: [PrimaryKey: WriteAction] = [:]
        var keys: [PrimaryKey] = []
        func set(_ key: PrimaryKey, _ action: WriteAction) {
            if actions.updateValue(action, forKey: key) == nil { keys.append(key) }
        }
        for change in changes {
            let before = try labelEntries(of: change.old)
            let after = try labelEntries(of: change.new)
            for (key, entry) in before where !after.contains(where: { $0.entry == entry }) {
                set(key, .delete(table: CodexFlow.table, key: key))
            }
            for (key, entry) in after where !before.contains(where: { $0.entry == entry }) {
                set(key, .put(table: CodexFlow.table, entry))
            }
        }
        return keys.compactMap { actions[$0] }
    }

    /// The entries of an item that is a task, with their keys.
    private func labelEntries(
        of item: Item?
    ) throws(CodexError) -> [(key: PrimaryKey, entry: Item)] {
        guard let item, try entities.isItem(item, of: CodexFlow.Task.definition) else { return [] }
        let table = try schema.table(CodexFlow.table)
        var found: [(key: PrimaryKey, entry: Item)] = []
        for entry in try CodexFlow.LabelList.entries(of: item, in: table) {
            found.append((try table.primaryKey(of: entry), entry))
        }
        return found
    }

    /// Compares the lists of tasks by label with the tasks.
    ///
    /// The consumer may be behind. Entries that it will store count as missing, and those that it
    /// will remove as left over. A repair does them before it; the consumer repeats them.
    ///
    /// - Parameter repairs: Whether missing entries are stored, and those that are left over are
    ///   removed.
    /// - Returns: What was found, with the entries as markers; nothing if the table has an index of
    ///   the labels.
    /// - Throws: The errors of the table.
    /// - Complexity: Reads all items of the table.
    public func verifyLabels(
        repairing repairs: Bool = false
    ) async throws -> CodexFlow.MarkerReport {
        guard fetch.hasMarkers else { return CodexFlow.MarkerReport() }
        return try await MarkerComparison(
            table: table, definition: try schema.table(CodexFlow.table),
            attribute: CodexFlow.LabelList.listed
        ) { item throws(CodexError) in
            try labelEntries(of: item).map { $0.entry }
        }.run(repairing: repairs)
    }

    /// Makes the lists of tasks by label of all tasks; before the first call, they are refused.
    ///
    /// Register the consumer that keeps them before the call. It then gets the changes that this
    /// call does not see. Call it again after the consumer reports a gap.
    ///
    /// - Returns: What was missing and left over.
    /// - Throws: The errors of the table.
    /// - Complexity: Reads all items of the table.
    public func rebuildLabels() async throws -> CodexFlow.MarkerReport {
        let report = try await verifyLabels(repairing: true)
        guard fetch.hasMarkers else { return report }
        let table = try schema.table(CodexFlow.table)
        var state = table.attributes(of: CodexFlow.LabelList.stateKey)
        state[CodexFlow.LabelList.isBuilt] = .bool(true)
        try await self.table.transact(
            [.put(table: CodexFlow.table, state)], idempotencyToken: nil)
        return report
    }
}
