internal import CodexCore

extension CodexFlow {
    /// What keeps commands on a remote table apart that do not read and write the same items.
    ///
    /// A query of a command may find one item more, or less, or others, when the command is written. So
    /// there is an item for each partition that commands query, with a number that counts the writes in
    /// it: key `GUARD#<index>#<entity>#<partition>` / `GUARD`. Who queries reads the number first and
    /// writes on the condition that it is still the same; who writes an item of the partition counts it
    /// up in the same transaction.
    ///
    /// Queries that are not in ``all`` have no lock: what they find may be a moment older than the
    /// commit.
    struct PredicateLock {
        /// The entity that is queried.
        let entity: String
        /// The index; `nil` is the table.
        let index: String?
        /// Whether only that there is an item counts, and not what it says.
        var isOfKeys = false

        /// What commands query, and others write.
        static let all: [PredicateLock] = [
            // Sessions of a user who is suspended; memberships and projects of one who is deleted.
            PredicateLock(entity: Session.definition.name, index: Index.gsi2),
            PredicateLock(entity: Member.definition.name, index: Index.gsi1),
            PredicateLock(entity: Project.definition.name, index: Index.gsi1, isOfKeys: true),
            // E-mail addresses and project keys are each one's own.
            PredicateLock(entity: User.definition.name, index: Index.gsi1, isOfKeys: true),
            PredicateLock(entity: Project.definition.name, index: Index.projectKey, isOfKeys: true),
            // Open tasks of a member, parts of a task, numbers.
            PredicateLock(entity: Task.definition.name, index: Index.gsi1),
            PredicateLock(entity: Task.definition.name, index: Index.taskParent),
            PredicateLock(entity: Task.definition.name, index: Index.taskNumber, isOfKeys: true),
            // What blocks a task, and what it blocks.
            PredicateLock(entity: Dependency.definition.name, index: nil),
            // Whoever looks at what these say looks at the one of the table, too.
            PredicateLock(entity: Dependency.definition.name, index: Index.gsi1, isOfKeys: true),
            PredicateLock(entity: Dependency.definition.name, index: Index.gsi2, isOfKeys: true),
            // A user's day has 24 hours.
            PredicateLock(entity: WorkLog.definition.name, index: Index.gsi1),
            PredicateLock(entity: PRDReview.definition.name, index: nil),
        ]

        /// The name of the predicate lock of a query; `nil` if it has none.
        static func name(of query: TableQuery, _ entity: EntityDefinition) -> String? {
            guard all.contains(where: { $0.entity == entity.name && $0.index == query.index })
            else { return nil }
            return name(query.index, entity, query.partition)
        }

        private static func name(
            _ index: String?, _ entity: EntityDefinition, _ partition: [AttributeValue]
        ) -> String {
            let parts = partition.map { DynamoDBJSON.text(["p": $0]) }.joined()
            return "\(index ?? "TABLE")#\(entity.name)#\(SHA256.hexadecimal(parts))"
        }

        /// The predicate locks that a write counts up.
        static func names(
            from old: Item?, to new: Item?, _ entity: EntityDefinition, _ schema: Schema
        ) throws(CodexError) -> Set<String> {
            var names: Set<String> = []
            let table = try schema.table(entity.table)
            for lock in all where lock.entity == entity.name {
                let index = try lock.index.flatMap { name throws(CodexError) in
                    try schema.index(name, of: entity.table)
                }
                let partition = index?.partitionKey ?? [table.partitionKey]
                func place(_ item: Item?, _ attributes: [KeyAttribute]) -> [AttributeValue]? {
                    guard let item else { return nil }
                    let values = attributes.compactMap { item[$0.name] }
                    return values.count == attributes.count ? values : nil
                }
                let keys = partition + (index.map(\.sortKey) ?? table.sortKey.map { [$0] } ?? [])
                if lock.isOfKeys, place(old, keys) == place(new, keys) { continue }
                for values in [place(old, partition), place(new, partition)] {
                    if let values { names.insert(name(lock.index, entity, values)) }
                }
            }
            return names
        }

        /// The key of a predicate lock's item.
        static func key(_ name: String) -> PrimaryKey {
            PrimaryKey(.string("GUARD#\(name)"), "GUARD")
        }

        /// The action that counts a predicate lock up, or checks that nobody did since it was read.
        static func action(
            _ name: String, counts: Bool, read: Item??
        ) -> WriteAction {
            let condition: Condition? = read.map { old in
                guard let count = old?["count"] else {
                    return .attributeNotExists(DocumentPath("count"))
                }
                return .compare(.path("count"), .equal, .value(count))
            }
            if let condition, !counts {
                return .check(table: CodexFlow.table, key: key(name), condition: condition)
            }
            return .update(
                table: CodexFlow.table, key: key(name), Update([.add("count", 1)]),
                condition: condition)
        }
    }
}
