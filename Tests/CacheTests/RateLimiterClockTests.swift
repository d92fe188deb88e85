import Codex
import CodexCore
import CodexTesting
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import CodexStore

/// A limit holds, and a call is answered, however long commits take and whatever the clock shows.
@Suite("Rate limiter, commits and clocks")
struct RateLimiterClockTests {
    /// A clock on which commits take their time.
    private final class Pace: Sendable {
        let clock = ManualClock()
        private let commitSeconds = Mutex(0.0)

        func commitsTake(_ seconds: Double) { commitSeconds.withLock { $0 = seconds } }

        func commit() { clock.advance(by: commitSeconds.withLock { $0 }) }

        /// A store with the clock.
        func makeStore() throws -> TemporaryStore {
            var options = StoreOptions(durability: .none)
            options.use(clock)
            options.sweepInterval = nil
            options.parts.beforeCommit = { [self] in commit() }
            return try TemporaryStore(options: options)
        }
    }

    private let pace = Pace()

    /// Expects that in no window more was let through than the limit.
    private func expectExact(
        _ allowed: [Duration], limit: Int, window: Int, _ comment: Comment = ""
    ) {
        // The clock is rounded.
        let span = Duration.seconds(window) - .milliseconds(1)
        for (place, time) in allowed.enumerated() where place >= limit {
            #expect(time - allowed[place - limit] > span, comment)
        }
    }

    // MARK: Commits

    @Test(
        "However long commits take, a call is answered after three of them, by the limit",
        .timeLimit(.minutes(30)),
        arguments: [0.001, 0.02, 0.7, 5, 59, 400, 100_000], [1, 60, 86_400])
    func slowCommits(_ seconds: Double, _ window: Int) async throws {
        let temporary = try pace.makeStore()
        let store = temporary.store
        let limiter = try RateLimiter(store, name: "api", limit: 5, window: .seconds(window))
        pace.commitsTake(seconds)
        var allowed: [Duration] = []
        for call in 0..<60 {
            let before = try store.stats().sequence
            let verdict = try await limiter.acquire(for: "a")
            #expect(try store.stats().sequence - before <= 3)
            if verdict.isAllowed {
                allowed.append(pace.clock.elapsed)
            } else {
                #expect(try #require(verdict.retryAfter) > .zero)
            }
            // Commits of a minute are waited for.
            if call == 0, seconds < 60 { #expect(verdict.isAllowed) }
            pace.clock.advance(by: Double(window) / 13)
        }
        expectExact(allowed, limit: 5, window: window)
        // Of five windows' calls, those that are free are let through.
        #expect(seconds > 1 || allowed.count >= 20, "\(allowed.count)")
    }

    @Test("Where commits are slow, one is enough once that is known")
    func steadilySlow() async throws {
        let temporary = try pace.makeStore()
        let store = temporary.store
        let limiter = try RateLimiter(store, name: "api", limit: 1000, window: .seconds(1))
        pace.commitsTake(0.02)
        #expect(try await limiter.acquire(for: "a").isAllowed)
        let before = try store.stats().sequence
        for _ in 0..<50 { #expect(try await limiter.acquire(for: "a").isAllowed) }
        #expect(try store.stats().sequence - before <= 50)
        // What was taken ahead of its use counts where it was used, once that is settled.
        try await limiter.releaseUnused()
        let window = try #require(try store.get(.rateWindow("api", of: "a")))
        let now = Int(pace.clock.now.timeIntervalSince1970 * 60)
        #expect(window.counts.keys.allSatisfy { $0 <= now })
    }

    @Test(
        "Many that ask at once share commits, and get all that there is", .timeLimit(.minutes(30)))
    func together() async throws {
        let temporary = try pace.makeStore()
        let store = temporary.store
        let limiter = try RateLimiter(store, name: "api", limit: 50, window: .seconds(1))
        pace.commitsTake(0.02)
        let before = try store.stats().sequence
        let allowed = try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<200 { group.addTask { try await limiter.acquire(for: "a").isAllowed } }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(allowed >= 50)
        #expect(try store.stats().sequence - before < 200)
    }

    @Test("Random commits and calls of two limiters never exceed the limit")
    func randomCommits() async throws {
        let seed = UInt64.random(in: 1...1_000_000)
        var random = SplitMix(seed: seed)
        for window in [1, 60] {
            let pace = Pace()
            let temporary = try pace.makeStore()
            let limiters = try (0..<2).map { _ in
                try RateLimiter(
                    temporary.store, name: "api", limit: 20, window: .seconds(window))
            }
            var allowed: [Duration] = []
            for _ in 0..<2000 {
                if random.chance(10) {
                    let slots: Double = random.pick([0, 0.1, 0.9, 1.1, 4, 70])
                    pace.commitsTake(slots * Double(window) / 60)
                }
                pace.clock.advance(by: Double(random.below(window * 100)) / 10_000)
                if try await random.pick(limiters).acquire(for: "a").isAllowed {
                    allowed.append(pace.clock.elapsed)
                }
            }
            expectExact(allowed, limit: 20, window: window, "seed \(seed)")
            #expect(allowed.count > 100, "seed \(seed), window \(window)")
        }
    }

    @Test("After a commit that fails it goes on, and nothing of the limit is lost")
    func failures() async throws {
        let failures = CommitFailures()
        var options = StoreOptions()
        options.use(pace.clock)
        let temporary = try TemporaryStore(options: options, failures: failures)
        let limiter = try RateLimiter(temporary.store, name: "api", limit: 10)
        #expect(try await limiter.acquire(for: "a").isAllowed)
        failures.failNextCommit()
        await #expect(throws: CodexError(.commitFailed, "")) {
            try await limiter.acquire(for: "a")
        }
        for _ in 0..<9 { #expect(try await limiter.acquire(for: "a").isAllowed) }
        #expect(try await !limiter.acquire(for: "a").isAllowed)
    }

    // MARK: Clocks

    @Test(
        "A clock that is set ahead or back frees nothing, and locks nobody out",
        arguments: [30.0, 90, 86_400, 4e9, -30, -90, -86_400, -4e9])
    func jumps(_ seconds: Double) async throws {
        let temporary = try pace.makeStore()
        let limiter = try RateLimiter(temporary.store, name: "api", limit: 3)
        for _ in 0..<3 { #expect(try await limiter.acquire(for: "a").isAllowed) }
        #expect(try await !limiter.acquire(for: "a").isAllowed)
        pace.clock.jump(by: seconds)
        #expect(try await !limiter.acquire(for: "a").isAllowed)
        pace.clock.advance(by: 59)
        #expect(try await !limiter.acquire(for: "a").isAllowed)
        // Two windows and a minute are enough, with a call in between.
        pace.clock.advance(by: 62)
        _ = try await limiter.acquire(for: "b")
        _ = try await limiter.acquire(for: "a")
        pace.clock.advance(by: 62)
        #expect(try await limiter.acquire(for: "a").isAllowed)
    }

    @Test("A clock that is wrong for a second frees nothing", arguments: [86_400.0, -86_400])
    func wrongForASecond(_ seconds: Double) async throws {
        let temporary = try pace.makeStore()
        let limiter = try RateLimiter(temporary.store, name: "api", limit: 3)
        #expect(try await limiter.acquire(for: "a").isAllowed)
        pace.clock.jump(by: seconds)
        #expect(try await limiter.acquire(for: "a").isAllowed)
        pace.clock.advance(by: 1)
        pace.clock.jump(by: -seconds)
        #expect(try await limiter.acquire(for: "a").isAllowed)
        #expect(try await !limiter.acquire(for: "a").isAllowed)
        pace.clock.advance(by: 58)
        #expect(try await !limiter.acquire(for: "a").isAllowed)
        pace.clock.advance(by: 62)
        #expect(try await limiter.acquire(for: "a").isAllowed)
    }

    @Test("Random jumps and commits never exceed the limit", .timeLimit(.minutes(30)))
    func randomJumps() async throws {
        let seed = UInt64.random(in: 1...1_000_000)
        var random = SplitMix(seed: seed)
        for window in [1, 60] {
            let pace = Pace()
            let temporary = try pace.makeStore()
            let limiters = try (0..<2).map { _ in
                try RateLimiter(
                    temporary.store, name: "api", limit: 10, window: .seconds(window))
            }
            var allowed: [Duration] = []
            func take(_ limiter: RateLimiter) async throws {
                if try await limiter.acquire(for: "a").isAllowed {
                    allowed.append(pace.clock.elapsed)
                }
            }
            for _ in 0..<3000 {
                if random.chance(1) {
                    // Both look at the clock before and after.
                    pace.commitsTake(0)
                    for limiter in limiters { try await take(limiter) }
                    let size = Double(random.below(window * 5000)) / 1000
                    pace.clock.jump(by: random.chance(50) ? size : -size)
                    for limiter in limiters { try await take(limiter) }
                }
                if random.chance(10) {
                    let slots: Double = random.pick([0, 0.3, 2])
                    pace.commitsTake(slots * Double(window) / 60)
                }
                pace.clock.advance(by: Double(random.below(window * 100)) / 2000)
                try await take(random.pick(limiters))
            }
            expectExact(allowed, limit: 10, window: window, "seed \(seed), window \(window)")
            #expect(allowed.count > 50, "seed \(seed), window \(window)")
        }
    }

    @Test("Clocks that show nonsense are answered", arguments: [Date.distantPast, .distantFuture])
    func nonsense(_ date: Date) async throws {
        var options = StoreOptions()
        // No time passes, however slow the machine is.
        options.use(ManualClock())
        options.now = { date }
        options.sweepInterval = nil
        let temporary = try TemporaryStore(options: options)
        let limiter = try RateLimiter(temporary.store, name: "api", limit: 2)
        for _ in 0..<2 { #expect(try await limiter.acquire(for: "a").isAllowed) }
        let refused = try await limiter.acquire(for: "a")
        #expect(!refused.isAllowed && (refused.retryAfter ?? .zero) <= .seconds(1))
    }

    // MARK: Tables

    @Test("What is held of a table that was removed is void")
    func removedTable() async throws {
        let temporary = try pace.makeStore()
        let store = temporary.store
        let limiter = try RateLimiter(store, name: "api", limit: 100)
        // Some more are taken in advance.
        for _ in 0..<4 { #expect(try await limiter.acquire(for: "a").isAllowed) }
        try await store.removeTable(CodexFlow.table)
        for _ in 0..<2 {
            await #expect(throws: CodexError(.unknownEntity, "")) {
                try await limiter.acquire(for: "a")
            }
        }
        try await store.changeManifest { manifest, _ throws(CodexError) in
            try manifest.merge(CodexFlow.schema)
        }
        // Nothing is given back of what others count now.
        let other = try RateLimiter(store, name: "api", limit: 100)
        var count = 0
        for _ in 0..<60 where try await other.acquire(for: "a").isAllowed { count += 1 }
        try await limiter.releaseUnused()
        for _ in 0..<60 where try await limiter.acquire(for: "a").isAllowed { count += 1 }
        try await limiter.releaseUnused()
        while try await other.acquire(for: "a").isAllowed { count += 1 }
        #expect(count == 100)
    }
}
