import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import TestSupport
import Testing

/// No more than the limit, by whomever and whenever.
@Suite("Rate limiter")
struct RateLimiterTests {
    private let clock: ManualClock
    private let temporary: TemporaryStore
    private var store: Store { temporary.store }

    init() throws {
        let clock = ManualClock()
        self.clock = clock
        var options = StoreOptions()
        options.use(clock)
        temporary = try TemporaryStore(options: options)
    }

    @Test("The limit, and what is free again when")
    func limit() async throws {
        let limiter = try RateLimiter(store, name: "api", limit: 3)
        for remaining in [2, 1, 0] {
            let verdict = try await limiter.acquire(for: "a")
            #expect(verdict.isAllowed && verdict.remaining == remaining)
            #expect(verdict.limit == 3 && verdict.retryAfter == nil)
        }
        let refused = try await limiter.acquire(for: "a")
        #expect(!refused.isAllowed && refused.remaining == 0)
        #expect(try #require(refused.retryAfter) <= .seconds(1))
        // Each has a window of its own.
        #expect(try await limiter.acquire(for: "b").isAllowed)
        clock.advance(by: 60)
        #expect(try await !limiter.acquire(for: "a").isAllowed)
        clock.advance(by: 1)
        for _ in 0..<3 { #expect(try await limiter.acquire(for: "a").isAllowed) }
        #expect(try await !limiter.acquire(for: "a").isAllowed)
    }

    @Test("In no window is more let through than the limit, and all of it if it is asked for")
    func sliding() async throws {
        let seed = UInt64.random(in: 1...1_000_000)
        var random = SplitMix(seed: seed)
        let limiters = [
            try RateLimiter(store, name: "api", limit: 50, window: .seconds(60)),
            try RateLimiter(store, name: "api", limit: 50, window: .seconds(60)),
        ]
        var allowed: [Double] = []
        var refusedCount = 0
        for _ in 0..<3000 {
            let burst = random.next() % 20 == 0
            clock.advance(
                by: burst ? Double(random.next() % 30) : Double(random.next() % 300) / 1000)
            let limiter = limiters[Int(random.next() % 2)]
            if try await limiter.acquire(for: "a").isAllowed {
                allowed.append(clock.now.timeIntervalSince1970)
            } else {
                refusedCount += 1
            }
        }
        for (place, time) in allowed.enumerated() where place >= 50 {
            #expect(time - allowed[place - 50] > 60, "seed \(seed)")
        }
        #expect(refusedCount > 100 && allowed.count > 500, "seed \(seed)")
    }

    @Test("A window survives a restart; what was not used is given back")
    func restart() async throws {
        let first = try RateLimiter(store, name: "api", limit: 20)
        for _ in 0..<13 { #expect(try await first.acquire(for: "a").isAllowed) }
        try await first.releaseUnused()
        let second = try RateLimiter(store, name: "api", limit: 20)
        var count = 0
        while try await second.acquire(for: "a").isAllowed { count += 1 }
        #expect(count == 7)
        let window = try #require(try store.get(.rateWindow("api", of: "a")))
        #expect(window.counts.values.reduce(0, +) == 20)
        clock.advance(by: 62)
        // It expires with the window.
        #expect(try store.get(.rateWindow("api", of: "a")) == nil)
    }

    @Test("A subject that asks often costs few commits")
    func commits() async throws {
        let limiter = try RateLimiter(store, name: "api", limit: 100_000)
        let before = try store.stats().sequence
        for _ in 0..<5000 { #expect(try await limiter.acquire(for: "a").isAllowed) }
        #expect(try store.stats().sequence - before < 20)
        // Refusals cost none.
        let small = try RateLimiter(store, name: "small", limit: 1)
        #expect(try await small.acquire(for: "a").isAllowed)
        #expect(try await !small.acquire(for: "a").isAllowed)
        let full = try store.stats().sequence
        for _ in 0..<1000 { #expect(try await !small.acquire(for: "a").isAllowed) }
        #expect(try store.stats().sequence == full)
    }

    @Test("32 at once in each of 4 processes never get more than the limit together")
    func processes() async throws {
        // The agents have the system's clock.
        let temporary = try TemporaryStore()
        for limit in [1, 100, 1000] {
            let agents = try (0..<4).map { _ in
                try Agent("limit", temporary.path, "\(limit)", "32", "20")
            }
            let counts = try agents.map { agent in
                let lines = try agent.text().split(separator: "\n")
                let line = lines.first { $0.hasPrefix("allowed ") }
                return line.flatMap { Int($0.dropFirst(8)) } ?? -1
            }
            for agent in agents { agent.wait() }
            #expect(counts.allSatisfy { $0 >= 0 })
            let total = counts.reduce(0, +)
            #expect(total <= limit && total > limit / 2, "\(counts) of \(limit)")
            try await temporary.store.delete(.rateWindow("api", of: "s"))
        }
    }

    @Test("Limits, windows, names and subjects that are none")
    func arguments() async throws {
        for (limit, window) in [
            (0, Duration.seconds(60)), (1_000_000_001, .seconds(60)), (1, .milliseconds(999)),
            (1, .seconds(86_401)),
        ] {
            #expect(throws: CodexError(.invalidArgument, "")) {
                try RateLimiter(store, name: "a", limit: limit, window: window)
            }
        }
        #expect(throws: CodexError(.invalidIdentifier, "")) {
            try RateLimiter(store, name: "a#b", limit: 1)
        }
        let limiter = try RateLimiter(store, name: "a", limit: 1)
        for subject in ["", "a#b", "a\u{0}", "", "a#b"] {
            await #expect(throws: CodexError(.invalidIdentifier, "")) {
                try await limiter.acquire(for: subject)
            }
        }
        // A window that somebody else wrote.
        try await store.put(
            CodexFlow.RateWindow(
                subject: "s", name: "a", counts: [1_762_300_800: .max, 1_762_300_799: .max, 0: -5],
                expiresAt: 1_762_300_900))
        #expect(try await !limiter.acquire(for: "s").isAllowed)
        try await store.put(
            CodexFlow.RateWindow(
                subject: "t", name: "a", counts: [.min: 1, 0: .max, 1_762_300_800: -7],
                expiresAt: 1_762_300_900))
        #expect(try await limiter.acquire(for: "t").isAllowed)
        #expect(try await !limiter.acquire(for: "t").isAllowed)
        // What is far ahead is of a clock that was set back: it counts from now on.
        try await store.put(
            CodexFlow.RateWindow(
                subject: "u", name: "a", counts: [.max: .max, .max - 1: 1], expiresAt: .max))
        #expect(try await !limiter.acquire(for: "u").isAllowed)
        clock.advance(by: 61)
        #expect(try await limiter.acquire(for: "u").isAllowed)
    }
}
