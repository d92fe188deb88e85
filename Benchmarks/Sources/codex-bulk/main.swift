// What large stores cost: loading, size, building an index under load, several processes.
//
//   codex-bulk [ITEMS]            all four, with so many items (default 200,000; a million to build)
//   codex-bulk write STORE COUNT SEED     what the several processes run

import CBareLMDB
import CodexCore
import CodexStore
import Foundation

let clock = ContinuousClock()
let arguments = CommandLine.arguments

if arguments.count == 5, arguments[1] == "write" {
    let store = try Store(at: arguments[2])
    var random = SplitMix(state: UInt64(arguments[4]) ?? 0)
    for _ in 0..<(Int(arguments[3]) ?? 0) {
        let item = smallItem(random.below(1_000_000))
        try store.write { _ = try $0.put(item, in: "t") }
    }
    store.close()
    exit(0)
}

let itemCount = arguments.count > 1 ? Int(arguments[1]) ?? 200_000 : 200_000
let directory =
    NSTemporaryDirectory() + "/codex-bulk-\(ProcessInfo.processInfo.processIdentifier)"
try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
defer { try? FileManager.default.removeItem(atPath: directory) }

// MARK: Loading and size

func taskItem(_ number: Int) throws -> Item {
    var task = CodexFlow.Task(
        id: try .init(String(format: "t%07d", number)),
        projectID: try .init(String(format: "p%04d", number / 1000)),
        title: "Task number \(number): measure what it costs",
        assigneeID: try .init("u\(number &* 7919 % 500)"),
        status: CodexFlow.Task.Status.allCases[number % 6],
        createdAt: Date(timeIntervalSince1970: 1_762_300_800 + Double(number)))
    task.number = number
    task.body = String(repeating: "What is to be done, said at some length. ", count: 5)
    return try task.item()
}

func measureLoad() async throws {
    let batch = 5000
    var ratios: [Double] = []
    for round in 0..<3 {
        let path = directory + "/load\(round)"
        let store = try Store(at: path, schema: CodexFlow.schema)
        // Made before the clock runs: C has its bytes ready too.
        let items = try (0..<itemCount).map(taskItem)
        var position = 0
        let start = clock.now
        try await store.load(into: CodexFlow.table, batchCount: batch) {
            guard position < items.count else { return nil }
            defer { position += 1 }
            return items[position]
        }
        let codex = seconds(clock.now - start)
        let stats = try store.stats()
        store.close()

        let bare = directory + "/bare\(round)"
        try FileManager.default.createDirectory(atPath: bare, withIntermediateDirectories: true)
        let names = ["t1", "t1.i1", "t1.i2"]
        var sizes = [bare_size](repeating: bare_size(), count: names.count)
        let pointers = names.map { strdup($0) }
        defer { pointers.forEach { free($0) } }
        let peer = pointers.map { $0.map { UnsafePointer($0) } }.withUnsafeBufferPointer { names in
            bare_load(
                path, bare, names.baseAddress, [0, 2, 2], Int32(sizes.count), batch, &sizes)
        }
        guard peer > 0 else { fatalError("the peer failed") }
        ratios.append(peer / codex)
        let parts = String(
            format: "%@ items/s, C %@ items/s", text(Double(itemCount) / codex),
            text(Double(itemCount) / peer))
        print("load, round \(round + 1): \(parts), ratio \(text(peer / codex))")
        if round == 2 {
            let trees = stats.trees.filter { $0.entryCount > 0 }
            for (tree, size) in zip(trees.filter { $0.entryCount == itemCount }, sizes) {
                print(
                    "size of \(tree.index ?? "the table"): "
                        + "\(text(Double(tree.byteCount) / Double(size.bytes))) "
                        + "times its keys and values")
            }
        }
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.removeItem(atPath: bare)
    }
    print("load: median ratio \(text(ratios.sorted()[1])) (goal 0.7)\n")
}

// MARK: Building an index under load

func smallItem(_ number: Int) -> Item {
    [
        "p": .string("p\(number % 1000)"), "s": .string("s\(number)"),
        "g": .string("g\(number &* 7919 % 5000)"), "v": .number(Number(number)),
        "text": "Something that is said of an item, so that it has a size.",
    ]
}

let smallSchema = Schema(tables: [
    TableDefinition("t", partitionKey: KeyAttribute("p"), sortKey: KeyAttribute("s"))
])

/// Latencies of one kind of call, in seconds.
struct Latencies: Sendable {
    var samples: [Double] = []
    func quantile(_ share: Double) -> Double {
        let sorted = samples.sorted()
        return sorted.isEmpty ? 0 : sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
    }
}

/// Reads on one thread and writes on another until `isDone`.
func load(
    _ store: Store, _ count: Int, until isDone: @escaping @Sendable () -> Bool
) async throws -> (reads: Latencies, writes: Latencies) {
    async let reads = Task.detached {
        var random = SplitMix(state: 1)
        var latencies = Latencies()
        while !isDone() {
            let number = random.below(count)
            let key = PrimaryKey(.string("p\(number % 1000)"), .string("s\(number)"))
            let start = clock.now
            _ = try store.item(in: "t", key: key)
            latencies.samples.append(seconds(clock.now - start))
        }
        return latencies
    }.value
    async let writes = Task.detached {
        var random = SplitMix(state: 2)
        var latencies = Latencies()
        while !isDone() {
            let item = smallItem(random.below(count))
            let start = clock.now
            try await store.put(item, in: "t")
            latencies.samples.append(seconds(clock.now - start))
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
    print("index of \(count) items built in \(text(duration)) s under load")
    for (name, without, with) in [
        ("reads", idle.reads, busy.reads), ("writes", idle.writes, busy.writes),
    ] {
        print(
            "\(name): p99 \(micro(without.quantile(0.99))) without, "
                + "\(micro(with.quantile(0.99))) while building; longest "
                + "\(micro(without.quantile(1))) and \(micro(with.quantile(1))); "
                + "\(without.samples.count) and \(with.samples.count) calls")
    }
    print(
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
            process.executableURL = URL(fileURLWithPath: arguments[0])
            process.arguments = ["write", path, "\(count / processCount)", "\(seed + number)"]
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
        print("processes: one \(text(one)) commits/s, four together \(text(four))")
    }
    print("processes: median ratio \(text(ratios.sorted()[2])) (goal 0.8)")
}

// MARK: Text and numbers

func seconds(_ duration: Duration) -> Double { duration / .seconds(1) }
func text(_ value: Double) -> String { String(format: value < 100 ? "%.2f" : "%.0f", value) }
func micro(_ value: Double) -> String { String(format: "%.0f µs", value * 1e6) }

struct SplitMix {
    var state: UInt64

    mutating func below(_ bound: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((mixed ^ (mixed >> 31)) % UInt64(bound))
    }
}

try await measureLoad()
try await measureBuild()
try await measureProcesses()
