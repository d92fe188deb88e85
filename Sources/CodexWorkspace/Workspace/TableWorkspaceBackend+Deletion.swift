public import CodexCore

extension CodexFlow.TableWorkspaceBackend {
    /// Deletes items of a project that is marked for deletion.
    public func removeItems(of project: CodexFlow.Project.ID, limit: Int) async throws -> Bool {
        let whole = PrimaryKey(.string("PROJECT#\(project)"), "METADATA")
        let definition = try schema.table(CodexFlow.table)
        // One action of the list is reserved for the check.
        let countMax = min(limit, DynamoDBLimits.transactionActionCountMax - 1)
        let page = try await table.items(
            matching: TableQuery(table: CodexFlow.table, partition: [whole.partition]),
            limits: PageLimits(returned: countMax), after: nil, consistency: .consistent)
        let others = try page.items.filter { try definition.primaryKey(of: $0) != whole }
        let isAlone = page.next == nil && others.isEmpty
        let isMarked = Condition.attributeExists(DocumentPath("deletingSince"))
        let isThere = Condition.attributeExists(DocumentPath(definition.partitionKey.name))
        var actions: [WriteAction] = []
        var counts = CodexFlow.TaskCountShards.Changes(shardCount: fetch.shardCount)
        for item in isAlone ? page.items : others {
            let key = try definition.primaryKey(of: item)
            var removals = try await markerRemovals(of: item, outside: whole.partition)
            let task = CodexFlow.Task.definition
            let isCounted = try fetch.hasMarkers && entities.isItem(item, of: task)
            var later = counts
            if isCounted { try later.add(from: item, to: nil, of: task.name, in: definition) }
            if key != whole {
                // A task that another process deletes must not be subtracted twice.
                removals.append(
                    .delete(
                        table: CodexFlow.table, key: key,
                        condition: isCounted ? isThere : nil))
            }
            let actionCount = actions.count + removals.count + later.count
            guard actions.isEmpty || actionCount <= countMax else { break }
            actions += removals
            counts = later
        }
        actions += counts.actions
        if isAlone, fetch.hasMarkers {
            actions += try await ProjectCounts(fetch: fetch, project: project).removals()
        }
        actions.append(
            isAlone
                ? .delete(table: CodexFlow.table, key: whole, condition: isMarked)
                : .check(table: CodexFlow.table, key: whole, condition: isMarked))
        do {
            try await table.transact(actions, idempotencyToken: nil)
        } catch let error as CodexError where error.isConflict {
            let found = try await get(.project(project))
            guard found?.deletingSince != nil else { return true }
            return false
        }
        return isAlone
    }

    /// The removals of a deleted item's markers in other partitions than its own.
    ///
    /// A marker of a unique key may be another item's, which keeps it.
    private func markerRemovals(
        of item: Item, outside partition: AttributeValue
    ) async throws -> [WriteAction] {
        guard fetch.hasMarkers,
            let entity = try schema.entities.first(where: { try entities.isItem(item, of: $0) })
        else { return [] }
        let definition = try schema.table(CodexFlow.table)
        var changes = CodexFlow.MarkerChanges()
        try changes.add(from: item, to: nil, of: entity.name, in: definition)
        var known: [PrimaryKey: Item?] = [:]
        for key in changes.unreadKeys(known) {
            known[key] = .some(
                try await table.item(
                    in: definition.name, key: key, consistency: .consistent))
        }
        return changes.actions(in: definition, known: known, checked: [], room: .max)
            .filter { action in
                guard case .delete(_, let key, _) = action else { return false }
                return key.partition != partition
            }
    }
}
