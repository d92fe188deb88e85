#if Remote
    import CodexCore
    import CodexWorkspace
    import Foundation
    import TestSupport
    import Testing

    @testable import CodexRemote

    /// What a table of each service must do: in this process, with faults, and at the addresses of
    /// `CODEX_REMOTE_ENDPOINTS`.
    @Suite("Conformance of services", .serialized)
    struct ConformanceTests {
        /// A table with a name of its own.
        private static func definition() -> TableDefinition {
            TableDefinition(
                "notes-\(UUID().uuidString)", partitionKey: KeyAttribute("pk"),
                sortKey: KeyAttribute("sk", .number),
                indexes: [
                    IndexDefinition(
                        "byKind", partitionKey: [KeyAttribute("kind")],
                        sortKey: [KeyAttribute("rank", .number)])
                ])
        }

        private static func key(_ number: Int) -> PrimaryKey {
            PrimaryKey("p", .number(Number(number)))
        }

        private static func note(_ number: Int) -> Item {
            [
                "pk": "p", "sk": .number(Number(number)), "kind": number % 2 == 0 ? "even" : "odd",
                "rank": .number(Number(-number)), "text": "é \"quoted\" \n \(number)",
                "tags": .stringSet(["a", "b"]), "data": .binary([0, 255]), "none": .null,
                "list": [1, true, ["x": .numberSet([1, 2])]],
            ]
        }

        // MARK: Tables

        @Test("Items, conditions and updates", arguments: TestedService.all)
        func items(service: TestedService) async throws {
            try await ConformanceScene(service).using(Self.definition()) { table in
                let isNew = Condition.attributeNotExists("pk")
                #expect(try await table.get(Self.key(1)) == nil)
                try await table.put(Self.note(1), condition: isNew)
                #expect(try await table.get(Self.key(1)) == Self.note(1))
                let error = await Scene.error {
                    try await table.put(Self.note(1), condition: isNew)
                }
                #expect(error?.code == .conditionFailed && error?.currentItem == Self.note(1))
                let add = Update([.add("n", 2)])
                for _ in 0..<3 { try await table.update(Self.key(1), add) }
                #expect(try await table.get(Self.key(1))?["n"] == 6)
                #expect(try await table.delete(Self.key(1), returning: .allOld)?["n"] == 6)
                #expect(try await table.get(Self.key(1)) == nil)
            }
        }

        @Test(
            "A list of actions happens as a whole, and once for its token",
            arguments: TestedService.all)
        func lists(service: TestedService) async throws {
            try await ConformanceScene(service).using(Self.definition()) { table in
                let name = table.definition.name
                let add = WriteAction.update(
                    table: name, key: Self.key(1), Update([.add("n", 1)]))
                if service.differs(.noTransactions) {
                    let write = await Scene.error { try await table.transact([add]) }
                    let read = await Scene.error {
                        _ = try await table.transactionalGet([Self.key(1)])
                    }
                    let codes = [write, read].map { $0?.code }
                    #expect(codes == [.unsupportedOperation, .unsupportedOperation])
                    return
                }
                let token = UUID().uuidString
                let count = service.differs(.ignoredTokens) ? 1 : 3
                for _ in 0..<count { try await table.transact([add], idempotencyToken: token) }
                #expect(try await table.get(Self.key(1))?["n"] == 1)
                let check = WriteAction.check(
                    table: name, key: Self.key(2), condition: .attributeExists("pk"))
                let error = await Scene.error { try await table.transact([add, check]) }
                #expect(error?.code == .transactionCancelled)
                let codes = error?.reasons.map { $0?.code }
                #expect(codes == [nil, .conditionFailed])
                let found = try await table.transactionalGet([Self.key(2), Self.key(1)])
                #expect(found.map { $0?["n"] } == [nil, 1])
            }
        }

        @Test("Batches read and write any number of items", arguments: TestedService.all)
        func batches(service: TestedService) async throws {
            try await ConformanceScene(service).using(Self.definition()) { table in
                try await table.batchWrite((0..<130).map { .put(Self.note($0)) })
                let found = try await table.batchGet((0..<131).reversed().map { Self.key($0) })
                var expected: [Item?] = [nil]
                for number in (0..<130).reversed() { expected.append(Self.note(number)) }
                #expect(found == expected)
            }
        }

        @Test("Pages have all results once, in their order", arguments: TestedService.all)
        func pages(service: TestedService) async throws {
            let scene = try ConformanceScene(service)
            try await scene.using(Self.definition()) { table in
                try await table.batchWrite((0..<30).map { .put(Self.note($0)) })
                var query = TableQuery(
                    table: table.definition.name, partition: ["p"], sort: .between(3, 20),
                    direction: .backward)
                let isOdd: Condition = Attribute<String>("kind") == "odd"
                let numbers = Array((3...20).reversed())
                let cases: [(filter: Condition?, numbers: [Int])] = [
                    (nil, numbers), (isOdd, numbers.filter { $0 % 2 == 1 }),
                ]
                for (filter, numbers) in cases {
                    query.filter = filter
                    let expected: [AttributeValue?] = numbers.map { .number(Number($0)) }
                    for limit in [1, numbers.count - 1, numbers.count, numbers.count + 1] {
                        let found = try await Self.all(query, limit, in: table)
                        #expect(found == expected)
                    }
                }
            }
        }

        /// The sort keys of a query's results, by pages.
        private static func all(
            _ query: TableQuery, _ limit: Int, in table: RemoteTable
        ) async throws -> [AttributeValue?] {
            var found: [AttributeValue?] = []
            var token: PageToken?
            repeat {
                let page = try await table.items(
                    matching: query, limits: PageLimits(returned: limit), after: token,
                    consistency: .consistent)
                #expect(page.items.count <= limit)
                found += page.items.map { $0["sk"] }
                token = page.next
            } while token != nil
            return found
        }

        @Test("An index has all items after some time", arguments: TestedService.all)
        func indexes(service: TestedService) async throws {
            let scene = try ConformanceScene(service)
            try await scene.using(Self.definition()) { table in
                try await table.batchWrite((0..<30).map { .put(Self.note($0)) })
                let query = TableQuery(
                    table: table.definition.name, index: "byKind", partition: ["even"])
                var found: [Item] = []
                let lookCount = service.differs(.presentIndexes) ? 1 : 50
                for _ in 0..<lookCount where found.count < 15 {
                    found = try await table.items(matching: query).items
                    if found.count < 15 { try await scene.settle() }
                }
                let expected = stride(from: 28, through: 0, by: -2).map { Self.note($0) }
                #expect(found == expected)
            }
        }

        // MARK: Streams

        /// A table whose keys are strings, as those of checkpoints are.
        private static let streamed = TableDefinition(
            "streamed", partitionKey: KeyAttribute("pk"), sortKey: KeyAttribute("sk"))

        @Test(
            "A consumer gets the changes of each item in their order, with their kinds",
            arguments: TestedService.streamed)
        func streams(service: TestedService) async throws {
            let scene = try ConformanceScene(service)
            try await scene.using(Self.streamed, hasStream: true) { table in
                let consumer = try RemoteConsumer("c", of: try await table.stream(), in: table)
                try await consumer.register()
                for value in 0..<2 {
                    for key in 0..<10 {
                        let item: Item = [
                            "pk": .string("k\(key)"), "sk": "s", "n": .number(Number(value)),
                        ]
                        try await table.put(item)
                    }
                }
                for key in 0..<10 { try await table.delete(PrimaryKey(.string("k\(key)"), "s")) }
                let log = ChangeLog()
                let worker = try await consumer.worker(.delivering { log.append($0) })
                var readers: [ShardReader] = []
                try await worker.survey { readers.append($0) }
                try await Self.read(&readers)
                if service.differs(.lateStreams) {
                    #expect(log.kinds.isEmpty)
                    scene.pass(10)
                    try await Self.read(&readers)
                }
                #expect(log.kinds.count == 10)
                #expect(log.kinds.values.allSatisfy { $0 == [.insert, .modify, .remove] })
            }
        }

        /// Lets each reader read a page.
        private static func read(_ readers: inout [ShardReader]) async throws {
            for place in readers.indices {
                var reader = readers[place]
                _ = try await reader.turn()
                readers[place] = reader
            }
        }

        // MARK: The domain

        private static func expect(
            _ rule: CodexFlow.Rule, location: SourceLocation = #_sourceLocation,
            _ body: () async throws -> Void
        ) async {
            do {
                try await body()
                Issue.record("\(rule) was not broken", sourceLocation: location)
            } catch {
                #expect((error as? CodexError)?.rule == rule, "\(error)", sourceLocation: location)
            }
        }

        /// Some people and a project.
        static func team(_ workspace: CodexFlow.Workspace) async throws {
            for name in ["olga", "mia", "max"] {
                try await workspace.createUser(
                    email: "\(name)@example.com", name: name.capitalized, id: try .init(name))
            }
            try await workspace.createProject(key: "ENG", name: "Engine", id: "p", owner: "olga")
            for name in ["mia", "max"] {
                try await workspace.addMember(try .init(name), to: "p", by: "olga")
            }
        }

        /// The numbers of tasks that some writers create at the same time.
        private static func createMany(
            _ count: Int, writerCount: Int, _ workspace: CodexFlow.Workspace
        ) async throws -> Set<Int?> {
            try await withThrowingTaskGroup(of: [Int?].self) { group in
                for _ in 0..<writerCount {
                    group.addTask {
                        var numbers: [Int?] = []
                        for _ in 0..<count / writerCount {
                            let task = try await workspace.createTask(in: "p", by: "mia") {
                                $0.title = "T"
                            }
                            numbers.append(task.number)
                        }
                        return numbers
                    }
                }
                return try await group.reduce(into: Set<Int?>()) { $0.formUnion($1) }
            }
        }

        @Test(
            "Commands keep their rules, and the markers of all items",
            arguments: TestedService.all)
        func domain(service: TestedService) async throws {
            let definition = try CodexFlow.schema.table(CodexFlow.table)
            try await ConformanceScene(service).using(definition) { table in
                if service.differs(.noTransactions) {
                    let refused = await Scene.error {
                        _ = try CodexFlow.TableWorkspaceBackend(table)
                    }
                    #expect(refused?.code == .unsupportedOperation)
                    return
                }
                let backend = try CodexFlow.TableWorkspaceBackend(table)
                let workspace = CodexFlow.Workspace(backend, calendar: CodexFlow.UTCCalendar())
                try await Self.team(workspace)
                await Self.expect(.userEmailTaken) {
                    try await workspace.createUser(email: "MIA@example.com", name: "M", id: "m")
                }
                let writerCount = service.differs(.sharedTransactions) ? 1 : 16
                let numbers = try await Self.createMany(16, writerCount: writerCount, workspace)
                #expect(numbers.count == 16 && !numbers.contains(nil))
                try await Self.parts(workspace)
                try await Self.work(workspace)
                let session = try await workspace.openSession(for: "max")
                try await workspace.suspendUser("max")
                #expect(try await workspace.session(token: session.token) == nil)
                let report = try await backend.verifyMarkers()
                #expect(report.missingCount == 0 && report.examinedCount > 20)
                let totals = try await workspace.taskTotals(of: "p")
                #expect(totals[.backlog]?.count == 18 && totals[.done]?.count == 2)
                #expect(try await backend.verifyTaskTotals().differingCount == 0)
                try await workspace.deleteProject("p", by: "olga")
                #expect(try await workspace.get(.project("p")) == nil)
            }
        }

        /// A whole is not done before its part.
        private static func parts(_ workspace: CodexFlow.Workspace) async throws {
            for id in ["whole", "part"] as [CodexFlow.Task.ID] {
                try await workspace.createTask(in: "p", by: "mia", id: id) { task in
                    (task.title, task.status) = ("T", .inProgress)
                    task.parentID = id == "part" ? "whole" : nil
                }
            }
            await expect(.taskChildren) {
                try await workspace.completeTask("whole", in: "p", by: "mia")
            }
            try await workspace.completeTask("part", in: "p", by: "mia")
            try await workspace.completeTask("whole", in: "p", by: "mia")
        }

        /// A day has 24 hours, of all tasks together.
        private static func work(_ workspace: CodexFlow.Workspace) async throws {
            let day = CalendarDay(Date())
            for id in ["one", "two"] as [CodexFlow.Task.ID] {
                try await workspace.createTask(in: "p", by: "mia", id: id) { $0.title = "T" }
            }
            try await workspace.logWork(14, on: "one", in: "p", by: "mia", day: day)
            await expect(.workHours) {
                try await workspace.logWork(11, on: "two", in: "p", by: "mia", day: day)
            }
            try await workspace.logWork(10, on: "two", in: "p", by: "mia", day: day)
        }
    }
#endif
