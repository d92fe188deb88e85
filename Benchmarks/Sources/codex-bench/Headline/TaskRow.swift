import CodexCore
import Foundation
import GRDB
import MeasuredPaths

/// A task as a user of GRDB would keep it: a `Codable` record with a column for each field that is
/// one value, keyed by project and task, an index on status and one on assignee.
struct TaskRow: Codable, FetchableRecord, PersistableRecord, Equatable {
    static let databaseTableName = "task"

    var projectID: String
    var id: String
    var title: String
    var assigneeID: String?
    var number: Int?
    var body: String?
    var kind: String?
    var status: String?
    var priority: String?
    var estimate: Int?
    var complexity: Int?
    var reporterID: String?
    var dueDate: String?
    var parentID: String?
    var cycleID: String?
    var rank: String?
    var reopenCount: Int?
    var startedAt: Date?
    var completedAt: Date?
    var canceledAt: Date?
    var statusChangedAt: Date?
    var archivedAt: Date?
    var createdAt: Date?
    var updatedAt: Date?

    init(_ task: CodexFlow.Task) {
        projectID = task.projectID.rawValue
        id = task.id.rawValue
        title = task.title
        assigneeID = task.assigneeID?.rawValue
        number = task.number
        body = task.body
        kind = task.kind?.rawValue
        status = task.status?.rawValue
        priority = task.priority?.rawValue
        estimate = task.estimate
        createdAt = task.createdAt
        updatedAt = task.updatedAt
    }

    static func createTable(_ db: Database) throws {
        try db.create(table: databaseTableName, options: .withoutRowID) { table in
            table.primaryKey {
                table.column("projectID", .text)
                table.column("id", .text)
            }
            table.column("title", .text).notNull()
            for name in ["assigneeID", "body", "kind", "status", "priority", "reporterID"] {
                table.column(name, .text)
            }
            for name in ["number", "estimate", "complexity", "reopenCount"] {
                table.column(name, .integer)
            }
            for name in ["dueDate", "parentID", "cycleID", "rank"] { table.column(name, .text) }
            for name in [
                "startedAt", "completedAt", "canceledAt", "statusChangedAt", "archivedAt",
                "createdAt", "updatedAt",
            ] { table.column(name, .datetime) }
        }
        try db.create(index: "taskOnStatus", on: databaseTableName, columns: ["status"])
        try db.create(index: "taskOnAssignee", on: databaseTableName, columns: ["assigneeID"])
    }
}

/// Opens a database as GRDB's documentation recommends for several readers: a pool, in WAL mode.
///
/// With `isDurable`, it has `synchronous=FULL`, which is checked to be in force.
func openPool(_ path: String, isDurable: Bool = false) throws -> DatabasePool {
    let pool = try DatabasePool(path: path)
    if isDurable {
        // The one connection that writes; GRDB sets NORMAL when it opens a pool.
        try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
    }
    let (mode, level) = try pool.writeWithoutTransaction { db in
        (
            try String.fetchOne(db, sql: "PRAGMA journal_mode"),
            try Int.fetchOne(db, sql: "PRAGMA synchronous")
        )
    }
    guard mode == "wal", !isDurable || level == 2 else {
        fatalError("SQLite is set up as \(mode ?? "?") with synchronous \(level ?? -1)")
    }
    return pool
}

/// Inserts tasks, 20,000 a transaction.
func insertTasks(_ count: Int, into pool: DatabasePool) throws {
    for start in stride(from: 0, to: count, by: 20_000) {
        try pool.write { db in
            for number in start..<min(start + 20_000, count) {
                try TaskRow(SampleTasks.task(number)).insert(db)
            }
        }
    }
}
