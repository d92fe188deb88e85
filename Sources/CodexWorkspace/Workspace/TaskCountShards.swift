internal import CodexCore

extension CodexFlow {
    /// The counts of tasks in a remote table, which has no counters.
    ///
    /// A project has some items with counts: its *shards*, with the keys `COUNTS#<projectId>` /
    /// `TASKS#<number>`. The total of the project is their sum. A command adds to a shard in the
    /// transaction that changes a task, without a condition. So no command decides again because of
    /// it, and several shards keep commands from waiting for each other at one item.
    ///
    /// A task counts in one shard, by the hash of its key. So a sum of shards that are read one
    /// after the other has each task once. `changes` of a shard grows with each command that adds
    /// to it, also if it adds zero: two equal reads of all shards tell that no task changed its
    /// count between them. `isComplete` of the first shard tells that all tasks of the project
    /// count. Decision 52 has the reasons.
    struct TaskCountShards {
        /// The most shards of a project: the deletion of a project removes them with one
        /// transaction.
        static let countMax = 64

        private enum Name {
            static let changes = "changes"
            static let repairs = "repairs"
            static let isComplete = "isComplete"
            /// The names of the attributes with the counts of a status.
            static func count(_ status: Task.Status) -> String { status.rawValue }
            static func points(_ status: Task.Status) -> String { status.rawValue + "Points" }
            static func estimated(_ status: Task.Status) -> String {
                status.rawValue + "Estimated"
            }
        }

        private static let projectPrefix = "PROJECT#"
        private static let countPrefix = "COUNTS#"
        private static let shardPrefix = "TASKS#"

        // MARK: Keys

        /// The project whose items have a partition key; `nil` for another key.
        static func project(of key: AttributeValue?) -> Project.ID? {
            guard let text = key?.string, text.utf8.starts(with: projectPrefix.utf8) else {
                return nil
            }
            return try? Project.ID(String(Substring(text.utf8.dropFirst(projectPrefix.utf8.count))))
        }

        /// The partition of a project's shards, which is no longer than that of its items.
        static func partition(of project: Project.ID) -> AttributeValue {
            .string("\(countPrefix)\(project)")
        }

        private static func key(_ partition: AttributeValue, _ number: Int) -> PrimaryKey {
            PrimaryKey(partition, .string("\(shardPrefix)\(number)"))
        }

        /// Whether an item is one with counts.
        static func isKey(_ key: PrimaryKey) -> Bool {
            key.partition.string?.utf8.starts(with: countPrefix.utf8) == true
                && key.sort?.string?.utf8.starts(with: shardPrefix.utf8) == true
        }

        // MARK: Reading

        /// The items, in the order of their keys.
        let items: [Item]

        /// The sum of the shards.
        ///
        /// - Throws: ``CodexError/Code/invalidNumber``.
        func totals() throws(CodexError) -> TaskTotals {
            var totals = TaskTotals()
            for item in items {
                for status in Task.Status.allCases {
                    let total = TaskTotal(
                        count: Self.integer(item[Name.count(status)]),
                        points: item[Name.points(status)]?.number ?? .zero,
                        estimatedCount: Self.integer(item[Name.estimated(status)]))
                    try totals.add(total, to: status)
                }
            }
            return totals
        }

        /// A count, far from the bounds of integers, also in an item that another program wrote.
        private static func integer(_ value: AttributeValue?) -> Int {
            let max = 1 << 48
            return value?.number?.int64.map { Int($0.magnitude <= max ? $0 : 0) } ?? 0
        }

        /// Whether all tasks of the project count.
        var isComplete: Bool { items.contains { $0[Name.isComplete] == .bool(true) } }

        // MARK: Writing

        /// The changes of the counts in one transaction.
        struct Changes {
            private struct Shard {
                var totals = TaskTotals()
                /// Whether the project is new, so that all its tasks count.
                var isFirst = false
            }

            private let shardCount: Int
            private var shards: [PrimaryKey: Shard] = [:]
            /// The keys in the order of their first changes.
            private var keys: [PrimaryKey] = []

            /// Creates no changes.
            ///
            /// - Parameter shardCount: The number of shards that a project has.
            init(shardCount: Int) { self.shardCount = shardCount }

            /// The number of actions.
            var count: Int { keys.count }

            /// Adds the change of an item.
            ///
            /// - Parameters:
            ///   - old: The item before; `nil` if there was none.
            ///   - new: The item after; `nil` if it is deleted.
            ///   - entity: Its entity.
            ///   - table: Its table.
            /// - Throws: ``CodexError/Code/invalidNumber`` for estimates of raw items.
            mutating func add(
                from old: Item?, to new: Item?, of entity: String, in table: TableDefinition
            ) throws(CodexError) {
                guard entity == Task.definition.name || entity == Project.definition.name,
                    let item = new ?? old,
                    let project = TaskCountShards.project(of: item[table.partitionKey.name])
                else { return }
                let partition = TaskCountShards.partition(of: project)
                guard entity == Task.definition.name else {
                    if old == nil {
                        change(TaskCountShards.key(partition, 0)) { $0.isFirst = true }
                    }
                    return
                }
                let before = old.map { TaskTotals(of: $0) } ?? TaskTotals()
                let after = new.map { TaskTotals(of: $0) } ?? TaskTotals()
                guard before != after else { return }
                let name = table.sortKey.flatMap { item[$0.name]?.string } ?? ""
                let number = Int(SHA256.digest(name.utf8)[0]) % shardCount
                let place = TaskCountShards.key(partition, number)
                var difference = shards[place]?.totals ?? TaskTotals()
                try difference.add(after)
                try difference.subtract(before)
                change(place) { $0.totals = difference }
            }

            private mutating func change(_ key: PrimaryKey, _ body: (inout Shard) -> Void) {
                if shards[key] == nil { keys.append(key) }
                body(&shards[key, default: Shard()])
            }

            /// The actions, one for each shard.
            var actions: [WriteAction] {
                keys.compactMap { key in
                    guard let shard = shards[key] else { return nil }
                    let clauses = shard.isFirst ? [TaskCountShards.completion] : []
                    return WriteAction.update(
                        table: CodexFlow.table, key: key,
                        Update(clauses + TaskCountShards.additions(of: shard.totals)))
                }
            }
        }

        private static var completion: Update.Clause {
            .set(DocumentPath(Name.isComplete), .operand(.value(.bool(true))))
        }

        /// The clauses that add totals to a shard.
        private static func additions(of totals: TaskTotals) -> [Update.Clause] {
            var clauses = [Update.Clause.add(DocumentPath(Name.changes), 1)]
            func add(_ name: String, _ number: Number) {
                guard number != .zero else { return }
                clauses.append(.add(DocumentPath(name), .number(number)))
            }
            for status in Task.Status.allCases {
                guard let total = totals.byStatus[status] else { continue }
                add(Name.count(status), Number(total.count))
                add(Name.points(status), total.points)
                add(Name.estimated(status), Number(total.estimatedCount))
            }
            return clauses
        }

        /// The action that makes the sum of the shards equal to counted totals.
        ///
        /// It adds the difference. So it stays right if commands add to the shards before it is
        /// performed. Its condition is false once another repair was performed.
        ///
        /// - Parameters:
        ///   - counted: The totals, as of the same moment as the shards.
        ///   - project: The project.
        /// - Returns: The action.
        /// - Throws: ``CodexError/Code/invalidNumber``.
        func repair(
            to counted: TaskTotals, of project: Project.ID
        ) throws(CodexError) -> WriteAction {
            let key = Self.key(Self.partition(of: project), 0)
            let first = items.first { $0["SK"] == key.sort }
            var difference = counted
            try difference.subtract(try totals())
            let repairs = DocumentPath(Name.repairs)
            let condition: Condition =
                if let number = first?[Name.repairs] {
                    .compare(.path(repairs), .equal, .value(number))
                } else {
                    .attributeNotExists(repairs)
                }
            return .update(
                table: CodexFlow.table, key: key,
                Update(
                    [Self.completion, .add(repairs, 1)] + Self.additions(of: difference)),
                condition: condition)
        }
    }
}
