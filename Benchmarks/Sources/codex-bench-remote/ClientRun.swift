#if Remote
    import CodexCore
    import CodexRemote
    import CodexWorkspace

    /// The remote client beside a bare one that sends the same requests.
    ///
    /// The client works with one server. After each operation, the bare client sends the same
    /// bodies to a second server, in the same order and as many at once. So both servers have the
    /// same items, and both clients have the same conditions.
    struct ClientRun: Sendable {
        let program: String
        let isQuick: Bool

        /// The client may take 15 % more time.
        private static let goal = Figure.Goal.atMost(1.15)
        private static let itemCount = 1000
        private static let listedCount = 25
        /// The operations at once in bursts.
        private static let burstWidth = 64

        private var roundCount: Int { isQuick ? 3 : 9 }
        private var readCount: Int { isQuick ? 100 : 400 }
        private var commandCount: Int { isQuick ? 30 : 100 }
        private var burstCount: Int { isQuick ? 1920 : 6400 }

        /// What is done so many times in a round.
        private struct Workload: Sendable {
            let name: String
            let count: Int
            /// Gets another number each time.
            let operation: @Sendable (Int) async throws -> Void

            init(
                _ name: String, _ count: Int,
                _ operation: @escaping @Sendable (Int) async throws -> Void
            ) {
                (self.name, self.count, self.operation) = (name, count, operation)
            }
        }

        func figures() async throws -> [Figure] {
            let ours = try Server(program)
            defer { ours.end() }
            let other = try Server(program)
            defer { other.end() }
            let transport = NotingTransport()
            let client = try makeClient(ours.endpoint, transport)
            let bare = BareClient(other.endpoint)
            let notes = try await RemoteTable.made(Self.definition, client)
            let team = try await Team(client, memberCount: 0)
            try await Self.fill(notes)
            try await bare.send(transport.take())
            var figures = try await pairs(workloads(notes, team.workspace), transport, bare)
            figures.append(try await bursts(notes, at: ours.endpoint, transport, bare))
            await bare.close()
            await transport.close()
            return figures
        }

        // MARK: Data

        private static let definition = TableDefinition(
            "notes", partitionKey: KeyAttribute("pk"), sortKey: KeyAttribute("sk"))

        private static func key(_ number: Int) -> PrimaryKey {
            PrimaryKey(.string("note\(number)"), "note")
        }

        /// An item of about 300 bytes.
        private static func item(_ key: PrimaryKey, _ number: Int) -> Item {
            [
                "pk": key.partition, "sk": key.sort ?? "note", "number": .number(Number(number)),
                "title": "A note of some three hundred bytes",
                "labels": .stringSet(["one", "two"]),
                "body": .string(String(repeating: "lorem ipsum ", count: 18)),
            ]
        }

        private static func fill(_ notes: RemoteTable) async throws {
            for number in 0..<itemCount {
                try await notes.put(item(key(number), number))
            }
            for number in 0..<listedCount {
                try await notes.put(item(PrimaryKey("list", .string("note\(number)")), number))
            }
        }

        // MARK: One after the other

        private func workloads(
            _ notes: RemoteTable, _ workspace: CodexFlow.Workspace
        ) -> [Workload] {
            let query = TableQuery(table: "notes", partition: ["list"])
            let batch = (0..<Self.listedCount).map { Self.key($0) }
            return [
                Workload("GetItem", readCount) { number in
                    let item = try await notes.get(Self.key(number % Self.itemCount))
                    guard item != nil else { throw BenchFailure("An item is missing.") }
                },
                Workload("PutItem", readCount) { number in
                    try await notes.put(Self.item(Self.key(number % Self.itemCount), number))
                },
                Workload("Query of 25 items", readCount) { _ in
                    let page = try await notes.items(matching: query, consistency: .consistent)
                    guard page.items.count == Self.listedCount else {
                        throw BenchFailure("The list has \(page.items.count) items.")
                    }
                },
                Workload("BatchGetItem of 25 items", readCount) { _ in
                    guard try await notes.batchGet(batch).allSatisfy({ $0 != nil }) else {
                        throw BenchFailure("An item is missing.")
                    }
                },
                Workload("createTask", commandCount) { number in
                    let id = try CodexFlow.Task.ID("t\(number)")
                    try await workspace.createTask(in: "p", by: "owner", id: id) { task in
                        task.title = "Task \(number)"
                        task.body = String(repeating: "What is to be done. ", count: 10)
                        task.status = .inProgress
                    }
                },
                Workload("changeTask", commandCount) { number in
                    let id = try CodexFlow.Task.ID("t\(number)")
                    try await workspace.changeTask(id, in: "p", by: "owner") {
                        $0.title = "Changed task \(number)"
                    }
                },
                Workload("completeTask", commandCount) { number in
                    let id = try CodexFlow.Task.ID("t\(number)")
                    try await workspace.completeTask(id, in: "p", by: "owner")
                },
            ]
        }

        /// The times of both clients, by the operations of each round.
        ///
        /// The first round does not count.
        private func pairs(
            _ workloads: [Workload], _ transport: NotingTransport, _ bare: BareClient
        ) async throws -> [Figure] {
            var ratios = [[Double]](repeating: [], count: workloads.count)
            var times = ratios
            for round in 0...roundCount {
                for (place, workload) in workloads.enumerated() {
                    var (ours, theirs): ([Double], [Double]) = ([], [])
                    for number in 0..<workload.count {
                        let number = round * workload.count + number
                        ours.append(
                            try await Self.milliseconds { try await workload.operation(number) })
                        let requests = transport.take()
                        theirs.append(
                            try await Self.milliseconds { try await bare.send(requests) })
                    }
                    guard round > 0 else { continue }
                    ratios[place].append(ours.median / theirs.median)
                    times[place].append(ours.median)
                }
            }
            return workloads.indices.flatMap { place in
                [
                    Figure(
                        "\(workloads[place].name), time beside the bare client's",
                        rounds: ratios[place], "times", goal: Self.goal),
                    Figure("\(workloads[place].name)", rounds: times[place], "ms"),
                ]
            }
        }

        private static func milliseconds(
            _ body: () async throws -> Void
        ) async throws -> Double {
            let start = ContinuousClock.now
            try await body()
            return (ContinuousClock.now - start) / .milliseconds(1)
        }

        // MARK: Many at once

        /// GetItem, many at once, by a client that notes nothing.
        private func bursts(
            _ notes: RemoteTable, at endpoint: String, _ transport: NotingTransport,
            _ bare: BareClient
        ) async throws -> Figure {
            var requests: [NotedRequest] = []
            for number in 0..<Self.itemCount {
                _ = try await notes.get(Self.key(number))
                requests += transport.take()
            }
            let client = try makeClient(endpoint)
            let table = RemoteTable(Self.definition, client)
            let known = requests
            let ours = { () async throws -> Double in
                try await burst { _ = try await table.get(Self.key($0 % Self.itemCount)) }
            }
            let theirs = { () async throws -> Double in
                try await burst { try await bare.send(known[$0 % known.count]) }
            }
            var ratios: [Double] = []
            for round in 0...roundCount {
                // The side that begins changes.
                let isFirst = round.isMultiple(of: 2)
                var own = 0.0
                if isFirst { own = try await ours() }
                let peer = try await theirs()
                if !isFirst { own = try await ours() }
                if round > 0 { ratios.append(own / peer) }
            }
            await client.close()
            return Figure(
                "GetItem, \(Self.burstWidth) at once, time beside the bare client's",
                rounds: ratios, "times", goal: Self.goal)
        }

        /// The milliseconds of so many operations, a fixed number at once.
        private func burst(
            _ operation: @escaping @Sendable (Int) async throws -> Void
        ) async throws -> Double {
            let count = burstCount
            return try await Self.milliseconds {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for first in 0..<Self.burstWidth {
                        group.addTask {
                            for number in stride(from: first, to: count, by: Self.burstWidth) {
                                try await operation(number)
                            }
                        }
                    }
                    try await group.waitForAll()
                }
            }
        }
    }
#endif
