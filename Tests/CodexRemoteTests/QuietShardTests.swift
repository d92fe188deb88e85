#if Remote
    import CodexCore
    import CodexStore
    import Foundation
    import Synchronization
    import Testing

    @testable import CodexRemote

    /// Shards without changes for long: whether a gap is reported depends on what the service may
    /// have removed, and on no clock of a machine.
    @Suite("Quiet shards")
    struct QuietShardTests {
        private static let silent = ChangeHandler.delivering { _ in }
        private static let day = 86_400
        /// The latest second of a first look, or of a look after a mark, without a gap.
        private static let last = day - 61

        /// A scene whose one shard lost its first change before the registration, so that its
        /// number tells nothing of later ones.
        private static func trimmedScene() throws -> StreamScene {
            let scene = try StreamScene(shardCount: 1, itemCount: 1, emptyPercent: 0)
            scene.model.write(0)
            scene.model.trim(scene.model.shardIDs[0], count: 1)
            return scene
        }

        /// The error of the first page that a new worker reads.
        private static func error(_ scene: StreamScene) async throws -> CodexError? {
            let worker = try await scene.worker(silent)
            // The lease of an earlier worker ends while this one looks on.
            try await worker.survey()
            if worker.readers.isEmpty {
                scene.clock.pass(.seconds(31))
                try await worker.survey()
            }
            return await Scene.error { _ = try await worker.turn(0) }
        }

        /// Reads pages without changes, with pauses before all but the first one, and renews the
        /// lease.
        private static func read(
            _ worker: SteppedWorker, _ scene: StreamScene, pauses: [Int]
        ) async throws {
            try await worker.turn(0)
            for seconds in pauses {
                scene.clock.pass(.seconds(seconds))
                try await worker.turn(0)
            }
            scene.clock.pass(.seconds(11))
            try await worker.worker.renewLeases()
        }

        /// The mark in the row of the scene's shard.
        private static func mark(_ scene: StreamScene) async throws -> Int? {
            let client = try scene.consumer(scene.transport()).stream.table.client
            let leases = try LeaseTable(RemoteTable(StreamScene.effects, client), consumer: "c")
            return try await leases.row(scene.model.shardIDs[0])?.doneThrough
        }

        @Test(
            "A first look that comes after the time for which changes are kept is a gap",
            arguments: [last, last + 1, day])
        func lateLook(seconds: Int) async throws {
            let scene = try Self.trimmedScene()
            let worker = try await scene.worker(Self.silent)
            try await worker.survey()
            scene.clock.pass(.seconds(seconds))
            let error = await Scene.error { _ = try await worker.turn(0) }
            #expect(error?.code == (seconds > Self.last ? .changesTrimmed : nil))
        }

        @Test("A late look at a shard of which nothing was ever removed is none")
        func untrimmed() async throws {
            let scene = try StreamScene(shardCount: 1, itemCount: 1, emptyPercent: 0)
            let consumer = try scene.consumer(scene.transport())
            try await consumer.register()
            scene.clock.pass(.seconds(3 * Self.day))
            let error = try await Self.error(scene)
            #expect(error == nil)
        }

        @Test("A quiet shard that was read all the time is no gap at the next start")
        func restart() async throws {
            let scene = try Self.trimmedScene()
            let worker = try await scene.worker(Self.silent)
            try await worker.survey()
            try await Self.read(
                worker, scene, pauses: [Int](repeating: 600, count: 2 * Self.day / 600))
            let error = try await Self.error(scene)
            #expect(error == nil)
        }

        @Test("So is one whose last change the service has removed")
        func removedPosition() async throws {
            let scene = try StreamScene(shardCount: 1, itemCount: 1, emptyPercent: 0)
            scene.model.write(0)
            let worker = try await scene.worker(Self.silent)
            try await worker.survey()
            try await Self.read(worker, scene, pauses: [Int](repeating: 60, count: 60))
            scene.model.trim(scene.model.shardIDs[0], count: 1)
            scene.model.refuseRemovedNumbers()
            let error = try await Self.error(scene)
            #expect(error == nil)
        }

        @Test("A change after the mark, which the service has removed, is a gap")
        func removedChange() async throws {
            let scene = try StreamScene(shardCount: 1, itemCount: 1, emptyPercent: 0)
            let worker = try await scene.worker(Self.silent)
            try await worker.survey()
            try await Self.read(worker, scene, pauses: [Int](repeating: 60, count: 60))
            #expect(try await Self.mark(scene) != nil)
            for _ in 0..<3 { scene.model.write(0) }
            try await worker.turn(0)
            #expect(try await Self.mark(scene) == nil)
            scene.model.write(0)
            scene.model.trim(scene.model.shardIDs[0], count: 4)
            let error = try await Self.error(scene)
            #expect(error?.code == .changesTrimmed)
        }

        @Test(
            "A mark is good for as long as changes are kept",
            arguments: [-1, 0, 1])
        func oldMark(difference: Int) async throws {
            let scene = try Self.trimmedScene()
            let worker = try await scene.worker(Self.silent)
            try await worker.survey()
            try await Self.read(worker, scene, pauses: [Int](repeating: 60, count: 60))
            let mark = try #require(try await Self.mark(scene))
            await worker.worker.releaseLeases()
            let now = Int(scene.clock.now.timeIntervalSince1970)
            scene.clock.pass(.seconds(mark / 1000 + Self.last + difference - now))
            let error = try await Self.error(scene)
            #expect(error?.code == (difference > 0 ? .changesTrimmed : nil))
        }

        @Test("A mark needs so many pages without changes", arguments: [-1, 0, 1])
        func pages(difference: Int) async throws {
            let scene = try Self.trimmedScene()
            let worker = try await scene.worker(Self.silent)
            try await worker.survey()
            let start = Int(scene.clock.now.timeIntervalSince1970) * 1000
            let count = ShardReader.emptyPageCountMin + difference
            try await Self.read(
                worker, scene, pauses: [Int](repeating: 20, count: count - 1))
            #expect(try await Self.mark(scene) == (difference < 0 ? nil : start))
        }

        @Test("And so much time", arguments: [-1, 0, 1])
        func times(difference: Int) async throws {
            let scene = try Self.trimmedScene()
            let worker = try await scene.worker(Self.silent)
            try await worker.survey()
            let start = Int(scene.clock.now.timeIntervalSince1970) * 1000
            // The last page is the first one for which both are enough.
            let pauses = [Int](repeating: 9, count: 99) + [9 + difference]
            try await Self.read(worker, scene, pauses: pauses)
            #expect(pauses.count * 9 * 1000 == ShardReader.emptyMilliseconds)
            #expect(try await Self.mark(scene) == (difference < 0 ? nil : start))
        }

        // MARK: Clocks

        /// Answers with the date of a service's clock.
        private struct DatedTransport: HTTPTransport {
            let inner: MortalTransport
            let clock: FakeClock

            func send(_ request: TransportRequest) async throws -> TransportResponse {
                var response = try await inner.send(request)
                let format = DateFormatter()
                format.locale = Locale(identifier: "en_US_POSIX")
                format.timeZone = TimeZone(secondsFromGMT: 0)
                format.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
                response.headers.append((name: "Date", value: format.string(from: clock.now)))
                return response
            }

            func close() async {}
        }

        @Test(
            "The clock of the machine that registers a consumer does not matter",
            arguments: [-2 * day, 0, 2 * day], [last - 10, day])
        func clocks(skew: Int, seconds: Int) async throws {
            let scene = try Self.trimmedScene()
            let machine = FakeClock()
            machine.jump(TimeInterval(skew))
            try await scene.consumer(
                DatedTransport(inner: scene.transport(), clock: scene.clock), at: machine
            ).register()
            scene.clock.pass(.seconds(seconds))
            let transport = MortalTransport(
                DatedTransport(inner: scene.transport(), clock: scene.clock))
            let consumer = try scene.consumer(transport)
            let worker = SteppedWorker(transport, try await consumer.worker(Self.silent))
            try await worker.survey()
            let error = await Scene.error { _ = try await worker.turn(0) }
            #expect(error?.code == (seconds > Self.last ? .changesTrimmed : nil))
        }

        // MARK: Services that do not end

        @Test("An iterator that is expired at once is a failure of the service, which may pass")
        func expiredIterators() async throws {
            let scene = try StreamScene(shardCount: 1, itemCount: 1, emptyPercent: 0)
            scene.model.write(0)
            let worker = try await scene.worker(StreamScene.logging)
            try await worker.survey()
            scene.model.expireIterators(true)
            for _ in 0..<3 {
                let error = await Scene.error { _ = try await worker.turn(0) }
                // The worker pauses after it, and ends after RemoteConsumerOptions.retryTimeout.
                #expect(error.map { RetryDeadline.isTransient($0) } == true)
            }
            scene.model.expireIterators(false)
            try await worker.turn(0)
            #expect(try scene.log(of: 0) == [1])
        }

        @Test("An iterator that expired while it was not used is replaced")
        func oldIterator() async throws {
            let scene = try StreamScene(shardCount: 1, itemCount: 1, emptyPercent: 0)
            let worker = try await scene.worker(StreamScene.logging)
            try await worker.survey()
            try await worker.turn(0)
            scene.clock.pass(.seconds(16 * 60))
            scene.model.write(0)
            for _ in 0..<2 { try await worker.turn(0) }
            #expect(try scene.log(of: 0) == [1])
        }

        @Test("A list of shards without an end is refused", arguments: [-1, 0, 1])
        func endlessList(difference: Int) async throws {
            let pageCount = 5
            let sent = Mutex(0)
            let scene = try Scene([
                { _ in
                    let number = sent.withLock { sent in
                        sent += 1
                        return sent
                    }
                    let next = number < pageCount ? #","LastEvaluatedShardId":"s\#(number)""# : ""
                    let shard = #"{"ShardId":"s\#(number)"}"#
                    let body = #"{"StreamDescription":{"Shards":[\#(shard)]\#(next)}}"#
                    return TransportResponse(status: 200, body: Array(body.utf8))
                }
            ])
            let stream = RemoteStream(scene.table, arn: "arn", view: .keysOnly)
            let error = await Scene.error {
                let found = try await StreamWorker.list(
                    stream, pageCountMax: pageCount + difference)
                #expect(found.count == pageCount)
            }
            #expect(error?.code == (difference < 0 ? .invalidResponse : nil))
            #expect(scene.transport.requests.count == min(pageCount, pageCount + difference))
        }
    }
#endif
