import CBareLMDB
import CodexCore
import CodexStore
import Foundation
import GRDB
import MeasuredPaths

/// Reads of Codex beside bare LMDB, on a copy of the same file, and GRDB, with the same tasks.
///
/// The copy is needed since a process must not open an environment twice.
final class ReadPairs {
    /// The store whose indexes of whole tasks are references.
    private let store: Store
    /// The same tasks, whose indexes are copies of them.
    private let copiesStore: Store
    private let bare: OpaquePointer
    private let pool: DatabasePool
    private let rounds: Int

    /// The keys that are read: as C has them, as Codex has them, as GRDB has them.
    private let keys: [[UInt8]]
    private let lookups: [Lookup<CodexFlow.Task>]
    private let rowKeys: [[String]]
    /// Projects, of which the first hundred tasks are read.
    private let projects: [String]
    private let users: [String]

    init(
        _ store: Store, copies copiesStore: Store, bare path: String, _ pool: DatabasePool,
        count: Int, rounds: Int
    ) throws {
        guard let bare = bare_open(path, "t1") else { fatalError("cannot open the copy") }
        (self.store, self.copiesStore) = (store, copiesStore)
        (self.bare, self.pool, self.rounds) = (bare, pool, rounds)
        var random = SplitMix64(seed: 42)
        let numbers = (0..<20_000).map { _ in random.below(count) }
        rowKeys = numbers.map { [SampleTasks.projectID($0), SampleTasks.taskID($0)] }
        keys = rowKeys.map { Array("PROJECT#\($0[0])\0TASK#\($0[1])".utf8) }
        lookups = rowKeys.map { key in
            Lookup(
                .primaryKey(PrimaryKey(.string("PROJECT#" + key[0]), .string("TASK#" + key[1]))))
        }
        projects = (0..<200).map { _ in SampleTasks.projectID(random.below(max(1, count - 1000))) }
        users = (0..<200).map { _ in SampleTasks.userID(random.below(count)) }
        try requireSame(numbers)
    }

    func close() { bare_close(bare) }

    /// What is read is what was written, on both sides.
    private func requireSame(_ numbers: [Int]) throws {
        for (position, number) in numbers.prefix(2000).enumerated() {
            let task = try SampleTasks.task(number)
            let row = try pool.read { db in try Self.fetch(rowKeys[position], db) }
            guard try store.get(lookups[position]) == task, row == TaskRow(task) else {
                fatalError("a task reads back differently")
            }
        }
        for user in users.prefix(20) {
            let ours = try store.query(tasks(of: user), limit: 50).items
            let copies = try copiesStore.query(tasks(of: user), limit: 50).items
            let theirs = try pool.read { db in try Self.fetchTasks(of: user, db) }
            let all = ours.map { $0.assigneeID?.rawValue } + theirs.map(\.assigneeID)
            guard ours == copies, ours.count == theirs.count, all.allSatisfy({ $0 == user }) else {
                fatalError("an index query reads something else")
            }
        }
    }

    private static func fetch(_ key: [String], _ db: Database) throws -> TaskRow? {
        try TaskRow.fetchOne(
            db, sql: "SELECT * FROM task WHERE projectID = ? AND id = ?",
            arguments: StatementArguments(key))
    }

    private static func fetchTasks(of user: String, _ db: Database) throws -> [TaskRow] {
        try TaskRow.fetchAll(
            db, sql: "SELECT * FROM task WHERE assigneeID = ? LIMIT 50", arguments: [user])
    }

    private func tasks(of user: String) throws -> Query<CodexFlow.Task> {
        .tasks(assignedTo: try .init(user))
    }

    // MARK: Pairs

    func measure(_ report: inout HeadlineReport) throws {
        report.add(try getView())
        report.add(try getTyped())
        report.add(try getTypedBesideGRDB())
        report.add(try queryViews())
        report.add(try queryTyped())
        report.add(try indexQuery("copies", copiesStore, goal: 13))
        report.add(try indexQuery("references", store, goal: 7))
    }

    private func getView() throws -> Figure {
        let pair = try interleave(rounds) {
            try nanoseconds(keys.count) {
                try store.read { snapshot in
                    var sum: UInt64 = 0
                    for lookup in lookups {
                        sum = try snapshot.view(lookup) { fold($0, sum) } ?? 0
                    }
                    return sum
                }
            }
        } _: {
            nanoseconds(keys.count) { withKeys(keys) { bare_gets(bare, $0, $1, $2) } }
        }
        return Figure(
            "get-view", ours: pair.ours, peer: pair.peer, peerName: "bare mdb_get", unit: "ns",
            goal: 0.9)
    }

    private func getTyped() throws -> Figure {
        let pair = try interleave(rounds) {
            try typedGets(keys.count)
        } _: {
            nanoseconds(keys.count) { withKeys(keys) { bare_renewed_gets(bare, $0, $1, $2) } }
        }
        return Figure(
            "get-typed", ours: pair.ours, peer: pair.peer, peerName: "bare renew, get, reset",
            unit: "ns", goal: 0.64)
    }

    private func typedGets(_ count: Int) throws -> Double {
        try nanoseconds(count) {
            var sum: UInt64 = 0
            for lookup in lookups.prefix(count) {
                if let task = try store.get(lookup) { sum &+= digest(task) }
            }
            return sum
        }
    }

    private func getTypedBesideGRDB() throws -> Figure {
        let some = rowKeys.prefix(2000)
        let pair = try interleave(rounds) {
            try typedGets(some.count)
        } _: {
            try nanoseconds(some.count) {
                var sum: UInt64 = 0
                for key in some {
                    let row = try pool.read { db in try Self.fetch(key, db) }
                    if let row { sum &+= digest(row) }
                }
                return sum
            }
        }
        return Figure(
            "get-typed", ours: pair.ours, peer: pair.peer, peerName: "GRDB fetchOne", unit: "ns",
            goal: 20)
    }

    private func queryViews() throws -> Figure {
        let queries = try projects.map { Query<CodexFlow.Task>.tasks(in: try .init($0)) }
        let starts = projects.map { Array("PROJECT#\($0)\0TASK#".utf8) }
        let pair = try interleave(rounds) {
            try nanoseconds(queries.count * 100) {
                try store.read { snapshot in
                    var sum: UInt64 = 0
                    for query in queries {
                        var count = 0
                        try snapshot.forEach(query) { view in
                            sum = fold(view, sum)
                            count += 1
                            return count < 100
                        }
                    }
                    return sum
                }
            }
        } _: {
            nanoseconds(queries.count * 100) {
                withKeys(starts) { bare_walks(bare, $0, $1, $2, 100) }
            }
        }
        return Figure(
            "query-100-views", ours: pair.ours, peer: pair.peer, peerName: "bare cursor",
            unit: "ns/item", goal: 0.92)
    }

    private func queryTyped() throws -> Figure {
        try typedPair("query-100-typed", of: projects, 100, goal: 6) { project in
            try store.query(.tasks(in: try .init(project)), limit: 100).items
        } peer: { project, db in
            try TaskRow.fetchAll(
                db, sql: "SELECT * FROM task WHERE projectID = ? LIMIT 100", arguments: [project])
        }
    }

    private func indexQuery(_ layout: String, _ store: Store, goal: Double) throws -> Figure {
        try typedPair("index-query-50-typed, \(layout)", of: users, 50, goal: goal) { user in
            try store.query(try tasks(of: user), limit: 50).items
        } peer: { user, db in
            try Self.fetchTasks(of: user, db)
        }
    }

    /// Queries that read `count` tasks each, as typed values on both sides.
    private func typedPair(
        _ name: String, of keys: [String], _ count: Int, goal: Double,
        ours: (String) throws -> [CodexFlow.Task],
        peer: (String, Database) throws -> [TaskRow]
    ) throws -> Figure {
        let pair = try interleave(rounds) {
            try nanoseconds(keys.count * count) {
                var sum: UInt64 = 0
                for key in keys { for task in try ours(key) { sum &+= digest(task) } }
                return sum
            }
        } _: {
            try nanoseconds(keys.count * count) {
                var sum: UInt64 = 0
                for key in keys {
                    for row in try pool.read({ db in try peer(key, db) }) { sum &+= digest(row) }
                }
                return sum
            }
        }
        return Figure(
            name, ours: pair.ours, peer: pair.peer, peerName: "GRDB fetchAll", unit: "ns/item",
            goal: goal)
    }
}

// MARK: Reading every byte

@inline(__always)
private func fold(_ view: borrowing ItemView, _ sum: UInt64) -> UInt64 {
    view.withStoredBytes { bytes in
        bytes.withUnsafeBufferPointer { bare_fold(sum, $0.baseAddress, $0.count) }
    }
}

private func digest(_ task: CodexFlow.Task) -> UInt64 {
    var sum = task.id.rawValue.utf8.count + task.projectID.rawValue.utf8.count
    sum += task.title.utf8.count + (task.assigneeID?.rawValue.utf8.count ?? 0)
    sum += (task.number ?? 0) + (task.body?.utf8.count ?? 0) + (task.status == .done ? 1 : 0)
    sum += Int(task.createdAt?.timeIntervalSince1970 ?? 0)
    return UInt64(sum)
}

private func digest(_ row: TaskRow) -> UInt64 {
    var sum = row.id.utf8.count + row.projectID.utf8.count
    sum += row.title.utf8.count + (row.assigneeID?.utf8.count ?? 0)
    sum += (row.number ?? 0) + (row.body?.utf8.count ?? 0) + (row.status == "done" ? 1 : 0)
    sum += Int(row.createdAt?.timeIntervalSince1970 ?? 0)
    return UInt64(sum)
}

/// Lends C the addresses of keys.
private func withKeys(
    _ keys: [[UInt8]],
    _ body: (UnsafePointer<UnsafePointer<UInt8>?>, UnsafePointer<Int>, Int) -> UInt64
) -> UInt64 {
    let flat = keys.flatMap { $0 }
    let lengths = keys.map(\.count)
    var offsets: [Int] = []
    var offset = 0
    for length in lengths {
        offsets.append(offset)
        offset += length
    }
    return flat.withUnsafeBufferPointer { buffer in
        let pointers = offsets.map { offset in buffer.baseAddress.map { $0 + offset } }
        return pointers.withUnsafeBufferPointer { pointers in
            lengths.withUnsafeBufferPointer { lengths in
                guard let pointers = pointers.baseAddress, let lengths = lengths.baseAddress else {
                    fatalError("no keys")
                }
                return body(pointers, lengths, keys.count)
            }
        }
    }
}
