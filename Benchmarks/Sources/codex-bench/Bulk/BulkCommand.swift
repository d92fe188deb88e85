import ArgumentParser
import CBareLMDB
import CodexCore
import CodexStore
import Foundation

/// What large stores cost: loading, size, building an index under load, several processes.
struct Bulk: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Loading, size, an index build under load, several processes.")

    @OptionGroup var scratch: Scratch
    @Argument(help: "How many items are loaded; five times as many are indexed.")
    var itemCount = 200_000

    func run() async throws {
        try await scratch.use { directory in
            let run = BulkRun(itemCount: itemCount, directory: directory)
            try await run.measureLoad()
            try await run.measureBuild()
            try await run.measureProcesses()
        }
    }
}

/// What the several processes run.
struct BulkWriter: ParsableCommand {
    static let configuration = CommandConfiguration(shouldDisplay: false)

    @Argument var store: String
    @Argument var count: Int
    @Argument var seed: UInt64

    func run() throws {
        let store = try Store(at: store)
        var random = SplitMix64(seed: seed)
        for _ in 0..<count {
            let item = smallItem(random.below(1_000_000))
            try store.write { _ = try $0.put(item, in: "t") }
        }
        store.close()
    }
}

private let clock = ContinuousClock()

private func smallItem(_ number: Int) -> Item {
    [
        "p": .string("p\(number % 1000)"), "s": .string("s\(number)"),
        "g": .string("g\(number &* 7919 % 5000)"), "v": .number(Number(number)),
        "text": "Something that is said of an item, so that it has a size.",
    ]
}

private let smallSchema = Schema(tables: [
    TableDefinition("t", partitionKey: KeyAttribute("p"), sortKey: KeyAttribute("s"))
])

/// The parts, over one folder.
private struct BulkRun {
    let itemCount: Int
    let directory: String

    // MARK: Loading and size

    func measureLoad() async throws {
        let rounds = try await measureLoads(of: itemCount, rounds: 3, in: directory)
        for (ours, peer) in zip(rounds.ours, rounds.peer) {
            say("load: \(text(ours)) items/s, C \(text(peer)) items/s")
        }
        for (tree, size) in rounds.sizes {
            say("size of \(tree): \(text(size)) times its keys and values")
        }
        let ratio = ratios(rounds.ours, rounds.peer).median ?? 0
        say("load: median ratio \(text(ratio)) (goal \(LoadRounds.goal))\n")
    }

    // MARK: Building an index under load

    /// Reads on one thread and writes on another until `isDone`.
    func load(
        _ store: Store, _ count: Int, until isDone: @escaping @Sendable () -> Bool
    ) async throws -> (reads: Latencies, writes: Latencies) {
        async let reads = Task.detached {
            var random = SplitMix64(seed: 1)
            var latencies = Latencies()
            while !isDone() {
                let number = random.below(count)
                let key = PrimaryKey(.string("p\(number % 1000)"), .string("s\(number)"))
                let start = clock.now
                _ = try store.item(in: "t", key: key)
                latencies.add(nanoseconds(clock.now - start))
            }
            return latencies
        }.value
        async let writes = Task.detached {
            var random = SplitMix64(seed: 2)
            var latencies = Latencies()
            while !isDone() {
                let item = smallItem(random.below(count))
                let start = clock.now
                try await store.put(item, in: "t")
                latencies.add(nanoseconds(clock.now - start))
            }
            return latencies
        }.value
        return (try await reads, try await writes)
    }

    func measureBuild() async throws {
        let count = itemCount * 5
        let path = directory + "/build"
        let store = try Store(at: path, schema: smallSchema)
        // In the order of keys.
        let numbers = (0..<count).sorted {
            ("p\($0 % 1000)", "s\($0)") < ("p\($1 % 1000)", "s\($1)")
        }
        var position = 0
        try await store.load(into: "t") {
            guard position < count else { return nil }
            defer { position += 1 }
            return smallItem(numbers[position])
        }
        let end = clock.now + .seconds(5)
        let idle = try await load(store, count) { clock.now > end }
        let start = clock.now
        try await store.addIndex(
            IndexDefinition(
                "byG", partitionKey: [KeyAttribute("g")], sortKey: [KeyAttribute("v", .number)]),
            to: "t")
        let busy = try await load(store, count) {
            (try? store.buildStatus().allSatisfy { $0.state == .ready }) ?? true
        }
        let duration = seconds(clock.now - start)
        let report = try store.verify()
        guard report.isSound else { fatalError("the index is not sound") }
        say("index of \(count) items built in \(text(duration)) s under load")
        for (name, without, with) in [
            ("reads", idle.reads, busy.reads), ("writes", idle.writes, busy.writes),
        ] {
            say(
                "\(name): p99 \(micro(without.quantile(0.99))) without, "
                    + "\(micro(with.quantile(0.99))) while building; longest "
                    + "\(micro(without.quantile(1))) and \(micro(with.quantile(1))); "
                    + "\(without.count) and \(with.count) calls")
        }
        say(
            "reads' p99: \(text(busy.reads.quantile(0.99) / idle.reads.quantile(0.99))) times (goal 2)\n"
        )
        store.close()
        try FileManager.default.removeItem(atPath: path)
    }

    // MARK: Several processes

    func measureProcesses() async throws {
        let path = directory + "/processes"
        try Store(at: path, schema: smallSchema).close()
        let count = 4000
        func run(_ processCount: Int, _ seed: Int) throws -> Double {
            let start = clock.now
            let processes = try (0..<processCount).map { number in
                let process = Process()
                process.executableURL = URL(fileURLWithPath: CommandLine.arguments[0])
                process.arguments = [
                    "bulk-writer", path, "\(count / processCount)", "\(seed + number)",
                ]
                try process.run()
                return process
            }
            for process in processes { process.waitUntilExit() }
            guard processes.allSatisfy({ $0.terminationStatus == 0 }) else {
                fatalError("a process failed")
            }
            return Double(count) / seconds(clock.now - start)
        }
        var ratios: [Double] = []
        for round in 0..<5 {
            let one = try run(1, round * 10)
            let four = try run(4, round * 10 + 1)
            ratios.append(four / one)
            say("processes: one \(text(one)) commits/s, four together \(text(four))")
        }
        say("processes: median ratio \(text(ratios.sorted()[2])) (goal 0.8)")
    }
}

private func micro(_ value: Double) -> String { String(format: "%.0f µs", value / 1000) }
