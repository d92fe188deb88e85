import CodexCore
import CodexStore

extension MeasuredPath {
    /// Enough to be a tree of three levels, few enough to lie in the processor's caches.
    static let taskCount = 10_000

    private static func lookups() throws -> [Lookup<CodexFlow.Task>] {
        var numbers = Shuffle(below: taskCount)
        return try (0..<64).map { _ in
            let number = numbers.next()
            return .task(
                try .init(SampleTasks.taskID(number)), in: try .init(SampleTasks.projectID(number)))
        }
    }

    /// A read of one of 64 tasks after the other, by their keys.
    private static func point(
        _ name: String,
        _ read: @escaping @Sendable (Store, Lookup<CodexFlow.Task>) throws -> Bool
    ) -> MeasuredPath {
        counted("point", name) { directory in
            let store = try await makeStore(directory, taskCount)
            let lookups = try lookups()
            var turn = 0
            return {
                turn += 1
                try require(try read(store, lookups[turn % lookups.count]))
            }
        }
    }

    static let pointPaths: [MeasuredPath] = [
        point("view") { store, lookup in
            try store.read { try $0.view(lookup) { $0.attributeCount } } ?? 0 > 10
        },
        point("typed") { store, lookup in try store.get(lookup)?.number != nil },
        point("item") { store, lookup in
            guard case .primaryKey(let key) = lookup.target else { return false }
            return try store.item(in: CodexFlow.table, key: key)?.count ?? 0 > 10
        },
        counted("point", "typed, 100 in one snapshot") { directory in
            let store = try await makeStore(directory, taskCount)
            let lookups = try lookups()
            return {
                try store.read { snapshot in
                    for turn in 0..<100 {
                        let task = try snapshot.get(lookups[turn % lookups.count])
                        try require(task?.number != nil)
                    }
                }
            }
        },
        counted("point", "cached") { directory in
            let store = try await makeStore(directory, 0)
            let user = CodexFlow.User(
                id: "1", email: "ada@example.com", name: "Ada", role: .member, state: .active)
            try await store.put(user)
            let policy = CachePolicy(
                timeToLive: [CodexFlow.User.definition.name: .seconds(3600)])
            let cache = try StoreCache(store, policy: policy)
            for _ in 0..<3 { _ = try cache.get(.user("1")) }
            return { try require(cache.get(.user("1"))?.name == "Ada") }
        },
    ]

    // MARK: Queries

    static let fieldNames = (0..<10).map { "field\($0)" }

    /// A store with 1,000 records of ten fields of 100 bytes, as YCSB has them.
    static func records(_ directory: String) async throws -> Store {
        let table = TableDefinition(
            "records", partitionKey: KeyAttribute("p"), sortKey: KeyAttribute("key"))
        let store = try await makeStore(
            directory, 0, schema: Schema(tables: [table]), durability: .none, checkpoints: false)
        let text = String(repeating: "0123456789", count: 10)
        try await store.write { transaction in
            for number in 0..<1000 {
                var item: Item = ["p": "p", "key": .string("key\(10_000 + number)")]
                for name in fieldNames { item[name] = .string(text) }
                try transaction.put(item, in: "records")
            }
        }
        return store
    }

    private static func query(
        _ name: String,
        _ read: @escaping @Sendable (Store, CodexFlow.Project.ID) throws -> Bool
    ) -> MeasuredPath {
        counted("query", name) { directory in
            let store = try await makeStore(directory, taskCount)
            let project = try CodexFlow.Project.ID(SampleTasks.projectID(5000))
            return { try require(try read(store, project)) }
        }
    }

    private static func tableQuery(
        _ project: CodexFlow.Project.ID, filter: Condition? = nil,
        direction: QueryDirection = .forward
    ) -> TableQuery {
        TableQuery(
            table: CodexFlow.table, partition: [.string("PROJECT#\(project)")],
            sort: .beginsWith(.string("TASK#")), direction: direction, filter: filter)
    }

    static let queryPaths: [MeasuredPath] =
        [1, 10, 100, 1000].map { count in
            query("\(count) typed") { store, project in
                try store.query(.tasks(in: project), limit: count).items.count == count
            }
        } + [
            query("100 views") { store, project in
                try store.read { snapshot in
                    var (count, byteCount) = (0, 0)
                    try snapshot.forEach(.tasks(in: project)) { view in
                        try view.forEachRawValue { _, bytes in byteCount += bytes.count }
                        count += 1
                        return count < 100
                    }
                    return byteCount > 30_000
                }
            },
            query("100 items") { store, project in
                try store.items(
                    matching: tableQuery(project), limits: PageLimits(returned: 100)
                ).items.count == 100
            },
            query("100 items, reverse") { store, project in
                try store.items(
                    matching: tableQuery(project, direction: .backward),
                    limits: PageLimits(returned: 100)
                ).items.count == 100
            },
            query("1000 items, filtered to 167") { store, project in
                let filter = Condition.compare(
                    .path(DocumentPath("status")), .equal, .value("inProgress"))
                return try store.items(matching: tableQuery(project, filter: filter)).items.count
                    == 167
            },
            query("1000 typed in pages of 100") { store, project in
                var (count, next): (Int, PageToken?) = (0, nil)
                repeat {
                    let page = try store.query(.tasks(in: project), limit: 100, after: next)
                    (count, next) = (count + page.items.count, page.next)
                } while next != nil
                return count == 1000
            },
            query("1000, count") { store, project in
                try store.count(tableQuery(project)).count == 1000
            },
            counted("query", "50 records of ten fields") { directory in
                let store = try await records(directory)
                return {
                    let query = TableQuery(
                        table: "records", partition: ["p"], sort: .greaterOrEqual("key10200"))
                    let page = try store.items(
                        matching: query, limits: PageLimits(returned: 50))
                    var byteCount = 0
                    for item in page.items {
                        for name in fieldNames {
                            byteCount += item[name]?.string?.utf8.count ?? 0
                        }
                    }
                    try require(byteCount == 50_000)
                }
            },
            query("scan of 10,000 views") { store, _ in
                try store.read { snapshot in
                    var count = 0
                    try snapshot.forEachItem(in: CodexFlow.table) { _ in
                        count += 1
                        return true
                    }
                    return count == taskCount
                }
            },
        ]
}
