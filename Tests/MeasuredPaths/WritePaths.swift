import CodexCore
import CodexStore

extension MeasuredPath {
    /// A table with as many indexes as asked for, on attributes of the sample tasks.
    static func schema(indexCount: Int) -> Schema {
        let names = ["status", "assignee", "updatedAt", "createdAt", "number"]
        return Schema(
            tables: [
                TableDefinition(
                    CodexFlow.table, partitionKey: KeyAttribute("PK"), sortKey: KeyAttribute("SK"),
                    indexes: names.prefix(indexCount).map { name in
                        IndexDefinition(
                            name,
                            partitionKey: [
                                KeyAttribute(name, name == "number" ? .number : .string)
                            ],
                            projection: .keysOnly)
                    })
            ],
            entities: [CodexFlow.Task.definition])
    }

    static func taskKey(_ number: Int) -> PrimaryKey {
        PrimaryKey(
            .string("PROJECT#" + SampleTasks.projectID(number)),
            .string("TASK#" + SampleTasks.taskID(number)))
    }

    static let status = Attribute<String>("status")
    static let statuses = CodexFlow.Task.Status.allCases.map(\.rawValue)

    /// Updates of one task after the other, `count` to a transaction, by a thread that waits.
    private static func update(
        _ name: String, indexCount: Int = 2, count: Int = 1, durability: Durability = .none
    ) -> MeasuredPath {
        counted("write", name) { directory in
            let store = try await makeStore(
                directory, taskCount, schema: schema(indexCount: indexCount),
                durability: durability, checkpoints: false)
            var numbers = Shuffle(below: taskCount)
            var turn = 0
            return {
                turn += 1
                let new = statuses[turn % statuses.count]
                let update = Update().setting(status, to: new)
                let keys = (0..<count).map { _ in taskKey(numbers.next()) }
                try store.write { transaction in
                    for key in keys {
                        let item = try transaction.update(
                            in: CodexFlow.table, key: key, update, returning: .allNew)
                        try require(item?["status"]?.string == new)
                    }
                }
            }
        }
    }

    private static func items(_ name: String, count: Int, batch: Int) -> MeasuredPath {
        timed("write", name) { directory in
            let store = try await makeStore(directory, 0, schema: schema(indexCount: 2))
            var number = 0
            return {
                try await put(number..<number + count, batch, store)
                number += count
            }
        }
    }

    // Not inlined: Swift 6.3 fails to split the asynchronous function that has it.
    @inline(never)
    private static func items(_ numbers: Range<Int>) throws -> [Item] {
        try numbers.map { try SampleTasks.task($0).item() }
    }

    private static func put(_ numbers: Range<Int>, _ batch: Int, _ store: Store) async throws {
        var rest = try items(numbers)[...]
        while !rest.isEmpty {
            let items = rest.prefix(batch)
            rest = rest.dropFirst(batch)
            try await store.write { transaction in
                for item in items { try transaction.put(item, in: CodexFlow.table) }
            }
        }
    }

    static let writePaths: [MeasuredPath] =
        [0, 1, 2, 5].map { count in update("update, \(count) indexes", indexCount: count) } + [
            update("100 updates in a transaction", count: 100),
            counted("write", "update of a field of a record of ten") { directory in
                let store = try await records(directory)
                var numbers = Shuffle(below: 1000)
                let values = ["a", "b", "c"].map { String(repeating: $0, count: 100) }
                var turn = 0
                return {
                    turn += 1
                    let (name, value) = (fieldNames[turn % 10], values[turn % 3])
                    let update = Update().setting(Attribute<String>(name), to: value)
                    let key = PrimaryKey("p", .string("key\(10_000 + numbers.next())"))
                    try store.write { transaction in
                        let item = try transaction.update(
                            in: "records", key: key, update, returning: .allNew)
                        try require(item?[name]?.string == value)
                    }
                }
            },
            counted("write", "make a task and put it") { directory in
                let store = try await makeStore(
                    directory, taskCount, durability: .none, checkpoints: false)
                var turn = 0
                return {
                    turn += 1
                    var task = try SampleTasks.task(turn % taskCount)
                    task.status = CodexFlow.Task.Status.allCases[turn % 5]
                    let changed = task
                    try store.write { try $0.put(changed) }
                }
            },
            counted("write", "list of 4 conditional actions") { directory in
                let store = try await makeStore(
                    directory, taskCount, durability: .none, checkpoints: false)
                var numbers = Shuffle(below: taskCount)
                return {
                    let first = numbers.next()
                    let update = Update().setting(status, to: "done")
                    let actions = (0..<4).map { step in
                        WriteAction.update(
                            table: CodexFlow.table, key: taskKey((first + step) % taskCount),
                            update, condition: .attributeExists(DocumentPath("title")))
                    }
                    _ = try store.write { try $0.perform(actions) }
                }
            },
            update("update, on the disk", durability: .everyCommit),
            update("update, at most a second lost", durability: .interval(losing: .seconds(1))),
            timed("write", "64 updates at once, on the disk") { directory in
                let store = try await makeStore(directory, taskCount, schema: schema(indexCount: 2))
                var numbers = Shuffle(below: taskCount)
                return {
                    let keys = (0..<64).map { _ in taskKey(numbers.next()) }
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for (turn, key) in keys.enumerated() {
                            let update = Update().setting(
                                status, to: statuses[turn % statuses.count])
                            group.addTask {
                                _ = try await store.write {
                                    _ = try $0.update(in: CodexFlow.table, key: key, update)
                                }
                            }
                        }
                        try await group.waitForAll()
                    }
                }
            },
            items("1,000 new items, 1,000 a transaction", count: 1000, batch: 1000),
            items("1,000 new items, 25 a transaction", count: 1000, batch: 25),
        ]
}
