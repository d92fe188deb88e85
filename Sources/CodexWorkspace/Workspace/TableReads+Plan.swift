internal import CodexCore

// The transaction of a decision: its writes, with conditions on what the decision read.

extension TableReads {
    /// The plan of a commit: its actions.
    struct Plan {
        var actions: [WriteAction] = []
        /// The indexes of inserts whose keys were not read before.
        var inserts: Set<Int> = []
        /// The changes of markers.
        var markers = CodexFlow.MarkerChanges()
        /// The changes of the counts of tasks.
        var counts: CodexFlow.TaskCountShards.Changes
    }

    /// The writes with the conditions that their items are unchanged, and checks of the other read
    /// items.
    ///
    /// - Throws: ``Missing`` if a written item must be read first, to know its markers, or a marker
    ///   that the item may share.
    func plan(for writes: [CodexFlow.DecisionWrite]) throws -> Plan {
        var plan = Plan(counts: CodexFlow.TaskCountShards.Changes(shardCount: shardCount))
        var written: Set<Request> = []
        var counted: Set<String> = []
        for write in try lastWrites(of: writes) {
            let request = try add(write, write.entity, to: &plan, &counted)
            written.insert(request)
        }
        counted.formUnion(Self.locks(ofEntriesIn: writes, written))
        for (request, item) in items where used.contains(request) && !written.contains(request) {
            // The markers have actions of their own.
            guard case .item(let name, let key) = request, !usedMarkers.contains(key) else {
                continue
            }
            plan.actions.append(
                .check(table: name, key: key, condition: try condition(of: request, item, name)))
        }
        for request in relied
        where !written.contains(request) && !(used.contains(request) && items[request] != nil) {
            guard case .item(let name, let key) = request, let item = found[request] else {
                continue
            }
            plan.actions.append(
                .check(table: name, key: key, condition: try condition(of: request, item, name)))
        }
        for name in counted.union(usedLocks).sorted() {
            plan.actions.append(
                CodexFlow.PredicateLock.action(
                    name, counts: counted.contains(name),
                    read: usedLocks.contains(name) ? predicateLocks[name] : nil))
        }
        if hasMarkers {
            let table = try schema.table(CodexFlow.table)
            plan.actions += plan.counts.actions
            plan.actions += plan.markers.actions(
                in: table, known: markers, checked: usedMarkers,
                room: DynamoDBLimits.transactionActionCountMax - plan.actions.count)
        }
        return plan
    }

    /// The predicate locks of the tasks that get entries of history, and are not written.
    ///
    /// The condition that a task is unchanged does not see such a command.
    private static func locks(
        ofEntriesIn writes: [CodexFlow.DecisionWrite], _ written: Set<Request>
    ) -> [String] {
        writes.compactMap { write in
            // All commands that begin a history write the same first entry.
            guard case .insert(let entity) = write, let entry = entity as? CodexFlow.Activity,
                entry.kind != .imported
            else { return nil }
            let task = Lookup<CodexFlow.Task>.task(entry.taskID, in: entry.projectID)
            if case .primaryKey(let key) = task.target,
                written.contains(.item(table: CodexFlow.table, key))
            {
                return nil
            }
            return CodexFlow.PredicateLock.name(ofCommentsBeside: entry)
        }
    }

    /// One write for each item, with its last state: a transaction has one action for each item.
    ///
    /// A command on many elements may write an item more than once.
    private func lastWrites(
        of writes: [CodexFlow.DecisionWrite]
    ) throws -> [CodexFlow.DecisionWrite] {
        var places: [Request: Int] = [:]
        var last: [CodexFlow.DecisionWrite?] = []
        for write in writes {
            let table = try schema.table(type(of: write.entity).definition.table)
            let key = try table.primaryKey(of: try write.entity.item())
            let place = places[.item(table: table.name, key), default: last.count]
            guard place < last.count else {
                places[.item(table: table.name, key)] = place
                last.append(write)
                continue
            }
            switch (last[place], write) {
            // The item still does not exist before the transaction.
            case (.insert, .replace(let entity)): last[place] = .insert(entity)
            case (.insert, .delete): last[place] = nil
            case (.delete, .insert(let entity)): last[place] = .replace(entity)
            default: last[place] = write
            }
        }
        return last.compactMap { $0 }
    }

    private func add<E: Entity>(
        _ write: CodexFlow.DecisionWrite, _ entity: E, to plan: inout Plan,
        _ counted: inout Set<String>
    ) throws -> Request {
        var item = try entities.item(of: entity)
        let table = try schema.table(E.definition.table)
        let key = try table.primaryKey(of: item)
        let request = Request.item(table: table.name, key)
        let old = known(request)
        let name = E.definition.name
        switch write {
        case .insert: break
        case .replace, .delete:
            // The markers of an item that was not read are not known.
            let isMarked = CodexFlow.Marker.all.contains { $0.entity == name }
            guard old != nil || !hasMarkers || !isMarked else {
                throw Missing(request: request, definition: E.definition)
            }
        }
        switch write {
        case .insert:
            try entity.validate()
            if old == nil { plan.inserts.insert(plan.actions.count) }
            let isNew = try condition(of: request, nil, table.name)
            plan.actions.append(.put(table: table.name, item, condition: isNew))
        case .replace:
            try entity.validate()
            item = try entities.item(of: entity, over: old ?? nil)
            let isSame = try old.map { try condition(of: request, $0, table.name) }
            plan.actions.append(.put(table: table.name, item, condition: isSame))
        case .delete:
            let isSame = try old.map { try condition(of: request, $0, table.name) }
            plan.actions.append(.delete(table: table.name, key: key, condition: isSame))
        }
        var new: Item? = item
        var isInsert = false
        switch write {
        case .insert: isInsert = true
        case .replace: break
        case .delete: new = nil
        }
        counted.formUnion(
            try CodexFlow.PredicateLock.names(
                from: old ?? nil, to: new, isInsert: isInsert, E.definition, schema,
                hasMarkers: hasMarkers))
        if hasMarkers {
            try plan.markers.add(from: old ?? nil, to: new, of: name, in: table)
            // A marker of a unique key may be another item's.
            if let key = plan.markers.unreadKeys(markers).first {
                throw Missing(
                    request: .item(table: table.name, key), definition: E.definition,
                    markerKey: key)
            }
            try plan.counts.add(from: old ?? nil, to: new, of: name, in: table)
        }
        return request
    }

    /// The condition that an item is unchanged: its attributes are equal, and its type's other
    /// attributes are missing.
    private func condition(
        of request: Request, _ item: Item?, _ name: String
    ) throws -> Condition {
        let table = try schema.table(name)
        var names = fields[request] ?? []
        for index in table.indexes { names.formUnion(index.keyAttributes.map(\.name)) }
        return .unchanged(item, in: table, without: names)
    }
}
