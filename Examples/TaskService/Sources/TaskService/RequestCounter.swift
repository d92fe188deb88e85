import Codex
import CodexRemote
import Foundation

/// Counts the requests of users, and tells which are beyond the limit.
protocol RequestCounter: Sendable {
    /// Counts a request, and tells whether it is allowed.
    func verdict(for user: CodexFlow.User.ID) async throws -> RequestVerdict
}

/// The answer of a counter to one request.
struct RequestVerdict: Sendable, Hashable {
    let isAllowed: Bool
    /// The most requests of a user in a minute.
    let limit: Int
    /// How many further requests are free now; `nil` if it is not known.
    let remaining: Int?
    /// The whole seconds after which the next request may be allowed.
    var secondsToWait = 0
}

extension RateLimiter: RequestCounter {
    func verdict(for user: CodexFlow.User.ID) async throws -> RequestVerdict {
        let verdict = try await acquire(for: user.rawValue)
        return RequestVerdict(
            isAllowed: verdict.isAllowed, limit: verdict.limit, remaining: verdict.remaining,
            secondsToWait: Int(verdict.retryAfter?.components.seconds ?? 0))
    }
}

/// Counts requests in a remote table: one update for each request.
///
/// A user's minute begins with the first request after the last minute. So around the end of a
/// minute, a user may send up to twice the limit within 60 seconds.
struct RemoteRequestCounter: RequestCounter {
    let table: RemoteTable
    let limit: Int
    var now: @Sendable () -> Date = { Date() }

    private static let count = Attribute<Int>("requestCount")
    /// The end of the minute: the time to live of the table, too.
    private static let end = Attribute<Int>("expiresAt")
    private static let windowSeconds = 60
    /// How often a minute is begun, while others begin it at the same time.
    private static let attemptCountMax = 3

    func verdict(for user: CodexFlow.User.ID) async throws -> RequestVerdict {
        let key = PrimaryKey(.string("REQUESTS#\(user)"), "METADATA")
        for _ in 0..<Self.attemptCountMax {
            let time = Int(now().timeIntervalSince1970)
            do {
                let item = try await table.update(
                    key, Update().adding(1, to: Self.count), condition: Self.end > time,
                    returning: .allNew)
                return verdict(item, at: time)
            } catch CodexError.Code.conditionFailed {
                // The minute is over, or there was none.
            } catch CodexError.Code.outcomeUnknown {
                // The request may be counted. It goes on, and has an outcome of its own.
                return RequestVerdict(isAllowed: true, limit: limit, remaining: nil)
            }
            if try await begin(key, at: time) {
                return RequestVerdict(isAllowed: true, limit: limit, remaining: limit - 1)
            }
        }
        throw CodexError(.writeConflict, "Other requests began a minute, each time. Try again.")
    }

    /// The verdict on the last request that an item counts.
    private func verdict(_ item: Item?, at time: Int) -> RequestVerdict {
        let count = Int(item?["requestCount"]?.number?.int64 ?? 0)
        let end = Int(item?["expiresAt"]?.number?.int64 ?? 0)
        return RequestVerdict(
            isAllowed: count <= limit, limit: limit, remaining: max(0, limit - count),
            secondsToWait: max(0, end - time))
    }

    /// Begins a minute with one request; `false` if another request began it.
    private func begin(_ key: PrimaryKey, at time: Int) async throws -> Bool {
        var item = table.definition.attributes(of: key)
        item["requestCount"] = 1
        item["expiresAt"] = .number(Number(time + Self.windowSeconds))
        do {
            try await table.put(
                item, condition: Self.end.doesNotExist || Self.end <= time)
            return true
        } catch CodexError.Code.conditionFailed {
            return false
        }
    }
}
