import Codex
import CodexCore
import CodexTesting
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import CodexStore

/// Reads through a cache while this process and another one write.
@Suite("Stale caches")
struct StaleCacheTests {
    @Test("Never stale: random reads while two processes write")
    func neverStale() async throws {
        let clock = ManualClock()
        var options = StoreOptions()
        options.use(clock)
        let temporary = try TemporaryStore(options: options)
        let store = temporary.store
        let seed = UInt64.random(in: 1...1_000_000)
        let cache = try StoreCache(store)
        let agent = try Agent("bump", temporary.path, "3000", "\(seed)")
        agent.waitUntilBegun()
        let writer = Writer()
        writer.start(store, seed: seed)
        let exactCount = try await withThrowingTaskGroup(of: Int.self) { group in
            for reader: UInt64 in 1...2 {
                group.addTask {
                    var reads = RandomReads(
                        store: store, cache: cache, seed: seed,
                        random: SplitMix(seed: seed + reader))
                    return try await reads.run { writer.isDone }
                }
            }
            return try await group.reduce(0, +)
        }
        await writer.stop()
        agent.wait()
        let statistics = cache.statistics
        #expect(exactCount > 1000)
        #expect(statistics.hitCount > 1000 && statistics.invalidationCount > 100)
    }

    /// Random reads through a cache, each beside the same read of the store.
    private struct RandomReads {
        let store: Store
        let cache: StoreCache
        /// The seed of the test, to name it.
        let seed: UInt64
        var random: SplitMix

        /// Reads until enough was changed for this to mean something.
        ///
        /// - Returns: How many reads no commit came between, which must be exact.
        mutating func run(until isDone: @Sendable () -> Bool) async throws -> Int {
            var exactCount = 0
            for read in 0... {
                if read % 1000 == 0 {
                    await _Concurrency.Task.yield()
                    let isEnough = cache.statistics.invalidationCount > 200
                    if isDone() || isEnough && read >= 60_000 { break }
                }
                guard let isSame = try isNextSame() else { continue }
                exactCount += 1
                if !isSame { break }
            }
            return exactCount
        }

        private mutating func isNextSame() throws -> Bool? {
            let id = try CodexFlow.User.ID("u\(random.next() % 20)")
            let kind = random.next() % 3
            let cache = cache
            switch kind {
            case 0:
                return try isSame("user of \(id)") {
                    try $0.get(.user(id))
                } _: {
                    try cache.get(.user(id))
                }
            case 1:
                return try isSame("address of \(id)") {
                    try $0.get(.user(email: "\(id)@example.com"))
                } _: {
                    try cache.get(.user(email: "\(id)@example.com"))
                }
            default:
                return try isSame("tasks of \(id)") {
                    try $0.all(.tasks(assignedTo: id))
                } _: {
                    try cache.all(.tasks(assignedTo: id))
                }
            }
        }

        /// Whether a cached value is the store's; `nil` if something was committed in between.
        private func isSame<Value: Equatable & Sendable>(
            _ what: String, _ direct: (borrowing Snapshot) throws -> Value,
            _ cached: () throws -> Value
        ) throws -> Bool? {
            let (first, value) = try store.read { (try $0.sequenceNumber, try direct($0)) }
            let found = try cached()
            let second = try store.read { try $0.sequenceNumber }
            guard first == second else { return nil }
            let isSame = found == value
            #expect(isSame, "\(what) at \(first), seed \(seed)")
            return isSame
        }
    }

    /// Changes users on a thread of its own: the readers may have all those of the tasks.
    private final class Writer: Sendable {
        private let isStopped = Atomic<Bool>(false)
        private let isOver = DispatchSemaphore(value: 0)

        /// Whether it was stopped, or a change failed.
        var isDone: Bool { isStopped.load(ordering: .relaxed) }

        func start(_ store: Store, seed: UInt64) {
            let thread = Thread { [self] in
                defer { isOver.signal() }
                var random = SplitMix(seed: seed)
                while !isDone {
                    do {
                        try Self.change(store, &random)
                    } catch {
                        Issue.record(error)
                        isStopped.store(true, ordering: .relaxed)
                    }
                }
            }
            thread.start()
        }

        /// Stops it, and waits until its last change is done.
        func stop() async {
            isStopped.store(true, ordering: .relaxed)
            await withCheckedContinuation { continuation in
                // Other tests may block all threads of the queues.
                Thread.detachNewThread { [isOver] in
                    isOver.wait()
                    continuation.resume()
                }
            }
        }

        /// One change of a user, waiting for it on this thread.
        private static func change(_ store: Store, _ random: inout SplitMix) throws {
            let id = try CodexFlow.User.ID("u\(random.next() % 20)")
            let name = "here \(random.next())"
            let deletes = random.next() % 5 == 0
            try store.write { transaction in
                if deletes {
                    try transaction.delete(.user(id))
                } else {
                    try transaction.put(
                        CodexFlow.User(id: id, email: "\(id)@example.com", name: name))
                }
            }
        }
    }
}
