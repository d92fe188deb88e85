#if Remote
    import CodexCore
    import CodexStore
    import CodexTesting
    import Foundation
    import Synchronization
    import TestSupport
    import Testing

    @testable import CodexRemote

    /// Consumers of a modeled stream: what comes, how often, and in which order.
    @Suite("Consumers of streams")
    struct StreamConsumerTests {
        /// What a handler with effects of its own has got: the counts of each item.
        private final class Delivered: Sendable {
            private let counts = Mutex<[Int: [Int]]>([:])

            var all: [Int: [Int]] { counts.withLock { $0 } }

            var handler: ChangeHandler {
                .delivering { change in
                    let item = Int(change.key.partition.string ?? "") ?? -1
                    let count = change.newImage?["n"]?.number?.int64.map { Int($0) } ?? -1
                    self.counts.withLock { $0[item, default: []].append(count) }
                }
            }

            /// The counts of an item without repetitions.
            func firsts(of item: Int) -> [Int] {
                var seen: Set<Int> = []
                return (all[item] ?? []).filter { seen.insert($0).inserted }
            }

            func hasAll(_ model: StreamModel) -> Bool {
                model.counts.allSatisfy { firsts(of: $0.key).count >= $0.value }
            }

            func check(_ model: StreamModel, _ comment: Comment) {
                for (item, count) in model.counts {
                    #expect(firsts(of: item) == Array(1...count), comment)
                }
            }
        }

        // MARK: Random histories

        private static let seeds = 1...TestLength.count(4, long: 12)

        /// Writes, splits, repetitions, expired iterators and leases, workers that are killed.
        private static func history(
            _ scene: StreamScene, seed: Int, _ handler: ChangeHandler
        ) async throws -> [SteppedWorker] {
            var random = SplitMix(seed: UInt64(seed))
            var workers: [SteppedWorker] = []
            for _ in 0..<3 { workers.append(try await scene.worker(handler)) }
            for _ in 0..<300 {
                switch random.below(100) {
                case 0..<40: scene.model.write(random.below(12))
                case 40..<46: scene.model.repeatRecord()
                case 46..<49: if scene.model.shardIDs.count < 15 { scene.model.split() }
                case 49..<51: scene.clock.pass(.seconds(16 * 60))
                case 51..<54:
                    random.pick(workers).transport.kill(
                        after: random.below(4), arrives: random.chance(50))
                case 54..<60: scene.clock.pass(.seconds(11))
                default:
                    let place = random.below(workers.count)
                    do {
                        try await workers[place].step(&random)
                    } catch  where workers[place].transport.isDead {
                        workers[place] = try await scene.worker(handler)
                    }
                }
            }
            for place in workers.indices {
                workers[place].transport.kill(after: 0, arrives: false)
                workers[place] = try await scene.worker(handler)
            }
            return workers
        }

        @Test(
            "Effects in the transaction of the checkpoint happen once, in order",
            arguments: seeds)
        func exactlyOnce(seed: Int) async throws {
            let scene = try StreamScene(seed: seed)
            let workers = try await Self.history(scene, seed: seed, StreamScene.logging)
            let isDone = try await scene.work(workers) { try scene.hasAll() }
            #expect(isDone, "seed \(seed)")
            try scene.checkLog("seed \(seed)")
        }

        @Test("Other effects happen at least once, in order", arguments: seeds)
        func atLeastOnce(seed: Int) async throws {
            let scene = try StreamScene(seed: seed)
            let delivered = Delivered()
            let workers = try await Self.history(scene, seed: seed, delivered.handler)
            let isDone = try await scene.work(workers) { delivered.hasAll(scene.model) }
            #expect(isDone, "seed \(seed)")
            delivered.check(scene.model, "seed \(seed)")
        }

        // MARK: Ends of processes

        /// Whether the last request of a process arrives, if all effects are in the table.
        ///
        /// A request that does not arrive leaves in the table what the one before it left. So the
        /// long form alone has both.
        private static let fates = TestLength.isLong ? [false, true] : [true]

        /// A short history: two shards, of which one splits.
        private static func filled() throws -> StreamScene {
            let scene = try StreamScene(
                shardCount: 2, itemCount: 4, pageCount: 5, emptyPercent: 0)
            for item in [0, 1, 2, 3, 0, 1] { scene.model.write(item) }
            scene.model.split()
            for item in [3, 2, 1, 0] { scene.model.write(item) }
            return scene
        }

        /// Lets a first process end with its request of a number, and a second one do the rest.
        ///
        /// - Returns: Whether the first process came to its end before that request.
        private static func end(
            after count: Int, arrives: Bool, _ scene: StreamScene, _ handler: ChangeHandler,
            _ isDone: () throws -> Bool
        ) async throws -> Bool {
            let transport = scene.transport()
            transport.kill(after: count, arrives: arrives)
            do {
                let first = try await scene.worker(handler, transport)
                _ = try await scene.work([first], until: isDone)
            } catch  where transport.isDead {
                // What the test is about.
            }
            let wasWhole = !transport.isDead
            let second = try await scene.worker(handler)
            let isOver = try await scene.work([second], until: isDone)
            #expect(isOver, "request \(count), arrives \(arrives)")
            return wasWhole
        }

        @Test(
            "A process may end with any request: effects with the checkpoint happen once",
            arguments: fates)
        func killedTransactional(arrives: Bool) async throws {
            var count = 0
            while true {
                let scene = try Self.filled()
                let wasWhole = try await Self.end(
                    after: count, arrives: arrives, scene, StreamScene.logging
                ) { try scene.hasAll() }
                try scene.checkLog("request \(count), arrives \(arrives)")
                if wasWhole { break }
                count += 1
            }
            #expect(count > 20)
        }

        @Test(
            "A process may end with any request: other effects happen at least once",
            arguments: [false, true])
        func killedDelivering(arrives: Bool) async throws {
            var count = 0
            while true {
                let scene = try Self.filled()
                let delivered = Delivered()
                let wasWhole = try await Self.end(
                    after: count, arrives: arrives, scene, delivered.handler
                ) { delivered.hasAll(scene.model) }
                delivered.check(scene.model, "request \(count), arrives \(arrives)")
                if wasWhole { break }
                count += 1
            }
            #expect(count > 20)
        }

        // MARK: Bodies

        @Test("A body that fails is repeated, and then ends the worker at its change")
        func failingBody() async throws {
            let scene = try StreamScene(shardCount: 1, itemCount: 3, emptyPercent: 0)
            for item in 0..<3 { scene.model.write(item) }
            let calls = Mutex<[String]>([])
            let worker = try await scene.worker(
                .delivering { change in
                    let item = change.key.partition.string ?? ""
                    calls.withLock { $0.append(item) }
                    if item == "1" { throw CodexError(.invalidItem, "No.") }
                })
            try await worker.survey()
            let first = await Scene.error { try await worker.turn(0) }
            #expect(first?.code == .invalidItem)
            #expect(calls.withLock { $0 } == ["0", "1", "1", "1"])
            let second = await Scene.error { try await worker.turn(0) }
            #expect(second?.code == .invalidItem)
            // What was delivered before it does not come again.
            #expect(calls.withLock { $0 } == ["0", "1", "1", "1", "1", "1", "1"])
        }

        @Test("One change has at most 99 actions", arguments: [98, 99, 100])
        func actionCount(count: Int) async throws {
            let scene = try StreamScene(shardCount: 1, itemCount: 1, emptyPercent: 0)
            scene.model.write(0)
            let worker = try await scene.worker(
                .transactional(batchCount: 4) { _ in
                    (0..<count).map { .put(table: "effects", ["pk": "x", "sk": .string("\($0)")]) }
                })
            try await worker.survey()
            let error = await Scene.error { try await worker.turn(0) }
            let expected: CodexError.Code? = count > 99 ? .transactionTooLarge : nil
            #expect(error?.code == expected)
        }

        /// Puts items for each change, all with the number of the change.
        private static func putting(_ count: Int) -> ChangeHandler {
            .transactional(batchCount: 4, isRepeatable: true) { changes in
                changes.flatMap { change in
                    (0..<count).map { number in
                        let item = change.key.partition.string ?? ""
                        return WriteAction.put(
                            table: "effects",
                            [
                                "pk": .string("\(item)-\(number)"), "sk": "x",
                                "n": change.newImage?["n"] ?? .null,
                            ])
                    }
                }
            }
        }

        /// Whether each item of the effects has the number of the last change.
        private static func hasPut(_ count: Int, _ scene: StreamScene) throws -> Bool {
            for (item, last) in scene.model.counts {
                for number in 0..<count {
                    let key = PrimaryKey(.string("\(item)-\(number)"), "x")
                    let found = try scene.temporary.store.item(in: "effects", key: key)
                    if found?["n"] != .number(Number(last)) { return false }
                }
            }
            return true
        }

        @Test(
            "Repeatable actions of one change take as many transactions as they need",
            arguments: [98, 99, 100, 198, 199])
        func repeatableActions(count: Int) async throws {
            let scene = try StreamScene(shardCount: 1, itemCount: 1, emptyPercent: 0)
            for _ in 0..<2 { scene.model.write(0) }
            let worker = try await scene.worker(Self.putting(count))
            try await worker.survey()
            try await worker.turn(0)
            #expect(try Self.hasPut(count, scene))
        }

        @Test(
            "A process may end with any request between repeatable actions",
            arguments: fates)
        func killedRepeatable(arrives: Bool) async throws {
            var count = 0
            while true {
                let scene = try StreamScene(shardCount: 1, itemCount: 2, emptyPercent: 0)
                for item in [0, 1, 0] { scene.model.write(item) }
                // Each change takes two transactions.
                let wasWhole = try await Self.end(
                    after: count, arrives: arrives, scene, Self.putting(110)
                ) { try Self.hasPut(110, scene) }
                if wasWhole { break }
                count += 1
            }
            #expect(count > 10)
        }

        @Test("A batch with too many actions is divided")
        func divided() async throws {
            let scene = try StreamScene(shardCount: 1, itemCount: 4, emptyPercent: 0)
            for item in 0..<4 { scene.model.write(item) }
            let counts = Mutex<[Int]>([])
            let worker = try await scene.worker(
                .transactional(batchCount: 4) { changes in
                    counts.withLock { $0.append(changes.count) }
                    var actions: [WriteAction] = []
                    for change in changes {
                        let item = change.key.partition.string ?? ""
                        for number in 0..<40 {
                            let key = AttributeValue.string("\(item)-\(number)")
                            actions.append(.put(table: "effects", ["pk": key, "sk": "x"]))
                        }
                    }
                    return actions
                })
            try await worker.survey()
            try await worker.turn(0)
            #expect(counts.withLock { $0 } == [4, 2, 2])
        }

        @Test("A batch whose items are too large together is divided")
        func dividedBytes() async throws {
            let scene = try StreamScene(shardCount: 1, itemCount: 4, emptyPercent: 0)
            for item in 0..<4 { scene.model.write(item) }
            let counts = Mutex<[Int]>([])
            let text = AttributeValue.string(String(repeating: "x", count: 390_000))
            let worker = try await scene.worker(
                .transactional(batchCount: 4) { changes in
                    counts.withLock { $0.append(changes.count) }
                    var actions: [WriteAction] = []
                    for change in changes {
                        let item = change.key.partition.string ?? ""
                        for number in 0..<3 {
                            let key = AttributeValue.string("\(item)-\(number)")
                            actions.append(
                                .put(table: "effects", ["pk": key, "sk": "x", "text": text]))
                        }
                    }
                    return actions
                })
            try await worker.survey()
            try await worker.turn(0)
            #expect(counts.withLock { $0 } == [4, 2, 2])
        }

        // MARK: Registration

        @Test("A consumer gets the changes from its time on")
        func times() async throws {
            var scene = try StreamScene(shardCount: 1, itemCount: 2, emptyPercent: 0)
            scene.model.write(0)
            scene.clock.pass(.seconds(10))
            scene.start = .time(scene.clock.now)
            scene.model.write(1)
            let delivered = Delivered()
            let worker = try await scene.worker(delivered.handler)
            for _ in 0..<3 { try await worker.round() }
            #expect(delivered.all == [1: [1]])
        }

        @Test("A filter chooses changes, and another one is refused")
        func filters() async throws {
            var scene = try StreamScene(shardCount: 1, itemCount: 2, emptyPercent: 0)
            for item in [0, 1, 1] { scene.model.write(item) }
            scene.filter = ChangeFilter(partitionKeyPrefix: "1", kinds: [.modify])
            let delivered = Delivered()
            let worker = try await scene.worker(delivered.handler)
            for _ in 0..<3 { try await worker.round() }
            #expect(delivered.all == [1: [2]])
            let consumer = try scene.consumer(scene.transport())
            let error = await Scene.error { try await consumer.register() }
            #expect(error?.code == .invalidArgument)
        }

        @Test("A filter with names that no change has is refused")
        func unknownNames() async throws {
            let scene = try StreamScene()
            let consumer = try scene.consumer(scene.transport())
            let cases: [(filter: ChangeFilter, code: CodexError.Code)] = [
                (ChangeFilter(tables: ["other"]), .unknownTable),
                (ChangeFilter(entities: ["note"]), .invalidArgument),
            ]
            for (filter, code) in cases {
                let error = await Scene.error { try await consumer.register(filter: filter) }
                #expect(error?.code == code)
            }
            let schema = Schema(tables: [StreamModel.definition])
            let typed = try RemoteConsumer(
                "c", of: consumer.stream,
                in: RemoteTable(StreamScene.effects, consumer.stream.table.client), schema: schema)
            let error = await Scene.error {
                try await typed.register(filter: ChangeFilter(entities: ["note"]))
            }
            #expect(error?.code == .unknownEntity)
        }

        @Test("A consumer that is not registered is refused, also after it was removed")
        func unregistered() async throws {
            let scene = try StreamScene()
            let consumer = try scene.consumer(scene.transport())
            let absent = await Scene.error { _ = try await consumer.status() }
            #expect(absent?.code == .unknownConsumer)
            try await consumer.register()
            #expect(try await consumer.status().shardCount == 3)
            try await consumer.remove()
            let removed = await Scene.error { _ = try await consumer.worker(StreamScene.logging) }
            #expect(removed?.code == .unknownConsumer)
        }

        @Test("A service without transactions takes deliveries only")
        func withoutTransactions() async throws {
            let scene = try StreamScene()
            let consumer = try scene.consumer(scene.transport())
            try await consumer.register()
            let poor = try RemoteConsumer(
                "c", of: consumer.stream,
                in: RemoteTable(
                    StreamScene.effects, consumer.stream.table.client, capabilities: .alternator))
            let error = await Scene.error { _ = try await poor.worker(StreamScene.logging) }
            #expect(error?.code == .unsupportedOperation)
            _ = try await poor.worker(.delivering { _ in })
        }
    }
#endif
