#if Remote
    import CodexCore
    import CodexRemote
    import CodexWorkspace

    /// The remote client beside a bare one that sends the same requests.
    ///
    /// The client works with one server. After each operation, the bare client sends the same
    /// bodies to a second server, in the same order and as many at once. So both servers have the
    /// same items, and both clients have the same conditions. Both sign each request.
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

        /// The figures of the part.
        ///
        /// - Throws: The errors of the service, and ``BenchFailure``.
        func figures() async throws -> [Figure] {
            let memory = try await MemoryRun(program: program, isQuick: isQuick).figures()
            return try await comparisons() + memory
        }

        private func comparisons() async throws -> [Figure] {
            let ours = try Server(program)
            defer { ours.end() }
            let other = try Server(program)
            defer { other.end() }
            let transport = NotingTransport()
            let client = try makeClient(ours.endpoint, transport)
            let bare = BareClient(other.endpoint)
            let notes = try await RemoteTable.made(.plain("notes"), client)
            let team = try await Team(client, memberCount: 0)
            try await bare.send(transport.take())
            for item in Self.items {
                try await notes.put(item)
                try await bare.send(transport.take())
            }
            var figures = try await pairs(workloads(notes, team.workspace), transport, bare)
            figures += try await bursts(notes, at: ours.endpoint, transport, bare)
            await bare.close()
            await transport.close()
            return figures
        }

        // MARK: Data

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

        /// The items that are there before the measurements.
        private static var items: [Item] {
            let notes = (0..<itemCount).map { item(key($0), $0) }
            let listed = (0..<listedCount).map { number in
                item(PrimaryKey("list", .string("note\(number)")), number)
            }
            return notes + listed
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
        /// The clients take turns after each operation. The first round does not count.
        private func pairs(
            _ workloads: [Workload], _ transport: NotingTransport, _ bare: BareClient
        ) async throws -> [Figure] {
            var ratios = [[Double]](repeating: [], count: workloads.count)
            var times = ratios
            for round in 0...roundCount {
                for (place, workload) in workloads.enumerated() {
                    var (ours, theirs): ([Double], [Double]) = ([], [])
                    for turn in 0..<workload.count {
                        let number = round * workload.count + turn
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

        /// What a burst took.
        private struct Burst: Sendable {
            let seconds: Double
            /// The seconds of processors that this process used.
            let processorSeconds: Double
        }

        /// GetItem, many at once, by a client that notes nothing.
        ///
        /// The servers use the same processors, and the time has their share too. Therefore the
        /// time of processors that the client itself uses is a figure of its own.
        private func bursts(
            _ notes: RemoteTable, at endpoint: String, _ transport: NotingTransport,
            _ bare: BareClient
        ) async throws -> [Figure] {
            var requests: [NotedRequest] = []
            for number in 0..<Self.itemCount {
                _ = try await notes.get(Self.key(number))
                requests += transport.take()
            }
            let client = try makeClient(endpoint)
            let table = RemoteTable(notes.definition, client)
            let known = requests
            var (times, processorTimes): ([Double], [Double]) = ([], [])
            var rates: [Double] = []
            for round in 0...roundCount {
                var pair: (ours: Burst?, theirs: Burst?) = (nil, nil)
                // The side that begins changes.
                let sides = round.isMultiple(of: 2) ? [true, false] : [false, true]
                for isOurs in sides {
                    if isOurs {
                        pair.ours = try await burst { number in
                            _ = try await table.get(Self.key(number % Self.itemCount))
                        }
                    } else {
                        pair.theirs = try await burst { number in
                            try await bare.send(known[number % known.count])
                        }
                    }
                }
                guard round > 0, let ours = pair.ours, let theirs = pair.theirs else { continue }
                times.append(ours.seconds / theirs.seconds)
                processorTimes.append(ours.processorSeconds / theirs.processorSeconds)
                rates.append(Double(burstCount) / ours.seconds)
            }
            await client.close()
            let name = "GetItem, \(Self.burstWidth) at once"
            return [
                Figure(
                    "\(name), time beside the bare client's", rounds: times, "times",
                    goal: Self.goal),
                Figure(
                    "\(name), processor time of the client alone beside the bare client's",
                    rounds: processorTimes, "times"),
                Figure(name, rounds: rates, "requests/s"),
            ]
        }

        /// Performs as many operations as a burst has, a fixed number at once.
        private func burst(
            _ operation: @escaping @Sendable (Int) async throws -> Void
        ) async throws -> Burst {
            let (start, used) = (ContinuousClock.now, Usage.ownProcessorTime)
            try await perform(burstCount, concurrently: Self.burstWidth, operation)
            return Burst(
                seconds: (ContinuousClock.now - start) / .seconds(1),
                processorSeconds: (Usage.ownProcessorTime - used) / .seconds(1))
        }
    }
#endif
