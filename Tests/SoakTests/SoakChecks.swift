import CodexCore
import CodexStore
import CrashSupport
import Foundation

/// What must be true of the stores of a soak once all processes are gone.
enum SoakChecks {
    /// Sees that all acknowledged groups are there, that consumers have seen each tick once, and
    /// that no session outlives its end.
    ///
    /// - Returns: How many consumers start over, since their changes were not retained.
    static func checkMixed(
        _ path: String, _ groups: [Int: Int64], consumerCount: Int
    ) async throws -> Int {
        _ = try CrashWorkload.check(path, groups)
        let restartCount = try await checkConsumers(path, consumerCount)
        try await checkSessions(path)
        return restartCount
    }

    private static func checkConsumers(_ path: String, _ count: Int) async throws -> Int {
        let store = try Store(at: path, options: .soaking)
        defer { store.close() }
        // The store takes one more write, which all consumers see.
        try await store.write { transaction in try SoakTables.tick(&transaction) }
        let last = try SoakTables.lastTick(store)
        var restartCount = 0
        for number in 0..<count {
            let name = SoakTables.consumer(number)
            if try await SoakTables.catchUp(name, in: store) { restartCount += 1 }
            let seen = try SoakTables.lastSeen(by: name, in: store)
            guard seen == last else {
                throw CrashFinding(description: "\(name) has seen tick \(seen) of \(last)")
            }
        }
        return restartCount
    }

    private static func checkSessions(_ path: String) async throws {
        var options = StoreOptions.soaking
        // All sessions are over by then.
        options.now = { Date(timeIntervalSinceNow: 3600) }
        let store = try Store(at: path, options: options)
        defer { store.close() }
        try await store.removeExpired()
        let count = try SoakTables.storedSessionCount(store)
        guard count == 0 else {
            throw CrashFinding(description: "\(count) sessions are stored after their end")
        }
        try requireSound(store)
    }

    /// Sees that all tables are there, but for one that a killed process was replacing.
    static func checkTables(_ path: String, count: Int) throws {
        let store = try Store(at: path)
        defer { store.close() }
        let found = store.schema.tables.count
        guard found == count || found == count - 1 else {
            throw CrashFinding(description: "\(found) of \(count) tables are there")
        }
        try requireSound(store)
    }

    private static func requireSound(_ store: Store) throws {
        let report = try store.verify()
        guard report.isSound else {
            throw CrashFinding(description: "verify: \(report.differences.prefix(3))")
        }
    }
}
