internal import CodexCore

/// The counts of one project's tasks in a remote table, beside the tasks.
struct ProjectCounts: Sendable {
    let fetch: TableFetch
    let project: CodexFlow.Project.ID

    /// How often the counts are compared while the tasks change.
    private static let comparisonCountMax = 5
    /// Most tasks of a page.
    private static let pageCountMax = 1000

    private var table: any TableBackend { fetch.table }

    private var key: PrimaryKey { PrimaryKey(.string("PROJECT#\(project)"), "METADATA") }

    private func definition() throws(CodexError) -> TableDefinition {
        try fetch.entities.schema.table(CodexFlow.table)
    }

    // MARK: Reading

    /// Whether the project exists.
    func exists() async throws -> Bool {
        try await table.item(in: CodexFlow.table, key: key, consistency: .consistent) != nil
    }

    /// The items that count the tasks.
    func shards() async throws -> CodexFlow.TaskCountShards {
        let query = TableQuery(
            table: CodexFlow.table,
            partition: [CodexFlow.TaskCountShards.partition(of: project)])
        return CodexFlow.TaskCountShards(items: try await table.allItems(matching: query))
    }

    /// The totals of the tasks themselves.
    func counted() async throws -> CodexFlow.TaskTotals {
        let query = Query<CodexFlow.Task>.tasks(in: project).request.ofAnyEntity
        var (totals, token): (CodexFlow.TaskTotals, PageToken?) = (CodexFlow.TaskTotals(), nil)
        repeat {
            let page = try await fetch.page(
                of: query, CodexFlow.Task.definition, PageLimits(returned: Self.pageCountMax),
                after: token)
            for item in page.items { try totals.add(CodexFlow.TaskTotals(of: item)) }
            token = page.next
        } while token != nil
        return totals
    }

    /// The actions that remove the counts.
    func removals() async throws -> [WriteAction] {
        let definition = try self.definition()
        return try await self.shards().items.map { item in
            WriteAction.delete(
                table: CodexFlow.table, key: try definition.primaryKey(of: item))
        }
    }

    // MARK: Comparing

    /// Compares the counts with the tasks, and adds what was found to a report.
    func compare(
        repairing repairs: Bool, _ report: inout CodexFlow.TaskTotalReport
    ) async throws {
        guard try await exists() else { return }
        report.projectCount += 1
        for _ in 0..<Self.comparisonCountMax {
            try _Concurrency.Task.checkCancellation()
            let shards = try await self.shards()
            let counted = try await self.counted()
            // Each command that counts a task changes a shard.
            guard try await self.shards().items == shards.items else { continue }
            if try shards.isComplete && shards.totals() == counted { return }
            report.differingCount += 1
            if repairs, try await repair(shards, to: counted) { report.repairedCount += 1 }
            return
        }
        report.busyCount += 1
    }

    /// Corrects the counts.
    ///
    /// - Returns: `false` if another call did it, or if the project is gone.
    private func repair(
        _ shards: CodexFlow.TaskCountShards, to counted: CodexFlow.TaskTotals
    ) async throws -> Bool {
        let isThere = Condition.attributeExists(
            DocumentPath(try definition().partitionKey.name))
        let actions: [WriteAction] = [
            try shards.repair(to: counted, of: project),
            .check(table: CodexFlow.table, key: key, condition: isThere),
        ]
        do {
            try await table.transact(actions, idempotencyToken: nil)
            return true
        } catch let error as CodexError where error.isConflict {
            return false
        }
    }
}
