#if Remote
    import CodexCore
    import CodexStore
    import Foundation
    import Synchronization
    import Testing

    @testable import CodexRemote

    /// Leases of several workers, and changes that the service removed.
    @Suite("Leases of streams")
    struct StreamLeaseTests {
        private static let silent = ChangeHandler.delivering { _ in }

        // MARK: Leases

        @Test("A lease is taken over after its time, and not before", arguments: [29, 30, 31])
        func expiry(seconds: Int) async throws {
            let scene = try StreamScene(shardCount: 1, itemCount: 1)
            let first = try await scene.worker(Self.silent)
            let second = try await scene.worker(Self.silent)
            try await first.survey()
            try await second.survey()
            #expect(first.readers.count == 1 && second.readers.isEmpty)
            scene.clock.pass(.seconds(seconds))
            try await second.survey()
            #expect(second.readers.count == (seconds < 30 ? 0 : 1))
        }

        @Test("A worker that lost its lease has no effect")
        func fencing() async throws {
            let scene = try StreamScene(shardCount: 1, itemCount: 1, emptyPercent: 0)
            let first = try await scene.worker(StreamScene.logging)
            let second = try await scene.worker(StreamScene.logging)
            try await first.survey()
            try await second.survey()
            scene.clock.pass(.seconds(31))
            try await second.survey()
            scene.model.write(0)
            #expect(try await first.turn(0) == .lost)
            #expect(try scene.log(of: 0) == [])
            try await second.turn(0)
            #expect(try scene.log(of: 0) == [1])
        }

        /// The checkpoints of the scene's consumer.
        private static func leases(_ scene: StreamScene) throws -> LeaseTable {
            let client = try scene.consumer(scene.transport()).stream.table.client
            return try LeaseTable(RemoteTable(StreamScene.effects, client), consumer: "c")
        }

        @Test("A body that fails is not repeated after the lease was lost")
        func lostDuringBody() async throws {
            let scene = try StreamScene(shardCount: 1, itemCount: 1, emptyPercent: 0)
            scene.model.write(0)
            let count = Mutex(0)
            let (clock, shardID) = (scene.clock, scene.model.shardIDs[0])
            let leases = try Self.leases(scene)
            let worker = try await scene.worker(
                .delivering { _ in
                    count.withLock { $0 += 1 }
                    clock.pass(.seconds(31))
                    let row = try await leases.row(shardID)
                    _ = try await leases.take(StreamShard(shardID), row ?? LeaseRow(), by: "other")
                    throw CodexError(.invalidItem, "No.")
                })
            try await worker.survey()
            #expect(try await worker.turn(0) == .lost)
            #expect(count.withLock { $0 } == 1)
        }

        @Test("A worker whose shard was closed as gone stores no checkpoint any more")
        func closed() async throws {
            let scene = try StreamScene()
            let leases = try Self.leases(scene)
            try await leases.create("s", isInitial: false)
            let free = LeaseRow()
            let held = try await leases.take(StreamShard("s"), free, by: "w")
            let lease = try #require(held)
            let number = try #require(StreamSequenceNumber("1"))
            // What was read before the lease was taken closes nothing.
            #expect(try await !leases.close("s", free))
            try await leases.checkpoint(lease, at: number)
            let row = try await leases.row("s")
            let taken = try #require(row)
            #expect(try await leases.close("s", taken))
            await #expect(throws: LeaseLost.self) {
                try await leases.checkpoint(lease, at: number)
            }
        }

        @Test("The lease of a shard that was finished since its row was read is not taken")
        func finishedMeanwhile() async throws {
            let scene = try StreamScene()
            let leases = try Self.leases(scene)
            try await leases.create("s", isInitial: false)
            let held = try await leases.take(StreamShard("s"), LeaseRow(), by: "w")
            let lease = try #require(held)
            let old = try #require(try await leases.row("s"))
            try await leases.finish(lease)
            let isTaken = try await leases.take(StreamShard("s"), old, by: "other") != nil
            #expect(!isTaken)
            let row = try #require(try await leases.row("s"))
            #expect(row.isDone && row.owner == nil)
        }

        @Test("A worker with an older listing does not read a finished shard again")
        func olderListing() async throws {
            let scene = try StreamScene(shardCount: 1, itemCount: 2, emptyPercent: 0)
            scene.model.write(0)
            let first = try await scene.worker(Self.silent)
            let second = try await scene.worker(Self.silent)
            try await first.survey()
            try await second.survey()
            let parent = try #require(scene.model.split())
            while !first.readers.isEmpty { try await first.turn(0) }
            scene.model.drop(parent)
            // The first worker sees that the shard is gone; the second one does not yet.
            try await first.survey()
            try await second.survey()
            #expect(second.readers.allSatisfy { $0.lease.shard.id != parent })
        }

        // MARK: Rows that are left over

        @Test("The row of a shard that went while no worker ran is removed by the next worker")
        func goneMeanwhile() async throws {
            let scene = try StreamScene(shardCount: 1, itemCount: 2, emptyPercent: 0)
            let leases = try Self.leases(scene)
            let first = try await scene.worker(Self.silent)
            try await first.survey()
            let parent = try #require(scene.model.split())
            while !first.readers.isEmpty { try await first.turn(0) }
            scene.model.drop(parent)
            let second = try await scene.worker(Self.silent)
            try await second.survey()
            // Workers with an older listing may still look for it.
            #expect(try await leases.row(parent)?.isDone == true)
            scene.clock.pass(.seconds(60))
            try await second.survey()
            #expect(try await leases.row(parent) == nil)
            #expect(second.readers.count == 2)
        }

        @Test("Rows of shards that went with all their children are removed on request, alone")
        func stale() async throws {
            let scene = try StreamScene(shardCount: 2, itemCount: 4)
            let leases = try Self.leases(scene)
            let consumer = try scene.consumer(scene.transport())
            try await consumer.register()
            for name in ["lost-1", "lost-2"] { try await leases.create(name, isInitial: false) }
            // The row of a parent tells whether its changes were done.
            let parent = try #require(scene.model.split())
            scene.model.drop(parent)
            #expect(try await consumer.removeStaleCheckpoints() == 2)
            let rows = try await leases.allRows()
            #expect(rows.count == 2 && rows[parent] != nil)
            #expect(try await consumer.removeStaleCheckpoints() == 0)
        }

        @Test("A row that a worker has taken since it was read stays")
        func takenRow() async throws {
            let scene = try StreamScene()
            let leases = try Self.leases(scene)
            try await leases.create("s", isInitial: false)
            let old = try #require(try await leases.row("s"))
            _ = try await leases.take(StreamShard("s"), old, by: "w")
            #expect(try await !leases.remove("s", old))
            let row = try #require(try await leases.row("s"))
            #expect(try await leases.remove("s", row))
        }

        @Test("Renewals keep a lease, also if its shard has no changes")
        func renewals() async throws {
            let scene = try StreamScene(shardCount: 1, itemCount: 1)
            let first = try await scene.worker(Self.silent)
            let second = try await scene.worker(Self.silent)
            try await first.survey()
            for _ in 0..<10 {
                try await second.survey()
                scene.clock.pass(.seconds(11))
                try await first.worker.renewLeases()
            }
            #expect(second.readers.isEmpty)
        }

        @Test("A worker that joins gets its share, and one that leaves gives its own back")
        func shares() async throws {
            let scene = try StreamScene(shardCount: 4, itemCount: 4)
            let first = try await scene.worker(Self.silent)
            try await first.round()
            #expect(first.readers.count == 4)
            let second = try await scene.worker(Self.silent)
            let isShared = try await scene.work([first, second]) {
                first.readers.count == 2 && second.readers.count == 2
            }
            #expect(isShared)
            await second.worker.releaseLeases()
            try await first.survey()
            #expect(first.readers.count == 4)
        }

        @Test("A child is read after its parent")
        func parents() async throws {
            let scene = try StreamScene(shardCount: 1, itemCount: 2, pageCount: 1, emptyPercent: 0)
            for item in [0, 1, 0] { scene.model.write(item) }
            scene.model.split()
            let worker = try await scene.worker(Self.silent)
            try await worker.survey()
            let parent = scene.model.shardIDs[0]
            #expect(worker.readers.map(\.lease.shard.id) == [parent])
            for _ in 0..<4 where !worker.readers.isEmpty { try await worker.turn(0) }
            #expect(worker.readers.isEmpty && worker.worker.needsSurvey)
            try await worker.survey()
            #expect(worker.readers.count == 2)
        }

        @Test("A page of each of 100 shards takes one read and one checkpoint")
        func requests() async throws {
            let scene = try StreamScene(
                shardCount: 100, itemCount: 500, pageCount: 1000, emptyPercent: 0)
            for number in 0..<1000 { scene.model.write(number % 500) }
            let count = Mutex(0)
            let worker = try await scene.worker(
                .delivering { _ in count.withLock { $0 += 1 } })
            try await worker.round()
            #expect(count.withLock { $0 } == 1000)
            let operations = scene.model.operations
            for operation in ["GetShardIterator", "GetRecords"] {
                #expect(operations.count(where: { $0 == operation }) == 100)
            }
        }

        // MARK: Gaps

        /// A scene whose worker has read the first of five changes.
        private static func begun(
            _ policy: StreamGapPolicy
        ) async throws -> (scene: StreamScene, worker: SteppedWorker) {
            var scene = try StreamScene(
                shardCount: 1, itemCount: 1, pageCount: 1, emptyPercent: 0)
            scene.options.gaps = policy
            for _ in 0..<5 { scene.model.write(0) }
            let worker = try await scene.worker(StreamScene.logging)
            try await worker.round()
            return (scene, worker)
        }

        @Test("Changes that the service removed are an error")
        func trimmed() async throws {
            let (scene, worker) = try await Self.begun(.stop)
            scene.model.trim(scene.model.shardIDs[0], count: 3)
            for _ in 0..<2 {
                let error = await Scene.error { try await worker.turn(0) }
                #expect(error?.code == .changesTrimmed)
            }
            #expect(try scene.log(of: 0) == [1])
        }

        @Test("A consumer that may proceed is told of the gap, and reads the rest")
        func proceeding() async throws {
            let gaps = Gaps()
            let (scene, worker) = try await Self.begun(gaps.policy)
            let shardID = scene.model.shardIDs[0]
            scene.model.trim(shardID, count: 3)
            for _ in 0..<4 { try await worker.turn(0) }
            #expect(try scene.log(of: 0) == [1, 4, 5])
            let number = try #require(scene.model.numbers(of: shardID).first)
            let gap = StreamGap(
                shardID: shardID, after: StreamSequenceNumber("\(number)"), isWholeShard: false)
            #expect(gaps.all == [gap])
        }

        /// Reports gaps, and lets the consumer proceed.
        private final class Gaps: Sendable {
            private let found = Mutex<[StreamGap]>([])

            var all: [StreamGap] { found.withLock { $0 } }

            var policy: StreamGapPolicy {
                .proceed { gap in self.found.withLock { $0.append(gap) } }
            }
        }

        @Test("A shard that is gone before all of it was read is a gap", arguments: [false, true])
        func goneShard(isHeld: Bool) async throws {
            let gaps = Gaps()
            var scene = try StreamScene(shardCount: 1, itemCount: 2, emptyPercent: 0)
            scene.options.gaps = gaps.policy
            scene.model.write(0)
            let worker = try await scene.worker(StreamScene.logging)
            if isHeld { try await worker.survey() }
            let parent = try #require(scene.model.split())
            scene.model.drop(parent)
            for item in [0, 1] { scene.model.write(item) }
            let isDone = try await scene.work([worker]) { try scene.log(of: 1) == [1] }
            #expect(isDone)
            #expect(gaps.all == [StreamGap(shardID: parent, after: nil, isWholeShard: true)])
        }

        @Test("A shard that goes while a worker reads it is a gap")
        func goneWhileRead() async throws {
            let gaps = Gaps()
            let (scene, worker) = try await Self.begun(gaps.policy)
            let shardID = scene.model.shardIDs[0]
            let number = try #require(scene.model.numbers(of: shardID).first)
            scene.model.drop(shardID)
            for _ in 0..<2 where !worker.readers.isEmpty { try await worker.turn(0) }
            #expect(worker.readers.isEmpty)
            let gap = StreamGap(
                shardID: shardID, after: StreamSequenceNumber("\(number)"), isWholeShard: true)
            #expect(gaps.all == [gap])
            let (other, stopped) = try await Self.begun(.stop)
            other.model.drop(other.model.shardIDs[0])
            try await stopped.turn(0)
            let error = await Scene.error { try await stopped.turn(0) }
            #expect(error?.code == .changesTrimmed)
        }

        @Test("A shard that came and went while no worker ran is a gap")
        func unknownShard() async throws {
            let gaps = Gaps()
            var scene = try StreamScene(shardCount: 1, itemCount: 4, emptyPercent: 0)
            scene.options.gaps = gaps.policy
            let worker = try await scene.worker(StreamScene.logging)
            scene.model.split()
            let middle = try #require(scene.model.split())
            scene.model.drop(middle)
            for item in 0..<4 { scene.model.write(item) }
            let isDone = try await scene.work([worker]) { try scene.hasAll() }
            #expect(isDone)
            // Its children both tell of it.
            let gap = StreamGap(shardID: middle, after: nil, isWholeShard: true)
            #expect(gaps.all == [gap, gap])
        }
    }
#endif
