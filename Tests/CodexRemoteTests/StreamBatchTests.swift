#if Remote
    import CodexCore
    import CodexStore
    import CodexTesting
    import Foundation
    import Synchronization
    import TestSupport
    import Testing

    @testable import CodexRemote

    /// Batches of changes that a service refuses, and bodies that are cancelled.
    @Suite("Batches of stream consumers")
    struct StreamBatchTests {
        /// A network to a service that refuses lists of too many actions, by a text of its own.
        private struct RefusingTransport: HTTPTransport {
            let inner: MortalTransport
            let actionCountMax: Int

            func send(_ request: TransportRequest) async throws -> TransportResponse {
                let actions = try JSONNode.parse(request.body)["TransactItems"]?.elements ?? []
                guard actions.count <= actionCountMax else {
                    return try await FakeTransport.refusal("ValidationException")(request)
                }
                return try await inner.send(request)
            }

            func close() async {}
        }

        /// The numbers of changes with which a body was called.
        private final class Calls: Sendable {
            private let counts = Mutex<[Int]>([])

            var all: [Int] { counts.withLock { $0 } }

            func note(_ count: Int) { counts.withLock { $0.append(count) } }
        }

        /// A scene with one change of each of four items.
        private static func scene() throws -> StreamScene {
            let scene = try StreamScene(shardCount: 1, itemCount: 4, emptyPercent: 0)
            for item in 0..<4 { scene.model.write(item) }
            return scene
        }

        /// The key of an effect of a change.
        private static func key(_ change: RemoteChange, _ number: Int) -> PrimaryKey {
            PrimaryKey(.string("\(change.key.partition.string ?? "")-\(number)"), "x")
        }

        /// An effect of a change.
        private static func update(_ change: RemoteChange, _ number: Int) -> WriteAction {
            .update(table: "effects", key: key(change, number), Update([.add("n", 1)]))
        }

        /// A network to the scene's service that refuses lists of too many actions.
        private static func transport(
            _ scene: StreamScene, _ actionCountMax: Int
        ) -> MortalTransport {
            MortalTransport(
                RefusingTransport(inner: scene.transport(), actionCountMax: actionCountMax))
        }

        /// A worker whose transactions have some actions for each change of up to four.
        ///
        /// `calls` notes the batches. Without a most number of actions, no list is refused.
        private static func worker(
            _ scene: StreamScene, _ calls: Calls, _ actionCountMax: Int? = nil,
            _ actions: @escaping @Sendable (RemoteChange) -> [WriteAction]
        ) async throws -> SteppedWorker {
            try await scene.worker(
                .transactional(batchCount: 4) { changes in
                    calls.note(changes.count)
                    return changes.flatMap(actions)
                }, actionCountMax.map { transport(scene, $0) })
        }

        // MARK: Sizes

        @Test(
            "A batch that the service refuses as invalid is divided, down to one change",
            arguments: [(2, [4, 2, 1, 1, 1, 1]), (3, [4, 2, 2]), (4, [4, 2, 2]), (5, [4])])
        func dividedRefusals(actionCountMax: Int, expected: [Int]) async throws {
            let scene = try Self.scene()
            let calls = Calls()
            // Each change has an action, and each transaction the checkpoint.
            let worker = try await Self.worker(scene, calls, actionCountMax) { change in
                [Self.update(change, 0)]
            }
            try await worker.survey()
            try await worker.turn(0)
            #expect(calls.all == expected)
        }

        @Test("A change that the service refuses by itself ends the worker after its attempts")
        func refusedChange() async throws {
            let scene = try Self.scene()
            let calls = Calls()
            let worker = try await Self.worker(scene, calls, 1) { change in
                [.put(table: "effects", ["pk": Self.key(change, 0).partition, "sk": "x"])]
            }
            try await worker.survey()
            let error = await Scene.error { try await worker.turn(0) }
            #expect(error?.code == .invalidArgument)
            #expect(calls.all == [4, 2, 1, 1, 1])
        }

        @Test("A batch that changes too large items is divided, although it writes little")
        func largeItems() async throws {
            let scene = try Self.scene()
            let text = AttributeValue.string(String(repeating: "x", count: 390_000))
            for item in 0..<4 {
                for number in 0..<3 {
                    let key = AttributeValue.string("\(item)-\(number)")
                    try await scene.temporary.store.put(
                        ["pk": key, "sk": "x", "text": text], in: "effects")
                }
            }
            let calls = Calls()
            let worker = try await Self.worker(scene, calls) { change in
                (0..<3).map { Self.update(change, $0) }
            }
            try await worker.survey()
            try await worker.turn(0)
            #expect(calls.all == [4, 2, 2])
        }

        @Test(
            "Repeatable actions of one change are divided by their bytes, too",
            arguments: [10, 11, 25])
        func largeActions(count: Int) async throws {
            let scene = try StreamScene(shardCount: 1, itemCount: 1, emptyPercent: 0)
            scene.model.write(0)
            let text = AttributeValue.string(String(repeating: "x", count: 390_000))
            let worker = try await scene.worker(
                .transactional(batchCount: 4, isRepeatable: true) { _ in
                    (0..<count).map { number in
                        WriteAction.put(
                            table: "effects",
                            ["pk": .string("\(number)"), "sk": "x", "text": text])
                    }
                })
            try await worker.survey()
            try await worker.turn(0)
            for number in 0..<count {
                let key = PrimaryKey(.string("\(number)"), "x")
                #expect(try scene.temporary.store.item(in: "effects", key: key) != nil)
            }
        }

        @Test(
            "Repeatable actions of one change are divided if the service refuses them as invalid",
            arguments: [(1, 3), (2, 1), (3, 1), (5, 1)])
        func dividedActions(actionCountMax: Int, callCount: Int) async throws {
            let scene = try StreamScene(shardCount: 1, itemCount: 1, emptyPercent: 0)
            scene.model.write(0)
            let calls = Calls()
            let worker = try await scene.worker(
                .transactional(batchCount: 4, isRepeatable: true) { changes in
                    calls.note(changes.count)
                    return (0..<4).map { number in
                        WriteAction.put(
                            table: "effects", ["pk": .string("\(number)"), "sk": "x"])
                    }
                }, Self.transport(scene, actionCountMax))
            try await worker.survey()
            let error = await Scene.error { try await worker.turn(0) }
            // Each transaction has the checkpoint, or the lease. An action alone is an error.
            let isTaken = actionCountMax > 1
            #expect(error?.code == (isTaken ? nil : .invalidArgument))
            #expect(calls.all.count == callCount)
            for number in 0..<4 {
                let key = PrimaryKey(.string("\(number)"), "x")
                let found = try scene.temporary.store.item(in: "effects", key: key)
                #expect((found != nil) == isTaken)
            }
        }

        // MARK: Cancellations

        @Test(
            "A body's own cancellation is an error of the body, and not of the worker",
            arguments: [2, 3])
        func cancelledBody(failureCount: Int) async throws {
            let scene = try StreamScene(shardCount: 1, itemCount: 1, emptyPercent: 0)
            scene.model.write(0)
            let calls = Calls()
            let worker = try await scene.worker(
                .delivering { _ in
                    calls.note(1)
                    if calls.all.count <= failureCount { throw CancellationError() }
                })
            try await worker.survey()
            let error = await Scene.error { try await worker.turn(0) }
            // There are three attempts.
            #expect(error?.code == (failureCount < 3 ? nil : .cancelled))
            #expect((error == nil) || error?.cause is CancellationError)
            #expect(calls.all.count == 3)
        }

        @Test("A cancellation of the function that gets a gap is an error of it")
        func cancelledReport() async throws {
            var options = RemoteConsumerOptions()
            options.gaps = .proceed { _ in throw CancellationError() }
            let gap = StreamGap(shardID: "s", after: nil, isWholeShard: true)
            let error = await Scene.error { try await options.report(gap) }
            #expect(error?.code == .cancelled)
        }
    }
#endif
