#if Remote
    import CodexCore
    import Foundation
    import Synchronization
    import TestSupport
    import Testing

    @testable import CodexRemote

    /// A cache in front of a remote table: how old its answers may be, and what removes them.
    @Suite("A cache with bounded staleness")
    struct BoundedStalenessCacheTests {
        private let scene: CacheScene
        private var cache: BoundedStalenessCache { scene.cache }

        init() throws { scene = try CacheScene() }

        // MARK: The bound

        @Test("An answer is kept up to the bound, and not at it", arguments: [9, 10, 11])
        func bound(age: Int) async throws {
            try await scene.entities.put(CachedPart("a", count: 1))
            #expect(try await scene.count("a") == 1)
            // Another program writes.
            try await scene.entities.put(CachedPart("a", count: 2))
            scene.clock.pass(.seconds(age))
            #expect(try await scene.count("a") == (age < 10 ? 1 : 2))
            #expect(scene.readCount == (age < 10 ? 1 : 2))
        }

        @Test("Changes of the wall clock do not extend the bound", arguments: [-3600, 3600])
        func wallClock(seconds: Int) async throws {
            try await scene.entities.put(CachedPart("a", count: 1))
            #expect(try await scene.count("a") == 1)
            try await scene.entities.put(CachedPart("a", count: 2))
            scene.clock.jump(TimeInterval(seconds))
            #expect(try await scene.count("a") == 1)
            scene.clock.pass(.seconds(10))
            #expect(try await scene.count("a") == 2)
        }

        @Test(
            "In any history, an answer has the writes before the bound, and the cache's own",
            arguments: 1...TestLength.count(6, long: 20))
        func histories(seed: Int) async throws {
            var random = SplitMix(seed: UInt64(seed))
            var now = 0
            // When each count of the part was written.
            var writes: [(second: Int, count: Int)] = []
            var own = 0
            for count in 1...200 {
                switch random.below(4) {
                case 0:
                    try await scene.entities.put(CachedPart("a", count: count))
                    writes.append((now, count))
                case 1 where random.chance(30):
                    try await cache.put(CachedPart("a", count: count))
                    writes.append((now, count))
                    own = count
                case 2:
                    let step = random.below(7)
                    scene.clock.pass(.seconds(step))
                    now += step
                default:
                    let oldest = writes.last { $0.second <= now - 10 }?.count ?? 0
                    let found = try await scene.count("a") ?? 0
                    #expect(found >= max(oldest, own), "seed \(seed), step \(count)")
                    #expect(found <= writes.last?.count ?? 0, "seed \(seed), step \(count)")
                }
            }
            #expect(cache.statistics.hitCount > 0, "seed \(seed)")
        }

        @Test("A read that takes longer than the bound answers its caller, and is not kept")
        func slowRead() async throws {
            try await scene.entities.put(CachedPart("a", count: 1))
            let clock = scene.clock
            scene.transport.setHook { _, send in
                let response = try await send()
                clock.pass(.seconds(10))
                return response
            }
            #expect(try await scene.count("a") == 1)
            #expect(cache.statistics.entryCount == 0)
        }

        @Test("The absence of an entity is kept as long as the policy says")
        func absence() async throws {
            let policy = CacheScene.Policy(maximumAge: .seconds(10), absenceAge: .seconds(4))
            let scene = try CacheScene(policy)
            for _ in 0..<3 { #expect(try await scene.count("a") == nil) }
            #expect(scene.readCount == 1)
            try await scene.entities.put(CachedPart("a", count: 1))
            scene.clock.pass(.seconds(3))
            #expect(try await scene.count("a") == nil)
            scene.clock.pass(.seconds(1))
            #expect(try await scene.count("a") == 1)
            let none = try CacheScene(
                CacheScene.Policy(maximumAge: .seconds(10), absenceAge: .zero))
            for _ in 0..<3 { #expect(try await none.count("a") == nil) }
            #expect(none.readCount == 3)
        }

        @Test("No entity is kept longer than its item lives")
        func timeToLive() async throws {
            let second = Int(scene.clock.now.timeIntervalSince1970)
            try await scene.entities.put(CachedPart("a", count: 1, until: second + 3))
            for passed in 0..<5 {
                #expect(try await scene.count("a") == (passed < 3 ? 1 : nil), "\(passed)")
                scene.clock.pass(.seconds(1))
            }
            #expect(scene.readCount == 2)
        }

        // MARK: Own writes

        @Test("Each write through the cache is visible at once")
        func ownWrites() async throws {
            let part = CachedPart.lookup("a")
            #expect(try await scene.count("a") == nil)
            try await cache.insert(CachedPart("a", count: 1))
            #expect(try await scene.count("a") == 1)
            try await cache.put(CachedPart("a", count: 2))
            #expect(try await scene.count("a") == 2)
            try await cache.update(part) { $0.count = 3 }
            #expect(try await scene.count("a") == 3)
            #expect(try await cache.delete(part))
            #expect(try await scene.count("a") == nil)
            #expect(try await !cache.delete(part))
        }

        @Test("A write whose answer is lost is visible at once")
        func unknownOutcome() async throws {
            try await cache.put(CachedPart("a", count: 1))
            #expect(try await scene.count("a") == 1)
            scene.transport.setHook { operation, send in
                let response = try await send()
                if operation == "PutItem" { throw TransportFailure(.timedOut) }
                return response
            }
            let error = await Scene.error { try await cache.put(CachedPart("a", count: 2)) }
            #expect(error?.code == .outcomeUnknown)
            #expect(try await scene.count("a") == 2)
        }

        @Test("A read that a write overtakes answers its caller, and is not kept")
        func overtaken() async throws {
            try await cache.put(CachedPart("a", count: 1))
            let (isRead, isWritten) = (Gate(), Gate())
            scene.transport.setHook { operation, send in
                let response = try await send()
                if operation == "GetItem" {
                    isRead.open()
                    await isWritten.wait()
                }
                return response
            }
            let reader = Task { [scene] in try await scene.count("a") }
            await isRead.wait()
            try await cache.put(CachedPart("a", count: 2))
            isWritten.open()
            #expect(try await reader.value == 1)
            scene.transport.setHook(nil)
            #expect(try await scene.count("a") == 2)
        }

        // MARK: Concurrent reads

        @Test("Reads of the same at the same time are one read of the table")
        func flight() async throws {
            try await scene.entities.put(CachedPart("a", count: 1))
            let gate = Gate()
            scene.transport.setHook { _, send in
                await gate.wait()
                return try await send()
            }
            let readers = (0..<8).map { _ in Task { [scene] in try await scene.count("a") } }
            while cache.statistics.joinCount < 7 { await Task.yield() }
            gate.open()
            for reader in readers { #expect(try await reader.value == 1) }
            #expect(scene.readCount == 1 && cache.statistics.missCount == 1)
        }

        @Test("A caller that is cancelled ends, and those who wait with it get their answer")
        func cancellation() async throws {
            try await scene.entities.put(CachedPart("a", count: 1))
            let gate = Gate()
            scene.transport.setHook { _, send in
                await gate.wait()
                return try await send()
            }
            let first = Task { [scene] in await Scene.error { _ = try await scene.count("a") } }
            while cache.statistics.missCount < 1 { await Task.yield() }
            let second = Task { [scene] in try await scene.count("a") }
            while cache.statistics.joinCount < 1 { await Task.yield() }
            first.cancel()
            #expect(await first.value?.code == .cancelled)
            gate.open()
            #expect(try await second.value == 1)
        }

        @Test("The error of a read is that of all who wait for it, and is not kept")
        func failure() async throws {
            let gate = Gate()
            scene.transport.setHook { _, _ in
                await gate.wait()
                throw TransportFailure(.responseTooLarge)
            }
            let readers = (0..<3).map { _ in
                Task { [scene] in await Scene.error { _ = try await scene.count("a") } }
            }
            while cache.statistics.joinCount < 2 { await Task.yield() }
            gate.open()
            for reader in readers { #expect(await reader.value != nil) }
            scene.transport.setHook(nil)
            #expect(try await scene.count("a") == nil)
        }

        // MARK: Lists and indexes

        @Test("A list is kept, and a write in its partition removes it")
        func lists() async throws {
            for id in ["1", "2", "3"] {
                try await cache.insert(CachedPart(id, count: 1))
                try await cache.insert(CachedPart(id, in: "c", count: 1))
            }
            for _ in 0..<3 {
                #expect(try await cache.all(CachedPart.all()).map(\.id) == ["1", "2", "3"])
                #expect(try await cache.all(CachedPart.all(in: "c"), limit: 2).count == 2)
            }
            #expect(scene.transport.count(of: "Query") == 2)
            try await cache.delete(CachedPart.lookup("2"))
            #expect(try await cache.all(CachedPart.all()).map(\.id) == ["1", "3"])
            #expect(try await cache.all(CachedPart.all(in: "c"), limit: 2).count == 2)
            #expect(scene.transport.count(of: "Query") == 3)
            scene.clock.pass(.seconds(10))
            #expect(try await cache.all(CachedPart.all()).count == 2)
            #expect(scene.transport.count(of: "Query") == 4)
        }

        @Test("An index is read each time")
        func indexes() async throws {
            try await cache.insert(CachedPart("a", count: 7))
            let list = CodexCore.Query<CachedPart>(partition: 7, index: "byCount")
            let part = Lookup<CachedPart>(.index("byCount", partition: [7], sort: []))
            for count in 1...3 {
                #expect(try await cache.all(list).map(\.id) == ["a"])
                #expect(try await cache.get(part)?.id == "a")
                #expect(scene.transport.count(of: "Query") == 2 * count)
            }
            #expect(cache.statistics.entryCount == 0)
            // A change by an index removes the item's entry.
            #expect(try await scene.count("a") == 7)
            try await cache.update(part) { $0.until = nil }
            #expect(cache.statistics.invalidationCount == 1)
        }

        @Test("Rules and transactions cannot read from a cache: it is no table")
        func types() { #expect(!((cache as Any) is any TableBackend)) }

        // MARK: Changes of others

        @Test("A change from a stream removes the entity, and one of another table does not")
        func changes() async throws {
            let number = try #require(StreamSequenceNumber("1"))
            func change(of table: String) -> RemoteChange {
                RemoteChange(
                    .modify, CachedPart.key("a"), of: table, sequenceNumber: number,
                    time: scene.clock.now)
            }
            try await scene.entities.put(CachedPart("a", count: 1))
            #expect(try await scene.count("a") == 1)
            try await scene.entities.put(CachedPart("a", count: 2))
            cache.remove(change(of: "others"))
            #expect(try await scene.count("a") == 1)
            cache.remove(change(of: "parts"))
            #expect(try await scene.count("a") == 2)
            cache.removeAll()
            #expect(cache.statistics.entryCount == 0 && cache.statistics.byteCount == 0)
        }

        // MARK: Policies

        @Test("A policy out of range is refused")
        func policies() throws {
            func isTaken(_ change: (inout CacheScene.Policy) -> Void) -> Bool {
                var policy = CacheScene.Policy(maximumAge: .seconds(10))
                change(&policy)
                return (try? BoundedStalenessCache(scene.entities, policy: policy)) != nil
            }
            #expect(isTaken { _ in })
            #expect(isTaken { $0.maximumAge = .nanoseconds(1) })
            #expect(!isTaken { $0.maximumAge = .zero })
            #expect(isTaken { $0.absenceAge = .seconds(10) })
            #expect(isTaken { $0.absenceAge = .zero })
            #expect(!isTaken { $0.absenceAge = .seconds(11) })
            #expect(!isTaken { $0.absenceAge = .seconds(-1) })
            #expect(isTaken { ($0.maximumEntries, $0.maximumBytes) = (1, 1) })
            #expect(!isTaken { $0.maximumEntries = 0 })
            #expect(!isTaken { $0.maximumBytes = 0 })
        }

        @Test("A service without consistent reads is refused")
        func capabilities() throws {
            var poor = TableCapabilities.dynamoDB
            poor.hasConsistentItems = false
            let table = RemoteTable(
                scene.entities.table.definition, scene.entities.table.client, capabilities: poor)
            do throws(CodexError) {
                _ = try BoundedStalenessCache(
                    RemoteEntities(table, schema: CacheScene.schema),
                    policy: CacheScene.Policy(maximumAge: .seconds(1)))
                Issue.record("It was not refused.")
            } catch {
                #expect(error.code == .unsupportedOperation)
            }
        }
    }
#endif
