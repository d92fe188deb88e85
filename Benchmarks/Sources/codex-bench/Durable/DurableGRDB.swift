import CDurablePeers
import CodexCore
import Foundation
import GRDB
import MeasuredPaths

/// GRDB with synchronous=FULL, and a table of changes beside the tasks.
final class DurableGRDB {
    private let pool: DatabasePool
    private let count: Int

    init(in directory: String, _ workload: Workload) throws {
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        pool = try openPool(directory + "/tasks.sqlite", isDurable: true)
        count = workload.count
        try pool.write { db in
            try TaskRow.createTable(db)
            try db.create(table: "change") { table in
                table.autoIncrementedPrimaryKey("sequence")
                table.column("task", .text).notNull()
                table.column("image", .blob).notNull()
            }
        }
        try insertTasks(count, into: pool)
        _ = try pool.writeWithoutTransaction { try $0.checkpoint(.truncate) }
    }

    /// Updates random tasks in one transaction, and records each with its new image.
    func update(_ updates: Int, _ random: inout UInt64) throws {
        var draws: [(number: Int, status: Int)] = []
        for _ in 0..<updates {
            let number = durable_below(&random, count)
            draws.append((number, durable_below(&random, CodexFlow.Task.Status.allCases.count)))
        }
        try pool.write { db in
            let select = try db.cachedStatement(
                sql: "SELECT * FROM task WHERE projectID = ? AND id = ?")
            let record = try db.cachedStatement(
                sql: "INSERT INTO change (task, image) VALUES (?, ?)")
            for draw in draws {
                let id = SampleTasks.taskID(draw.number)
                let project = SampleTasks.projectID(draw.number)
                guard var task = try TaskRow.fetchOne(select, arguments: [project, id]) else {
                    fatalError("GRDB: a task is missing")
                }
                let old = task
                task.status = CodexFlow.Task.Status.allCases[draw.status].rawValue
                task.updatedAt = Date()
                // Only the columns that changed are set.
                try task.updateChanges(db, from: old)
                // About as many bytes as an image has; a JSON encoder would take longer than both.
                let image = Data((task.title + (task.body ?? "")).utf8)
                try record.execute(arguments: [id, image])
            }
        }
    }

    func close() throws { try pool.close() }
}
