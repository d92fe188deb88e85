#if Remote
    import CodexCore
    import CodexDynamoDB
    import CodexStore
    import CodexTesting
    import CodexWorkspace
    import Foundation
    import TestSupport
    import Testing

    @testable import CodexRemote

    /// Lists by label that a consumer keeps, over the stream of the protocol's service.
    @Suite("A consumer of labels")
    struct LabelConsumerTests {
        private let temporary: TemporaryStore
        private let table: RemoteTable
        private let backend: CodexFlow.TableWorkspaceBackend
        private let workspace: CodexFlow.Workspace

        init() async throws {
            temporary = try TemporaryStore(schema: Schema(tables: []))
            let options = RemoteOptions.through(
                ServiceTransport(service: DynamoDBService(temporary.store)))
            table = RemoteTable(
                try CodexFlow.schema.table(CodexFlow.table), try RemoteClient(options))
            try await table.create(accepting: Set(RemoteTableDesign.Omission.Reason.allCases))
            backend = try CodexFlow.TableWorkspaceBackend(table)
            workspace = CodexFlow.Workspace(backend, calendar: CodexFlow.UTCCalendar())
            try await ConformanceTests.team(workspace)
        }

        private func consumer() async throws -> RemoteConsumer {
            let consumer = try RemoteConsumer(
                "labels", of: try await table.stream(), in: table, schema: CodexFlow.schema)
            try await consumer.register(filter: ChangeFilter(entities: ["task"]))
            return consumer
        }

        /// A reader of the only shard, for a registered consumer.
        private func newReader() async throws -> ShardReader {
            let backend = self.backend
            let worker = try await consumer().worker(
                .transactional(batchCount: 25, isRepeatable: true) { changes in
                    try backend.labelActions(
                        of: changes.map { (old: $0.oldImage, new: $0.newImage) })
                })
            var readers: [ShardReader] = []
            try await worker.survey { readers.append($0) }
            return try #require(readers.first)
        }

        /// Reads all changes that there are; an empty page is not the end.
        private func catchUp(_ reader: inout ShardReader) async throws {
            var idleCount = 0
            while idleCount < 4 {
                let turn = try await reader.turn()
                idleCount = turn == .read ? 0 : idleCount + 1
            }
        }

        private func list(_ label: String) async throws -> [CodexFlow.Task.ID] {
            try await workspace.all(.tasks(in: "p", label: label)).map(\.id)
        }

        @Test("The consumer brings the lists up to date with the commands", arguments: 1...4)
        func lists(seed: Int) async throws {
            var random = SplitMix(seed: UInt64(seed))
            // These come before the consumer, and are in the lists by the rebuild.
            for id in ["t0", "t1"] as [CodexFlow.Task.ID] {
                try await workspace.createTask(in: "p", by: "mia", id: id) { task in
                    (task.title, task.labels) = ("T", ["a", "b"])
                }
            }
            var reader = try await newReader()
            _ = try await backend.rebuildLabels()
            var expected: [CodexFlow.Task.ID: [String]] = ["t0": ["a", "b"], "t1": ["a", "b"]]
            for _ in 0..<40 {
                let id = try CodexFlow.Task.ID("t\(random.below(8))")
                let labels = ["a", "b", "c"].filter { _ in random.chance(50) }
                if expected[id] == nil {
                    try await workspace.createTask(in: "p", by: "mia", id: id) { task in
                        (task.title, task.labels) = ("T", labels)
                    }
                } else {
                    try await workspace.changeTask(id, in: "p", by: "mia") { $0.labels = labels }
                }
                expected[id] = labels
                if random.chance(20) { _ = try await reader.turn() }
            }
            try await catchUp(&reader)
            for label in ["a", "b", "c"] {
                let ids = expected.filter { $0.value.contains(label) }.keys.map(\.rawValue)
                let found = try await list(label).map(\.rawValue)
                #expect(found == ids.sorted(), "seed \(seed), label \(label)")
            }
            let report = try await backend.verifyLabels()
            #expect(report.missingCount == 0 && report.leftoverCount == 0, "seed \(seed)")
        }

        @Test("A task with as many labels as may be is one change of several transactions")
        func manyLabels() async throws {
            _ = try await backend.rebuildLabels()
            var reader = try await newReader()
            func labels(_ name: String) -> [String] {
                (0..<CodexFlow.Limits.labelCountMax).map { "\(name)\($0)" }
            }
            let (first, second) = (labels("first"), labels("second"))
            try await workspace.createTask(in: "p", by: "mia", id: "t") { task in
                (task.title, task.labels) = ("T", first)
            }
            try await catchUp(&reader)
            #expect(try await list("first0") == ["t"])
            #expect(try await list("first99") == ["t"])
            try await workspace.changeTask("t", in: "p", by: "mia") { $0.labels = second }
            try await catchUp(&reader)
            #expect(try await list("first0").isEmpty)
            #expect(try await list("second99") == ["t"])
            try await workspace.deleteTask("t", in: "p", by: "mia")
            try await catchUp(&reader)
            let report = try await backend.verifyLabels()
            #expect(report.missingCount == 0 && report.leftoverCount == 0)
        }

        @Test("A damaged item of another program does not stop the consumer")
        func damagedItem() async throws {
            _ = try await backend.rebuildLabels()
            var reader = try await newReader()
            try await table.put([
                "PK": "PROJECT#p", "SK": "TASK#raw", TableCapabilities.reservedAttribute: "x",
            ])
            try await workspace.createTask(in: "p", by: "mia", id: "t") { task in
                (task.title, task.labels) = ("T", ["a"])
            }
            try await catchUp(&reader)
            #expect(try await list("a") == ["t"])
        }

        @Test("A deleted project leaves no entries, once the consumer is done")
        func deletedProject() async throws {
            _ = try await backend.rebuildLabels()
            var reader = try await newReader()
            for number in 0..<5 {
                let id = try CodexFlow.Task.ID("t\(number)")
                try await workspace.createTask(in: "p", by: "mia", id: id) { task in
                    (task.title, task.labels) = ("T", ["a"])
                }
            }
            try await catchUp(&reader)
            #expect(try await list("a").count == 5)
            try await workspace.deleteProject("p", by: "olga")
            #expect(try await list("a").isEmpty)
            try await catchUp(&reader)
            #expect(try await backend.verifyLabels().leftoverCount == 0)
        }
    }
#endif
