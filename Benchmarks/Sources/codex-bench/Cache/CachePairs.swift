import Codex
import Foundation
import GRDB

/// A user as one would keep it in SQLite, and as JSON in Redis.
private struct UserRow: Codable, FetchableRecord, PersistableRecord {
    static let databaseTableName = "user"

    let id: String
    let email: String
    let name: String
    let role: String
    let state: String
    let createdAt: Date
}

/// Cached reads beside Redis on loopback, and a cache before a store beside Redis before SQLite.
///
/// Both have room for about a tenth of the users.
struct CachePairs {
    private static let userCount = 100_000
    private static let roomCount = 10_000

    let directory: String
    let rounds: Int
    /// Reads of all users in a round.
    let readCount: Int

    func measure(_ report: inout HeadlineReport) async throws {
        let names = [
            ("cached-get", "Redis GET", 250.0), ("seed's read path", "Redis, then GRDB", 20),
        ]
        guard let redis = try Redis(in: directory) else {
            for (name, peer, goal) in names {
                report.add(.notMeasured(name, peerName: peer, goal: goal))
            }
            return
        }
        defer { redis.close() }
        let store = try Store(at: directory + "/users", schema: CodexFlow.schema)
        let pool = try openPool(directory + "/users.sqlite")
        try await fill(store, pool)
        var policy = CachePolicy.codexFlow
        policy.maximumEntries = Self.roomCount
        report.add(try hits(store, policy, redis, pool))
        report.add(try readPath(store, policy, redis, pool))
        try pool.close()
        store.close()
    }

    private static func user(_ number: Int) throws -> CodexFlow.User {
        CodexFlow.User(
            id: try .init("u\(number)"), email: "u\(number)@example.com",
            name: "User number \(number)", role: .member, state: .active,
            createdAt: Date(timeIntervalSince1970: 1_700_000_000))
    }

    private static func row(_ number: Int) -> UserRow {
        UserRow(
            id: "u\(number)", email: "u\(number)@example.com", name: "User number \(number)",
            role: "member", state: "active", createdAt: Date(timeIntervalSince1970: 1_700_000_000))
    }

    private func fill(_ store: Store, _ pool: DatabasePool) async throws {
        note("writing \(Self.userCount) users")
        for first in stride(from: 0, to: Self.userCount, by: 5000) {
            try await store.write { transaction in
                for number in first..<first + 5000 { try transaction.put(Self.user(number)) }
            }
        }
        try await pool.write { db in
            try db.create(table: "user", options: .withoutRowID) { table in
                table.primaryKey("id", .text)
                for name in ["email", "name", "role", "state"] { table.column(name, .text) }
                table.column("createdAt", .datetime)
            }
            for number in 0..<Self.userCount { try Self.row(number).insert(db) }
        }
    }

    /// A thousand users that are cached on both sides.
    ///
    /// Redis's bytes are not decoded.
    private func hits(
        _ store: Store, _ policy: CachePolicy, _ redis: Redis, _ pool: DatabasePool
    ) throws -> Figure {
        let cache = try StoreCache(store, policy: policy)
        let ids = try (0..<1000).map { try CodexFlow.User.ID("u\($0)") }
        let keys = (0..<1000).map { "user:u\($0)" }
        for _ in 0..<3 { for id in ids { _ = try cache.get(.user(id)) } }
        let encoder = JSONEncoder()
        for number in keys.indices { redis.set(keys[number], try encoder.encode(Self.row(number))) }
        let pair = try interleave(rounds) {
            try nanoseconds(ids.count * 100) {
                var sum: UInt64 = 0
                for _ in 0..<100 {
                    for id in ids {
                        guard let user = try cache.get(.user(id)) else { fatalError("no user") }
                        sum &+= UInt64(user.name.utf8.count)
                    }
                }
                return sum
            }
        } _: {
            nanoseconds(keys.count * 4) {
                var sum: UInt64 = 0
                for _ in 0..<4 {
                    for key in keys {
                        guard let count = redis.get(key, { $0.count }) else {
                            fatalError("no user")
                        }
                        sum &+= UInt64(count)
                    }
                }
                return sum
            }
        }
        return Figure(
            "cached-get", ours: pair.ours, peer: pair.peer, peerName: "Redis GET", unit: "ns",
            goal: 250)
    }

    /// The same zipfian reads of all users: from the cache, else from the database and into it.
    private func readPath(
        _ store: Store, _ policy: CachePolicy, _ redis: Redis, _ pool: DatabasePool
    ) throws -> Figure {
        let cache = try StoreCache(store, policy: policy)
        let (encoder, decoder) = (JSONEncoder(), JSONDecoder())
        let zipfian = Zipfian(Self.userCount)
        var random = SplitMix64(seed: 1)
        let numbers = (0..<(rounds + 1) * readCount).map { _ in zipfian.next(&random) }
        func user(_ number: Int) throws -> UserRow {
            let key = "user:u\(number)"
            let hit = try redis.get(key) { bytes in
                try decoder.decode(UserRow.self, from: Data(bytes))
            }
            if let hit { return hit }
            let found = try pool.read { db in
                try UserRow.fetchOne(
                    db, sql: "SELECT * FROM user WHERE id = ?", arguments: ["u\(number)"])
            }
            guard let found else { fatalError("a user is missing") }
            redis.set(key, try encoder.encode(found))
            return found
        }
        for number in numbers.prefix(1000) {
            guard try user(number).id == cache.get(.user(.init("u\(number)")))?.id.rawValue else {
                fatalError("another user was read")
            }
        }
        // Each round has numbers of its own, the same on both sides.
        var (ourStart, peerStart) = (0, 0)
        let pair = try interleave(rounds) {
            try nanoseconds(readCount) {
                var sum: UInt64 = 0
                defer { ourStart += readCount }
                for number in numbers[ourStart..<ourStart + readCount] {
                    let user = try cache.get(.user(.init("u\(number)")))
                    sum &+= UInt64(user?.name.utf8.count ?? 0)
                }
                return sum
            }
        } _: {
            try nanoseconds(readCount) {
                var sum: UInt64 = 0
                defer { peerStart += readCount }
                for number in numbers[peerStart..<peerStart + readCount] {
                    sum &+= UInt64(try user(number).name.utf8.count)
                }
                return sum
            }
        }
        return Figure(
            "seed's read path", ours: pair.ours, peer: pair.peer, peerName: "Redis, then GRDB",
            unit: "ns", goal: 20)
    }
}
