import Codex
import CodexStore

/// Many tasks that ask a rate limiter for the same.
struct PermitClients: Sendable {
    private let limiter: RateLimiter

    init(_ store: Store, limit: Int) throws {
        // An hour, in which the test is over.
        limiter = try RateLimiter(store, name: "api", limit: limit, window: .seconds(3600))
    }

    /// Lets `taskCount` tasks ask `count` times each; returns how often they were let through.
    func acquire(taskCount: Int, _ count: Int) async throws -> Int {
        let allowed = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<taskCount {
                group.addTask {
                    var allowed = 0
                    for _ in 0..<count where try await limiter.acquire(for: "s").isAllowed {
                        allowed += 1
                    }
                    return allowed
                }
            }
            return try await group.reduce(0, +)
        }
        try await limiter.releaseUnused()
        return allowed
    }
}
