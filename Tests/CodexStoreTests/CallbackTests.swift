import Codex
import CodexCore
import CodexStore
import CodexTesting
import Dispatch
import Foundation
import Synchronization
import TestSupport
import Testing

/// Code of the host that a store calls: whatever it does, the store goes on.
@Suite("The host's code", .timeLimit(.minutes(30)))
struct CallbackTests {
    static let schema = SampleTable.schema(timeToLive: "expires")

    static func item(_ number: Int) -> Item { ["partition": .string("p\(number)")] }
    static func key(_ number: Int) -> PrimaryKey { PrimaryKey(.string("p\(number)")) }

    /// Where code that is called finds its store.
    final class Box: Sendable {
        private let content = Mutex<Store?>(nil)

        var store: Store? {
            get { content.withLock { $0 } }
            set { content.withLock { $0 = newValue } }
        }

        /// The store, for the first that asks.
        func take() -> Store? {
            content.withLock { store in
                defer { store = nil }
                return store
            }
        }
    }

    /// Runs what must not block for ever, on a thread of its own.
    ///
    /// - Returns: What it returned or threw; `nil` if it did not end.
    static func outcome<R: Sendable>(
        _ body: @escaping @Sendable () throws -> R
    ) async -> Result<R, any Error>? {
        let result = Mutex<Result<R, any Error>?>(nil)
        let isDone = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            let outcome = Result { try body() }
            result.withLock { $0 = outcome }
            isDone.signal()
        }
        _ = await isSignalled(isDone)
        return result.withLock { $0 }
    }

    /// Waits for a semaphore without blocking the cooperative threads; says whether it came.
    static func isSignalled(
        _ semaphore: DispatchSemaphore, seconds: Int = Hang.seconds
    ) async -> Bool {
        await withCheckedContinuation { continuation in
            // A thread of its own: other tests may block all threads of the queues.
            Thread.detachNewThread {
                let result = semaphore.wait(timeout: .now() + .seconds(seconds))
                continuation.resume(returning: result == .success)
            }
        }
    }

    private func wait(until isSo: () throws -> Bool) async throws {
        let deadline = ContinuousClock.now + Hang.limit
        while try !isSo() {
            try #require(ContinuousClock.now < deadline)
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    /// Waits until something tells that it happened.
    private func require(_ semaphore: DispatchSemaphore) async throws {
        let isSignalled = await Self.isSignalled(semaphore)
        try #require(isSignalled)
    }

    /// Sees that a store is closed, and whole: another is opened in its place.
    private func expectClosed(_ temporary: TemporaryStore, count: Int) throws {
        try expectClosed(temporary, counts: count...count)
    }

    private func expectClosed(_ temporary: TemporaryStore, counts: ClosedRange<Int>) throws {
        temporary.store.close()
        #expect(throws: CodexError(.closed, "")) {
            try temporary.store.count(TableScan(table: "samples"))
        }
        let again = try Store(at: temporary.path)
        let count = try again.count(TableScan(table: "samples")).count
        #expect(counts.contains(count))
        #expect(try again.verify().isSound)
        again.close()
    }

    // MARK: Observers

    @Test("An observer may read, write and close the store")
    func observerCloses() async throws {
        let box = Box()
        let isClosed = DispatchSemaphore(value: 0)
        var options = StoreOptions()
        options.checkpoints.interval = .milliseconds(20)
        options.observer = { event in
            guard case .checkpoint = event, let store = box.take() else { return }
            if let first = try? store.item(in: "samples", key: Self.key(1)), first == Self.item(1) {
                _ = try? store.write { try $0.put(Self.item(2), in: "samples") }
            }
            store.close()
            isClosed.signal()
        }
        let temporary = try TemporaryStore(schema: Self.schema, options: options)
        box.store = temporary.store
        try await temporary.store.put(Self.item(1), in: "samples")
        try await require(isClosed)
        try expectClosed(temporary, count: 2)
    }

    /// What an observer saw, which is at its first event until it is let go.
    final class Seen: Sendable {
        private let events = Mutex<[StoreEvent]>([])
        let entered = DispatchSemaphore(value: 0)
        let release = DispatchSemaphore(value: 0)

        var all: [StoreEvent] { events.withLock { $0 } }

        func add(_ event: StoreEvent) {
            let isFirst = events.withLock { events in
                events.append(event)
                return events.count == 1
            }
            guard isFirst else { return }
            entered.signal()
            release.wait()
        }
    }

    /// A store with an event for each commit, and no others.
    private func eventful(_ seen: Seen) throws -> TemporaryStore {
        var options = StoreOptions(durability: .none)
        options.checkpoints.interval = .seconds(3600)
        options.thresholds = .init(
            slowCommit: .zero, longReader: .seconds(3600), growthByteCount: .max)
        options.observer = { event in
            if case .checkpoint = event { return }
            seen.add(event)
        }
        return try TemporaryStore(schema: Self.schema, options: options)
    }

    private func changeCount(_ number: Int) -> Int { number % 5 + 1 }

    private func write(_ number: Int, _ store: Store) async throws {
        let count = changeCount(number)
        try await store.write { transaction in
            for place in 0..<count { try transaction.put(Self.item(place), in: "samples") }
        }
    }

    @Test("A busy observer keeps nobody: events come in order, and those without room are counted")
    func busyObserver() async throws {
        let (seen, count) = (Seen(), 1500)
        let temporary = try eventful(seen)
        try await write(0, temporary.store)
        try await require(seen.entered)
        for number in 1..<count { try await write(number, temporary.store) }
        seen.release.signal()
        func droppedCount() -> Int {
            seen.all.reduce(0) { sum, event in
                guard case .eventsDropped(let count) = event else { return sum }
                return sum + count
            }
        }
        func delivered() -> [Int] {
            seen.all.compactMap { event -> Int? in
                guard case .slowCommit(_, let count) = event else { return nil }
                return count
            }
        }
        try await wait { delivered().count + droppedCount() == count }
        #expect(droppedCount() > 300)
        // The one that it was at and those that found room, and then what says how many did not.
        let first = Array(delivered().prefix(1025))
        #expect(first == (0..<1025).map { changeCount($0) })
        let place = seen.all.firstIndex { event in
            guard case .eventsDropped = event else { return false }
            return true
        }
        #expect(place == 1025)
    }

    @Test("After closing, an observer gets nothing but the event that it is at")
    func afterClosing() async throws {
        let seen = Seen()
        let temporary = try eventful(seen)
        for number in 0..<5 { try await write(number, temporary.store) }
        try await require(seen.entered)
        let store = temporary.store
        let closing = await Self.outcome { store.close() }
        #expect(closing != nil)
        seen.release.signal()
        // Nothing tells that nothing comes.
        try await Task.sleep(for: .seconds(1))
        #expect(seen.all.count == 1)
        try expectClosed(temporary, count: 5)
    }

    @Test("Closing lets an observer have what happened before")
    func beforeClosing() async throws {
        let seen = Seen()
        let temporary = try eventful(seen)
        seen.release.signal()
        for number in 0..<100 { try await write(number, temporary.store) }
        temporary.store.close()
        #expect(seen.all.count == 100)
    }

    // MARK: Bodies

    @Test(
        "A read's body may close the store, which is closed when the body has ended",
        arguments: [false, true])
    func readBody(isReadOnly: Bool) async throws {
        let temporary = try TemporaryStore(schema: Self.schema)
        try await temporary.store.put(Self.item(1), in: "samples")
        temporary.store.close()
        let store = try Store(
            at: temporary.path, options: StoreOptions(isReadOnly: isReadOnly))
        let outcome = await Self.outcome { () throws -> (Item?, Bool) in
            try store.read { snapshot in
                try store.read { _ in store.close() }
                let isRefused = (try? store.read { _ in }) == nil
                return (try snapshot.item(in: "samples", key: Self.key(1)), isRefused)
            }
        }
        let (item, isRefused) = try #require(outcome).get()
        #expect(item == Self.item(1) && isRefused)
        let closing = await Self.outcome { store.close() }
        #expect(closing != nil)
        try expectClosed(temporary, count: 1)
    }

    @Test("A thread that is in no body waits until the store is closed")
    func waiting() async throws {
        let temporary = try TemporaryStore(schema: Self.schema)
        let store = temporary.store
        let (entered, release) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let reading = Task.detached {
            await Self.outcome {
                try store.read { _ in
                    store.close()
                    entered.signal()
                    release.wait()
                }
            }
        }
        try await require(entered)
        let isClosed = DispatchSemaphore(value: 0)
        let closing = Task.detached {
            await Self.outcome {
                store.close()
                isClosed.signal()
            }
        }
        let isEarly = await Self.isSignalled(isClosed, seconds: 1)
        #expect(!isEarly, "a body is still running")
        release.signal()
        let (isRead, isOver) = (await reading.value != nil, await closing.value != nil)
        #expect(isRead && isOver)
        try expectClosed(temporary, count: 0)
    }

    @Test("The last reference to a store may go in a body", arguments: [false, true])
    func lastReference(isReadOnly: Bool) async throws {
        let temporary = try TemporaryStore(schema: Self.schema)
        try await temporary.store.put(Self.item(1), in: "samples")
        temporary.store.close()
        let box = Box()
        box.store = try Store(at: temporary.path, options: StoreOptions(isReadOnly: isReadOnly))
        // It does not keep the store itself.
        let observation = try #require(box.store).observe(in: ["samples"]) { snapshot in
            box.store = nil
            return try snapshot.count(TableScan(table: "samples")).count
        }
        var iterator = observation.makeAsyncIterator()
        #expect(try await iterator.next() == 1)
        try expectClosed(temporary, count: 1)
    }

    @Test("A write's body may close the store: it is committed, and so are those that wait")
    func writeBody() async throws {
        let temporary = try TemporaryStore(
            schema: Self.schema, options: StoreOptions(maximumWaitingWrites: 1))
        let store = temporary.store
        let gate = ConcurrencyTests.Gate()
        let closing = Task {
            try await store.write { transaction in
                try transaction.put(Self.item(1), in: "samples")
                gate.entered.signal()
                gate.release.wait()
                store.close()
                try transaction.put(Self.item(2), in: "samples")
            }
        }
        try await require(gate.entered)
        // Of two, one waits and one is refused.
        let isRefused = DispatchSemaphore(value: 0)
        let waiting = (0..<2).map { _ in
            Task {
                do {
                    try await store.put(Self.item(3), in: "samples")
                    return 1
                } catch CodexError.Code.queueFull {
                    isRefused.signal()
                    return 0
                }
            }
        }
        try await require(isRefused)
        gate.release.signal()
        try await closing.value
        var count = 0
        for task in waiting { count += try await task.value }
        #expect(count == 1)
        await #expect(throws: CodexError(.closed, "")) {
            try await store.put(Self.item(4), in: "samples")
        }
        try expectClosed(temporary, count: 3)
    }

    @Test("So may that of a blocking write, which runs on the calling thread")
    func blockingWriteBody() async throws {
        let temporary = try TemporaryStore(schema: Self.schema)
        let store = temporary.store
        let outcome = await Self.outcome {
            try store.write { transaction in
                store.close()
                try transaction.put(Self.item(1), in: "samples")
            }
            store.close()
        }
        try #require(outcome).get()
        try expectClosed(temporary, count: 1)
    }

    /// Lets a body close a store with 100 items.
    private func expectClosed(
        counts: ClosedRange<Int> = 100...100, by body: @Sendable (Store) async throws -> Void
    ) async throws {
        let temporary = try TemporaryStore(schema: Self.schema)
        let store = temporary.store
        try await store.addConsumer("c", after: .trimHorizon)
        try await store.write { transaction in
            for number in 0..<100 { try transaction.put(Self.item(number), in: "samples") }
        }
        await #expect(throws: CodexError(.closed, "")) { try await body(store) }
        try expectClosed(temporary, counts: counts)
    }

    @Test("Consumers, loads and observations may close the store")
    func otherBodies() async throws {
        try await expectClosed { store in
            try await store.consume("c") { _, _ in store.close() }
        }
        // The batch before may be refused already.
        try await expectClosed(counts: 110...120) { store in
            var number = 100
            try await store.load(into: "samples", batchCount: 10) {
                if number == 125 { store.close() }
                defer { number += 1 }
                return number < 150 ? Self.item(number) : nil
            }
        }
        try await expectClosed { store in
            var iterator = store.observe(in: ["samples"]) { _ in
                store.close()
                return 1
            }.makeAsyncIterator()
            let first = try await iterator.next()
            #expect(first == 1)
            _ = try await iterator.next()
        }
    }

    // MARK: The clock, and the protocol's steps

    @Test(
        "A store may be closed at each step of a commit and of a checkpoint",
        arguments: [
            ProtocolStep.bodiesRun, .roomReserved, .recordAppended, .recordFlushed, .committed,
            .pinned, .dataFlushed, .checkpointPublished, .readerReleased,
        ])
    func steps(step: ProtocolStep) async throws {
        let box = Box()
        let isClosed = DispatchSemaphore(value: 0)
        var options = StoreOptions()
        options.checkpoints.interval = .milliseconds(20)
        options.parts.reached = { reached in
            guard reached == step, let store = box.take() else { return }
            store.close()
            isClosed.signal()
        }
        let temporary = try TemporaryStore(schema: Self.schema, options: options)
        box.store = temporary.store
        try await temporary.store.put(Self.item(1), in: "samples")
        try await require(isClosed)
        try expectClosed(temporary, count: 1)
    }

    @Test("A clock may close the store, in a read, in a write and in the sweeper")
    func clock() async throws {
        for place in 0..<3 {
            let (box, isClosed) = (Box(), DispatchSemaphore(value: 0))
            var options = StoreOptions()
            options.checkpoints.interval = .seconds(3600)
            options.sweepInterval = place == 2 ? .milliseconds(5) : nil
            options.now = {
                if let store = box.take() {
                    store.close()
                    isClosed.signal()
                }
                return Date()
            }
            let temporary = try TemporaryStore(schema: Self.schema, options: options)
            let store = temporary.store
            var item = Self.item(1)
            item["expires"] = .number(Number(Int(Date().timeIntervalSince1970) + 3600))
            let stored = item
            try await store.put(stored, in: "samples")
            box.store = store
            switch place {
            case 0:
                let outcome = await Self.outcome { try store.item(in: "samples", key: Self.key(1)) }
                let found = try #require(outcome).get()
                #expect(found == stored)
            case 1:
                let outcome = await Self.outcome {
                    try store.write { _ = try $0.put(Self.item(2), in: "samples") }
                }
                try #require(outcome).get()
            default: break
            }
            try await require(isClosed)
            try expectClosed(temporary, count: place == 1 ? 2 : 1)
        }
    }

    @Test("A clock may close the store in an archive of the log")
    func clockInArchive() async throws {
        let box = Box()
        var options = StoreOptions()
        options.checkpoints.interval = .seconds(3600)
        options.sweepInterval = nil
        options.now = {
            box.take()?.close()
            return Date()
        }
        let temporary = try TemporaryStore(schema: Self.schema, options: options)
        try await temporary.store.put(Self.item(1), in: "samples")
        let archive = temporary.path + ".archive"
        defer { try? FileManager.default.removeItem(atPath: archive) }
        box.store = temporary.store
        let report = try await temporary.store.archiveLog(to: archive)
        #expect(report.sequence >= 1)
        try expectClosed(temporary, count: 1)
    }

    // MARK: Caches

    @Test("A clock may look at the cache that asks it")
    func clockLooksAtCache() async throws {
        let clock = ManualClock()
        let cache = Mutex<StoreCache?>(nil)
        var options = StoreOptions()
        options.now = {
            _ = cache.withLock { $0 }?.statistics
            return clock.now
        }
        let temporary = try TemporaryStore(options: options)
        let made = try StoreCache(temporary.store)
        cache.withLock { $0 = made }
        defer { cache.withLock { $0 = nil } }
        let session = CodexFlow.Session(
            id: "s", userID: "u", createdAt: clock.now, expiresAt: clock.now + 100)
        try await temporary.store.put(session)
        for round in 0..<3 {
            let outcome = await Self.outcome { () throws -> CodexFlow.User.ID? in
                // The second time from the cache, to the point.
                _ = try made.get(.session("s"))
                return try made.get(.session("s"))?.userID
            }
            let user = try #require(outcome).get()
            #expect(user == "u")
            // What was committed since is looked at first.
            try await temporary.store.put(
                CodexFlow.User(id: "u", email: "u@b.c", name: "U\(round)"))
        }
        #expect(made.statistics.hitCount >= 3)
    }

    /// A model that does something as it is read.
    struct Node: Codable, Entity {
        static let definition = EntityDefinition("node", table: "e", keys: ["p": "N#{id}"])
        static let onReading = Mutex<(@Sendable () -> Void)?>(nil)
        var id: String

        init(id: String) { self.id = id }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            id = try container.decode(String.self, forKey: .id)
            let action = Self.onReading.withLock { action in
                defer { action = nil }
                return action
            }
            action?()
        }
    }

    @Test("A model that is read for a cache may ask the cache for itself")
    func modelAsksCache() async throws {
        let temporary = try TemporaryStore(
            schema: Schema(
                tables: [TableDefinition("e", partitionKey: KeyAttribute("p"))],
                entities: [Node.definition]))
        try await temporary.store.put(Node(id: "a"))
        let cache = try StoreCache(
            temporary.store, policy: CachePolicy(timeToLive: ["node": .seconds(60)]))
        let lookup = Lookup<Node>(partition: "N#a")
        let isFound = Mutex(false)
        Node.onReading.withLock { action in
            action = {
                let node = try? cache.get(lookup)
                isFound.withLock { $0 = node != nil }
            }
        }
        let outcome = await Self.outcome { try cache.get(lookup)?.id }
        let id = try #require(outcome).get()
        #expect(id == "a")
        #expect(isFound.withLock { $0 })
    }
}
