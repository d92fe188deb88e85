import CodexCore
import CodexStore
import FoundationEssentials

/// The pages of the data file that a commit of updates writes, by cause.
public struct WrittenPages: Sendable {
    /// A cause, and its pages of a commit on average.
    public struct Average: Sendable {
        /// What the pages are of.
        public let cause: String
        /// How many there are.
        public let count: Double
    }

    /// What is updated, and which indexes there are.
    public let name: String
    /// How many updates a commit has.
    public let updateCount: Int
    /// The causes, those with most pages first.
    public let averages: [Average]

    /// Updates of tasks in a store.
    private struct Workload: Sendable {
        let name: String
        let schema: Schema
        /// Makes the update of a task; the second number differs from turn to turn.
        let update: @Sendable (_ number: Int, _ turn: Int) -> Update

        init(
            _ name: String, _ schema: Schema,
            _ update: @escaping @Sendable (_ number: Int, _ turn: Int) -> Update
        ) {
            (self.name, self.schema, self.update) = (name, schema, update)
        }
    }

    /// A title of the same length as that of a sample task: no leaf splits.
    private static func title(_ number: Int, _ turn: Int) -> Update {
        let word = String(100_000 + turn % 100_000).dropFirst()
        return Update().setting(
            Attribute<String>("title"), to: "Task number \(number): measure what it \(word)")
    }

    private static let workloads = [
        Workload(
            "title, indexes ALL as copies",
            SampleTasks.makeSchema(projecting: .all, layout: .copies)
        ) { WrittenPages.title($0, $1) },
        Workload("title, indexes ALL as references", SampleTasks.schema) {
            WrittenPages.title($0, $1)
        },
        Workload("title, indexes KEYS_ONLY", SampleTasks.makeSchema(projecting: .keysOnly)) {
            WrittenPages.title($0, $1)
        },
        Workload(
            "status, indexes KEYS_ONLY on status and assignee",
            MeasuredPath.schema(indexCount: 2)
        ) { _, turn in
            let statuses = MeasuredPath.statuses
            return Update().setting(MeasuredPath.status, to: statuses[turn % statuses.count])
                .setting(
                    Attribute<Date>("updatedAt"),
                    to: Date(timeIntervalSince1970: 1_762_300_800 + Double(turn)))
        },
    ]

    /// Measures commits of one and of 64 updates of random tasks, in a folder for the stores.
    public static func measure(
        in directory: String, taskCount: Int, commitCount: Int = 50
    ) async throws -> [WrittenPages] {
        var measured: [WrittenPages] = []
        for (position, workload) in workloads.enumerated() {
            let path = "\(directory)/\(position)"
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true)
            let store = try await MeasuredPath.makeStore(
                path, taskCount, schema: workload.schema, durability: .none, checkpoints: false)
            defer { store.close() }
            try await store.waitUntilReady()
            for updateCount in [1, 64] {
                measured.append(
                    try measure(store, workload, taskCount, updateCount, commitCount))
            }
        }
        return measured
    }

    private static func measure(
        _ store: Store, _ workload: Workload, _ taskCount: Int, _ updateCount: Int,
        _ commitCount: Int
    ) throws -> WrittenPages {
        var sums: [CommitPages.Cause: Int] = [:]
        var numbers = Shuffle(below: taskCount)
        for commit in 0..<commitCount {
            let changes = (0..<updateCount).map { place in
                let number = numbers.next()
                let turn = commit * updateCount + place
                return (key: MeasuredPath.taskKey(number), update: workload.update(number, turn))
            }
            let pages = try store.pages { transaction in
                for change in changes {
                    _ = try transaction.update(
                        in: CodexFlow.table, key: change.key, change.update)
                }
            }
            sums.merge(pages.counts) { $0 + $1 }
        }
        let averages = sums.map { cause, count in
            Average(cause: text(cause), count: Double(count) / Double(commitCount))
        }
        return WrittenPages(
            name: workload.name, updateCount: updateCount,
            averages: averages.sorted { ($1.count, $0.cause) < ($0.count, $1.cause) })
    }

    private static func text(_ cause: CommitPages.Cause) -> String {
        switch cause {
        case .item: "items"
        case .index(_, let name): "index \(name)"
        case .counter(_, let name): "counter \(name)"
        case .system(let name): name
        case .roots: "roots of the trees"
        case .freeList: "free list"
        }
    }
}
