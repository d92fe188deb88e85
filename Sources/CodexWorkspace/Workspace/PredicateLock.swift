internal import CodexCore

extension CodexFlow {
    /// A lock on the result of a query, for commands on a remote table.
    ///
    /// The result of a command's query may change before the command's write. Each partition that
    /// commands query therefore has an item with a number that counts the writes in it. The item's
    /// key is `GUARD#<index>#<entity>#<SHA-256>` / `GUARD`, with the hash of the partition. A
    /// command that queries the partition reads the number first, and writes on the condition that
    /// it is unchanged. A command that writes an item of the partition increments the number in the
    /// same transaction.
    ///
    /// The comments and the dependencies of a project are in one partition. So those of each task
    /// have a lock of their own, with the hash of the partition and the beginning of the sort keys.
    /// A command increments the lock of comments if it adds an entry to the history of a task and
    /// does not write the task: a comment or logged work, for example. The deletion of the task
    /// then sees the command.
    ///
    /// A search for a circle of waiting tasks may look at more tasks than a transaction has room
    /// for locks. Then it reads the locks of the project's graph (``graphNames(of:)``). A command
    /// that adds a link between tasks increments one of them. Decision 48 has the proof.
    ///
    /// Other queries that are not in ``all`` have no lock: their results may be slightly older than
    /// the commit.
    ///
    /// An item of which no command needs the number any more is removed by ``GuardSweep``. It first
    /// gives the item a mark. An increment removes the mark, and an item that still has it an hour
    /// later is removed. Decision 48 has the proof that no command passes that should not.
    struct PredicateLock {
        /// The queried entity.
        let entity: String
        /// The index; `nil` is the table.
        let index: String?
        /// Whether only the existence of items counts, and not their content.
        var isOfKeys = false
        /// Whether each beginning of sort keys, up to their last part, has a lock of its own.
        var isOfStart = false
        /// Whether a table with markers has no such lock: a marker of a unique key is its own lock,
        /// and a project's sequence gives each number once.
        var isReplaced = false

        /// The queries of commands whose results other commands change.
        static let all: [PredicateLock] = [
            // Sessions of a user in suspension; memberships and projects of a user in deletion.
            PredicateLock(entity: Session.definition.name, index: Index.gsi2),
            PredicateLock(entity: Member.definition.name, index: Index.gsi1),
            PredicateLock(entity: Project.definition.name, index: Index.gsi1, isOfKeys: true),
            // Email addresses and project keys are unique.
            PredicateLock(
                entity: User.definition.name, index: Index.gsi1, isOfKeys: true, isReplaced: true),
            PredicateLock(
                entity: Project.definition.name, index: Index.projectKey, isOfKeys: true,
                isReplaced: true),
            // Open tasks of a member, parts of a task, task numbers.
            PredicateLock(entity: Task.definition.name, index: Index.gsi1),
            PredicateLock(entity: Task.definition.name, index: Index.taskParent),
            PredicateLock(
                entity: Task.definition.name, index: Index.taskNumber, isOfKeys: true,
                isReplaced: true),
            // The blockers of a task, and the tasks that wait for it. A command that depends on a
            // dependency's content has a condition on that item (``DecisionContext/rely(on:)``).
            PredicateLock(
                entity: Dependency.definition.name, index: nil, isOfKeys: true, isOfStart: true),
            PredicateLock(entity: Dependency.definition.name, index: Index.gsi1, isOfKeys: true),
            // The hours of a user's day add up to 24 at most.
            PredicateLock(entity: WorkLog.definition.name, index: Index.gsi1),
            PredicateLock(entity: PRDReview.definition.name, index: nil),
        ]

        /// The attributes of a task that no query with a lock depends on, neither by key nor by
        /// content.
        ///
        /// They change often, for many tasks, and for tasks that a command does not name.
        private static let queueAttributes = [
            "claim", "expiredToken", "attempts", "diedAt", "notBefore", "blocked", "GSI5PK",
            "GSI5SK", "GSI6PK", "GSI6SK",
        ]

        /// Whether a write changes a task's place in the queue alone.
        private static func isOfQueue(
            _ old: Item?, _ new: Item?, _ entity: EntityDefinition
        ) -> Bool {
            guard entity.name == Task.definition.name, var old, var new else { return false }
            for name in queueAttributes { (old[name], new[name]) = (nil, nil) }
            return old == new
        }

        /// The name of the predicate lock of a query; `nil` if it has none.
        static func name(
            of query: TableQuery, _ entity: EntityDefinition, hasMarkers: Bool = false
        ) -> String? {
            if entity.name == Comment.definition.name, query.index == nil,
                case .beginsWith(let start) = query.sort
            {
                return name(nil, entity, query.partition + [start])
            }
            let lock = all.first { $0.entity == entity.name && $0.index == query.index }
            guard let lock, !(hasMarkers && lock.isReplaced) else { return nil }
            guard lock.isOfStart else { return name(query.index, entity, query.partition) }
            guard case .beginsWith(let start) = query.sort else { return nil }
            return name(query.index, entity, query.partition + [start])
        }

        /// The name of the predicate lock of the comments on the task of an entry.
        static func name(ofCommentsBeside entry: Activity) -> String? {
            let comments = CodexCore.Query<Comment>.comments(
                on: entry.taskID, in: entry.projectID)
            return name(of: comments.request, Comment.definition)
        }

        private static func name(
            _ index: String?, _ entity: EntityDefinition, _ partition: [AttributeValue]
        ) -> String {
            let parts = partition.map { DynamoDBJSON.text(["p": $0]) }.joined()
            return "\(index ?? "TABLE")#\(entity.name)#\(SHA256.hexadecimal(parts))"
        }

        /// The beginning of a sort key, up to its last part.
        ///
        /// A `#` may be a part of a longer character, so it is looked for among the bytes.
        private static func start(of key: AttributeValue) -> AttributeValue? {
            guard let bytes = key.string?.utf8, let end = bytes.lastIndex(of: UInt8(ascii: "#"))
            else { return nil }
            return .string(String(decoding: bytes[...end], as: UTF8.self))
        }

        // MARK: The graph of waiting tasks

        /// How many locks the graph of a project's waiting tasks has.
        ///
        /// A search reads all of them. A command that adds a link increments one, so that few
        /// commands increment the same.
        static let graphLockCount = 4

        /// The names of the predicate locks of a project's graph.
        static func graphNames(of project: Project.ID) -> [String] {
            graphNames(in: .string("PROJECT#\(project)"))
        }

        private static func graphNames(in partition: AttributeValue) -> [String] {
            let hash = SHA256.hexadecimal(DynamoDBJSON.text(["p": partition]))
            return (0..<graphLockCount).map { "GRAPH#\($0)#\(hash)" }
        }

        /// The lock of the project's graph that a write increments, if it adds a link: a new
        /// dependency, or another parent of a task.
        ///
        /// A new task with a parent adds none that matters: it waits for nothing yet.
        private static func graphName(
            from old: Item?, to new: Item?, isInsert: Bool, _ entity: EntityDefinition,
            _ table: TableDefinition
        ) -> String? {
            guard let new, let partition = new[table.partitionKey.name] else { return nil }
            switch entity.name {
            case Dependency.definition.name:
                guard old == nil else { return nil }
            case Task.definition.name:
                guard !isInsert, let parent = new["parentId"], old?["parentId"] != parent else {
                    return nil
                }
            default: return nil
            }
            let key = table.sortKey.flatMap { new[$0.name]?.string } ?? ""
            let place = Int(SHA256.digest(key.utf8)[0]) % graphLockCount
            return graphNames(in: partition)[place]
        }

        // MARK: Writes

        /// The predicate locks whose numbers a write increments.
        ///
        /// - Parameters:
        ///   - old: The item before; `nil` if there was none, or if it was not read.
        ///   - new: The item after; `nil` if it is deleted.
        ///   - isInsert: Whether the key must not exist before.
        ///   - entity: Its entity.
        ///   - schema: The tables.
        ///   - hasMarkers: Whether the table has markers.
        /// - Returns: The names.
        /// - Throws: The errors of the schema.
        static func names(
            from old: Item?, to new: Item?, isInsert: Bool, _ entity: EntityDefinition,
            _ schema: Schema, hasMarkers: Bool = false
        ) throws(CodexError) -> Set<String> {
            if isOfQueue(old, new, entity) { return [] }
            var names: Set<String> = []
            let table = try schema.table(entity.table)
            if let name = graphName(from: old, to: new, isInsert: isInsert, entity, table) {
                names.insert(name)
            }
            for lock in all
            where lock.entity == entity.name && !(hasMarkers && lock.isReplaced) {
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
                for item in [old, new] {
                    guard var values = place(item, partition) else { continue }
                    if lock.isOfStart {
                        guard let last = place(item, keys)?.last,
                            let beginning = Self.start(of: last)
                        else { continue }
                        values.append(beginning)
                    }
                    names.insert(name(lock.index, entity, values))
                }
            }
            return names
        }

        /// The beginning of the partition keys of all predicate locks.
        static let prefix = "GUARD#"
        /// The sort key of all predicate locks.
        static let sortKey: AttributeValue = "GUARD"
        /// The attribute with the number.
        static let count = DocumentPath("count")
        /// The attribute with the mark of a ``GuardSweep``.
        static let mark = DocumentPath("sweep")

        /// The key of a predicate lock's item.
        static func key(_ name: String) -> PrimaryKey {
            PrimaryKey(.string(prefix + name), sortKey)
        }

        /// Whether an item is one of a predicate lock.
        static func isKey(_ key: PrimaryKey) -> Bool {
            key.partition.string?.utf8.starts(with: prefix.utf8) == true && key.sort == sortKey
        }

        /// The condition that an item of a predicate lock has the number that was read.
        ///
        /// If it had a mark, it must still have that: an item that was removed since, and counted
        /// up again, may have the same number, but no mark.
        static func isUnchanged(_ old: Item?) -> Condition {
            guard let number = old?[count.root] else { return .attributeNotExists(count) }
            let isSame = Condition.compare(.path(count), .equal, .value(number))
            guard let marked = old?[mark.root] else { return isSame }
            return isSame && .compare(.path(mark), .equal, .value(marked))
        }

        /// The action that increments a predicate lock, or checks that it is unchanged since it was
        /// read.
        static func action(
            _ name: String, counts: Bool, read: Item??
        ) -> WriteAction {
            let condition = read.map { isUnchanged($0) }
            if let condition, !counts {
                return .check(table: CodexFlow.table, key: key(name), condition: condition)
            }
            return .update(
                table: CodexFlow.table, key: key(name),
                Update([.add(count, 1), .remove(mark)]), condition: condition)
        }
    }
}
