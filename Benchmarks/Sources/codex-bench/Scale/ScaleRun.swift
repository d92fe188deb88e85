import ArgumentParser
import CodexCore
import CodexStore
import Foundation
import MeasuredPaths

/// What reads and writes take, and how much room, in stores of growing size.
struct Scale: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "The same points with 10 thousand up to 10 million tasks.")

    @OptionGroup var scratch: Scratch
    @Option(help: "How many tasks there are, one store after the other.")
    var counts = [10_000, 100_000, 1_000_000]
    @Option(help: "Where the chart is written; nowhere unless given.")
    var results: String?

    func run() async throws {
        try await scratch.use { directory in
            let run = try await ScaleRun.measure(counts, in: directory)
            run.printTable()
            if let results { try run.writeChart(to: results) }
        }
    }
}

/// The figures of stores of several sizes.
struct ScaleRun {
    struct Point {
        let count: Int
        /// Nanoseconds of a typed read by key, rounds.
        var get: [Double] = []
        /// Nanoseconds an item of a query of 100 by the table's key, and of 50 by an index.
        var query: [Double] = []
        var indexQuery: [Double] = []
        /// Microseconds of an update that is not flushed.
        var update: [Double] = []
        /// Items loaded in a second.
        var loadRate = 0.0
        var fileByteCount = 0
        var memoryByteCount = 0
        var depth = 0
    }

    private(set) var points: [Point] = []

    static func measure(_ counts: [Int], in directory: String) async throws -> ScaleRun {
        var run = ScaleRun()
        for count in counts { run.points.append(try await measure(count, in: directory)) }
        return run
    }

    private static let rounds = 5

    private static func measure(_ count: Int, in directory: String) async throws -> Point {
        note("scale: \(count) tasks")
        let path = directory + "/scale-\(count)"
        var point = Point(count: count)
        var options = StoreOptions(durability: .none)
        options.sweepInterval = nil
        let loading = try Store(at: path, schema: Workload.schema, options: options)
        let start = ContinuousClock.now
        let workload = Workload(count: count)
        try await workload.load(into: loading)
        point.loadRate = Double(count) / seconds(.now - start)
        loading.close()
        point.fileByteCount = try StoreSizes(path).dataByteCount

        let store = try Store(at: path, options: options)
        var random = SplitMix64(seed: 3)
        for _ in 0...rounds {
            let numbers = (0..<20_000).map { _ in random.below(count) }
            let lookups = try numbers.map { number in
                Lookup<CodexFlow.Task>.task(
                    try .init(SampleTasks.taskID(number)),
                    in: try .init(SampleTasks.projectID(number)))
            }
            point.get.append(
                try nanoseconds(lookups.count) {
                    var sum: UInt64 = 0
                    for lookup in lookups { sum &+= try store.get(lookup) == nil ? 0 : 1 }
                    require(sum, lookups.count)
                    return sum
                })
            let projects = try (0..<200).map { _ in
                try CodexFlow.Project.ID(SampleTasks.projectID(random.below(max(1, count - 1000))))
            }
            point.query.append(
                try nanoseconds(projects.count * 100) {
                    var sum: UInt64 = 0
                    for project in projects {
                        sum &+= UInt64(try store.query(.tasks(in: project), limit: 100).items.count)
                    }
                    require(sum, projects.count * 100)
                    return sum
                })
            let users = (0..<200).map { _ in "USER#" + SampleTasks.userID(random.below(count)) }
            let size = min(50, count / SampleTasks.userCount)
            point.indexQuery.append(
                try nanoseconds(users.count * size) {
                    var sum: UInt64 = 0
                    for user in users {
                        let query = Query<CodexFlow.Task>(
                            TableQuery(
                                table: CodexFlow.table, index: "assignee",
                                partition: [.string(user)]))
                        sum &+= UInt64(try store.query(query, limit: size).items.count)
                    }
                    require(sum, users.count * size)
                    return sum
                })
            var state = random.next()
            point.update.append(
                try nanoseconds(2000) {
                    for _ in 0..<2000 {
                        let change = workload.change(&state)
                        try store.write { transaction in
                            _ = try transaction.update(
                                in: CodexFlow.table, key: change.key, change.update)
                        }
                    }
                    return 1
                } / 1000)
        }
        // The first round does not count.
        for figures in [\Point.get, \.query, \.indexQuery, \.update] {
            point[keyPath: figures].removeFirst()
        }
        point.memoryByteCount = residentByteCount()
        point.depth = try store.stats().trees.map(\.depth).max() ?? 0
        store.close()
        try FileManager.default.removeItem(atPath: path)
        return point
    }

    private static func require(_ found: UInt64, _ expected: Int) {
        guard found == UInt64(expected) else { fatalError("\(found) of \(expected) were found") }
    }

    /// The memory of this process that no file stands for.
    private static func residentByteCount() -> Int {
        let text = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        for line in text.split(separator: "\n") where line.hasPrefix("RssAnon:") {
            let digits = line.filter(\.isNumber)
            return (Int(digits) ?? 0) * 1024
        }
        return 0
    }

    func printTable() {
        say("\nGrowth, medians of \(Self.rounds) rounds")
        for point in points {
            say(
                "  \(point.count) tasks: data file \(text(Double(point.fileByteCount) / 1_048_576)) MiB, "
                    + "memory besides it \(text(Double(point.memoryByteCount) / 1_048_576)) MiB, "
                    + "trees of up to \(point.depth) levels, loaded at \(text(point.loadRate)) tasks/s"
            )
            row("get, typed, ns", point.get)
            row("query of 100, typed, ns an item", point.query)
            let size = min(50, point.count / SampleTasks.userCount)
            row("query of \(size) by a KEYS_ONLY index, ns an item", point.indexQuery)
            row("update, not flushed, µs", point.update)
        }
    }

    /// How much of the speed of typed reads is to be left at least, with a hundred times the tasks.
    private static let goal = 0.55

    /// Adds what is left of the speed of typed reads with a hundred times as many tasks.
    func add(to report: inout HeadlineReport) {
        let name = "get-typed at 10 M items"
        guard let small = points.first(where: { $0.count == 100_000 }),
            let large = points.first(where: { $0.count == 10_000_000 })
        else {
            report.add(.notMeasured(name, peerName: "Codex at 100,000 items", goal: Self.goal))
            return
        }
        report.add(
            Figure(
                name, ours: large.get, peer: small.get, peerName: "Codex at 100,000 items",
                unit: "ns", goal: Self.goal))
    }

    func writeChart(to directory: String) throws {
        let series: [(String, (Point) -> Double)] = [
            ("get, ns", { $0.get.median ?? 0 }),
            ("query, ns an item", { $0.query.median ?? 0 }),
            ("index, ns an item", { $0.indexQuery.median ?? 0 }),
            ("file, bytes a task", { Double($0.fileByteCount) / Double($0.count) }),
        ]
        try BarChart(
            title: "Growth", unit: "by the number of tasks",
            labels: points.map { "\($0.count)" },
            series: series.map { name, value in .init(name: name, values: points.map(value)) }
        ).write(to: directory + "/growth.svg")
    }
}
