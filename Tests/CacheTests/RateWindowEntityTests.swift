import CodexCore
import CodexStore
import CodexTesting
import Testing

/// A limiter's counts in a program's own table, without CodexFlow.
@Suite("Rate windows of a program's own")
struct RateWindowEntityTests {
    private struct RequestCounts: Codable, RateWindowEntity {
        static let definition = EntityDefinition(
            "requestCounts", table: "main", keys: ["PK": "RATE#{subject}", "SK": "{name}"])
        var subject: String
        var name: String
        var counts: [Int: Int]
        var expiresAt: Int

        static func primaryKey(of subject: String, limit name: String) -> PrimaryKey {
            PrimaryKey(.string("RATE#\(subject)"), .string(name))
        }
    }

    @Test("A limiter counts in the table of the entity that it is given")
    func ownTable() async throws {
        let table = TableDefinition(
            "main", partitionKey: KeyAttribute("PK"), sortKey: KeyAttribute("SK"),
            timeToLive: "expiresAt")
        let schema = Schema(tables: [table], entities: [RequestCounts.definition])
        // No time passes, however slow the machine is.
        var options = StoreOptions()
        options.use(ManualClock())
        let temporary = try TemporaryStore(schema: schema, options: options)
        let limiter = try RateLimiter(
            temporary.store, windows: RequestCounts.self, name: "api", limit: 2)
        for isAllowed in [true, true, false] {
            #expect(try await limiter.acquire(for: "ada").isAllowed == isAllowed)
        }
        #expect(try await limiter.acquire(for: "bob").isAllowed)
        let key = RequestCounts.primaryKey(of: "ada", limit: "api")
        let stored = try temporary.store.get(Lookup<RequestCounts>(.primaryKey(key)))
        #expect(stored?.counts.values.reduce(0, +) == 2)
    }
}
